"""The floor: a bare workflow that makes what a journey's history says that the journey made, in the same order.

The program is read from the history of a journey: its Updates, activities with their payload sizes, timers and search
attributes. The activities do nothing. Only the domain and the record are missing.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory
from temporalio.common import SearchAttributeKey

QUEUE = "bench-bare"
_STAGE = SearchAttributeKey.for_keyword("Stage")
_LIMIT = timedelta(seconds=60)


@dataclass(frozen=True)
class Step:
    """One thing that the journey did.

    Attributes:
        kind: `update`, `updated`, `activity`, `answered`, `timer`, `cancelled` or `upsert`.
        number: Of the activity or the timer.
        size: Bytes of what goes in; of a search attribute, of all of them.
        answer: Bytes of what comes back.
        seconds: How long a timer runs.
    """

    kind: str
    number: int = 0
    size: int = 0
    answer: int = 0
    seconds: float = 0


@dataclass
class Program:
    """What a bare workflow does, and what it is asked from outside."""

    steps: list[Step] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        """How many of each kind."""
        return Counter(step.kind for step in self.steps)


PROGRAM = Program()
"""Read by every bare workflow of this process: it would otherwise be a payload that journeys do not have."""


def read_program(history: WorkflowHistory) -> Program:
    """What the journey of this history did."""
    answers = {
        event.activity_task_completed_event_attributes.scheduled_event_id: _size(
            event.activity_task_completed_event_attributes.result.payloads
        )
        for event in history.events
        if event.HasField("activity_task_completed_event_attributes")
    }
    steps = [step for event in history.events for step in _steps(event, answers)]
    return Program(steps, [step.size for step in steps if step.kind == "update"])


def _steps(event: HistoryEvent, answers: dict[int, int]) -> Iterator[Step]:
    if event.HasField("workflow_execution_update_accepted_event_attributes"):
        asked = event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args
        yield Step("update", size=_size(asked.payloads))
    elif event.HasField("workflow_execution_update_completed_event_attributes"):
        outcome = event.workflow_execution_update_completed_event_attributes.outcome.success
        yield Step("updated", answer=_size(outcome.payloads))
    elif event.HasField("activity_task_scheduled_event_attributes"):
        asked = event.activity_task_scheduled_event_attributes.input
        yield Step("activity", event.event_id, _size(asked.payloads), answers.get(event.event_id, 0))
    elif event.HasField("activity_task_completed_event_attributes"):
        yield Step("answered", event.activity_task_completed_event_attributes.scheduled_event_id)
    elif event.HasField("timer_started_event_attributes"):
        started = event.timer_started_event_attributes
        yield Step("timer", int(event.event_id), seconds=started.start_to_fire_timeout.ToTimedelta().total_seconds())
    elif event.HasField("timer_canceled_event_attributes"):
        yield Step("cancelled", event.timer_canceled_event_attributes.started_event_id)
    elif event.HasField("upsert_workflow_search_attributes_event_attributes"):
        shown = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
        yield Step("upsert", size=sum(len(each.data) for each in shown.values()))


def _size(payloads: Iterable[Payload]) -> int:
    return sum(len(each.data) for each in payloads)


@activity.defn
async def answer_nothing(asked: bytes, answer: int) -> bytes:
    """As many bytes as the real activity answered."""
    return bytes(answer)


@workflow.defn(sandboxed=False)
class BareWorkflow:
    """Carries `PROGRAM` out."""

    def __init__(self) -> None:
        self.asked = self.answered = 0

    @workflow.run
    async def run(self) -> None:
        """Step by step. What the journey had waited for is waited for."""
        under_way: dict[int, asyncio.Task[bytes]] = {}
        timers: dict[int, asyncio.Task[None]] = {}
        updates = 0
        for number, step in enumerate(PROGRAM.steps):
            if step.kind == "update":
                updates += 1
                await workflow.wait_condition(lambda wanted=updates: self.asked >= wanted)  # type: ignore[misc]
            elif step.kind == "updated":
                self.answered += 1
            elif step.kind == "activity":
                under_way[step.number] = asyncio.create_task(_call(step))
                await asyncio.sleep(0)
            elif step.kind == "answered":
                await under_way.pop(step.number)
            elif step.kind == "timer":
                timers[step.number] = asyncio.create_task(asyncio.sleep(step.seconds))
                await asyncio.sleep(0)
            elif step.kind == "cancelled" and step.number in timers:
                timers.pop(step.number).cancel()
            elif step.kind == "upsert":
                workflow.upsert_search_attributes([_STAGE.value_set(str(number).ljust(max(step.size - 2, 1), "x"))])
        for timer in timers.values():
            timer.cancel()
            with suppress(asyncio.CancelledError):
                await timer

    @workflow.update
    async def decide(self, asked: bytes) -> bytes:
        """Answered when the program says so."""
        self.asked += 1
        mine = self.asked
        await workflow.wait_condition(lambda: self.answered >= mine)
        return bytes(200)


async def _call(step: Step) -> bytes:
    return await workflow.execute_activity(
        answer_nothing, args=[bytes(step.size), step.answer], start_to_close_timeout=_LIMIT
    )


async def play(client: Client) -> str:
    """One bare workflow from its start to its last Update; its id."""
    handle = await client.start_workflow(BareWorkflow.run, id=f"bare-{uuid.uuid4()}", task_queue=QUEUE)
    for size in PROGRAM.updates:
        await handle.execute_update(BareWorkflow.decide, bytes(size))
    return handle.id
