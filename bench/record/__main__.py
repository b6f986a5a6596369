"""Measure and print: `python -m bench.record [--quick] [--json]`."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from cyclopts import App

from bench.record import __doc__ as about
from bench.record import appends, catch_up, rebuild
from bench.record.writers import BARE_TABLE, make_peer_tables
from cli.logs import log_to_stderr
from cli.output import show_fields, show_json, table
from deploy.postgres import create_database
from deploy.settings import Settings
from deploy.stack import Stack
from migrations import migrate

app = App(name="bench.record", help=about)
_DATABASES = {"ours": "ours", "eventsourcing": "peer", "bare insert": "floor", "catch up": "follow", "rebuild": "large"}


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        repeats: Of every cell of appends.
        appends: In a cell of single events; fewer where an append has more of them, or nobody writes beside.
        followed: Events to catch up with.
        rebuilt: Events to make the read models from, about.
    """

    repeats: int
    appends: int
    followed: int
    rebuilt: int


FULL = Sizes(repeats=5, appends=2_400, followed=10_000, rebuilt=1_000_000)
QUICK = Sizes(repeats=2, appends=800, followed=2_000, rebuilt=100_000)


@app.default
def main(*, quick: bool = False, json: bool = False, seed: int | None = None) -> None:
    """Measure everything in one run and print it as it came out.

    Parameters
    ----------
    quick:
        Two repeats and a tenth of the events.
    json:
        Print one JSON object.
    seed:
        Of the order of the cells; printed with the results.
    """
    log_to_stderr()
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    measured = asyncio.run(measure(QUICK if quick else FULL, seed=seed))
    if json:
        show_json(measured)
    else:
        _show(measured)


async def measure(sizes: Sizes, *, seed: int) -> dict[str, Any]:
    """Everything in one run on a server of its own: the figures by name, and the cells they were made from."""
    async with _databases() as urls:
        cells = await asyncio.to_thread(
            appends.measure,
            urls,
            repeats=sizes.repeats,
            appends=sizes.appends,
            rng=random.Random(seed),
            tell=lambda cell: _tell(f"{cell.system}, {cell.shape}: {cell.appends_per_second:.0f}/s"),
        )
        followed = await catch_up.ours(urls["catch up"], sizes.followed)
        peer = await asyncio.to_thread(catch_up.eventsourcing, urls["eventsourcing"], sizes.followed)
        _tell(f"catching up: {followed:.0f} events/s, the peer {peer:.0f}/s")
        rebuilt = await rebuild.measure(urls["rebuild"], sizes.rebuilt)
    return _summary(cells, followed, peer, rebuilt) | {"seed": seed}


@asynccontextmanager
async def _databases() -> AsyncIterator[dict[str, str]]:
    with TemporaryDirectory(prefix="throughline-bench-", ignore_cleanup_errors=True) as home:
        async with Stack(Settings(home=Path(home)), ports="free", temporal=False) as stack:
            base = stack.database_url
            urls = {name: base.replace("/throughline?", f"/{database}?") for name, database in _DATABASES.items()}
            for database in _DATABASES.values():
                await create_database(base, database)
            for name in ("ours", "catch up", "rebuild"):
                await asyncio.to_thread(migrate, urls[name])
            await asyncio.to_thread(make_peer_tables, urls["eventsourcing"])
            with psycopg.connect(urls["bare insert"], autocommit=True) as connection:
                connection.execute(BARE_TABLE)
            yield urls


def _summary(cells: list[appends.Cell], followed: float, peer: float, rebuilt: rebuild.Rebuild) -> dict[str, Any]:
    stores = [cell for cell in cells if cell.system != "bare insert"]
    return {
        "append_vs_eventsourcing": appends.ratio(cells, "ours", "eventsourcing"),
        "append_vs_bare_insert": appends.ratio(cells, "ours", "bare insert"),
        "catch_up_vs_eventsourcing": followed / peer,
        "rebuild_events_per_second": rebuilt.events_per_second,
        "skipped": sum(cell.skipped for cell in stores),
        "cells_that_do_not_count": sum(not cell.counts for cell in cells),
        "skipped_by_bare_insert": sum(cell.skipped for cell in cells if cell.system == "bare insert"),
        "cells": [_row(cells, system, shape) for shape in appends.SHAPES for system in appends.SYSTEMS],
        "catch_up_events_per_second": followed,
        "eventsourcing_catch_up_events_per_second": peer,
        "rebuild_events": rebuilt.events,
        "rebuild_seconds": rebuilt.seconds,
        "rebuild_switch_milliseconds": rebuilt.switch_seconds * 1000,
    }


def _row(cells: list[appends.Cell], system: str, shape: appends.Shape) -> dict[str, Any]:
    own = [cell for cell in cells if (cell.system, cell.shape) == (system, shape) and cell.counts]
    if not own:
        return {"system": system, "shape": str(shape), "counts": False}
    speeds = sorted(cell.appends_per_second for cell in own)
    return {
        "system": system,
        "shape": str(shape),
        "appends_per_second": statistics.median(speeds),
        "slowest": speeds[0],
        "fastest": speeds[-1],
        "p50_ms": statistics.median(cell.p50 for cell in own) * 1000,
        "p99_ms": statistics.median(cell.p99 for cell in own) * 1000,
        "skipped": sum(cell.skipped for cell in own),
    }


def _show(measured: dict[str, Any]) -> None:
    columns = ("System", "Shape", "Appends/s", "from", "to", "p50 ms", "p99 ms", "Skipped")
    names = ("system", "shape", "appends_per_second", "slowest", "fastest", "p50_ms", "p99_ms", "skipped")
    rows = [[_text(cell.get(name, "does not count")) for name in names] for cell in measured.pop("cells")]
    table("Appends", columns, rows)
    sys.stdout.write("\n")
    show_fields({name: _text(value) for name, value in measured.items()})


def _text(value: object) -> str:
    return (
        f"{value:.2f}"
        if isinstance(value, float) and value < 100
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    app()
