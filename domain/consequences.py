"""What follows from an event without anybody asking: obligations raised and ended, and the next step begun.

Read it as the pathway's own memory. Each rule sees the state after its event and yields what follows; that is
folded in turn, until nothing follows any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import singledispatch

from domain import events as ev
from domain.benefits import Verdict
from domain.catalogue import REVIEW_REMINDER_HOURS, obligation
from domain.clock import (
    TimeKind,
    after_business_days,
    after_calendar_days,
    after_hours,
    at_service_week,
    weeks_of_service,
)
from domain.cost import estimate
from domain.obligations import ObligationKind
from domain.plans import Contact, Direction, FundingRoute, ReviewOutcome
from domain.rules.common import Occasion
from domain.state import JourneyState
from domain.values import LevelOfCare, Stage

K = ObligationKind
_SELF_PAY = (FundingRoute.SELF_PAY, FundingRoute.SLIDING_SCALE)


@singledispatch
def follows(event: ev.BaseEvent, state: JourneyState) -> Iterator[ev.Event]:
    """The events that follow from `event`; `state` is the state after it."""
    yield from ()


@follows.register
def _(event: ev.JourneyOpened, state: JourneyState) -> Iterator[ev.Event]:
    policy = state.policy
    due = after_business_days(event.admitted_at, policy.access_business_days, policy.site)
    yield _raise(state, event, K.ENROL, due, TimeKind.BUSINESS_DAYS)
    yield from _ask_the_payer(state, event)


@follows.register
def _(event: ev.BenefitsAnswered, state: JourneyState) -> Iterator[ev.Event]:
    if state.stage is Stage.COST_REVIEW:
        yield _estimate(state, event)
        yield from _ask_for_authorisation(state, event)
    elif state.stage is Stage.PLACEMENT:
        yield from _meet(state, event, K.VERIFY_BENEFITS, K.RESOLVE_FUNDING)
        if not state.open_of(K.DECIDE_PLACEMENT):
            yield _in_business_days(state, event, K.DECIDE_PLACEMENT, state.policy.placement_business_days)
    elif state.stage is Stage.FUNDING_EXCEPTION:
        yield from _meet(state, event, K.VERIFY_BENEFITS)
        if not state.open_of(K.RESOLVE_FUNDING):
            yield _in_business_days(state, event, K.RESOLVE_FUNDING, state.policy.funding_business_days)


@follows.register
def _(event: ev.FundingResolved, state: JourneyState) -> Iterator[ev.Event]:
    yield from _meet(state, event, K.RESOLVE_FUNDING)
    if event.route is FundingRoute.REFERRED_OUT:
        yield ev.JourneyClosed(**_on(event), reason="referred-out")
    elif event.route is FundingRoute.OTHER_COVERAGE:
        yield from _ask_the_payer(state, event)
    else:
        yield _in_business_days(state, event, K.DECIDE_PLACEMENT, state.policy.placement_business_days)


@follows.register
def _(event: ev.PlacementDecided, state: JourneyState) -> Iterator[ev.Event]:
    yield from _meet(state, event, K.DECIDE_PLACEMENT)
    yield _estimate(state, event)
    yield _in_business_days(state, event, K.ACCEPT_COST, state.policy.cost_business_days)
    yield from _ask_for_authorisation(state, event)


@follows.register
def _(event: ev.CostAccepted, state: JourneyState) -> Iterator[ev.Event]:
    yield from _meet(state, event, K.ACCEPT_COST)


@follows.register
def _(event: ev.Enrolled, state: JourneyState) -> Iterator[ev.Event]:
    yield from _meet(state, event, K.ENROL)
    yield ev.LevelOfCareStarted(**_on(event), level=event.level)
    if state.discharge_plan.missing():
        due = after_hours(event.at, state.policy.plan_draft_hours)
        yield _raise(state, event, K.DRAFT_DISCHARGE_PLAN, due, TimeKind.ELAPSED)


@follows.register
def _(event: ev.LevelOfCareStarted, state: JourneyState) -> Iterator[ev.Event]:
    if event.level.is_ours:
        yield _next_review(state, event)
    else:
        yield _external_contact(state, event)


@follows.register
def _(event: ev.LevelOfCareEnded, state: JourneyState) -> Iterator[ev.Event]:
    yield from _cancel(state, event, K.REVIEW, K.EXTERNAL_CONTACT)


@follows.register
def _(event: ev.DischargePlanUpdated, state: JourneyState) -> Iterator[ev.Event]:
    if event.plan.is_begun():
        yield from _meet(state, event, K.DRAFT_DISCHARGE_PLAN)


@follows.register
def _(event: ev.ReviewCompleted, state: JourneyState) -> Iterator[ev.Event]:
    yield from _meet(state, event, K.REVIEW)
    if event.outcome is ReviewOutcome.CONTINUE:
        yield _next_review(state, event)
    elif event.outcome is ReviewOutcome.DISCHARGE and not state.open_of(K.COMPLETE_DISCHARGE):
        yield _in_business_days(state, event, K.COMPLETE_DISCHARGE, state.policy.discharge_business_days)


@follows.register
def _(event: ev.TransitionStarted, state: JourneyState) -> Iterator[ev.Event]:
    yield from _cancel(state, event, K.COMPLETE_DISCHARGE)
    if event.direction is Direction.UP:
        yield _raise(state, event, K.COMPLETE_STEP_UP, event.due_at, TimeKind.ELAPSED)
        yield ev.PlaceSearchStarted(**_on(event), attempt=1)
    else:
        yield _raise(state, event, K.COMPLETE_STEP_DOWN, event.due_at, TimeKind.CALENDAR_DAYS)


@follows.register
def _(event: ev.StepUpWindowMissed, state: JourneyState) -> Iterator[ev.Event]:
    yield _interim_contact(state, event)


@follows.register
def _(event: ev.TransitionCompleted, state: JourneyState) -> Iterator[ev.Event]:
    yield from _meet(state, event, K.COMPLETE_STEP_UP, K.COMPLETE_STEP_DOWN)
    yield from _cancel(state, event, K.INTERIM_CONTACT)
    yield ev.LevelOfCareEnded(**_on(event), level=event.origin)
    yield ev.LevelOfCareStarted(**_on(event), level=event.target)


@follows.register
def _(event: ev.TransitionDeclined, state: JourneyState) -> Iterator[ev.Event]:
    yield from _cancel(state, event, K.COMPLETE_STEP_UP, K.COMPLETE_STEP_DOWN, K.INTERIM_CONTACT)
    if state.stage is Stage.ACTIVE:
        yield from _cancel(state, event, K.REVIEW)
        due = after_hours(event.at, state.policy.declined_review_hours)
        yield _raise(state, event, K.REVIEW, due, TimeKind.ELAPSED)


@follows.register
def _(event: ev.AdmissionCancelled, state: JourneyState) -> Iterator[ev.Event]:
    if not event.care_had_begun:
        yield from _cancel_all(state, event)
    elif not state.open_of(K.RESOLVE_CANCELLATION):
        yield _in_business_days(state, event, K.RESOLVE_CANCELLATION, 1)


@follows.register
def _(event: ev.DischargeReported, state: JourneyState) -> Iterator[ev.Event]:
    in_care = state.stage in (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL)
    if in_care and not state.open_of(K.COMPLETE_DISCHARGE):
        yield _in_business_days(state, event, K.COMPLETE_DISCHARGE, state.policy.discharge_business_days)


@follows.register
def _(event: ev.Discharged, state: JourneyState) -> Iterator[ev.Event]:
    if state.level is not None:
        yield ev.LevelOfCareEnded(**_on(event), level=state.level)
    yield from _meet(state, event, K.COMPLETE_DISCHARGE)
    for number, days in enumerate(state.policy.follow_up_days):
        due = after_calendar_days(event.at, days, state.policy.site)
        yield _raise(state, event, K.FOLLOW_UP, due, TimeKind.CALENDAR_DAYS, after=number)
    yield from _cancel(state, event, *(set(K) - {K.COMPLETE_DISCHARGE, K.RESOLVE_EFFECT, *_OF_THE_LEVEL}))


@follows.register
def _(event: ev.FollowUpRecorded, state: JourneyState) -> Iterator[ev.Event]:
    owed = state.obligations.get(event.obligation)
    if owed is not None and event.contact is Contact.REACHED:
        yield ev.ObligationMet(**_on(event), obligation=owed.id, late=owed.is_overdue(event.at), by=event.by)


@follows.register
def _(event: ev.JourneyClosed, state: JourneyState) -> Iterator[ev.Event]:
    yield from _cancel_all(state, event)


@follows.register(ev.ObligationMet)
@follows.register(ev.ObligationWaived)
def _(event: ev.ObligationMet | ev.ObligationWaived, state: JourneyState) -> Iterator[ev.Event]:
    if event.obligation.startswith(K.INTERIM_CONTACT) and state.transition and state.transition.window_missed:
        yield _interim_contact(state, event)
    elif event.obligation.startswith(K.EXTERNAL_CONTACT) and state.level and not state.level.is_ours:
        yield _external_contact(state, event)
    elif event.obligation.startswith(K.FOLLOW_UP) and not state.open_of(K.FOLLOW_UP):
        yield ev.JourneyClosed(**_on(event), reason="followed-up")


@follows.register
def _(event: ev.EffectSettled, state: JourneyState) -> Iterator[ev.Event]:
    about = effect_family(event.key)
    known = [owed for owed in state.open_of(K.RESOLVE_EFFECT) if owed.about == about]
    if event.failure is None and about == "ehr":
        for owed in known:
            yield ev.ObligationMet(**_on(event), obligation=owed.id, late=owed.is_overdue(event.at))
    elif event.failure is not None and not known and about != "benefits":  # those have their own obligation
        due = after_hours(event.at, 24)
        yield _raise(state, event, K.RESOLVE_EFFECT, due, TimeKind.ELAPSED, about=about)


_OF_THE_LEVEL = (K.REVIEW, K.EXTERNAL_CONTACT)


def effect_family(key: str) -> str:
    """The kind of call behind an effect's key: `ehr`, `notify`, `place`, `release` or `benefits`."""
    return key.split("-", 1)[0]


def _on(event: ev.BaseEvent) -> Occasion:
    return Occasion(at=event.at, cause=event.cause)


def _raise(
    state: JourneyState,
    event: ev.BaseEvent,
    kind: ObligationKind,
    due_at: datetime,
    time_kind: TimeKind,
    *,
    after: int = 0,
    about: str | None = None,
) -> ev.ObligationRaised:
    number = state.raised.get(kind, 0) + 1 + after
    owed = obligation(kind, number, raised_at=event.at, due_at=due_at, time_kind=time_kind, about=about)
    return ev.ObligationRaised(**_on(event), obligation=owed)


def _in_business_days(state: JourneyState, event: ev.BaseEvent, kind: ObligationKind, days: int) -> ev.ObligationRaised:
    due_at = after_business_days(event.at, days, state.policy.site)
    return _raise(state, event, kind, due_at, TimeKind.BUSINESS_DAYS)


def _ask_the_payer(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    yield _in_business_days(state, event, K.VERIFY_BENEFITS, state.policy.benefits_business_days)
    yield ev.BenefitsRequested(**_on(event), key=f"benefits-{state.benefit_checks + 1}")


def _ask_for_authorisation(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    asked = state.benefits is not None and state.benefits.verdict is Verdict.CLEAR_AUTH_REQUIRED
    if asked and state.funding not in _SELF_PAY and K.OBTAIN_AUTHORISATION not in state.raised:
        days = state.policy.authorisation_business_days
        yield _in_business_days(state, event, K.OBTAIN_AUTHORISATION, days)


def _estimate(state: JourneyState, event: ev.BaseEvent) -> ev.CostEstimated:
    level = state.placement or LevelOfCare.OP
    share = state.benefits.cost_share if state.benefits else None
    self_pay = state.funding in _SELF_PAY
    return ev.CostEstimated(
        **_on(event), estimate=estimate(state.estimates + 1, level, state.policy, share, self_pay=self_pay)
    )


def _next_review(state: JourneyState, event: ev.BaseEvent) -> ev.ObligationRaised:
    policy, since = state.policy, state.level_since or event.at
    if state.level is not LevelOfCare.IOP:
        due = after_calendar_days(event.at, policy.op_review_days, policy.site)
        return _raise(state, event, K.REVIEW, due, TimeKind.CALENDAR_DAYS)
    reminded = after_hours(event.at, REVIEW_REMINDER_HOURS)  # done once reminded, it is not owed again at its due time
    week = max(policy.iop_first_review_week, weeks_of_service(since, reminded, policy.site) + 1)
    due = at_service_week(since, week, policy.site)
    return _raise(state, event, K.REVIEW, due, TimeKind.SERVICE_WEEKS)


def _interim_contact(state: JourneyState, event: ev.BaseEvent) -> ev.ObligationRaised:
    due = after_hours(event.at, state.policy.interim_contact_hours)
    return _raise(state, event, K.INTERIM_CONTACT, due, TimeKind.ELAPSED)


def _external_contact(state: JourneyState, event: ev.BaseEvent) -> ev.ObligationRaised:
    due = after_calendar_days(event.at, state.policy.external_contact_days, state.policy.site)
    return _raise(state, event, K.EXTERNAL_CONTACT, due, TimeKind.CALENDAR_DAYS)


def _meet(state: JourneyState, event: ev.BaseEvent, *kinds: ObligationKind) -> Iterator[ev.Event]:
    for owed in state.open_of(*kinds):
        yield ev.ObligationMet(**_on(event), obligation=owed.id, late=owed.is_overdue(event.at))


def _cancel(state: JourneyState, event: ev.BaseEvent, *kinds: ObligationKind) -> Iterator[ev.Event]:
    because = getattr(event, "type", type(event).__name__)
    for owed in state.open_of(*kinds):
        yield ev.ObligationCancelled(**_on(event), obligation=owed.id, because=because)


def _cancel_all(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    yield from _cancel(state, event, *(set(K) - {K.RESOLVE_EFFECT}))
