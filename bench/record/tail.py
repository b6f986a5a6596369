"""A reader in a process of its own that reads on from the last position it saw, and counts what it saw."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import psycopg

from bench.record.writers import recorder_of
from eventstore.following.bulk import open_session, read_head, read_page

_PAGE = 500
_PAUSE_SECONDS = 0.005
_PATIENCE_SECONDS = 3.0
"""After the writers' end: a reader that has seen nothing new for so long has seen all it will see."""

Page = list[tuple[int, int]]
"""Positions and numbers of events."""


@dataclass
class Seen:
    """What the reader saw, once it is over."""

    counts: Counter[int] = field(default_factory=Counter)
    in_order: bool = True

    def skipped(self, first: int, total: int) -> int:
        """How many of the events numbered from `first` it never saw."""
        return sum(number not in self.counts for number in range(first, first + total))

    def repeated(self) -> int:
        """How often it saw one again."""
        return sum(count - 1 for count in self.counts.values())


@contextmanager
def tailing(system: str, url: str) -> Iterator[Callable[[int], Seen]]:
    """A reader that has begun; calling it with the number of events written ends it."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_tail, args=(system, url, theirs), daemon=True)
    process.start()
    try:
        assert mine.recv() == "ready"

        def finish(total: int) -> Seen:
            mine.send(total)
            seen: Seen = mine.recv()
            return seen

        yield finish
    finally:
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()
        mine.close()


def _tail(system: str, url: str, parent: Connection) -> None:
    asyncio.run(_READERS[system](url, parent))


class _Tail:
    def __init__(self, parent: Connection, after: int) -> None:
        self.after = after
        self.seen = Seen()
        self._parent = parent
        self._total: int | None = None
        self._last_news = time.monotonic()
        parent.send("ready")

    def take(self, page: Page) -> None:
        for position, number in page:
            self.seen.in_order &= position > self.after
            self.after = position
            self.seen.counts[number] += 1
        if page:
            self._last_news = time.monotonic()

    def is_over(self) -> bool:
        if self._total is None and self._parent.poll():
            self._total = self._parent.recv()
            self._last_news = time.monotonic()
        if self._total is None:
            return False
        return len(self.seen.counts) >= self._total or time.monotonic() - self._last_news > _PATIENCE_SECONDS

    async def pause(self, page: Page) -> None:
        if len(page) < _PAGE:
            await asyncio.sleep(_PAUSE_SECONDS)

    def report(self) -> None:
        self._parent.send(self.seen)


async def _ours(url: str, parent: Connection) -> None:
    session = await open_session(url, "bench")
    async with session:
        tail = _Tail(parent, await read_head(session))
        while not tail.is_over():
            rows = await read_page(session, tail.after, _PAGE)
            seen = [(row.position, json.loads(row.text)["number"]) for row in rows]
            tail.take(seen)
            await tail.pause(seen)
        tail.report()


async def _bare(url: str, parent: Connection) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        row = await (await connection.execute("select coalesce(max(position), 0) from bare")).fetchone()
        tail = _Tail(parent, row[0] if row else 0)
        query = "select position, data from bare where position > %s order by position limit %s"
        while not tail.is_over():
            rows = await (await connection.execute(query, [tail.after, _PAGE])).fetchall()
            seen = [(position, data["number"]) for position, data in rows]
            tail.take(seen)
            await tail.pause(seen)
        tail.report()


async def _eventsourcing(url: str, parent: Connection) -> None:
    with recorder_of(url) as recorder:
        tail = _Tail(parent, recorder.max_notification_id() or 0)
        while not tail.is_over():
            notified = recorder.select_notifications(tail.after, _PAGE, inclusive_of_start=False)
            seen = [(each.id, json.loads(each.state)["number"]) for each in notified]
            tail.take(seen)
            await tail.pause(seen)
        tail.report()


_READERS = {"ours": _ours, "eventsourcing": _eventsourcing, "bare insert": _bare}
