"""A record with read models beside it, for the tests: written in parts, projected, cut and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from bench.journeys import JourneyStep
from dashboard.projections import READ_MODELS
from dashboard.projections.projector import Projector
from dashboard.projections.verify import verify
from domain.state import JourneyState
from eventstore import EventStore
from record.codec import to_record
from tests.domain.walk import Walk


async def keep(store: EventStore, journey_id: str, walked: Walk) -> None:
    """Puts a walk on record, under a journey id of its own."""
    record = [each.model_copy(update={"journey_id": journey_id}) for each in walked.record[:1]] + walked.record[1:]
    events = [to_record(each) for each in record]
    await store.append(journey_id, expected_version=0, key=f"{journey_id}-1", events=events)


async def append(store: EventStore, steps: Iterable[JourneyStep]) -> int:
    """Puts steps on record, one after the other; the last position."""
    position = 0
    for step in steps:
        appended = await store.append(
            step.journey, expected_version=step.expected_version, key=step.key, events=step.events, close=step.close
        )
        position = appended.position
    return position


@asynccontextmanager
async def projecting(url: str, *, page: int = 500) -> AsyncIterator[asyncio.Task[None]]:
    """A projector that is killed at the end, wherever it stands then."""
    task = asyncio.create_task(Projector(url, page=page, poll_seconds=0.05).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ask(url: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    """What a dashboard would be told."""
    async with await AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as connection:
        await connection.execute("set timezone to 'UTC'")
        return await (await connection.execute(query.encode(), arguments or None)).fetchall()


async def reached(url: str, position: int, *, but: Sequence[str] = ()) -> None:
    """Returns once every live read model, `but` these, has come that far; fails at an alarm of one of them."""
    query = (
        "select min(as_of_position) as least, string_agg(alarm, '; ') as alarm"
        " from dash.freshness where read_model <> all (%s)"
    )
    async with asyncio.timeout(90):
        while True:
            (row,) = await ask(url, query, list(but))
            assert row["alarm"] is None, row["alarm"]
            if row["least"] >= position:
                return
            await asyncio.sleep(0.01)


async def require_equal(url: str, position: int) -> None:
    """Every live row is what the record says, up to that event at least."""
    verified = await verify(url, READ_MODELS, page=777)
    assert {each.read_model: (each.differing, each.first) for each in verified} == {
        model.name: (0, ()) for model in READ_MODELS
    }
    assert all(each.position >= position for each in verified)


def names(rows: Sequence[dict[str, Any]], column: str) -> list[Any]:
    """One column."""
    return [row[column] for row in rows]


def named(state: JourneyState, journey_id: str) -> JourneyState:
    """The state of a journey that differs in its id only."""
    return state.changed(admission=state.admission.changed(journey_id=journey_id))
