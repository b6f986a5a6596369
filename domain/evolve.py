"""`evolve(state, event)`: what an event makes of a state. Pure and total: every event is taken from any state."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

from domain import effects as fx
from domain import events as ev
from domain.benefits import Verdict
from domain.catalogue import CATALOGUE
from domain.clock import after_hours
from domain.obligations import Obligation, ObligationKind, ObligationStatus
from domain.plans import SELF_PAID, Contact, FundingRoute, ReviewOutcome, Stay, Transition
from domain.state import REMEMBERED_COMMANDS, JourneyState
from domain.values import Instant, LevelOfCare, Stage

_EHR_NEED_NOT_KNOW = (
    ev.AdmissionRepeated,
    ev.CostEstimated,
    ev.PlaceSearchStarted,
    ev.NoPlaceFound,
    ev.PlaceGivenUp,
    ev.ObligationEscalated,
    ev.EffectSettled,
)


def evolve(state: JourneyState, event: ev.BaseEvent) -> JourneyState:
    """The state after `event`."""
    version = state.version + 1
    changed = _apply(event, state)
    answered = state.answered
    if event.cause not in answered[-1:]:
        answered = (*answered, event.cause)[-REMEMBERED_COMMANDS:]
    revision = version if _is_news(event, state) else state.ehr_revision
    return _with(changed, version=version, answered=answered, ehr_revision=revision)


def fold(events: Iterable[ev.BaseEvent], start: JourneyState | None = None) -> JourneyState:
    """The state after all of `events`, in order."""
    state = start or JourneyState()
    for event in events:
        state = evolve(state, event)
    return state


def _is_news(event: ev.BaseEvent, state: JourneyState) -> bool:
    if isinstance(event, ev.ObligationWaived):
        owed = state.obligations.get(event.obligation)
        return owed is None or owed.about != "ehr"  # waived: the EHR is not to be asked once more
    return not isinstance(event, _EHR_NEED_NOT_KNOW)


def _with(state: JourneyState, **changes: Any) -> JourneyState:
    return state.model_copy(update=changes)


@singledispatch
def _apply(event: ev.BaseEvent, state: JourneyState) -> JourneyState:
    raise NotImplementedError(f"no rule folds {type(event).__name__}")


@_apply.register
def _(event: ev.JourneyOpened, state: JourneyState) -> JourneyState:
    return _with(
        state,
        journey_id=event.journey_id,
        client_ref=event.client_ref,
        policy_version=event.policy,
        opened_at=event.at,
        stage=Stage.REFERRED,
    )


@_apply.register
def _(event: ev.AdmissionRepeated, state: JourneyState) -> JourneyState:
    return state


@_apply.register
def _(event: ev.AdmissionCancelled, state: JourneyState) -> JourneyState:
    if event.care_had_begun:
        return state
    return _with(state, stage=Stage.CANCELLED, ended_at=event.at, transition=None)


@_apply.register
def _(event: ev.BenefitsRequested, state: JourneyState) -> JourneyState:
    effect = fx.CheckBenefits(key=event.key, service_date=state.policy.site.local_date(event.at))
    waiting = _with(_add_effect(state, effect), benefit_checks=state.benefit_checks + 1)
    return _with(waiting, stage=Stage.BENEFITS_CHECK)


@_apply.register
def _(event: ev.BenefitsAnswered, state: JourneyState) -> JourneyState:
    answered = _with(state, benefits=event.benefits)
    if event.benefits.verdict.is_covered:
        return _with(answered, funding=None, stage=_stage_once_funded(state))
    if event.benefits.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED) and state.funding not in SELF_PAID:
        return _with(answered, stage=Stage.FUNDING_EXCEPTION, authorised=False)
    return answered


@_apply.register
def _(event: ev.FundingResolved, state: JourneyState) -> JourneyState:
    stays = event.route in (FundingRoute.OTHER_COVERAGE, FundingRoute.REFERRED_OUT)
    return _with(state, funding=event.route, stage=state.stage if stays else _stage_once_funded(state))


@_apply.register
def _(event: ev.PlacementDecided, state: JourneyState) -> JourneyState:
    return _with(state, placement=event.actual, stage=Stage.COST_REVIEW)


@_apply.register
def _(event: ev.CostEstimated, state: JourneyState) -> JourneyState:
    return _with(state, estimate=event.estimate, estimates=state.estimates + 1)


@_apply.register
def _(event: ev.CostAccepted, state: JourneyState) -> JourneyState:
    return _with(state, stage=Stage.ENROLLING)


@_apply.register
def _(event: ev.CostDeclined, state: JourneyState) -> JourneyState:
    return _with(state, stage=Stage.FUNDING_EXCEPTION, authorised=False)


@_apply.register
def _(event: ev.Enrolled, state: JourneyState) -> JourneyState:
    return state


@_apply.register
def _(event: ev.LevelOfCareStarted, state: JourneyState) -> JourneyState:
    stay = Stay(level=event.level, since=event.at)
    return _with(state, stays=(*state.stays, stay), stage=_stage_at(event.level))


@_apply.register
def _(event: ev.LevelOfCareEnded, state: JourneyState) -> JourneyState:
    return _with(state, stays=_ended(state.stays, event.at))


@_apply.register
def _(event: ev.DischargePlanUpdated, state: JourneyState) -> JourneyState:
    return _with(state, discharge_plan=event.plan)


@_apply.register
def _(event: ev.ReviewCompleted, state: JourneyState) -> JourneyState:
    return _with(state, stage=Stage.DISCHARGING) if event.outcome is ReviewOutcome.DISCHARGE else state


@_apply.register
def _(event: ev.TransitionStarted, state: JourneyState) -> JourneyState:
    transition = Transition(
        number=event.number,
        direction=event.direction,
        origin=event.origin,
        target=event.target,
        due_at=event.due_at,
    )
    return _with(state, transition=transition, transitions=event.number, stage=Stage.TRANSITION)


@_apply.register
def _(event: ev.PlaceSearchStarted, state: JourneyState) -> JourneyState:
    if state.transition is None:
        return state
    move = state.transition
    effect = fx.HoldPlace(
        key=f"{move.hold_key}-search-{event.attempt}",
        hold_key=move.hold_key,
        level=move.target,
        wanted_by=max(move.due_at, after_hours(event.at, state.policy.step_up_hours)),
    )
    return _move(_add_effect(state, effect), searches=event.attempt, next_search_at=None)


@_apply.register
def _(event: ev.PlaceHeld, state: JourneyState) -> JourneyState:
    return _move(state, place=event.facility)


@_apply.register
def _(event: ev.NoPlaceFound, state: JourneyState) -> JourneyState:
    return _move(state, next_search_at=event.next_search_at)


@_apply.register
def _(event: ev.PlaceGivenUp, state: JourneyState) -> JourneyState:
    left = _with(state, place_in_use=None) if event.hold_key == state.place_in_use else state
    key = f"release-{event.hold_key}-{state.version + 1}"  # a search still under way may have to give back again
    return _add_effect(left, fx.ReleasePlace(key=key, hold_key=event.hold_key))


@_apply.register
def _(event: ev.StepUpWindowMissed, state: JourneyState) -> JourneyState:
    return _move(state, window_missed=True)


@_apply.register
def _(event: ev.TransitionCompleted, state: JourneyState) -> JourneyState:
    move = state.transition
    taken = move is not None and move.place is not None and move.place == event.facility
    return _with(state, transition=None, place_in_use=move.hold_key if move and taken else state.place_in_use)


@_apply.register
def _(event: ev.TransitionDeclined, state: JourneyState) -> JourneyState:
    origin = state.transition.origin if state.transition else state.level
    return _with(state, transition=None, stage=_stage_at(origin) if origin else state.stage)


@_apply.register
def _(event: ev.DischargeReported, state: JourneyState) -> JourneyState:
    return state


@_apply.register
def _(event: ev.Discharged, state: JourneyState) -> JourneyState:
    return _with(state, stage=Stage.DISCHARGED, transition=None)


@_apply.register
def _(event: ev.FollowUpRecorded, state: JourneyState) -> JourneyState:
    return _with(state, stage=Stage.FOLLOW_UP) if event.contact is Contact.REACHED else state


@_apply.register
def _(event: ev.JourneyClosed, state: JourneyState) -> JourneyState:
    return _with(state, stage=Stage.CLOSED, ended_at=event.at)


@_apply.register
def _(event: ev.ObligationRaised, state: JourneyState) -> JourneyState:
    owed = event.obligation
    raised = {**state.raised, owed.kind: state.raised.get(owed.kind, 0) + 1}
    return _owe(_with(state, raised=raised), owed)


@_apply.register
def _(event: ev.ObligationEscalated, state: JourneyState) -> JourneyState:
    owed = state.obligations.get(event.obligation)
    if owed is None:
        return state
    rung = owed.ladder[min(event.climbed, len(owed.ladder)) - 1]
    told = _owe(state, owed.model_copy(update={"climbed": event.climbed, "last_told_at": event.at}), tell=False)
    return _add_effect(
        told,
        fx.Notify(
            key=f"notify-{owed.id}-{event.climbed}",
            obligation=owed.id,
            title=CATALOGUE[owed.kind].title,
            to=event.to,
            how=rung.how,
            due_at=owed.due_at,
            overdue=event.overdue,
        ),
    )


@_apply.register
def _(event: ev.ObligationAcknowledged, state: JourneyState) -> JourneyState:
    owed = state.obligations.get(event.obligation)
    if owed is None:
        return state
    changes = {
        "status": ObligationStatus.ACKNOWLEDGED,
        "quiet_until": event.quiet_until,
        "acknowledged_by": event.by.role,
    }
    return _owe(state, owed.model_copy(update=changes))


@_apply.register
def _(event: ev.ObligationMet, state: JourneyState) -> JourneyState:
    return _end(state, event.obligation, ObligationStatus.MET_LATE if event.late else ObligationStatus.MET)


@_apply.register
def _(event: ev.ObligationWaived, state: JourneyState) -> JourneyState:
    return _end(state, event.obligation, ObligationStatus.WAIVED)


@_apply.register
def _(event: ev.ObligationCancelled, state: JourneyState) -> JourneyState:
    return _end(state, event.obligation, ObligationStatus.CANCELLED)


@_apply.register
def _(event: ev.EffectSettled, state: JourneyState) -> JourneyState:
    if event.key in state.effects:
        return _with(state, effects={k: e for k, e in state.effects.items() if k != event.key})
    if not event.key.startswith("ehr-"):
        return state
    revision = int(event.key.removeprefix("ehr-"))
    waiting = {k: c for k, c in state.unsynced.items() if event.failure or c[0] > revision}
    return _with(state, ehr_synced=max(state.ehr_synced, revision), unsynced=waiting)


def _stage_once_funded(state: JourneyState) -> Stage:
    return Stage.COST_REVIEW if state.placement else Stage.PLACEMENT


def _stage_at(level: LevelOfCare) -> Stage:
    return Stage.ACTIVE if level.is_ours else Stage.EXTERNAL


def _ended(stays: tuple[Stay, ...], at: Instant) -> tuple[Stay, ...]:
    return (*stays[:-1], stays[-1].model_copy(update={"until": at})) if stays else stays


def _move(state: JourneyState, **changes: Any) -> JourneyState:
    if state.transition is None:
        return state
    return _with(state, transition=state.transition.model_copy(update=changes))


def _add_effect(state: JourneyState, effect: fx.Effect) -> JourneyState:
    return _with(state, effects={**state.effects, effect.key: effect})


def _owe(state: JourneyState, owed: Obligation, *, tell: bool = True) -> JourneyState:
    changed = _with(state, obligations={**state.obligations, owed.id: owed})
    return _tell_ehr(changed, owed) if tell else changed


def _end(state: JourneyState, obligation_id: str, status: ObligationStatus) -> JourneyState:
    owed = state.obligations.get(obligation_id)
    if owed is None:
        return state
    changes: dict[str, Any] = {"obligations": {k: o for k, o in state.obligations.items() if k != obligation_id}}
    if owed.kind is ObligationKind.OBTAIN_AUTHORISATION:
        changes["authorised"] = status is not ObligationStatus.CANCELLED
    return _tell_ehr(_with(state, **changes), owed.model_copy(update={"status": status}))


def _tell_ehr(state: JourneyState, owed: Obligation) -> JourneyState:
    return _with(state, unsynced={**state.unsynced, owed.id: (state.version + 1, owed)})
