"""A journey by its reference or its id: to read also by the beginning of the id, to decide never."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cli import which_journey
from cli.output import Exit, Stop
from cli.which_journey import journey_to_decide_on, journey_to_read
from domain.reference import reference
from eventstore import EventStore, PostgresEventStore, open_store
from tests.dashboard.keeping import keep
from tests.domain.walk import enrolled

pytestmark = pytest.mark.stack

ONE, OTHER, THIRD = (
    "3f2a9c41-0b1e-4c55-9d1e-2f6a7b8c9d01",
    "3f2a9c47-7c2d-4e66-8a2f-3a7b8c9d0e12",
    "b0c1d2e3-8d3e-4f77-9b3a-4b8c9d0e1f23",
)


@pytest.fixture(scope="module")
async def store(migrated_url_factory: object) -> AsyncIterator[PostgresEventStore]:
    assert callable(migrated_url_factory)
    async with open_store(migrated_url_factory()) as opened:
        for each in (ONE, OTHER, THIRD):
            await keep(opened, each, enrolled())
        yield opened


@pytest.fixture(autouse=True)
def own_record(store: EventStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record that a decision's reference is looked up in."""

    @asynccontextmanager
    async def there() -> AsyncIterator[EventStore]:
        yield store

    monkeypatch.setattr(which_journey, "the_record", there)


async def called(store: EventStore, journey_id: str) -> str:
    [first, *_] = await store.read(journey_id)
    return reference(first.position)


def wrong(right: str) -> str:
    return right[:-1] + ("0" if right[-1] != "0" else "1")


async def test_by_full_id_and_by_reference_however_it_is_written(store: EventStore) -> None:
    for each in (ONE, OTHER, THIRD):
        right = await called(store, each)
        for written in (each, right, right.lower(), right.replace("-", ""), right.replace("-", " ")):
            assert await journey_to_read(store, written) == await journey_to_decide_on(written) == each, written


async def test_a_beginning_that_one_id_has_is_enough_to_read(store: EventStore) -> None:
    for written, journey in (("b0c1d2", THIRD), ("B0C1D2E3", THIRD), ("3f2a9c41", ONE), (OTHER[:-1], OTHER)):
        assert await journey_to_read(store, written) == journey, written


async def test_a_beginning_that_several_have_says_how_many_and_not_which(store: EventStore) -> None:
    with pytest.raises(Stop, match=r"^2 journeys have ids that begin like that") as stopped:
        await journey_to_read(store, "3f2a9c4")
    assert stopped.value.code == Exit.USAGE
    assert "3f2a9c4" not in stopped.value.line


@pytest.mark.parametrize("written", ["b0c1d", "b0c1d2ff", "client/x", "nobody", "%", "0" * 36])
async def test_what_is_none_is_not_found(store: EventStore, written: str) -> None:
    with pytest.raises(Stop, match="no journey with that id or reference") as stopped:
        await journey_to_read(store, written)
    assert stopped.value.code == Exit.NOT_FOUND


async def test_a_wrong_character_of_a_reference_is_said_and_finds_nothing(store: EventStore) -> None:
    slip = wrong(await called(store, ONE))
    for refused in (journey_to_read(store, slip), journey_to_decide_on(slip)):
        with pytest.raises(Stop, match="a character of that reference is wrong") as stopped:
            await refused
        assert stopped.value.code == Exit.USAGE


async def test_a_reference_of_no_journey_is_not_found(store: EventStore) -> None:
    between = reference((await store.read(ONE))[1].position)  # an event, and not the first of a journey
    for written in (between, reference(10**6), reference(0)):
        for refused in (journey_to_read(store, written), journey_to_decide_on(written)):
            with pytest.raises(Stop) as stopped:
                await refused
            assert stopped.value.code == Exit.NOT_FOUND, written


@pytest.mark.parametrize("part", ["b0c1d2", THIRD[:-1], "3f2a9c4"])
async def test_a_decision_takes_no_part_of_an_id(part: str) -> None:
    with pytest.raises(Stop, match=re.escape("not a part of its id")) as stopped:
        await journey_to_decide_on(part)
    assert stopped.value.code == Exit.USAGE


async def test_a_full_id_that_is_not_on_record_is_left_to_temporal() -> None:
    assert await journey_to_decide_on("00000000-0000-4000-8000-000000000000") == "00000000-0000-4000-8000-000000000000"
