"""Catching up: the same events are on record in both stores, and the same tally is kept of them, by each one's runner.

The tally is a row for each stream: how many events, and the last one's number. Each runner commits it together with how
far it has come: ours a page at a time, the library's event by event, as it is made to.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from bench.record.writers import PAYLOAD, peer_settings
from eventstore import NewEvent, open_store
from eventstore.following.bulk import BulkEvent, Session, open_session
from eventstore.following.subscription import Consumer

EACH = 50
"""Events in a stream, recorded in one append."""
_PAGE = 2_000  # as the projector's own
_UPSERT = (
    "insert into tally (stream, events, last) select * from unnest(%s::text[], %s::bigint[], %s::bigint[]) "
    "on conflict (stream) do update set events = tally.events + excluded.events, last = excluded.last"
)
_TALLY = "create table if not exists tally (stream text primary key, events bigint not null, last bigint not null)"


async def ours(url: str, events: int) -> float:
    """Events a second from the first to the head, of whole streams."""
    events -= events % EACH
    await _record(url, events)
    async with await open_session(url, "bench") as session:
        await session.execute(_TALLY)
        began = time.perf_counter()
        consumer = asyncio.create_task(Consumer(url, "bench", _tally, page=_PAGE).run())
        while await _counted(session) < events:  # noqa: ASYNC110 - the consumer's own commit is what is waited for
            await asyncio.sleep(0.005)
        took = time.perf_counter() - began
        consumer.cancel()
        with suppress(asyncio.CancelledError):
            await consumer
    return events / took


async def _record(url: str, events: int) -> None:
    now = datetime.now(UTC)
    async with open_store(url) as store, asyncio.TaskGroup() as group:
        for stream in range(events // EACH):
            facts = [
                NewEvent(
                    type="bench.done",
                    schema_version=1,
                    data={"number": number, "text": PAYLOAD},
                    occurred_at=now,
                )
                for number in range(EACH)
            ]
            group.create_task(store.append(f"tally-{stream}", expected_version=0, key="all", events=facts))


async def _tally(session: Session, rows: Sequence[BulkEvent]) -> None:
    counts = Counter(row.stream for row in rows)
    last = {row.stream: row.version for row in rows}
    await session.execute(_UPSERT, [list(counts), list(counts.values()), [last[stream] for stream in counts]])


async def _counted(session: Session) -> int:
    row = await (await session.execute("select coalesce(sum(events), 0)::bigint from tally")).fetchone()
    return int(row[0]) if row else 0


class _Work(Aggregate):
    @event("Begun")
    def __init__(self) -> None:
        self.number = 0

    @event("Done")
    def do(self, number: int, text: str) -> None:
        self.number = number


class _Works(Application[UUID]):
    pass


class _View(PostgresTrackingRecorder):
    """The library's way: what the view keeps and how far it is, in one transaction."""

    def add(self, stream: UUID, version: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(SQL(_UPSERT), ([str(stream)], [1], [version]))


class _Tally(Projection[_View]):
    name = "tally"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.add(domain_event.originator_id, domain_event.originator_version, tracking)


def eventsourcing(url: str, events: int) -> float:
    """The same of the library."""
    events -= events % EACH
    env = peer_settings(url)
    app = _Works(env)
    for _ in range(events // EACH):
        work = _Work()
        for number in range(1, EACH):
            work.do(number, PAYLOAD)
        app.save(work)
    head = app.recorder.max_notification_id()
    with app.recorder.datastore.transaction(commit=True) as cursor:  # type: ignore[attr-defined]
        cursor.execute(SQL(_TALLY))
    app.close()
    began = time.perf_counter()
    with ProjectionRunner(application_class=_Works, projection_class=_Tally, view_class=_View, env=env) as runner:
        runner.wait(head, timeout=600)
        return events / (time.perf_counter() - began)
