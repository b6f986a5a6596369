"""Captures the replay corpus anew: `python -m tests.workflows.capture`. See docs/replay.md for when.

Plays the demonstration on the real parts and keeps each client's history, and that of one more journey's second run.
The clients are invented; names of this machine and its processes are taken out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from cli.demo.command import play
from cli.house import running_house
from deploy.settings import Settings
from domain.pathway.admission import OpenJourney, RepeatAdmission
from workflows.client import Journeys, connect

SECOND_RUN = "second-run"
"""The history of a run that began where another had ended."""
HISTORIES = Path(__file__).parent / "histories"
_OF_THIS_MACHINE = ("identity", "stickyQueue")


async def capture() -> None:
    """Replaces the corpus.

    Raises:
        RuntimeError: A path did not go as scripted; nothing was replaced.
    """
    with tempfile.TemporaryDirectory(prefix="throughline-capture-") as home:
        async with running_house(Settings(home=Path(home), virtual_time=True), ports="free") as house:
            histories = {**await _play(house.settings), SECOND_RUN: await _second_run(house.settings)}
    for old in HISTORIES.glob("*.json"):
        old.unlink()
    for name, history in histories.items():
        (HISTORIES / f"{name}.json").write_text(compact(history))


async def _play(settings: Settings) -> dict[str, WorkflowHistory]:
    outcomes = await play(settings, quiet=True)
    if strayed := [each.client for each in outcomes if not each.as_scripted]:
        raise RuntimeError(f"these did not go as scripted: {', '.join(strayed)}; run `throughline demo` and look")
    journeys = Journeys(await connect(settings.require_temporal_address(), settings.temporal_namespace))
    return {each.client: await journeys.handle(each.journey_id).fetch_history() for each in outcomes}


async def _second_run(settings: Settings) -> WorkflowHistory:
    """Of a journey that has calls and a timer when it continues as new, and decides a few things after it.

    The clinic may answer before it does; then another journey is tried.
    """
    journeys = Journeys(await connect(settings.require_temporal_address(), settings.temporal_namespace))
    for _ in range(20):
        history = await _rolled_over(journeys)
        if any(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for event in history.events):
            return history
    raise RuntimeError("no journey had calls to make when it continued as new")


async def _rolled_over(journeys: Journeys) -> WorkflowHistory:
    journey_id, client_ref = str(uuid.uuid4()), str(uuid.uuid4())
    opening = OpenJourney(
        id="open/m-1",
        journey_id=journey_id,
        client_ref=client_ref,
        site="main",
        message="m-1",
        admitted_at=datetime.now(UTC),
    )
    await journeys.open(opening)
    await _repeated(journeys, journey_id, 1, 2)
    handle = journeys.handle(journey_id)
    first = (await handle.describe()).run_id
    await handle.signal("roll-over")
    await _repeated(journeys, journey_id, 2, 8)
    history = await handle.fetch_history()
    if history.run_id == first:
        raise RuntimeError("the journey did not continue as new")
    return history


async def _repeated(journeys: Journeys, journey_id: str, start: int, stop: int) -> None:
    for number in range(start, stop):
        repeat = RepeatAdmission(id=f"repeat/m-{number}", message=f"m-{number}")
        await journeys.tell(journey_id, repeat)


def compact(history: WorkflowHistory) -> str:
    """The history as one line of JSON that says nothing of the machine."""
    return json.dumps({"workflowId": history.workflow_id, **_scrubbed(history.to_json_dict())}, separators=(",", ":"))


def _scrubbed(value: Any) -> Any:
    if isinstance(value, list):
        return [_scrubbed(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
        value = {**value, "name": "sticky"}
    return {key: "capture" if key in _OF_THIS_MACHINE else _scrubbed(each) for key, each in value.items()}


if __name__ == "__main__":
    asyncio.run(capture())
    sys.stderr.write(f"captured into {HISTORIES.name}/: {len(list(HISTORIES.glob('*.json')))} histories\n")
