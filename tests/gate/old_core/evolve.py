"""`evolve(state, event)`: what an event makes of a state. Pure and total: every event is taken from any state."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from typing import Any

from tests.gate.old_core import effects as fx
from tests.gate.old_core import events as ev
from tests.gate.old_core.benefits import Verdict
from tests.gate.old_core.catalogue import CATALOGUE
from tests.gate.old_core.clock import after_hours
from tests.gate.old_core.obligations import Obligation, ObligationKind, ObligationStatus
from tests.gate.old_core.plans import SELF_PAID, Contact, FundingRoute, ReviewOutcome, Stay, Transition
from tests.gate.old_core.state import REMEMBERED_COMMANDS, JourneyState
from tests.gate.old_core.values import Instant, LevelOfCare, Stage

Changes = dict[str, Any]
"""The fields of a state that an event changes, with their new values."""

_EHR_NEED_NOT_KNOW: frozenset[type[ev.BaseEvent]] = frozenset(
    {
        ev.AdmissionRepeated,
        ev.CostEstimated,
        ev.PlaceSearchStarted,
        ev.NoPlaceFound,
        ev.PlaceGivenUp,
        ev.ObligationEscalated,
        ev.EffectSettled,
    }
)


def evolve(state: JourneyState, event: ev.BaseEvent) -> JourneyState:
    """The state after `event`."""
    changes = _changes(event, state)
    changes["version"] = version = state.version + 1
    if event.cause not in state.answered[-1:]:
        changes["answered"] = (*state.answered, event.cause)[-REMEMBERED_COMMANDS:]
    if _is_news(event, state):
        changes["ehr_revision"] = version
    return state.changed(**changes)


def fold(events: Iterable[ev.BaseEvent], start: JourneyState | None = None) -> JourneyState:
    """The state after all of `events`, in order."""
    state = start or JourneyState()
    for event in events:
        state = evolve(state, event)
    return state


def _is_news(event: ev.BaseEvent, state: JourneyState) -> bool:
    # By type, not isinstance: pydantic's takes a microsecond for each class that it is not.
    if type(event) is ev.ObligationWaived:
        owed = state.obligations.get(event.obligation)
        return owed is None or owed.about != "ehr"  # waived: the EHR is not to be asked once more
    return type(event) not in _EHR_NEED_NOT_KNOW


@singledispatch
def _changes(event: ev.BaseEvent, state: JourneyState) -> Changes:
    raise NotImplementedError(f"no rule folds {type(event).__name__}")


@_changes.register
def _(event: ev.JourneyOpened, state: JourneyState) -> Changes:
    return Changes(
        journey_id=event.journey_id,
        client_ref=event.client_ref,
        policy_version=event.policy,
        opened_at=event.at,
        stage=Stage.REFERRED,
    )


@_changes.register
def _(event: ev.AdmissionRepeated, state: JourneyState) -> Changes:
    return Changes()


@_changes.register
def _(event: ev.AdmissionCancelled, state: JourneyState) -> Changes:
    if event.care_had_begun:
        return Changes()
    return Changes(stage=Stage.CANCELLED, ended_at=event.at, transition=None)


@_changes.register
def _(event: ev.BenefitsRequested, state: JourneyState) -> Changes:
    effect = fx.CheckBenefits(key=event.key, service_date=state.policy.site.local_date(event.at))
    checks = state.benefit_checks + 1
    return Changes(stage=Stage.BENEFITS_CHECK, benefit_checks=checks, **_add_effect(state, effect))


@_changes.register
def _(event: ev.BenefitsAnswered, state: JourneyState) -> Changes:
    if event.benefits.verdict.is_covered:
        return Changes(benefits=event.benefits, funding=None, stage=_stage_once_funded(state))
    if event.benefits.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED) and state.funding not in SELF_PAID:
        return Changes(benefits=event.benefits, stage=Stage.FUNDING_EXCEPTION, authorised=False)
    return Changes(benefits=event.benefits)


@_changes.register
def _(event: ev.FundingResolved, state: JourneyState) -> Changes:
    stays = event.route in (FundingRoute.OTHER_COVERAGE, FundingRoute.REFERRED_OUT)
    return Changes(funding=event.route, stage=state.stage if stays else _stage_once_funded(state))


@_changes.register
def _(event: ev.PlacementDecided, state: JourneyState) -> Changes:
    return Changes(placement=event.actual, stage=Stage.COST_REVIEW)


@_changes.register
def _(event: ev.CostEstimated, state: JourneyState) -> Changes:
    return Changes(estimate=event.estimate, estimates=state.estimates + 1)


@_changes.register
def _(event: ev.CostAccepted, state: JourneyState) -> Changes:
    return Changes(stage=Stage.ENROLLING)


@_changes.register
def _(event: ev.CostDeclined, state: JourneyState) -> Changes:
    return Changes(stage=Stage.FUNDING_EXCEPTION, authorised=False)


@_changes.register
def _(event: ev.Enrolled, state: JourneyState) -> Changes:
    return Changes()


@_changes.register
def _(event: ev.LevelOfCareStarted, state: JourneyState) -> Changes:
    stay = Stay(level=event.level, since=event.at)
    return Changes(stays=(*state.stays, stay), stage=_stage_at(event.level))


@_changes.register
def _(event: ev.LevelOfCareEnded, state: JourneyState) -> Changes:
    return Changes(stays=_ended(state.stays, event.at))


@_changes.register
def _(event: ev.DischargePlanUpdated, state: JourneyState) -> Changes:
    return Changes(discharge_plan=event.plan)


@_changes.register
def _(event: ev.ReviewCompleted, state: JourneyState) -> Changes:
    return Changes(stage=Stage.DISCHARGING) if event.outcome is ReviewOutcome.DISCHARGE else Changes()


@_changes.register
def _(event: ev.TransitionStarted, state: JourneyState) -> Changes:
    transition = Transition(
        number=event.number,
        direction=event.direction,
        origin=event.origin,
        target=event.target,
        due_at=event.due_at,
    )
    return Changes(transition=transition, transitions=event.number, stage=Stage.TRANSITION)


@_changes.register
def _(event: ev.PlaceSearchStarted, state: JourneyState) -> Changes:
    if state.transition is None:
        return Changes()
    move = state.transition
    effect = fx.HoldPlace(
        key=f"{move.hold_key}-search-{event.attempt}",
        hold_key=move.hold_key,
        level=move.target,
        wanted_by=max(move.due_at, after_hours(event.at, state.policy.step_up_hours)),
    )
    return _add_effect(state, effect) | _move(state, searches=event.attempt, next_search_at=None)


@_changes.register
def _(event: ev.PlaceHeld, state: JourneyState) -> Changes:
    return _move(state, place=event.facility)


@_changes.register
def _(event: ev.NoPlaceFound, state: JourneyState) -> Changes:
    return _move(state, next_search_at=event.next_search_at)


@_changes.register
def _(event: ev.PlaceGivenUp, state: JourneyState) -> Changes:
    left = Changes(place_in_use=None) if event.hold_key == state.place_in_use else Changes()
    key = f"release-{event.hold_key}-{state.version + 1}"  # a search still under way may have to give back again
    return left | _add_effect(state, fx.ReleasePlace(key=key, hold_key=event.hold_key))


@_changes.register
def _(event: ev.StepUpWindowMissed, state: JourneyState) -> Changes:
    return _move(state, window_missed=True)


@_changes.register
def _(event: ev.TransitionCompleted, state: JourneyState) -> Changes:
    move = state.transition
    taken = move is not None and move.place is not None and move.place == event.facility
    return Changes(transition=None, place_in_use=move.hold_key if move and taken else state.place_in_use)


@_changes.register
def _(event: ev.TransitionDeclined, state: JourneyState) -> Changes:
    origin = state.transition.origin if state.transition else state.level
    return Changes(transition=None, stage=_stage_at(origin) if origin else state.stage)


@_changes.register
def _(event: ev.DischargeReported, state: JourneyState) -> Changes:
    return Changes()


@_changes.register
def _(event: ev.Discharged, state: JourneyState) -> Changes:
    return Changes(stage=Stage.DISCHARGED, transition=None)


@_changes.register
def _(event: ev.FollowUpRecorded, state: JourneyState) -> Changes:
    return Changes(stage=Stage.FOLLOW_UP) if event.contact is Contact.REACHED else Changes()


@_changes.register
def _(event: ev.JourneyClosed, state: JourneyState) -> Changes:
    return Changes(stage=Stage.CLOSED, ended_at=event.at)


@_changes.register
def _(event: ev.ObligationRaised, state: JourneyState) -> Changes:
    owed = event.obligation
    raised = {**state.raised, owed.kind: state.raised.get(owed.kind, 0) + 1}
    return Changes(raised=raised, **_owe(state, owed))


@_changes.register
def _(event: ev.ObligationEscalated, state: JourneyState) -> Changes:
    owed = state.obligations.get(event.obligation)
    if owed is None:
        return Changes()
    rung = owed.ladder[min(event.climbed, len(owed.ladder)) - 1]
    told = _owe(state, owed.changed(climbed=event.climbed, last_told_at=event.at), tell=False)
    return told | _add_effect(
        state,
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


@_changes.register
def _(event: ev.ObligationAcknowledged, state: JourneyState) -> Changes:
    owed = state.obligations.get(event.obligation)
    if owed is None:
        return Changes()
    in_hand = owed.changed(
        status=ObligationStatus.ACKNOWLEDGED, quiet_until=event.quiet_until, acknowledged_by=event.by.role
    )
    return _owe(state, in_hand)


@_changes.register
def _(event: ev.ObligationMet, state: JourneyState) -> Changes:
    return _end(state, event.obligation, ObligationStatus.MET_LATE if event.late else ObligationStatus.MET)


@_changes.register
def _(event: ev.ObligationWaived, state: JourneyState) -> Changes:
    return _end(state, event.obligation, ObligationStatus.WAIVED)


@_changes.register
def _(event: ev.ObligationCancelled, state: JourneyState) -> Changes:
    return _end(state, event.obligation, ObligationStatus.CANCELLED)


@_changes.register
def _(event: ev.EffectSettled, state: JourneyState) -> Changes:
    if event.key in state.effects:
        return Changes(effects={k: e for k, e in state.effects.items() if k != event.key})
    if not event.key.startswith("ehr-"):
        return Changes()
    revision = int(event.key.removeprefix("ehr-"))
    waiting = {k: c for k, c in state.unsynced.items() if event.failure or c[0] > revision}
    return Changes(ehr_synced=max(state.ehr_synced, revision), unsynced=waiting)


def _stage_once_funded(state: JourneyState) -> Stage:
    return Stage.COST_REVIEW if state.placement else Stage.PLACEMENT


def _stage_at(level: LevelOfCare) -> Stage:
    return Stage.ACTIVE if level.is_ours else Stage.EXTERNAL


def _ended(stays: tuple[Stay, ...], at: Instant) -> tuple[Stay, ...]:
    return (*stays[:-1], stays[-1].changed(until=at)) if stays else stays


def _move(state: JourneyState, **changes: Any) -> Changes:
    if state.transition is None:
        return Changes()
    return Changes(transition=state.transition.changed(**changes))


def _add_effect(state: JourneyState, effect: fx.Effect) -> Changes:
    return Changes(effects={**state.effects, effect.key: effect})


def _owe(state: JourneyState, owed: Obligation, *, tell: bool = True) -> Changes:
    changes = Changes(obligations={**state.obligations, owed.id: owed})
    return changes | _tell_ehr(state, owed) if tell else changes


def _end(state: JourneyState, obligation_id: str, status: ObligationStatus) -> Changes:
    owed = state.obligations.get(obligation_id)
    if owed is None:
        return Changes()
    changes = Changes(obligations={k: o for k, o in state.obligations.items() if k != obligation_id})
    if owed.kind is ObligationKind.OBTAIN_AUTHORISATION:
        changes["authorised"] = status is not ObligationStatus.CANCELLED
    return changes | _tell_ehr(state, owed.changed(status=status))


def _tell_ehr(state: JourneyState, owed: Obligation) -> Changes:
    return Changes(unsynced={**state.unsynced, owed.id: (state.version + 1, owed)})
