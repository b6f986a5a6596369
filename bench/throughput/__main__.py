"""Journeys per second beside bare workflows that do the same, and how fast a step-up is recorded and called out.

A journey is admitted and decided seven times, from the placement to the discharge, on the embedded server with the real
domain, record and keys; its clinic answers at once. The bare workflow makes what the history of such a journey says:
the same Updates, activities with payloads of the same sizes, timers and search attributes, with activities that do
nothing. Both run in turn in the same process on the same server, so the ratio says what domain and record cost.

Then, with many idle journeys open, clinicians request step-ups one after the other. Measured is the time from the
Update to its answer, which comes once the decision is on record, and to the first call for a place.

Run it with `python -m bench.throughput [--journeys 100] [--drivers 8] [--runs 3] [--idle 1000] [--step-ups 200]`.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cyclopts import App
from temporalio.client import Client
from temporalio.worker import Worker

import worker
from bench.reconcile.open_journeys import put_on_record, start_all
from bench.signing import made_for_a_run
from bench.throughput import bare, script
from bench.throughput.instant_clinic import InstantClinic
from bench.throughput.step_ups import Latencies, percentile, step_up
from cli.output import show_json, stdout, table
from deploy.settings import Settings
from deploy.stack import Stack
from eventstore import EventStore
from migrations import migrate, migrate_keys
from record.sealing import Sealer
from workflows.client import Journeys, Sign

app = App(name="bench.throughput", help=__doc__)

_BARE_AT_ONCE = 100


@dataclass(frozen=True)
class _Ground:
    client: Client
    store: EventStore
    clinic: InstantClinic
    database_url: str
    sign: Sign

    @property
    def journeys(self) -> Journeys:
        return Journeys(self.client, sign=self.sign)


@app.default
def main(
    *, journeys: int = 100, drivers: int = 8, runs: int = 3, idle: int = 1000, step_ups: int = 200, json: bool = False
) -> None:
    """Measure and print."""
    measured = asyncio.run(measure(journeys, drivers, runs, idle, step_ups))
    if json:
        show_json(measured)
        return
    columns = ("Run", "Journeys/s", "Bare/s", "Ratio")
    table("Journeys beside bare workflows", columns, [tuple(each.values()) for each in measured["runs"]])
    for name, value in measured.items():
        if name != "runs":
            stdout.print(f"{name} {value}", markup=False)


async def measure(journeys: int, drivers: int, runs: int, idle: int, step_ups: int) -> dict[str, Any]:
    """The figures, on a data directory of its own."""
    with TemporaryDirectory(prefix="throughline-bench-", ignore_cleanup_errors=True) as home:
        async with _working(Path(home)) as ground:
            counts = await _read_program(ground)
            pairs = [await _pair(ground, number, journeys, drivers) for number in range(runs)]
            ids = await put_on_record(ground.database_url, idle, script.ENROLMENT)
            await start_all(ground.client, ground.store, ids)
            latencies = await step_up(ground.journeys, ground.clinic, ids[:step_ups])
    ratio = statistics.median(each["ratio"] for each in pairs)
    return {"runs": pairs, **counts, "journeys_vs_floor": ratio, **_percentiles(latencies)}


def _percentiles(latencies: Latencies) -> dict[str, float]:
    return {
        f"step_up_{name}_p{share}_ms": round(percentile(values, share / 100), 1)
        for name, values in (("recorded", latencies.recorded), ("call", latencies.called))
        for share in (50, 95, 99)
    }


async def _read_program(ground: _Ground) -> dict[str, Any]:
    """One journey's history becomes the floor's program; how many events each has, as evidence that they are alike."""
    journey_id = await script.play(ground.journeys)
    await asyncio.sleep(1)  # for the last call to the EHR
    history = await ground.journeys.handle(journey_id).fetch_history()
    program = bare.read_program(history)
    bare.PROGRAM.steps, bare.PROGRAM.updates = program.steps, program.updates
    bare_id = await bare.play(ground.client)
    floor = await ground.client.get_workflow_handle(bare_id).fetch_history()
    return {
        "journey_history_events": len(history.events),
        "bare_history_events": len(floor.events),
        "each_makes": dict(program.counts()),
    }


async def _pair(ground: _Ground, number: int, journeys: int, drivers: int) -> dict[str, Any]:
    """The floor first in every other run, so that neither always has the warmer machine."""

    async def ours() -> float:
        return await _rate(lambda: script.play(ground.journeys), journeys, drivers)

    async def floor() -> float:
        return await _rate(lambda: bare.play(ground.client), journeys, drivers)

    if number % 2:
        bare_rate, rate = await floor(), await ours()
    else:
        rate, bare_rate = await ours(), await floor()
    return {
        "run": number + 1,
        "journeys_per_second": round(rate, 2),
        "bare_per_second": round(bare_rate, 2),
        "ratio": round(rate / bare_rate, 3),
    }


async def _rate(play: Callable[[], Awaitable[str]], number: int, drivers: int) -> float:
    """Plays per second, by so many drivers that each play one after the other."""
    left = iter(range(number))

    async def drive() -> None:
        for _ in left:
            await play()

    began = time.perf_counter()
    await asyncio.gather(*(drive() for _ in range(drivers)))
    return number / (time.perf_counter() - began)


@asynccontextmanager
async def _working(home: Path) -> AsyncIterator[_Ground]:
    settings = Settings.from_env(os.environ).changed(home=home)
    clinic, (trusted, sign) = InstantClinic(), made_for_a_run()
    async with Stack(settings, ports="free", ui=False) as stack:
        settings = stack.settings
        await asyncio.to_thread(migrate, stack.database_url)
        await asyncio.to_thread(migrate_keys, settings.require_keys_url())
        client = await worker.temporal_client(settings)
        floor = Worker(
            client,
            task_queue=bare.QUEUE,
            workflows=[bare.BareWorkflow],
            activities=[bare.answer_nothing],
            max_concurrent_workflow_tasks=_BARE_AT_ONCE,
            max_concurrent_activities=_BARE_AT_ONCE,
        )
        async with (
            worker.record(settings) as store,
            worker.keyring(settings) as keys,
            worker.journey_worker(client, store, Sealer(keys), trusted, clinic.calls(), limits=settings),
            floor,
        ):
            yield _Ground(client, store, clinic, stack.database_url, sign)


if __name__ == "__main__":
    app()
