"""The outcome for one client of the demonstration: whether it followed the script, and what it cost Temporal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from cli.demo.script import Client
from dashboard.reading import Path
from domain.values import LevelOfCare, Role, Stage, Value

_OF_VIRTUAL_TIME = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED,
)


class ClientOutcome(Value):
    """One client's result.

    Attributes:
        events: Events on record.
        history_events: Events in Temporal's history, including those of virtual time. `history_bytes` includes them
            too.
        virtual_time_events: How many of them exist only because of the virtual calendar. Real journeys have none.
        workflow_tasks: Completed workflow tasks.
        differences: Differences from the script, in words. None if it went as scripted.
    """

    client: str
    title: str
    journey_id: str
    stages: tuple[Stage, ...]
    levels_of_care: tuple[LevelOfCare, ...]
    events: int
    history_events: int
    virtual_time_events: int
    history_bytes: int
    workflow_tasks: int
    as_scripted: bool
    differences: tuple[str, ...] = ()


class Cost(NamedTuple):
    """What a journey's workflow cost Temporal."""

    events: int = 0
    of_virtual_time: int = 0
    bytes: int = 0
    workflow_tasks: int = 0


async def cost_of(handle: WorkflowHandle[object, object]) -> Cost:
    """Counts it from the workflow's history."""
    info = (await handle.describe()).raw_description.workflow_execution_info
    events = (await handle.fetch_history()).events
    return Cost(
        events=info.history_length,
        of_virtual_time=sum(event.event_type in _OF_VIRTUAL_TIME for event in events),
        bytes=info.history_size_bytes,
        workflow_tasks=sum(event.HasField("workflow_task_completed_event_attributes") for event in events),
    )


def differences(client: Client, been: Path, types: Iterable[str], told: tuple[Role, ...]) -> Iterator[str]:
    """How a journey that went along `been` with events of these `types` differs from its script."""
    if been.stages != client.stages:
        yield f"stages were {' '.join(been.stages)}"
    if been.levels != client.levels:
        yield f"levels were {' '.join(been.levels)}"
    if client.told and told != client.told:
        yield f"the escalation reached {' '.join(told) or 'no one'}"
    happened = set(types)
    yield from (f"{each} did not happen" for each in client.happens if each not in happened)
    yield from (f"{each} happened" for each in client.never if each in happened)
