"""Entering sessions, on a real record and in memory: once for each entry, nothing implausible, nothing lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from attendance.codec import TYPE, from_record, stream_of, to_record
from attendance.entering import SessionEntry, open_session_store
from domain.pathway.admission import JourneyOpened
from domain.refusal import Refused
from domain.sessions.facts import Entry
from eventstore import EventStore, open_store
from eventstore.errors import SchemaMissing, UnreadableEvent
from record.codec import to_record as journey_event
from tests.domain.test_sessions import entries, session
from tests.domain.walk import MONDAY, opened

NOW = MONDAY + timedelta(days=10)
JOURNEY = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
async def store(migrated_database: str) -> AsyncIterator[EventStore]:
    async with open_store(migrated_database) as record, open_session_store(migrated_database) as opened_store:
        [first, *_] = (each for each in opened().record if isinstance(each, JourneyOpened))
        await record.append(JOURNEY, expected_version=0, key="open", events=[journey_event(first)])
        yield opened_store


@pytest.fixture
def entering(store: EventStore) -> SessionEntry:
    return SessionEntry(store, "api")


def one(number: int = 0, outcome: str = "kept", days: float = 0) -> Entry:
    [entry] = entries(session(f"s-{number}", outcome, days))
    return entry.changed(entry=f"e-{number}")


async def refused(entering: SessionEntry, entry: Entry, journey: str = JOURNEY) -> str:
    with pytest.raises(Refused) as caught:
        await entering.enter(journey, entry, NOW)
    return caught.value.refusal.code


async def test_an_entry_is_kept_as_it_was_given(store: EventStore, entering: SessionEntry) -> None:
    assert await entering.enter(JOURNEY, one(), NOW) == ("entered", 1)
    [stored] = await store.read(stream_of(JOURNEY))
    assert from_record(stored) == one() and stored.meta["via"] == "api"


async def test_the_same_entry_is_kept_once_whoever_sends_it_again_and_whenever(
    store: EventStore, entering: SessionEntry
) -> None:
    await entering.enter(JOURNEY, one(), NOW)
    again = one().changed(entered_at=NOW)
    for each in (one(), again):
        assert (await SessionEntry(store, "cli").enter(JOURNEY, each, NOW)).outcome == "known"
    assert len(await store.read(stream_of(JOURNEY))) == 1


async def test_an_id_never_stands_for_two_entries(entering: SessionEntry) -> None:
    await entering.enter(JOURNEY, one(), NOW)
    assert await refused(entering, one(outcome="no-show")) == "entry-reused"


async def test_many_at_once_are_all_kept(store: EventStore) -> None:
    writers = [SessionEntry(store, "api") for _ in range(4)]
    made = [writers[number % 4].enter(JOURNEY, one(number), NOW) for number in range(40)]
    assert {each.outcome for each in await asyncio.gather(*made)} == {"entered"}
    held = {from_record(each).entry for each in await store.read(stream_of(JOURNEY))}
    assert held == {f"e-{number}" for number in range(40)}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (one(days=11), "not-yet"),
        (one(outcome="no-show", days=11), "not-yet"),
        (one(outcome="planned", days=400), "far-away"),
        (one(days=-400), "far-away"),
        (one().changed(said=one().said.changed(site="nowhere")), "no-such-site"),
    ],
)
async def test_what_cannot_be_true_is_refused_and_not_kept(
    store: EventStore, entering: SessionEntry, entry: Entry, code: str
) -> None:
    assert await refused(entering, entry) == code
    assert await store.read(stream_of(JOURNEY)) == ()


@pytest.mark.parametrize("outcome", ["planned", "cancelled", "called-off", "late-cancel", "entered-in-error"])
async def test_a_session_to_come_can_be_planned_and_cancelled(entering: SessionEntry, outcome: str) -> None:
    assert (await entering.enter(JOURNEY, one(outcome=outcome, days=20), NOW)).outcome == "entered"


@pytest.mark.parametrize("journey", ["no-such-journey", "with a space", f"{JOURNEY}/sessions", ""])
async def test_a_journey_that_is_none_is_refused(entering: SessionEntry, journey: str) -> None:
    assert await refused(entering, one(), journey) == "no-such-journey"


async def test_a_journey_that_has_ended_takes_no_more(migrated_database: str, entering: SessionEntry) -> None:
    async with open_store(migrated_database) as record:
        event = journey_event(opened().record[0])
        await record.append(JOURNEY, expected_version=1, key="last", events=[event], close=True)
    assert await refused(entering, one()) == "journey-ended"


async def test_an_entry_of_a_newer_release_is_not_misread(store: EventStore) -> None:
    newer = to_record(one(), "api").model_copy(update={"schema_version": 2})
    await store.append(stream_of(JOURNEY), expected_version=0, key="x", events=[newer])
    [stored] = await store.read(stream_of(JOURNEY))
    with pytest.raises(UnreadableEvent, match=TYPE):
        from_record(stored)


async def test_who_may_enter_sessions_cannot_write_to_a_journey_nor_close_a_stream(store: EventStore) -> None:
    event = journey_event(opened().record[0])
    with pytest.raises(SchemaMissing):
        await store.append(JOURNEY, expected_version=1, key="x", events=[event])
    with pytest.raises(SchemaMissing):
        await store.append(stream_of(JOURNEY), expected_version=0, key="x", events=[event])
    with pytest.raises(SchemaMissing):
        await store.append(
            stream_of(JOURNEY), expected_version=0, key="x", events=[to_record(one(), "api")], close=True
        )
