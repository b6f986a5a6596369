"""Clients are found by name and record number, only at the sites where one works, and not after their key is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from intake.facts import Admission, AdmissionKind, Identity, RecordNumber
from intake.finding import MOST, Finder, FoundClient, NothingAsked, TooMany
from intake.indexing import Indexer
from intake.registry import IntakePool, Registry
from intake.service import intake_pool
from tests.clientkeys.memory import MemoryKeyring

pytestmark = pytest.mark.stack

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BORN = date(1987, 6, 11)


def identity(mrn: str, family: str | None, given: str | None = None, **more: Any) -> Identity:
    key = RecordNumber(authority=more.pop("authority", "NORTH"), mrn=mrn)
    return Identity.model_validate({"key": key, "family_name": family, "given_name": given, **more})


@pytest.fixture
async def pool(intake_database: str) -> AsyncIterator[IntakePool]:
    async with intake_pool(intake_database) as opened:
        yield opened


@pytest.fixture
def registry(pool: IntakePool, keyring: MemoryKeyring) -> Registry:
    return Registry(pool, keyring)


@pytest.fixture
def finder(pool: IntakePool, keyring: MemoryKeyring) -> Finder:
    return Finder(pool, keyring)


async def admit(registry: Registry, who: Identity, site: str = "main") -> tuple[UUID, str]:
    """Admits a client; their reference, and their journey's id."""
    admission = Admission(identity=who, visit="V1", occurred_at=NOON, kind=AdmissionKind.ADMITTED)
    journey, _ = await registry.admit(admission, uuid4(), site)
    return journey.client_ref, str(journey.journey_id)


def named(found: list[FoundClient]) -> list[str]:
    return [f"{each.given_name} {each.family_name}" for each in found]


async def test_all_words_must_match_in_any_order_and_way_of_writing(registry: Registry, finder: Finder) -> None:
    ann, journey = await admit(registry, identity("1", "O'Brien-Müller", "Ann", birth_date=BORN))
    await admit(registry, identity("2", "Muller", "Bea"))
    assert named(await finder.by_name("muller", None, None)) == ["Bea Muller", "Ann O'Brien-Müller"]
    [found] = await finder.by_name("ann  MÜLLER", None, None)
    assert (found.client_ref, found.birth_date, found.journeys) == (ann, BORN, ((journey, "main"),))
    assert await finder.by_name("obrienmuller ann", None, None) == await finder.by_name("O\u2019BRIEN", None, None)
    assert await finder.by_name("muller cleo", None, None) == await finder.by_name("mulle", None, None) == []


async def test_the_birth_date_tells_two_of_one_name_apart(registry: Registry, finder: Finder) -> None:
    await admit(registry, identity("1", "Reed", "Ann", birth_date=BORN))
    await admit(registry, identity("2", "Reed", "Ben", birth_date=date(1990, 1, 2)))
    await admit(registry, identity("3", "Reed", "Cleo"))
    assert named(await finder.by_name("reed", BORN, None)) == ["Ann Reed"]
    assert await finder.by_name("reed cleo", BORN, None) == []


@pytest.mark.parametrize("nothing", ["", " -'", " ".join(map(str, range(13)))])
async def test_nobody_is_looked_for_without_a_word_or_with_a_page_of_them(finder: Finder, nothing: str) -> None:
    with pytest.raises(NothingAsked):
        await finder.by_name(nothing, BORN, None)


async def test_a_number_is_found_whoever_issued_it(registry: Registry, finder: Finder) -> None:
    await admit(registry, identity("AB700", "Reed", "Ann"))
    await admit(registry, identity("AB700", "Stone", "Bea", authority="SOUTH"))
    await admit(registry, identity("AB701", "Ab700", "Cleo"))
    assert named(await finder.by_number(" ab 700", None)) == ["Ann Reed", "Bea Stone"]
    assert await finder.by_number("700", None) == []


async def test_who_has_no_journey_at_ones_sites_is_not_there(registry: Registry, finder: Finder) -> None:
    both, first = await admit(registry, identity("1", "Reed", "Ann"), "main")
    await registry.close(first)
    _, second = await admit(registry, identity("1", "Reed", "Ann"), "north")
    for number in range(MOST + 1):
        await admit(registry, identity(f"x{number}", "Reed"), "south")
    [found] = await finder.by_name("reed", None, ["main"])
    assert (found.client_ref, found.journeys) == (both, ((first, "main"),))
    [found] = await finder.by_name("reed", None, ["main", "north"])
    assert [each.journey_id for each in found.journeys] == [second, first]
    assert await finder.by_name("reed", None, ["east"]) == await finder.by_number("x1", ["main"]) == []


async def test_more_than_fit_on_a_page_are_too_many_and_a_further_word_is_asked_for(
    registry: Registry, finder: Finder
) -> None:
    for number in range(MOST):
        await admit(registry, identity(f"{number}", "Reed", f"Ann{number}"))
    assert len(await finder.by_name("reed", None, None)) == MOST
    await admit(registry, identity("last", "Reed", "Bea", birth_date=BORN))
    with pytest.raises(TooMany):
        await finder.by_name("reed", None, None)
    assert named(await finder.by_name("reed bea", None, None)) == named(await finder.by_name("reed", BORN, None))


async def test_a_changed_name_is_found_and_the_old_one_is_not(registry: Registry, finder: Finder) -> None:
    await admit(registry, identity("1", "Reed", "Ann"))
    await registry.update_identity(identity("1", "Stone"), NOON)
    assert named(await finder.by_name("stone ann", None, None)) == ["Ann Stone"]
    assert await finder.by_name("reed", None, None) == []
    await registry.update_identity(identity("1", None, birth_date=BORN), NOON)
    assert len(await finder.by_name("ann", BORN, None)) == 1


async def test_the_index_says_nothing_and_a_destroyed_key_hides_a_client(
    registry: Registry, finder: Finder, keyring: MemoryKeyring, intake_database: str
) -> None:
    ann, _ = await admit(registry, identity("CANARYMRN", "CANARYREED", "Ann", birth_date=BORN))
    await admit(registry, identity("2", "CANARYREED", "Bea"))
    with psycopg.connect(intake_database) as connection:
        kept = connection.execute("select client_ref::text, encode(word_hash, 'escape') from intake.search_words")
        text = str(kept.fetchall())
    assert "CANARY" not in text.upper() and "1987" not in text
    await keyring.destroy(str(ann))
    assert named(await finder.by_name("canaryreed", None, None)) == ["Bea CANARYREED"]


async def test_who_was_kept_before_is_indexed_once_and_again(
    registry: Registry, finder: Finder, keyring: MemoryKeyring, pool: IntakePool, intake_database: str
) -> None:
    gone, _ = await admit(registry, identity("0", "Reed", "Zoe"))
    for number in range(3):
        await admit(registry, identity(f"{number + 1}", "Reed", f"Ann{number}"))
    await keyring.destroy(str(gone))
    whole = words(intake_database)
    with psycopg.connect(intake_database) as connection:
        connection.execute("delete from intake.search_words where client_ref <> %s", [gone])
    told: list[int] = []
    for _ in range(2):
        assert await Indexer(pool, keyring).index(told.append) == 4
    assert words(intake_database) == {each for each in whole if each[0] != gone}
    assert told == [4, 4]
    assert len(await finder.by_name("reed", None, None)) == 3


def words(url: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return set(connection.execute("select client_ref, word_hash from intake.search_words"))
