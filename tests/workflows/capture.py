"""Captures the replay corpus anew: `python -m tests.workflows.capture`. See docs/replay.md for when.

Plays the demonstration on the real parts and keeps each client's history, that of one more journey's second run, and
that of a site's digests. With `digests` as its argument it replaces the last one only.
The clients are invented; names of this machine and its processes are taken out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Worker

from centre.loading import load
from cli.demo.command import play
from cli.house import running_house
from cli.signing import intake_signing
from dashboard.digest_activities import DigestSender
from deploy.settings import Settings
from domain.pathway.admission import OpenJourney, RepeatAdmission
from tests.workflows.decrypted import decrypted
from tests.workflows.digest_run import digest_run
from worker import staff_file, temporal_client
from workflows.client import Journeys
from workflows.digests import DigestsWorkflow

SECOND_RUN = "second-run"
"""The history of a run that began where another had ended."""
DIGESTS = "digests"
"""The history of a site's digests over three openings, on one of which the site was closed after all."""
HISTORIES = Path(__file__).parent / "histories"
_OF_THIS_MACHINE = ("identity", "stickyQueue", "stackTrace")


async def capture() -> None:
    """Replaces the corpus.

    Raises:
        RuntimeError: A path did not go as scripted; nothing was replaced.
    """
    async with _house() as settings:
        histories = {
            **await _play(settings),
            SECOND_RUN: await _second_run(settings),
            DIGESTS: await _digests(settings),
        }
    for old in HISTORIES.glob("*.json"):
        old.unlink()
    for name, history in histories.items():
        _write(name, history)


async def capture_digests() -> None:
    """Replaces the history of the digests only."""
    async with _house() as settings:
        _write(DIGESTS, await _digests(settings))


@asynccontextmanager
async def _house() -> AsyncIterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="throughline-capture-") as home:
        async with running_house(Settings(home=Path(home), virtual_time=True), ports="free") as house:
            yield house.settings


def _write(name: str, history: WorkflowHistory) -> None:
    (HISTORIES / f"{name}.json").write_text(compact(history))


async def _readable(client: Client, history: WorkflowHistory) -> WorkflowHistory:
    """As a release that encrypts nothing would have written it, so that a corpus can be read."""
    return await decrypted(history, client.data_converter)


async def _play(settings: Settings) -> dict[str, WorkflowHistory]:
    outcomes = await play(settings, quiet=True)
    if strayed := [each.client for each in outcomes if not each.as_scripted]:
        raise RuntimeError(f"these did not go as scripted: {', '.join(strayed)}; run `throughline demo` and look")
    client = await temporal_client(settings)
    handles = {each.client: Journeys(client).handle(each.journey_id) for each in outcomes}
    return {name: await _readable(client, await handle.fetch_history()) for name, handle in handles.items()}


async def _second_run(settings: Settings) -> WorkflowHistory:
    """Of a journey that has calls and a timer when it continues as new, and decides a few things after it.

    The clinic may answer before it does; then another journey is tried.
    """
    client = await temporal_client(settings)
    journeys = Journeys(client, sign=intake_signing(settings))
    for _ in range(20):
        history = await _readable(client, await _rolled_over(journeys))
        if any(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for event in history.events):
            return history
    raise RuntimeError("no journey had calls to make when it continued as new")


async def _digests(settings: Settings) -> WorkflowHistory:
    """On a task queue of its own, so that its worker is this process."""
    load(settings.centre)
    client = await temporal_client(settings.changed(virtual_time=True))
    await _opened(Journeys(client))
    sender = DigestSender(client, settings.require_database_url(), staff_file(settings).current)
    async with digest_run(client, lambda: _sending(client, sender), queue=DIGESTS) as run:
        await run.to_the_next_opening()
        await run.to_a_closed_day()
        await run.to_the_next_opening()
        return await _readable(client, await run.handle.fetch_history())


@asynccontextmanager
async def _sending(client: Client, sender: DigestSender) -> AsyncIterator[None]:
    async with Worker(client, task_queue=DIGESTS, workflows=[DigestsWorkflow], activities=sender.activities()):
        yield


async def _rolled_over(journeys: Journeys) -> WorkflowHistory:
    journey_id = await _opened(journeys)
    await _repeated(journeys, journey_id, 1, 2)
    handle = journeys.handle(journey_id)
    first = (await handle.describe()).run_id
    await handle.signal("roll-over")
    await _repeated(journeys, journey_id, 2, 8)
    history = await handle.fetch_history()
    if history.run_id == first:
        raise RuntimeError("the journey did not continue as new")
    return history


async def _opened(journeys: Journeys) -> str:
    """The id of a new journey."""
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
    return journey_id


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
    asyncio.run(capture_digests() if sys.argv[1:] == [DIGESTS] else capture())
    sys.stderr.write(f"captured into {HISTORIES.name}/: {len(list(HISTORIES.glob('*.json')))} histories\n")
