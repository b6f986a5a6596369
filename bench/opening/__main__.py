"""Admissions acknowledged and journeys opened per second, and where the time goes.

Several senders send admissions of new clients over MLLP to an embedded stack on a new data directory, each as fast as
it is answered. A journey is opened when its first event is on record; what it does next, such as asking the payer, goes
on at the same time. The stages of each opening are read from the database afterwards. The floor is bare workflows on
the same server in the same run, before the first admission.

Journeys make their calls to clinic systems on the same processors, and how many of them come in before the last opening
differs from run to run. So compare two runs only beside `calls_settled_each`: a call takes more processor time than an
opening, so a run with fewer of them opens faster and has more left to do.

Run it with `python -m bench.opening [--admissions 1500] [--senders 8] [--json]`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from cyclopts import App

from bench.opening.floor import bare_workflows_per_second
from bench.opening.senders import send_all
from bench.opening.usage import processor_seconds
from cli.access import temporal_client
from cli.house import running_house
from cli.output import show_fields, show_json, table
from deploy.settings import Settings

app = App(name="bench.opening", help=__doc__)

_LONGEST_WAIT_SECONDS = 900.0
_COUNT_OPENED = "select count(*) from es.streams where position('/' in stream) = 0"
_STAGES = """
    select m.control_id, extract(epoch from m.received_at), extract(epoch from j.opened_at),
        extract(epoch from j.started_at), extract(epoch from e.recorded_at)
    from intake.messages m
    join intake.journeys j on j.opened_by = m.message_id
    join es.events e on e.stream = j.journey_id::text and e.version = 1"""

_CALLS_SETTLED = """
    select count(*) from es.events
    where type = 'effect.settled' and recorded_at <= (
        select max(recorded_at) from es.events where type = 'journey.opened')"""


@app.default
def main(*, admissions: int = 1500, senders: int = 8, json: bool = False) -> None:
    """Measure and print."""
    measured = asyncio.run(measure(admissions, senders))
    if json:
        show_json(measured)
        return
    show_fields({name: value for name, value in measured.items() if not isinstance(value, dict)})
    stages = [(name, *values.values()) for name, values in measured["stages"].items()]
    table("Where an admission's time goes, in seconds", ("Stage", "p50", "p99"), stages)
    used = [(name, seconds, round(1000 * seconds / admissions, 1)) for name, seconds in measured["cpu_s"].items()]
    table("Processor time until the last was opened", ("Process", "Seconds", "ms each"), used)


async def measure(admissions: int, senders: int) -> dict[str, Any]:
    """The figures of one run, on a data directory of its own."""
    with TemporaryDirectory(prefix="throughline-bench-", ignore_cleanup_errors=True) as home:
        settings = Settings.from_env(os.environ).changed(home=Path(home))
        async with running_house(settings, ports="free") as house:
            client = await temporal_client(house.settings)
            floor = await bare_workflows_per_second(client, admissions, senders)
            before, began = processor_seconds(), time.time()
            answered = await send_all(house.settings.mllp_port, admissions, senders)
            acknowledged = time.time() - began
            await _until_opened(house.settings.require_database_url(), admissions)
            after = processor_seconds()
            stages = await _stages(house.settings.require_database_url(), answered)
            settled = await _calls_settled(house.settings.require_database_url())
    used = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    figures = _figures(admissions, began, acknowledged, answered, stages, floor, used)
    return {**figures, "calls_settled_each": round(settled / admissions, 2)}


async def _until_opened(database_url: str, admissions: int) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        while True:
            (opened,) = await (await connection.execute(_COUNT_OPENED)).fetchone() or (0,)
            if opened >= admissions:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {opened} of {admissions} were opened in {_LONGEST_WAIT_SECONDS:.0f} s")
            await asyncio.sleep(0.2)


async def _calls_settled(database_url: str) -> int:
    """The answers of clinic systems that were on record when the last journey was opened."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        (settled,) = await (await connection.execute(_CALLS_SETTLED)).fetchone() or (0,)
    return int(settled)


async def _stages(database_url: str, answered: Mapping[str, float]) -> list[tuple[float, ...]]:
    """For each admission the moments of: received, answered, in the register, handed to Temporal, on record."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        rows = await (await connection.execute(_STAGES)).fetchall()
    return [
        (float(received), answered[control_id], float(registered), float(started), float(recorded))
        for control_id, received, registered, started, recorded in rows
        if started is not None
    ]


def _figures(
    admissions: int,
    began: float,
    acknowledged: float,
    answered: Mapping[str, float],
    stages: Sequence[tuple[float, ...]],
    floor: float,
    used: Mapping[str, float],
) -> dict[str, Any]:
    opened = [recorded - aa for _, aa, _, _, recorded in stages]
    opened_per_second = admissions / (max(recorded for *_, recorded in stages) - began)
    named = {
        "received to AA": [aa - received for received, aa, *_ in stages],
        "AA to a row in the register": [registered - aa for _, aa, registered, *_ in stages],
        "register to handed to Temporal": [started - registered for _, _, registered, started, _ in stages],
        "register to on record": [recorded - registered for _, _, registered, _, recorded in stages],
    }
    return {
        "admissions": admissions,
        "acknowledged_per_second": round(len(answered) / acknowledged, 1),
        "opened_per_second": round(opened_per_second, 1),
        "bare_workflows_per_second": round(floor, 1),
        "opened_p50_s": _percentile(opened, 50),
        "opened_p99_s": _percentile(opened, 99),
        "stages": {name: {"p50": _percentile(each, 50), "p99": _percentile(each, 99)} for name, each in named.items()},
        "cpu_s": {name: round(used[name], 1) for name in sorted(used, key=lambda each: -used[each])},
    }


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 2)


if __name__ == "__main__":
    app()
