"""From the record to the journeys: each is told what changed, once it matters, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import psycopg
import pytest

from attendance.entering import SessionEntry
from attendance.listing import sessions_of_day, sessions_on_record, untold
from attendance.telling import run_attendance
from domain.sessions.attendance import Attendance, attendance_of
from domain.sessions.facts import Entry
from eventstore import EventStore, open_store
from intake.gate import GateUnavailable, JourneyEnded
from record.codec import to_record as journey_event
from tests.domain.test_sessions import entries, session
from tests.domain.walk import MONDAY, opened

NOW = MONDAY + timedelta(days=10)
PATIENCE = 20.0


@dataclass
class Gate:
    """Writes down what it is told. `failures` calls raise after they took effect, as when an answer is lost."""

    told: list[tuple[str, int, Attendance]] = field(default_factory=list)
    failures: int = 0
    ended: set[str] = field(default_factory=set)

    async def note_attendance(self, journey_id: str, entries: int, known: Attendance) -> None:
        if journey_id in self.ended:
            raise JourneyEnded("it has ended")
        self.told.append((journey_id, entries, known))
        if self.failures:
            self.failures -= 1
            raise GateUnavailable("no answer")


@pytest.fixture
async def store(migrated_database: str) -> AsyncIterator[EventStore]:
    async with open_store(migrated_database) as opened_store:
        yield opened_store


async def open_journeys(store: EventStore, *journeys: str) -> None:
    event = journey_event(opened().record[0])
    for each in journeys:
        await store.append(each, expected_version=0, key="open", events=[event])


async def enter(store: EventStore, journey: str, *made: Entry) -> None:
    for each in made:
        await SessionEntry(store, "api").enter(journey, each, NOW)


@asynccontextmanager
async def running(url: str, gate: Gate) -> AsyncIterator[None]:
    task = asyncio.create_task(run_attendance(url, gate))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(url: str, true: Callable[[psycopg.Connection[tuple[object, ...]]], bool]) -> None:
    """Waits until the tables are as they should be."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with psycopg.connect(url, autocommit=True) as connection:
                if true(connection):
                    return
            await asyncio.sleep(0.05)


def told_of(entries: int) -> Callable[[psycopg.Connection[tuple[object, ...]]], bool]:
    """The only journey has been told of so many entries."""
    return lambda connection: connection.execute("select told from attendance.journeys").fetchone() == (entries,)


def all_told(number: int) -> Callable[[psycopg.Connection[tuple[object, ...]]], bool]:
    return lambda connection: (
        connection.execute("select count(*) from attendance.journeys where told = entries and entries > 0").fetchone()
        == (number,)
    )


async def test_each_journey_is_told_what_its_sessions_say(store: EventStore, migrated_database: str) -> None:
    await open_journeys(store, "one", "two")
    made = entries(session("a", "kept"), session("b", "no-show", 1))
    gate = Gate()
    async with running(migrated_database, gate):
        await enter(store, "one", *made)
        await enter(store, "two", made[0])
        await until(migrated_database, lambda connection: all_told(2)(connection) and bool(gate.told))
    last = {journey: (number, known) for journey, number, known in gate.told}
    assert last == {"one": (2, attendance_of(made)), "two": (1, attendance_of(made[:1]))}


async def test_a_journey_is_not_woken_where_nothing_must_be_decided(store: EventStore, migrated_database: str) -> None:
    await open_journeys(store, "one")
    gate = Gate()
    async with running(migrated_database, gate):
        await enter(store, "one", *entries(session("a", "kept", noted=True)))
        await until(migrated_database, all_told(1))
        calls = len(gate.told)
        await enter(store, "one", *entries(*[session("b", "kept", 1, noted=True)] * 2)[1:])
        await until(migrated_database, told_of(2))
    assert len(gate.told) == calls == 1


async def test_what_could_not_be_told_is_kept_said_and_told_later(store: EventStore, migrated_database: str) -> None:
    await open_journeys(store, "one")
    await enter(store, "one", *entries(session("a", "kept")))
    gate = Gate(failures=1)
    async with running(migrated_database, gate):
        await until(
            migrated_database,
            lambda connection: (
                connection.execute("select trouble from attendance.journeys").fetchone() == ("no answer",)
            ),
        )
        async with await psycopg.AsyncConnection.connect(migrated_database) as connection:
            [waiting] = await untold(connection)
        assert (waiting.journey_id, waiting.why, waiting.attempts) == ("one", "no answer", 1)
        await until(migrated_database, all_told(1))
    assert [number for _, number, _ in gate.told] == [1, 1], "the same again, under the same number"


@pytest.mark.parametrize(("minutes", "listed"), [(0, []), (2, ["one"])])
async def test_what_nobody_tells_is_noticed_after_a_minute(
    store: EventStore, migrated_database: str, minutes: int, listed: list[str]
) -> None:
    waits = "insert into attendance.journeys (journey_id, entries, changed_at) values ('one', 1, now() - %s)"
    async with await psycopg.AsyncConnection.connect(migrated_database) as connection:
        await connection.execute(waits, [timedelta(minutes=minutes)])
        found = await untold(connection)
    assert [each.journey_id for each in found] == listed
    assert all("throughline intake" in each.why for each in found)


async def test_a_journey_that_has_ended_is_not_told_for_ever(store: EventStore, migrated_database: str) -> None:
    await open_journeys(store, "one")
    await enter(store, "one", *entries(session("a", "kept")))
    async with running(migrated_database, Gate(ended={"one"})):
        await until(migrated_database, all_told(1))


async def test_after_a_stop_it_goes_on_where_it_was(store: EventStore, migrated_database: str) -> None:
    await open_journeys(store, "one")
    made = entries(session("a", "kept"), session("b", "no-show", 1), session("c", "no-show", 2))
    gate = Gate()
    for number, each in enumerate(made, start=1):
        async with running(migrated_database, gate):
            await enter(store, "one", each)
            await until(migrated_database, told_of(number))
    assert gate.told[-1][2] == attendance_of(made)


async def test_the_tables_hold_the_last_word_whatever_arrived_last(store: EventStore, migrated_database: str) -> None:
    await open_journeys(store, "one")
    first, second, gone = entries(session("a", "no-show"), session("a", "kept"), session("gone", "entered-in-error", 1))
    async with running(migrated_database, Gate()):
        await enter(store, "one", second, gone, first)
        await until(migrated_database, told_of(3))
    async with await psycopg.AsyncConnection.connect(migrated_database) as connection:
        assert await sessions_on_record(connection, "one") == (second.said,)
        of_day = await sessions_of_day(connection, MONDAY, MONDAY + timedelta(days=2), ["main"])
        assert [(each.journey_id, each.said) for each in of_day] == [("one", second.said)]
        assert await sessions_of_day(connection, MONDAY, MONDAY + timedelta(days=2), ["north"]) == ()


def test_the_week_is_the_one_in_which_the_last_session_was() -> None:
    assert attendance_of(entries(session("a", "kept", 9))).seen_week == date(2026, 3, 23)
