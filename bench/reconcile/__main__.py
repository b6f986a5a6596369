"""The scheduled comparison of record and running journeys, run several times over many open journeys.

Each journey is decided and recorded for itself, stands in intake's register, and has a workflow on the embedded server,
started from the record as `throughline recover` does. It then waits for a person, as most journeys of a centre do. The
worker runs in this process, as the comparison does in a real one. Each run asks another share of the journeys for their
states, as if it came ten minutes later; with 10,000 journeys most of those are in no worker's memory and are replayed.
A run that finds a difference stops the measurement.

The floor beside each run is what the comparison cannot do without: the bare list of Temporal and one bare query of the
heads.

Run it with `python -m bench.reconcile [--journeys 1000] [--runs 5] [--json]`. 10,000 journeys take minutes to start.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cyclopts import App
from temporalio.client import Client

import worker
from access.signatures import TrustedKeys
from bench.opening.usage import processor_seconds
from bench.reconcile.floor import heads_ms, listing_ms
from bench.reconcile.open_journeys import put_on_record, start_all
from cli.output import show_json, stdout, table
from deploy.settings import Settings
from deploy.stack import Stack
from deploy.values import HostPort
from eventstore import EventStore
from intake.admitted import HandedOver
from migrations import migrate, migrate_keys
from record.sealing import Sealer
from recovery.reconcile import Reconciler
from recovery.running import RunningJourneys
from recovery.schedule import ScheduledComparison

app = App(name="bench.reconcile", help=__doc__)

_NOBODY = HostPort("127.0.0.1", 9)
"""Where no clinic system answers: journeys that wait for a person call none."""
_COLUMNS = ("Run", "ms", "Asked", "Other heads", "List, ms", "Heads, ms", "Floor, ms", "Processor, ms")


@dataclass(frozen=True)
class _Ground:
    client: Client
    store: EventStore
    database_url: str


@app.default
def main(*, journeys: int = 1000, runs: int = 5, json: bool = False) -> None:
    """Measure and print."""
    measured = asyncio.run(measure(journeys, runs))
    if json:
        show_json(measured)
        return
    table(f"Comparisons of {journeys} open journeys", _COLUMNS, [tuple(each.values()) for each in measured["runs"]])
    stdout.print(f"started_per_second {measured['started_per_second']}")
    stdout.print(f"floor_ms_per_journey {measured['floor_ms_per_journey']}")
    stdout.print(f"reconcile_ms_per_journey {measured['reconcile_ms_per_journey']}")


async def measure(journeys: int, runs: int) -> dict[str, Any]:
    """The figures, on a data directory of its own."""
    with TemporaryDirectory(prefix="throughline-bench-", ignore_cleanup_errors=True) as home:
        async with _working(Path(home)) as ground:
            ids = await put_on_record(ground.database_url, journeys)
            began = time.monotonic()
            await start_all(ground.client, ground.store, ids)
            started = journeys / (time.monotonic() - began)
            measured = [await _run(ground, number, journeys) for number in range(runs)]
    return {
        "journeys": journeys,
        "runs": measured,
        "started_per_second": round(started, 1),
        "floor_ms_per_journey": round(statistics.median(each["floor_ms"] for each in measured) / journeys, 3),
        "reconcile_ms_per_journey": round(statistics.median(each["ms"] for each in measured) / journeys, 3),
    }


@asynccontextmanager
async def _working(home: Path) -> AsyncIterator[_Ground]:
    settings = Settings.from_env(os.environ).changed(home=home, clinic_url=f"http://{_NOBODY}", smtp=_NOBODY)
    async with Stack(settings, ports="free", ui=False) as stack:
        settings = stack.settings
        await asyncio.to_thread(migrate, stack.database_url)
        await asyncio.to_thread(migrate_keys, settings.require_keys_url())
        client = await worker.temporal_client(settings)
        async with (
            worker.record(settings) as store,
            worker.keyring(settings) as keys,
            worker.clinic(settings, keys) as calls,
            worker.journey_worker(client, store, Sealer(keys), TrustedKeys(()), calls, limits=settings),
        ):
            yield _Ground(client, store, stack.database_url)


async def _run(ground: _Ground, number: int, journeys: int) -> dict[str, Any]:
    """One comparison, `number` intervals from now, after its floor."""
    turns = worker.turns(Settings.from_env({}))
    at = datetime.now(UTC) + number * turns.every
    reconciler = Reconciler(ground.store, RunningJourneys(ground.client), HandedOver(ground.database_url))
    listed, heads = await listing_ms(ground.client), await heads_ms(ground.database_url)
    used, began = sum(processor_seconds().values()), time.perf_counter()
    found = await ScheduledComparison(reconciler, turns, lambda: at).reconcile()
    took, used = time.perf_counter() - began, sum(processor_seconds().values()) - used
    if found.found or found.journeys != journeys:
        raise RuntimeError(f"of {journeys} journeys that agree, {found.journeys} were compared: {found.found}")
    return {
        "run": number + 1,
        "ms": round(1000 * took),
        "asked": found.asked,
        "other_heads": found.other_heads,
        "list_ms": round(listed),
        "heads_ms": round(heads),
        "floor_ms": round(listed + heads),
        "processor_ms": round(1000 * used),
    }


if __name__ == "__main__":
    app()
