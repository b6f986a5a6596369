"""The board over many journeys: how fast each page answers, and how soon it hears of a change.

Some journeys are decided and recorded for real; the read models are then filled with copies of their rows. The board
runs in a process of its own, on the embedded PostgreSQL. Each page is asked for at a fixed rate. Beside it stands what
it cannot do without: one prepared query for a page of duties, on a connection of its own. Then all duties are read as
a file. At last journeys are appended at a fixed rate while a projector runs, and a listener on the board's feed notes
when it hears of each.

Run it with `python -m bench.board [--journeys 100000] [--events 5000000] [--rate 50] [--seconds 20] [--json]`. Loading
takes minutes.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import psycopg
from cyclopts import App
from psycopg_pool import AsyncConnectionPool

from access.sessions import Sessions
from bench.board.drive import Timing, at_rate, first_load_kib, timing
from bench.board.load import copy_read_models
from bench.journeys import opened
from bench.reconcile.open_journeys import put_on_record
from centre.loading import load
from cli.output import show_json, stdout, table
from dashboard.api.app import PATH as API
from dashboard.board.visit import SESSION_COOKIE
from dashboard.projections import READ_MODELS
from dashboard.projections.projector import Projector
from dashboard.projections.rebuild import rebuild
from deploy.settings import Settings
from deploy.stack import Stack
from eventstore import open_store
from migrations import migrate, migrate_keys

app = App(name="bench.board", help=__doc__)

_REAL = 200
_PERSON = "s-105"
_DUTIES = "select * from dash.obligations where ended_at is null order by falls_due limit 51"


@app.default
def main(
    *, journeys: int = 100_000, events: int = 5_000_000, rate: float = 50, seconds: float = 20, json: bool = False
) -> None:
    """Measure and print."""
    load(None)
    found = asyncio.run(measure(journeys, events, rate, seconds))
    if json:
        show_json(found)
        return
    columns = ("Page", "Requests", "Failures", "p50 ms", "p95 ms", "p99 ms")
    table(f"{found['rows']} rows, {rate:g} requests/s", columns, [tuple(each.values()) for each in found["pages"]])
    for key in ("p95_ms", "floor_p95_ms", "export_rows", "export_s", "lag_p99_s", "first_load_kib_gzip"):
        stdout.print(f"{key} {found[key]}")


async def measure(journeys: int, events: int, rate: float, seconds: float) -> dict[str, Any]:
    """The figures, on a data directory of its own."""
    with TemporaryDirectory(prefix="throughline-bench-", ignore_cleanup_errors=True) as home:
        settings = Settings.from_env(os.environ).changed(home=Path(home))
        async with Stack(settings, ports="free", temporal=False) as stack:
            await asyncio.to_thread(migrate, stack.database_url)
            await asyncio.to_thread(migrate_keys, stack.settings.require_keys_url())
            ids = await put_on_record(stack.database_url, _REAL)
            await rebuild(stack.database_url, READ_MODELS, page=10_000)
            _as_first_generation(stack.database_url)
            rows = await asyncio.to_thread(copy_read_models, stack.database_url, journeys, events)
            async with _board(stack) as http:
                pages = [each async for each in _pages(http, ids, rate, seconds)]
                floor = await _floor(stack.database_url, rate, seconds)
                export_rows, export_seconds = await _export(http)
                lag = await _lag(stack.database_url, http, seconds)
                return {
                    "rows": rows,
                    "pages": [vars(each) for each in (*pages, floor)],
                    "p95_ms": max(each.p95_ms for each in pages),
                    "floor_p95_ms": floor.p95_ms,
                    "export_rows": export_rows,
                    "export_s": export_seconds,
                    "lag_p99_s": round(lag.p99_ms / 1000, 3),
                    "lag_events": lag.requests,
                    "first_load_kib_gzip": await _first_load(http),
                }


def _as_first_generation(database_url: str) -> None:
    """Copies are made in the tables `_g1`; a rebuild has made others the live ones."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for model in READ_MODELS:
            [live] = connection.execute(
                "select generation from es.checkpoints where consumer = %s and status = 'live'", [model.consumer]
            ).fetchone() or (1,)
            if live != 1:
                connection.execute(f"drop table if exists dash.{model.name}_g1 cascade")
                connection.execute(f"alter table dash.{model.name}_g{live} rename to {model.name}_g1")
                connection.execute(
                    "delete from es.checkpoints where consumer = %s and generation <> %s", [model.consumer, live]
                )
                connection.execute("update es.checkpoints set generation = 1 where consumer = %s", [model.consumer])


@asynccontextmanager
async def _board(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.board.serve",
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **stack.settings.as_env()},
    )
    assert process.stdout is not None
    try:
        address = (await process.stdout.readline()).decode().strip()
        async with AsyncConnectionPool(stack.database_url, min_size=1, kwargs={"autocommit": True}, open=False) as pool:
            session = await Sessions(pool).begin(_PERSON, "board", datetime.now(UTC))
        limits = httpx2.Limits(max_connections=200)
        async with httpx2.AsyncClient(
            base_url=address, cookies={SESSION_COOKIE: session.token}, timeout=30, limits=limits
        ) as http:
            yield http
    finally:
        process.terminate()
        await process.wait()


async def _pages(http: httpx2.AsyncClient, ids: list[str], rate: float, seconds: float) -> AsyncIterator[Timing]:
    addresses = {
        "today": lambda _: "/",
        "journeys": lambda _: "/journeys",
        "journeys, filtered": lambda _: "/journeys?standing=overdue&level=IOP",
        "duties": lambda _: "/duties",
        "duties, overdue": lambda _: "/duties?due=overdue",
        "a journey": lambda number: f"/journeys/{ids[number % len(ids)]}",
        "API: journeys": lambda _: f"{API}/journeys",
        "API: duties": lambda _: f"{API}/duties",
        "API: a journey": lambda number: f"{API}/journeys/{ids[number % len(ids)]}",
    }
    for name, address in addresses.items():

        async def ask(number: int, address: Any = address) -> bool:
            return (await http.get(address(number))).status_code == 200

        await at_rate(name, ask, 10, 1)  # so that what is made once is made
        yield await at_rate(name, ask, rate, seconds)


async def _export(http: httpx2.AsyncClient) -> tuple[int, float]:
    """All open duties as a file: its rows, and the seconds until it is read."""
    began, rows = time.perf_counter(), 0
    async with http.stream("GET", f"{API}/duties.ndjson", timeout=120) as answer:
        async for _ in answer.aiter_lines():
            rows += 1
    return rows, round(time.perf_counter() - began, 2)


async def _floor(database_url: str, rate: float, seconds: float) -> Timing:
    async with AsyncConnectionPool(database_url, min_size=4, kwargs={"autocommit": True}, open=False) as pool:

        async def ask(_: int) -> bool:
            async with pool.connection() as connection:
                return len(await (await connection.execute(_DUTIES, prepare=True)).fetchall()) == 51

        return await at_rate("a prepared query", ask, rate, seconds)


async def _lag(database_url: str, http: httpx2.AsyncClient, seconds: float) -> Timing:
    """From the end of an append to the feed's word of it, while some 200 events a second come."""
    heard: list[tuple[float, int]] = []
    appended: list[tuple[float, int]] = []

    async def listen() -> None:
        async with http.stream("GET", "/live", timeout=None) as answer:
            async for line in answer.aiter_lines():
                if found := re.fullmatch(r"data: (\d+)", line):
                    heard.append((time.perf_counter(), int(found[1])))

    async with asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(listen()), tasks.create_task(Projector(database_url).run())]
        await asyncio.sleep(2)
        async with open_store(database_url) as store:
            began, events, number = time.perf_counter(), 0, 0
            while time.perf_counter() - began < seconds:
                for step in opened(f"lag-{number}", f"client-{number}", datetime.now(UTC), variant=number):
                    done = await store.append(
                        step.journey,
                        expected_version=step.expected_version,
                        key=step.key,
                        events=step.events,
                    )
                    appended.append((time.perf_counter(), done.position))
                    events += len(step.events)
                    await asyncio.sleep(max(0.0, began + events / 200 - time.perf_counter()))
                number += 1
        await asyncio.sleep(3)
        for each in followers:
            each.cancel()
    return timing("lag", [1000 * (_first(heard, position) - at) for at, position in appended])


def _first(heard: list[tuple[float, int]], position: int) -> float:
    return next((at for at, reached in heard if reached >= position), float("inf"))


async def _first_load(http: httpx2.AsyncClient) -> float:
    page = (await http.get("/")).text
    return await first_load_kib(http, "/", re.findall(r'(?:src|href)="(/static/[^"]+)"', page))


if __name__ == "__main__":
    app()
