"""What an earlier release left in its database is there after migrating, and goes on."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg
import pytest

from eventstore import KeyReused, NewEvent, StoredEvent, migrate, open_store, pending
from eventstore.codec import from_record
from tests.eventstore.facts import fact

RELEASES = sorted((Path(__file__).parent / "releases").glob("*.sql"))
_RELEASED = {"0.1.0": ["0001.event-store", "0101.intake"]}


@pytest.fixture(params=RELEASES, ids=lambda file: file.stem)
def release(request: pytest.FixtureRequest) -> Path:
    file: Path = request.param
    return file


@pytest.fixture
def released(release: Path, fresh_database: str) -> str:
    """A database as the release left it."""
    restore(release, fresh_database)
    return fresh_database


def restore(dump: Path, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(dump.read_bytes())


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def new(event: StoredEvent) -> NewEvent:
    return NewEvent(**{name: getattr(event, name) for name in NewEvent.model_fields})


def test_what_the_release_had_applied_is_not_applied_again(released: str, release: Path) -> None:
    waiting = pending(released)
    assert waiting and not set(waiting) & set(_RELEASED[release.stem])
    assert migrate(released) == waiting
    assert migrate(released) == []


_EVENTS = (
    "select position, version, stream, event_id, type, schema_version, occurred_at, recorded_at,"
    " data::jsonb, meta::jsonb from es.events order by position"
)


def test_every_event_and_every_message_is_still_there(released: str) -> None:
    tables = ("es.appends", "es.streams", "intake.messages", "intake.clients", "intake.journeys")
    queries = [_EVENTS, *(f"select * from {table} order by 1" for table in tables)]
    before = [rows(released, query) for query in queries]
    assert all(before)
    migrate(released)
    after = [rows(released, query) for query in queries]
    for kept, held in zip(before, after, strict=True):
        assert [row[: len(kept[0])] for row in held] == kept  # columns are only added, behind


def test_every_row_is_chained_to_the_one_before(released: str) -> None:
    migrate(released)
    again = (
        "select es.chain(es.no_hash(), es.content(position, version, occurred_at, recorded_at, event_id,"
        " schema_version, closes, stream, type, data::text, meta::text, key_id, sealed)) over (order by position)"
        " from es.events"
    )
    hashes = rows(released, "select hash from es.events order by position")
    assert hashes == rows(released, again)
    assert len(set(hashes)) == len(hashes) > 0


async def test_every_key_still_answers_as_a_repeat(released: str) -> None:
    migrate(released)
    ledger = rows(released, "select stream, append_key, first_position, last_position, closes from es.appends")
    async with open_store(released) as store:
        events = {event.position: event for event in await store.read_all(limit=10_000)}
        for stream, key, first, last, closes in ledger:
            recorded = [events[position] for position in range(first, last + 1)]
            again = await store.append(
                stream, expected_version=0, key=key, events=[new(event) for event in recorded], close=closes
            )
            assert again.replayed and list(again.events) == recorded
            with pytest.raises(KeyReused):
                await store.append(stream, expected_version=0, key=key, events=[fact(1)])
        assert len(await store.read_all(limit=10_000)) == len(events)


async def test_every_event_is_still_understood_and_every_open_journey_goes_on(released: str) -> None:
    migrate(released)
    async with open_store(released) as store:
        journeys = defaultdict(list)
        for event in await store.read_all(limit=10_000):
            journeys[event.stream].append(from_record(event))
        open_ = await store.streams(open_only=True)
        assert open_ and len(journeys) > len(open_)
        for entry in open_:
            appended = await store.append(entry.stream, expected_version=entry.version, key="next", events=[fact(1)])
            assert appended.version == entry.version + 1 == len(journeys[entry.stream]) + 1
