"""How each effect becomes a call: the activity, its request, its time limits, and its summary in the UI."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import singledispatch

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from activities import ports, signatures
from domain import effects as fx
from domain.pathway.calls import Answer, Failed, SettleEffect
from domain.state import JourneyState
from domain.values import Instant, Value
from domain.wording import named
from workflows.clear_text import ClearText
from workflows.messages import CALLS_QUEUE, NOTICES_QUEUE
from workflows.payloads import ehr_record, notice


@dataclass(frozen=True)
class Call:
    """One activity call.

    Attributes:
        patience: Elapsed time for all attempts. After that a person is asked instead.
        attempt: Elapsed time for one attempt.
        queue: The task queue whose workers make it.
    """

    activity: str
    request: Value
    summary: str
    patience: timedelta
    attempt: timedelta = timedelta(seconds=60)
    queue: str = CALLS_QUEUE


_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=10)
)


async def carry_out(state: JourneyState, effect: fx.Effect) -> Answer:
    """Makes the call and returns the answer; `Failed` when patience ends or the system refuses."""
    call = _call(effect, state)
    try:
        answered: signatures.Answered = await workflow.execute_activity(
            call.activity,
            call.request,
            task_queue=call.queue,
            result_type=signatures.Answered,
            start_to_close_timeout=call.attempt,
            schedule_to_close_timeout=call.patience,
            retry_policy=_RETRY,
            summary=ClearText(call.summary),
        )
    except ActivityError as error:
        return Failed(code=_code_of(error))
    return answered.answer


def settled(effect: fx.Effect, answer: Answer) -> SettleEffect:
    """What the journey is told of an answer."""
    return SettleEffect(id=f"settle/{effect.key}", key=effect.key, answer=answer, revision=effect.told)


def _code_of(error: ActivityError) -> str:
    cause = error.cause
    return cause.type or "failed" if isinstance(cause, ApplicationError) else "no-answer-in-time"


@singledispatch
def _call(effect: fx.Effect, state: JourneyState) -> Call:
    raise NotImplementedError(f"no call carries out {type(effect).__name__}")


@_call.register
def _check_benefits(effect: fx.CheckBenefits, state: JourneyState) -> Call:
    return Call(
        activity=signatures.CHECK_BENEFITS,
        request=ports.EligibilityInquiry(
            key=_key(state, effect), client_ref=state.client_ref, service_date=effect.service_date
        ),
        summary=f"Ask the payer about benefits; admissions verify by hand if no answer ({effect.key})",
        patience=timedelta(hours=4),
        attempt=timedelta(seconds=90),
    )


@_call.register
def _hold_place(effect: fx.HoldPlace, state: JourneyState) -> Call:
    return Call(
        activity=signatures.HOLD_PLACE,
        request=ports.PlaceRequest(
            key=f"{state.journey_id}/{effect.hold_key}",
            journey_id=state.journey_id,
            client_ref=state.client_ref,
            level=effect.level,
            wanted_from=workflow.now(),
            wanted_by=effect.wanted_by,
            lost=effect.lost,
        ),
        summary=f"Hold a place at {effect.level}, wanted by {_utc(effect.wanted_by)}",
        patience=timedelta(hours=1),
    )


@_call.register
def _release_place(effect: fx.ReleasePlace, state: JourneyState) -> Call:
    return Call(
        activity=signatures.RELEASE_PLACE,
        request=signatures.ReleaseRequest(key=f"{state.journey_id}/{effect.hold_key}", journey_id=state.journey_id),
        summary=f"Give back the place held as {effect.hold_key}",
        patience=timedelta(hours=24),
    )


@_call.register
def _notify(effect: fx.Notify, state: JourneyState) -> Call:
    when, who = "was due" if effect.overdue else "is due", named(effect.to, effect.person)
    return Call(
        activity=signatures.NOTIFY,
        request=notice(state, effect, _key(state, effect)),
        summary=f"{effect.how.capitalize()} the {who}: {effect.obligation} {when} {_utc(effect.due_at)}",
        patience=timedelta(hours=1),
        attempt=timedelta(seconds=30),
        queue=NOTICES_QUEUE,
    )


@_call.register
def _sync_ehr(effect: fx.SyncEhr, state: JourneyState) -> Call:
    return Call(
        activity=signatures.SYNC_EHR,
        request=ehr_record(state, effect, _key(state, effect)),
        summary=f"Tell the EHR: {state.stage}, as of event {effect.revision}",
        patience=timedelta(hours=24),
    )


def _key(state: JourneyState, effect: fx.Effect) -> str:
    return f"{state.journey_id}/{effect.key}"


def _utc(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
