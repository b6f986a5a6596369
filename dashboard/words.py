"""A plain sentence for each event of a journey, without its free text: somebody may look over a shoulder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from domain.benefit_words import price, summary
from domain.events import BaseEvent
from domain.pathway import OBLIGATIONS
from domain.pathway.admission import AdmissionCancelled, AdmissionRepeated, JourneyOpened
from domain.pathway.calls import EffectSettled
from domain.pathway.care import LevelOfCareEnded, LevelOfCareStarted
from domain.pathway.closing import JourneyClosed
from domain.pathway.cost import CostAccepted, CostDeclined, CostEstimated
from domain.pathway.coverage import BenefitsAnswered, BenefitsRequested
from domain.pathway.discharge import Discharged, DischargePlanUpdated, DischargeReported
from domain.pathway.enrolment import Enrolled
from domain.pathway.follow_up import FollowUpRecorded
from domain.pathway.funding import FundingResolved
from domain.pathway.moves import (
    NoPlaceFound,
    PlaceGivenUp,
    PlaceHeld,
    PlaceSearchStarted,
    StepUpWindowMissed,
    TransitionCompleted,
    TransitionDeclined,
    TransitionStarted,
)
from domain.pathway.obligations import (
    ObligationAcknowledged,
    ObligationCancelled,
    ObligationEscalated,
    ObligationMet,
    ObligationRaised,
    ObligationWaived,
)
from domain.pathway.placement import PlacementDecided
from domain.pathway.reviews import ReviewCompleted
from domain.plans import Actor
from domain.values import Instant, Role

_SENTENCES: dict[type[BaseEvent], Callable[[Any], str]] = {
    JourneyOpened: lambda e: f"Journey opened under policy {e.policy}",
    AdmissionRepeated: lambda e: "A further admissions message; nothing starts again",
    AdmissionCancelled: lambda e: (
        f"Admission {e.reason}" + ("; care had begun, a person decides" if e.care_had_begun else "; journey ended")
    ),
    BenefitsRequested: lambda e: "The payer is asked about benefits",
    BenefitsAnswered: lambda e: f"Benefits: {summary(e.benefits)}" + (_by(e) if e.by else ", says the payer"),
    FundingResolved: lambda e: f"Funding: {e.route}{_by(e)}",
    PlacementDecided: lambda e: (
        f"Level of care decided: {e.actual}"
        + (f" (recommended {e.recommended})" if e.actual != e.recommended else "")
        + _by(e)
    ),
    CostEstimated: lambda e: f"Cost: {e.estimate.id} is {price(e.estimate)}",
    CostAccepted: lambda e: f"The client accepted {e.estimate}{_by(e)}",
    CostDeclined: lambda e: f"The client declined {e.estimate}{_by(e)}",
    Enrolled: lambda e: f"Enrolled in {e.level}, {e.track} track{_by(e)}",
    LevelOfCareStarted: lambda e: f"Care at {e.level} began",
    LevelOfCareEnded: lambda e: f"Care at {e.level} ended",
    DischargePlanUpdated: lambda e: (
        "Discharge plan "
        + (f"drafted, still without {', '.join(e.plan.missing())}" if e.plan.missing() else "complete")
    ),
    ReviewCompleted: lambda e: f"Review in week {e.week}: {e.outcome}{_by(e)}",
    TransitionStarted: lambda e: f"Step {e.direction} {e.origin} → {e.target}, due {moment(e.due_at)}{_by(e)}",
    PlaceSearchStarted: lambda e: f"Looking for a place, search {e.attempt}",
    PlaceHeld: lambda e: f"A place is held at {e.facility} from {moment(e.starts_at)}",
    NoPlaceFound: lambda e: f"No place found; next search {moment(e.next_search_at)}",
    PlaceGivenUp: lambda e: "The held place is given back",
    StepUpWindowMissed: lambda e: "24 hours passed without the step-up; daily contact until it happens",
    TransitionCompleted: lambda e: f"Arrived at {e.target}" + (f", {e.facility}" if e.facility else "") + _by(e),
    TransitionDeclined: lambda e: f"The client declined the move{_by(e)}",
    DischargeReported: lambda e: "The hospital system reports the end of the visit",
    Discharged: lambda e: (
        f"Discharged: {e.reason}" + (f", plan without {', '.join(e.gaps)}" if e.gaps else ", plan complete") + _by(e)
    ),
    FollowUpRecorded: lambda e: f"Follow-up after discharge: {e.contact}{_by(e)}",
    JourneyClosed: lambda e: f"Journey closed: {e.reason}",
    ObligationRaised: lambda e: f"Owed: {e.obligation.title} — {e.obligation.owner}, due {moment(e.obligation.due_at)}",
    ObligationEscalated: lambda e: f"{'OVERDUE' if e.overdue else 'Reminder'}: {_duty(e)} → {e.to}",
    ObligationAcknowledged: lambda e: f"In hand: {_duty(e)}, quiet until {moment(e.quiet_until)}{_by(e)}",
    ObligationMet: lambda e: f"Done{' late' if e.late else ''}: {_duty(e)}",
    ObligationWaived: lambda e: f"Waived: {_duty(e)}{_by(e)}",
    ObligationCancelled: lambda e: f"No longer owed: {_duty(e)}; {e.because}",
    EffectSettled: lambda e: (
        f"Clinic system {'refused' if e.failure else 'answered'}: {e.key}" + (f" ({e.failure})" if e.failure else "")
    ),
}

_BOOKKEEPING: frozenset[type[BaseEvent]] = frozenset(
    {ObligationRaised, ObligationMet, ObligationCancelled, EffectSettled}
)


def sentence(event: BaseEvent) -> str:
    """What happened, for a person."""
    return _SENTENCES[type(event)](event)


def is_bookkeeping(event: BaseEvent) -> bool:
    """Whether a reader of the story may skip it; failed calls are never skipped."""
    failed = type(event) is EffectSettled and event.failure is not None
    return type(event) in _BOOKKEEPING and not failed


def actor_role(event: BaseEvent) -> Role | None:
    """The role in which a person acted, if one did."""
    by = actor(event)
    return by.role if by else None


def actor(event: BaseEvent) -> Actor | None:
    """The person who acted, if one did."""
    return event.__dict__.get("by")  # getattr takes pydantic microseconds where there is none


def moment(at: Instant) -> str:
    """Date and time in UTC, to the minute."""
    return f"{at.astimezone(UTC).isoformat(' ')[:16]}Z"


def _by(event: Any) -> str:
    return f", by {event.by.role} {event.by.id}"


def _duty(event: Any) -> str:
    kind = OBLIGATIONS.get(event.kind)
    return f"{kind.title[0].lower()}{kind.title[1:]} ({event.obligation})" if kind else str(event.obligation)
