"""What each demonstrated path costs Temporal: history events, bytes and workflow tasks, as counts and bytes.

The demonstration's virtual calendar adds events of its own to a history, which a clinic's journeys do not have. They
are counted apart; the bytes still include them.

The floor beside it is a bare workflow on the same server in the same run that takes as many Updates as the path
had decisions, each answered after one activity, and keeps no timer, calls no system and shows nothing.

Run it with `python -m bench.paths [--quick] [--json]`. `--quick` plays three short paths.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cyclopts import App
from temporalio import activity, workflow
from temporalio.client import Client as TemporalClient
from temporalio.worker import Worker

from cli.access import temporal_client
from cli.demo.command import play
from cli.demo.outcome import ClientOutcome
from cli.demo.script import CLIENTS, Client
from cli.house import running_house
from cli.output import show_json, table
from deploy.settings import Settings

QUICK = ("self-pay", "cancelled", "sent-three-times")
_QUEUE = "bench-floor"

app = App(name="bench.paths", help=__doc__)


@activity.defn
async def append_nothing() -> None:
    """Stands where the append to the record would."""


@workflow.defn(sandboxed=False)
class BareWorkflow:
    """Takes Updates and ends when told."""

    def __init__(self) -> None:
        self.ended = False

    @workflow.run
    async def run(self) -> None:
        """Waits for the end."""
        await workflow.wait_condition(lambda: self.ended)

    @workflow.update
    async def decide(self, last: bool) -> None:
        """One decision."""
        await workflow.execute_activity(append_nothing, start_to_close_timeout=timedelta(seconds=5))
        self.ended = last


@app.default
def main(*, quick: bool = False, json: bool = False) -> None:
    """Measure and print."""
    measured = asyncio.run(_measure(quick))
    if json:
        show_json(measured)
        return
    columns = (
        *("Path", "Decisions", "Events", "Floor", "Virtual time", "Bytes", "Floor", "Tasks", "Floor"),
        "On record",
    )
    table("What each path costs Temporal", columns, [tuple(each.values()) for each in measured["paths"]])


async def _measure(quick: bool) -> dict[str, Any]:
    clients = tuple(each for each in CLIENTS if not quick or each.name in QUICK)
    with TemporaryDirectory(prefix="throughline-bench-", ignore_cleanup_errors=True) as home:
        return await _measure_in(Path(home), clients)


async def _measure_in(home: Path, clients: tuple[Client, ...]) -> dict[str, Any]:
    settings = Settings.from_env(os.environ).changed(home=home, virtual_time=True)
    async with running_house(settings, ports="free") as house:
        outcomes = await play(house.settings, quiet=True, clients=clients)
        client = await temporal_client(house.settings.changed(virtual_time=False))
        decisions = {each.name: len(each.steps) for each in CLIENTS}
        async with Worker(client, task_queue=_QUEUE, workflows=[BareWorkflow], activities=[append_nothing]):
            paths = [await _beside_floor(client, each, decisions[each.client]) for each in outcomes]
    return {"paths": paths}


async def _beside_floor(client: TemporalClient, outcome: ClientOutcome, decisions: int) -> dict[str, Any]:
    floor_events, floor_bytes, floor_tasks = await _floor(client, decisions)
    return {
        "path": outcome.client,
        "decisions": decisions,
        "history_events": outcome.history_events - outcome.virtual_time_events,
        "floor_history_events": floor_events,
        "virtual_time_events": outcome.virtual_time_events,
        "history_bytes": outcome.history_bytes,
        "floor_history_bytes": floor_bytes,
        "workflow_tasks": outcome.workflow_tasks,
        "floor_workflow_tasks": floor_tasks,
        "record_events": outcome.events,
    }


async def _floor(client: TemporalClient, decisions: int) -> tuple[int, int, int]:
    handle = await client.start_workflow(BareWorkflow.run, id=f"floor-{uuid.uuid4()}", task_queue=_QUEUE)
    for number in range(max(decisions, 1)):
        await handle.execute_update(BareWorkflow.decide, number >= decisions - 1)
    await handle.result()
    info = (await handle.describe()).raw_description.workflow_execution_info
    history = await handle.fetch_history()
    tasks = sum(event.HasField("workflow_task_completed_event_attributes") for event in history.events)
    return info.history_length, info.history_size_bytes, tasks


if __name__ == "__main__":
    app()
