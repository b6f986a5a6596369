"""One appending client of each system, in the style that suits it: tasks for asyncio drivers, threads for the other."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import psycopg
from eventsourcing.persistence import ApplicationRecorder, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment

from eventstore import NewEvent, VersionConflict, open_store

PAYLOAD = "x" * 200
"""The text in each event; with the rest of its JSON, some 230 bytes."""


@dataclass(frozen=True)
class Written:
    """What one client did: when it began and ended, by a clock that all processes share, and how long each append took.

    All times are elapsed seconds.
    """

    began: float
    ended: float
    latencies: list[float]


class Write(Protocol):
    """Appends `appends` times `size` events by `writers` at once, numbering the events from `first`."""

    def __call__(self, url: str, *, writers: int, appends: int, size: int, first: int) -> Written: ...


def _data(number: int) -> dict[str, object]:
    return {"number": number, "text": PAYLOAD}


def _numbers(first: int, step: int, size: int) -> range:
    start = first + step * size
    return range(start, start + size)


def ours(url: str, *, writers: int, appends: int, size: int, first: int) -> Written:
    """This project's record: `writers` tasks share a store."""
    return asyncio.run(_ours(url, writers, appends, size, first))


async def _ours(url: str, writers: int, appends: int, size: int, first: int) -> Written:
    run = uuid4().hex
    async with open_store(url) as store:

        async def write(steps: Sequence[int], stream: str) -> list[float]:
            took = []
            for version, step in enumerate(steps):
                began = time.perf_counter()
                events = [_event(number) for number in _numbers(first, step, size)]
                await store.append(stream, expected_version=version * size, key=f"step-{step}", events=events)
                took.append(time.perf_counter() - began)
            return took

        with suppress(VersionConflict):  # opens its connection, as the others have theirs
            await store.append("nowhere", expected_version=1, key="k", events=[_event(0)])
        began = time.monotonic()
        shares = [range(writer, appends, writers) for writer in range(writers)]
        took = await asyncio.gather(*(write(share, f"{run}-{n}") for n, share in enumerate(shares)))
        return Written(began, time.monotonic(), [each for share in took for each in share])


def _event(number: int) -> NewEvent:
    return NewEvent(type="bench.done", schema_version=1, data=_data(number), occurred_at=datetime.now(UTC))


def bare(url: str, *, writers: int, appends: int, size: int, first: int) -> Written:
    """The floor: `writers` tasks, each with its own connection, insert a row for each event."""
    return asyncio.run(_bare(url, writers, appends, size, first))


BARE_TABLE = (
    "create table if not exists bare (position bigserial primary key, stream text not null, version bigint not null,"
    " type text not null, data jsonb not null, occurred_at timestamptz not null,"
    " recorded_at timestamptz not null default now())"
)
_INSERT = "insert into bare (stream, version, type, data, occurred_at) values (%s, %s, %s, %s, %s)"


async def _bare(url: str, writers: int, appends: int, size: int, first: int) -> Written:
    connections = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(writers)]

    async def write(steps: Sequence[int], connection: psycopg.AsyncConnection[tuple[object, ...]]) -> list[float]:
        took = []
        stream = uuid4().hex
        for version, step in enumerate(steps):
            began = time.perf_counter()
            now = datetime.now(UTC)
            rows = [
                (stream, version * size + n, "bench.done", json.dumps(_data(number)), now)
                for n, number in enumerate(_numbers(first, step, size))
            ]
            if size == 1:
                await connection.execute(_INSERT, rows[0])
            else:
                async with connection.transaction(), connection.cursor() as cursor:
                    await cursor.executemany(_INSERT, rows)
            took.append(time.perf_counter() - began)
        return took

    try:
        began = time.monotonic()
        shares = [range(writer, appends, writers) for writer in range(writers)]
        took = await asyncio.gather(*map(write, shares, connections))
        return Written(began, time.monotonic(), [each for share in took for each in share])
    finally:
        for connection in connections:
            await connection.close()


def eventsourcing(url: str, *, writers: int, appends: int, size: int, first: int) -> Written:
    """The library at its quickest, below its aggregates: `writers` threads share a recorder."""

    def write(recorder: ApplicationRecorder, steps: Sequence[int]) -> list[float]:
        took = []
        stream = uuid4()
        for version, step in enumerate(steps):
            began = time.perf_counter()
            recorder.insert_events(
                [
                    _stored(stream, version * size + n + 1, number)
                    for n, number in enumerate(_numbers(first, step, size))
                ]
            )
            took.append(time.perf_counter() - began)
        return took

    with recorder_of(url, pool=writers) as recorder, ThreadPoolExecutor(writers) as threads:
        recorder.max_notification_id()
        began = time.monotonic()
        shares = [range(writer, appends, writers) for writer in range(writers)]
        took = list(threads.map(partial(write, recorder), shares))
        return Written(began, time.monotonic(), [each for share in took for each in share])


def _stored(stream: UUID, version: int, number: int) -> StoredEvent:
    return StoredEvent(stream, version, "bench.done", json.dumps(_data(number)).encode())


@contextmanager
def recorder_of(url: str, *, pool: int = 2) -> Iterator[ApplicationRecorder]:
    """The library's recorder on the database at `url`, in its default mode, which locks the table for each append.

    Its tables must be there: made by several at once, they get in each other's way.
    """
    factory = PostgresFactory(Environment("bench", peer_settings(url, pool) | {"CREATE_TABLE": "n"}))
    try:
        yield factory.application_recorder()
    finally:
        factory.close()


def make_peer_tables(url: str) -> None:
    """The library's tables."""
    factory = PostgresFactory(Environment("bench", peer_settings(url)))
    factory.application_recorder()
    factory.close()


def peer_settings(url: str, pool: int = 4) -> dict[str, str]:
    """The library's settings for the database at `url`."""
    parts = urlsplit(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": parse_qs(parts.query)["host"][0],
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": "",
        "POSTGRES_POOL_SIZE": str(pool),
        "POSTGRES_MAX_OVERFLOW": "2",
    }


WRITERS: dict[str, Write] = {"ours": ours, "eventsourcing": eventsourcing, "bare insert": bare}
