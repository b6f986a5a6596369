"""Sessions on a real PostgreSQL: they end without use, at their absolute end, and when they are ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from access.audit import Audit
from access.provider import BegunSignIn
from access.sessions import Pool, Sessions

pytestmark = pytest.mark.stack
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def pool(migrated_database: str) -> AsyncIterator[Pool]:
    async with AsyncConnectionPool(migrated_database, min_size=1, kwargs={"autocommit": True}, open=False) as opened:
        yield opened


@pytest.fixture
def sessions(pool: Pool) -> Sessions:
    return Sessions(pool, idle=15 * MINUTE, longest=timedelta(hours=12))


async def test_a_session_lasts_while_it_is_used_and_not_beyond_its_absolute_end(sessions: Sessions) -> None:
    begun = await sessions.begin("s-102", "board", NOW)
    at = NOW
    while at + 14 * MINUTE < NOW + timedelta(hours=12):
        at += 14 * MINUTE
        used = await sessions.use(begun.token, at)
        assert used is not None and used.person == "s-102"
    assert await sessions.use(begun.token, NOW + timedelta(hours=12)) is None


async def test_a_session_without_use_ends_and_a_page_that_looks_by_itself_is_no_use(sessions: Sessions) -> None:
    begun = await sessions.begin("s-102", "board", NOW)
    assert await sessions.look(begun.token, NOW + 14 * MINUTE) is not None
    assert await sessions.look(begun.token, NOW + 15 * MINUTE) is None
    assert await sessions.use(begun.token, NOW + 15 * MINUTE) is None


async def test_an_ended_session_opens_nothing(sessions: Sessions) -> None:
    one, other = await sessions.begin("s-102", "board", NOW), await sessions.begin("s-102", "cli", NOW)
    anothers = await sessions.begin("s-103", "board", NOW)
    await sessions.end(one, NOW)
    assert await sessions.use(one.token, NOW) is None and await sessions.use(other.token, NOW) is not None
    assert await sessions.use(anothers.token, NOW) is not None


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "' or true --"])
async def test_no_other_token_opens_a_session(sessions: Sessions, token: str) -> None:
    await sessions.begin("s-102", "board", NOW)
    assert await sessions.use(token, NOW) is None


async def test_what_the_database_holds_opens_no_session(sessions: Sessions, migrated_database: str) -> None:
    begun = await sessions.begin("s-102", "board", NOW)
    with psycopg.connect(migrated_database) as connection:
        [row] = connection.execute("select * from access.sessions").fetchall()
    assert begun.token not in str(row)
    assert await sessions.use(bytes(row[0]).hex(), NOW) is None


async def test_a_form_is_made_for_one_session(sessions: Sessions) -> None:
    one, other = await sessions.begin("s-102", "board", NOW), await sessions.begin("s-102", "board", NOW)
    assert one.accepts_form(one.csrf_token()) and not one.accepts_form(other.csrf_token())
    assert not one.accepts_form("") and not one.accepts_form(None) and not one.accepts_form("ä")


async def test_a_sign_in_is_answered_once_and_in_time(sessions: Sessions) -> None:
    begun = BegunSignIn(address="", state="a-state", verifier="v", nonce="n")
    await sessions.ask(begun, "/duties", NOW)
    asked = await sessions.answered("a-state", NOW + 9 * MINUTE)
    assert asked is not None and (asked.verifier, asked.nonce, asked.return_to) == ("v", "n", "/duties")
    assert await sessions.answered("a-state", NOW + 9 * MINUTE) is None
    await sessions.ask(begun, "/duties", NOW)
    assert await sessions.answered("a-state", NOW + 11 * MINUTE) is None


async def test_the_audit_only_grows(pool: Pool, migrated_database: str) -> None:
    audit = Audit(pool)
    await audit.add(NOW, "s-102", "opened-journey", "j-1")
    await audit.add(NOW + MINUTE, "s-103", "exported", about="journeys standing=open")
    looks = await audit.looks()
    assert [(each.person, each.did, each.journey_id) for each in looks] == [
        ("s-103", "exported", None),
        ("s-102", "opened-journey", "j-1"),
    ]
    assert [each.person for each in await audit.looks(journey="j-1")] == ["s-102"]
    assert await audit.looks(before=looks[-1].number) == []
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        for statement in ("update access.audit set person = 'x'", "delete from access.audit", "truncate access.audit"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
