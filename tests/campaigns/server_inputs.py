"""What a journey's workflow was given and when, as Temporal's history tells: its clock, and the clinic's answers."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio.api.common.v1 import Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import PayloadCodec

from activities import signatures
from domain import effects as fx
from domain.pathway.calls import Answer, Failed, SettleEffect

_ACTIVITIES: Mapping[type[fx.BaseEffect], str] = {
    fx.CheckBenefits: signatures.CHECK_BENEFITS,
    fx.HoldPlace: signatures.HOLD_PLACE,
    fx.ReleasePlace: signatures.RELEASE_PLACE,
    fx.Notify: signatures.NOTIFY,
    fx.SyncEhr: signatures.SYNC_EHR,
}


class ServerInputs:
    """The inputs of one journey, over all its runs.

    Attributes:
        decided_at: The workflow's clock when it had the outcome of a command recorded, by the command's cause.
    """

    def __init__(self) -> None:
        self.decided_at: dict[str, datetime] = {}
        self._answers: dict[tuple[str, str], deque[Answer]] = defaultdict(deque)

    @classmethod
    async def read(cls, histories: Iterable[WorkflowHistory], codec: PayloadCodec) -> ServerInputs:
        """From the histories, the first run first."""
        found = cls()
        for history in histories:
            await found._take(history.events, codec)
        return found

    def answered(self, activity: str, key: str, answer: Answer) -> None:
        """Takes one more answer of a clinic system, to the call with this key."""
        self._answers[activity, key].append(answer)

    def settlement(self, journey_id: str, effect: fx.BaseEffect) -> SettleEffect | None:
        """What the workflow was told of the answer to the effect's call; None if it was not answered.

        A call that was made again has several answers, which are given one after the other.
        """
        key = f"{journey_id}/{getattr(effect, 'hold_key', effect.key)}"
        answers = self._answers[_ACTIVITIES[type(effect)], key]
        if not answers:
            return None
        return SettleEffect(id=f"settle/{effect.key}", key=effect.key, answer=answers.popleft(), revision=effect.told)

    async def _take(self, events: Sequence[HistoryEvent], codec: PayloadCodec) -> None:
        by_id = {event.event_id: event for event in events}
        calls: dict[int, tuple[str, str]] = {}
        for event in events:
            if event.HasField("activity_task_scheduled_event_attributes"):
                asked = event.activity_task_scheduled_event_attributes
                name, request = asked.activity_type.name, await _plain(asked.input, codec)
                calls[event.event_id] = (name, str(request.get("key")))
                if name == signatures.RECORD:
                    task = by_id[asked.workflow_task_completed_event_id].workflow_task_completed_event_attributes
                    self.decided_at[request["key"]] = _clock(by_id[task.started_event_id])
            elif (call := _ended(event)) is not None and calls[call][0] in _ACTIVITIES.values():
                self.answered(*calls[call], await _answer(event, codec))


def _ended(event: HistoryEvent) -> int | None:
    """The id of the event that scheduled the activity, if this is its end."""
    if event.HasField("activity_task_completed_event_attributes"):
        return event.activity_task_completed_event_attributes.scheduled_event_id
    if event.HasField("activity_task_failed_event_attributes"):
        return event.activity_task_failed_event_attributes.scheduled_event_id
    if event.HasField("activity_task_timed_out_event_attributes"):
        return event.activity_task_timed_out_event_attributes.scheduled_event_id
    return None


async def _answer(event: HistoryEvent, codec: PayloadCodec) -> Answer:
    if event.HasField("activity_task_completed_event_attributes"):
        told = await _plain(event.activity_task_completed_event_attributes.result, codec)
        return signatures.Answered.model_validate(told).answer
    if event.HasField("activity_task_failed_event_attributes"):
        failure: Failure = event.activity_task_failed_event_attributes.failure
        return Failed(code=failure.application_failure_info.type or "failed")
    return Failed(code="no-answer-in-time")


async def _plain(payloads: Payloads, codec: PayloadCodec) -> dict[str, Any]:
    """The only payload, as it was before it was encrypted."""
    [payload] = await codec.decode(payloads.payloads)
    read: dict[str, Any] = json.loads(payload.data)
    return read


def _clock(started: HistoryEvent) -> datetime:
    """The time that a workflow sees in a task that began with this event: its SDK has it as seconds in a float."""
    return datetime.fromtimestamp(started.event_time.ToNanoseconds() / 1e9, UTC)
