"""What follows from an event without anybody asking: obligations raised and ended, and the next step begun.

Read it as the pathway's own memory. Each rule sees the state after its event and yields what follows; that is
folded in turn, until nothing follows any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import singledispatch

from tests.gate.old_core import events as ev
from tests.gate.old_core.benefits import Verdict
from tests.gate.old_core.catalogue import REVIEW_REMINDER_HOURS
from tests.gate.old_core.clock import (
    TimeKind,
    after_business_days,
    after_calendar_days,
    after_hours,
    at_service_week,
    weeks_of_service,
)
from tests.gate.old_core.cost import estimate
from tests.gate.old_core.obligations import ObligationKind
from tests.gate.old_core.owing import all_cancelled, cancelled, met, on, raised, raised_in_business_days
from tests.gate.old_core.plans import SELF_PAID, Contact, Direction, DischargeReason, FundingRoute, ReviewOutcome
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import LevelOfCare, Stage

K = ObligationKind
_CREDIBLE = timedelta(days=366)
"""A source's admission time further from now than this is a slip of its clock; access then counts from now."""


@singledispatch
def follows(event: ev.BaseEvent, state: JourneyState) -> Iterator[ev.Event]:
    """The events that follow from `event`; `state` is the state after it."""
    yield from ()


@follows.register
def _(event: ev.JourneyOpened, state: JourneyState) -> Iterator[ev.Event]:
    policy = state.policy
    since = event.admitted_at if abs(event.admitted_at - event.at) <= _CREDIBLE else event.at
    due = after_business_days(since, policy.access_business_days, policy.site)
    yield raised(state, event, K.ENROL, due, TimeKind.BUSINESS_DAYS)
    yield from _ask_the_payer(state, event)


@follows.register
def _(event: ev.BenefitsAnswered, state: JourneyState) -> Iterator[ev.Event]:
    if state.stage in (Stage.PLACEMENT, Stage.COST_REVIEW):
        yield from met(state, event, K.VERIFY_BENEFITS, K.RESOLVE_FUNDING)
        yield from _once_funded(state, event)
    elif state.stage is Stage.FUNDING_EXCEPTION:
        yield from met(state, event, K.VERIFY_BENEFITS)
        yield from _look_for_funding(state, event)


@follows.register
def _(event: ev.FundingResolved, state: JourneyState) -> Iterator[ev.Event]:
    yield from met(state, event, K.RESOLVE_FUNDING)
    if event.route is FundingRoute.REFERRED_OUT:
        yield ev.JourneyClosed(**on(event), reason="referred-out")
    elif event.route is FundingRoute.OTHER_COVERAGE:
        yield from _ask_the_payer(state, event)
    else:
        yield from _once_funded(state, event)


@follows.register
def _(event: ev.PlacementDecided, state: JourneyState) -> Iterator[ev.Event]:
    yield from met(state, event, K.DECIDE_PLACEMENT)
    yield from _once_funded(state, event)


@follows.register
def _(event: ev.CostDeclined, state: JourneyState) -> Iterator[ev.Event]:
    yield from _look_for_funding(state, event)


@follows.register
def _(event: ev.CostAccepted, state: JourneyState) -> Iterator[ev.Event]:
    yield from met(state, event, K.ACCEPT_COST)


@follows.register
def _(event: ev.Enrolled, state: JourneyState) -> Iterator[ev.Event]:
    yield from met(state, event, K.ENROL)
    yield ev.LevelOfCareStarted(**on(event), level=event.level)
    if state.discharge_plan.missing():
        due = after_hours(event.at, state.policy.plan_draft_hours)
        yield raised(state, event, K.DRAFT_DISCHARGE_PLAN, due, TimeKind.ELAPSED)


@follows.register
def _(event: ev.LevelOfCareStarted, state: JourneyState) -> Iterator[ev.Event]:
    if event.level.is_ours:
        yield _next_review(state, event)
    else:
        yield _external_contact(state, event)


@follows.register
def _(event: ev.LevelOfCareEnded, state: JourneyState) -> Iterator[ev.Event]:
    yield from cancelled(state, event, K.REVIEW, K.EXTERNAL_CONTACT)


@follows.register
def _(event: ev.DischargePlanUpdated, state: JourneyState) -> Iterator[ev.Event]:
    if event.plan.is_begun():
        yield from met(state, event, K.DRAFT_DISCHARGE_PLAN)


@follows.register
def _(event: ev.ReviewCompleted, state: JourneyState) -> Iterator[ev.Event]:
    yield from met(state, event, K.REVIEW)
    if event.outcome is ReviewOutcome.CONTINUE:
        yield _next_review(state, event)
    elif event.outcome is ReviewOutcome.DISCHARGE and not state.open_of(K.COMPLETE_DISCHARGE):
        yield raised_in_business_days(state, event, K.COMPLETE_DISCHARGE, state.policy.discharge_business_days)


@follows.register
def _(event: ev.TransitionStarted, state: JourneyState) -> Iterator[ev.Event]:
    yield from cancelled(state, event, K.REVIEW, K.COMPLETE_DISCHARGE, K.COMPLETE_STEP_UP, K.COMPLETE_STEP_DOWN)
    if event.direction is Direction.UP:
        yield raised(state, event, K.COMPLETE_STEP_UP, event.due_at, TimeKind.ELAPSED)
        yield ev.PlaceSearchStarted(**on(event), attempt=1)
    else:
        yield raised(state, event, K.COMPLETE_STEP_DOWN, event.due_at, TimeKind.CALENDAR_DAYS)


@follows.register
def _(event: ev.StepUpWindowMissed, state: JourneyState) -> Iterator[ev.Event]:
    if not state.open_of(K.INTERIM_CONTACT):
        yield _interim_contact(state, event)


@follows.register
def _(event: ev.TransitionCompleted, state: JourneyState) -> Iterator[ev.Event]:
    yield from met(state, event, K.COMPLETE_STEP_UP, K.COMPLETE_STEP_DOWN)
    yield from cancelled(state, event, K.INTERIM_CONTACT)
    yield ev.LevelOfCareEnded(**on(event), level=event.origin)
    yield ev.LevelOfCareStarted(**on(event), level=event.target)


@follows.register
def _(event: ev.TransitionDeclined, state: JourneyState) -> Iterator[ev.Event]:
    yield from cancelled(state, event, *_OF_THE_MOVE)
    if state.stage is Stage.ACTIVE:
        yield from cancelled(state, event, K.REVIEW)
        due = after_hours(event.at, state.policy.declined_review_hours)
        yield raised(state, event, K.REVIEW, due, TimeKind.ELAPSED)


@follows.register
def _(event: ev.AdmissionCancelled, state: JourneyState) -> Iterator[ev.Event]:
    if not event.care_had_begun:
        yield from all_cancelled(state, event)
    elif not state.open_of(K.RESOLVE_CANCELLATION):
        yield raised_in_business_days(state, event, K.RESOLVE_CANCELLATION, 1)


@follows.register
def _(event: ev.DischargeReported, state: JourneyState) -> Iterator[ev.Event]:
    in_care = state.stage in (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL)
    if in_care and not state.open_of(K.COMPLETE_DISCHARGE):
        yield raised_in_business_days(state, event, K.COMPLETE_DISCHARGE, state.policy.discharge_business_days)


@follows.register
def _(event: ev.Discharged, state: JourneyState) -> Iterator[ev.Event]:
    if state.level is not None:
        yield ev.LevelOfCareEnded(**on(event), level=state.level)
    yield from met(state, event, K.COMPLETE_DISCHARGE)
    if event.reason is DischargeReason.DECEASED:
        yield ev.JourneyClosed(**on(event), reason="deceased")
        return
    for number, days in enumerate(state.policy.follow_up_days):
        due = after_calendar_days(event.at, days, state.policy.site)
        yield raised(state, event, K.FOLLOW_UP, due, TimeKind.CALENDAR_DAYS, after=number)
    yield from cancelled(state, event, *(set(K) - {K.COMPLETE_DISCHARGE, K.RESOLVE_EFFECT, *_OF_THE_LEVEL}))


@follows.register
def _(event: ev.FollowUpRecorded, state: JourneyState) -> Iterator[ev.Event]:
    owed = state.obligations.get(event.obligation)
    if owed is not None and event.contact is Contact.REACHED:
        yield ev.ObligationMet(**on(event), obligation=owed.id, late=owed.is_overdue(event.at), by=event.by)


@follows.register
def _(event: ev.JourneyClosed, state: JourneyState) -> Iterator[ev.Event]:
    yield from all_cancelled(state, event)


@follows.register(ev.ObligationMet)
@follows.register(ev.ObligationWaived)
def _(event: ev.ObligationMet | ev.ObligationWaived, state: JourneyState) -> Iterator[ev.Event]:
    if event.obligation.startswith(K.INTERIM_CONTACT) and state.transition and state.transition.window_missed:
        yield _interim_contact(state, event)
    elif event.obligation.startswith(K.EXTERNAL_CONTACT) and state.level and not state.level.is_ours:
        yield _external_contact(state, event)
    elif event.obligation.startswith(K.FOLLOW_UP) and not state.open_of(K.FOLLOW_UP):
        reason = "followed-up" if isinstance(event, ev.ObligationMet) else "follow-up-waived"
        yield ev.JourneyClosed(**on(event), reason=reason)


@follows.register
def _(event: ev.EffectSettled, state: JourneyState) -> Iterator[ev.Event]:
    about = effect_family(event.key)
    known = [owed for owed in state.open_of(K.RESOLVE_EFFECT) if owed.about == about]
    if event.failure is None and about == "ehr":
        for owed in known:
            yield ev.ObligationMet(**on(event), obligation=owed.id, late=owed.is_overdue(event.at))
    elif event.failure is not None and not known and about != "benefits":  # those have their own obligation
        due = after_hours(event.at, 24)
        yield raised(state, event, K.RESOLVE_EFFECT, due, TimeKind.ELAPSED, about=about)


_OF_THE_MOVE = (K.COMPLETE_STEP_UP, K.COMPLETE_STEP_DOWN, K.INTERIM_CONTACT)
_OF_THE_LEVEL = (K.REVIEW, K.EXTERNAL_CONTACT)


def effect_family(key: str) -> str:
    """The kind of call behind an effect's key: `ehr`, `notify`, `place`, `release` or `benefits`."""
    return key.split("-", 1)[0]


def _ask_the_payer(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    yield raised_in_business_days(state, event, K.VERIFY_BENEFITS, state.policy.benefits_business_days)
    yield ev.BenefitsRequested(**on(event), key=f"benefits-{state.benefit_checks + 1}")


def _once_funded(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    if state.placement is None:
        if not state.open_of(K.DECIDE_PLACEMENT):
            yield raised_in_business_days(state, event, K.DECIDE_PLACEMENT, state.policy.placement_business_days)
        return
    yield _estimate(state, event)
    if not state.open_of(K.ACCEPT_COST):
        yield raised_in_business_days(state, event, K.ACCEPT_COST, state.policy.cost_business_days)
    yield from _ask_for_authorisation(state, event)


def _look_for_funding(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    yield from cancelled(state, event, K.DECIDE_PLACEMENT, K.ACCEPT_COST, K.OBTAIN_AUTHORISATION)
    if not state.open_of(K.RESOLVE_FUNDING):
        yield raised_in_business_days(state, event, K.RESOLVE_FUNDING, state.policy.funding_business_days)


def _ask_for_authorisation(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    asked = state.benefits is not None and state.benefits.verdict is Verdict.CLEAR_AUTH_REQUIRED
    settled = state.authorised or state.open_of(K.OBTAIN_AUTHORISATION)
    if not asked or state.funding in SELF_PAID:
        yield from cancelled(state, event, K.OBTAIN_AUTHORISATION)
    elif not settled:
        days = state.policy.authorisation_business_days
        yield raised_in_business_days(state, event, K.OBTAIN_AUTHORISATION, days)


def _estimate(state: JourneyState, event: ev.BaseEvent) -> ev.CostEstimated:
    level = state.placement or LevelOfCare.OP
    share = state.benefits.cost_share if state.benefits else None
    self_pay = state.funding in SELF_PAID
    return ev.CostEstimated(
        **on(event), estimate=estimate(state.estimates + 1, level, state.policy, share, self_pay=self_pay)
    )


def _next_review(state: JourneyState, event: ev.BaseEvent) -> ev.ObligationRaised:
    policy, since = state.policy, state.level_since or event.at
    if state.level is not LevelOfCare.IOP:
        due = after_calendar_days(event.at, policy.op_review_days, policy.site)
        return raised(state, event, K.REVIEW, due, TimeKind.CALENDAR_DAYS)
    reminded = after_hours(event.at, REVIEW_REMINDER_HOURS)  # done once reminded, it is not owed again at its due time
    week = max(policy.iop_first_review_week, weeks_of_service(since, reminded, policy.site) + 1)
    due = at_service_week(since, week, policy.site)
    return raised(state, event, K.REVIEW, due, TimeKind.SERVICE_WEEKS)


def _interim_contact(state: JourneyState, event: ev.BaseEvent) -> ev.ObligationRaised:
    due = after_hours(event.at, state.policy.interim_contact_hours)
    return raised(state, event, K.INTERIM_CONTACT, due, TimeKind.ELAPSED)


def _external_contact(state: JourneyState, event: ev.BaseEvent) -> ev.ObligationRaised:
    due = after_calendar_days(event.at, state.policy.external_contact_days, state.policy.site)
    return raised(state, event, K.EXTERNAL_CONTACT, due, TimeKind.CALENDAR_DAYS)
