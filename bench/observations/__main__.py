"""`python -m bench.observations`: facts about sessions entered a second, beside bare inserts in the same run.

A fact is what staff enter of one session: it is checked, kept in the record beside its journey with the hash chain and
all, and answered once it is safe. The floor is a bare insert of the same JSON as a row of its own, answered once it is
safe too. Both by 1 writer and by 8 at once; each writer waits for an answer before it goes on. One JSON object is
printed; `facts_vs_bare_insert` is the lower of the two ratios of medians.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from attendance.entering import SessionEntry, open_session_store
from centre.loading import load
from deploy.settings import Settings
from deploy.stack import Stack, to_stderr
from domain.plans import Actor
from domain.sessions.facts import Entry, Session
from domain.values import Role
from eventstore import NewEvent, open_store
from migrations import migrate

_FACTS = 1_500
_REPEATS = 5
_WRITERS = (1, 8)
_JOURNEYS = 200
_BY = Actor(id="s-103", role=Role.CASE_MANAGER)
_TABLE = (
    "create table bare (id text primary key, journey text not null, at timestamptz not null, data jsonb not null,"
    " recorded_at timestamptz not null default now())"
)
_INSERT = "insert into bare (id, journey, at, data) values (%s, %s, %s, %s)"
Write = Callable[[int, int], Awaitable[None]]


def _entry(number: int, now: datetime) -> Entry:
    said = Session(
        session=f"session-{number}",
        outcome="kept",
        type="group",
        starts_at=now - timedelta(hours=2),
        minutes=90,
        attended=85,
        skill="dbt",
        site="main",
        led_by="s-102",
        noted=True,
    )
    return Entry(entry=f"entry-{number}", entered_at=now, by=_BY, said=said)


async def _speed(write: Write, writers: int, first: int) -> float:
    """Facts a second."""

    async def one(writer: int) -> None:
        for number in range(first + writer, first + _FACTS, writers):
            await write(writer, number)

    began = time.perf_counter()
    await asyncio.gather(*(one(writer) for writer in range(writers)))
    return _FACTS / (time.perf_counter() - began)


async def _measured(url: str) -> dict[str, Any]:
    now, journeys = datetime.now(UTC), [str(uuid.uuid4()) for _ in range(_JOURNEYS)]
    speeds: dict[str, list[float]] = {}
    async with open_store(url) as record, open_session_store(url) as sessions:
        for each in journeys:
            opened = NewEvent(type="bench.opened", schema_version=1, data={}, occurred_at=now)
            await record.append(each, expected_version=0, key="open", events=[opened])
        connections = [await psycopg.AsyncConnection.connect(url, autocommit=True) for _ in range(max(_WRITERS))]
        await connections[0].execute(_TABLE)
        entering = SessionEntry(sessions, "bench")

        async def enter(writer: int, number: int) -> None:
            await entering.enter(journeys[number % _JOURNEYS], _entry(number, now), now)

        async def insert(writer: int, number: int) -> None:
            entry = _entry(number, now)
            row = (entry.entry, journeys[number % _JOURNEYS], now, entry.model_dump_json())
            await connections[writer].execute(_INSERT, row)

        first = 0
        for repeat in range(-1, _REPEATS):  # the first is a warm-up
            for writers in _WRITERS:
                for name, write in (("facts", enter), ("bare inserts", insert)):
                    speed = await _speed(write, writers, first)
                    first += _FACTS
                    if repeat >= 0:
                        speeds.setdefault(f"{name}, {writers}", []).append(speed)
        for connection in connections:
            await connection.close()
    return _shown(speeds)


def _shown(speeds: dict[str, list[float]]) -> dict[str, Any]:
    medians = {name: statistics.median(each) for name, each in speeds.items()}
    ratios = {str(w): medians[f"facts, {w}"] / medians[f"bare inserts, {w}"] for w in _WRITERS}
    return {
        "facts_each_run": _FACTS,
        "repeats": _REPEATS,
        "per_second": {name: [round(one, 1) for one in sorted(each)] for name, each in speeds.items()},
        "ratio_by_writers": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "facts_vs_bare_insert": round(min(ratios.values()), 3),
    }


async def _main() -> None:
    load()
    with tempfile.TemporaryDirectory(prefix="throughline-bench-") as home:
        async with Stack(Settings(home=Path(home)), ports="free", temporal=False, progress=to_stderr) as stack:
            migrate(stack.database_url)
            print(json.dumps(await _measured(stack.database_url), indent=2))


if __name__ == "__main__":
    asyncio.run(_main())
