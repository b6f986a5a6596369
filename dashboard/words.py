"""A plain sentence for each event of a journey, without its free text: somebody may look over a shoulder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from domain import events as ev
from domain.benefit_words import price, summary
from domain.catalogue import CATALOGUE
from domain.plans import Actor
from domain.values import Instant, Role

_SENTENCES: dict[type[ev.BaseEvent], Callable[[Any], str]] = {
    ev.JourneyOpened: lambda e: f"Journey opened under policy {e.policy}",
    ev.AdmissionRepeated: lambda e: "A further admissions message; nothing starts again",
    ev.AdmissionCancelled: lambda e: (
        f"Admission {e.reason}" + ("; care had begun, a person decides" if e.care_had_begun else "; journey ended")
    ),
    ev.BenefitsRequested: lambda e: "The payer is asked about benefits",
    ev.BenefitsAnswered: lambda e: f"Benefits: {summary(e.benefits)}" + (_by(e) if e.by else ", says the payer"),
    ev.FundingResolved: lambda e: f"Funding: {e.route}{_by(e)}",
    ev.PlacementDecided: lambda e: (
        f"Level of care decided: {e.actual}"
        + (f" (recommended {e.recommended})" if e.actual != e.recommended else "")
        + _by(e)
    ),
    ev.CostEstimated: lambda e: f"Cost: {e.estimate.id} is {price(e.estimate)}",
    ev.CostAccepted: lambda e: f"The client accepted {e.estimate}{_by(e)}",
    ev.CostDeclined: lambda e: f"The client declined {e.estimate}{_by(e)}",
    ev.Enrolled: lambda e: f"Enrolled in {e.level}, {e.track} track{_by(e)}",
    ev.LevelOfCareStarted: lambda e: f"Care at {e.level} began",
    ev.LevelOfCareEnded: lambda e: f"Care at {e.level} ended",
    ev.DischargePlanUpdated: lambda e: (
        "Discharge plan "
        + (f"drafted, still without {', '.join(e.plan.missing())}" if e.plan.missing() else "complete")
    ),
    ev.ReviewCompleted: lambda e: f"Review in week {e.week}: {e.outcome}{_by(e)}",
    ev.TransitionStarted: lambda e: f"Step {e.direction} {e.origin} → {e.target}, due {moment(e.due_at)}{_by(e)}",
    ev.PlaceSearchStarted: lambda e: f"Looking for a place, search {e.attempt}",
    ev.PlaceHeld: lambda e: f"A place is held at {e.facility} from {moment(e.starts_at)}",
    ev.NoPlaceFound: lambda e: f"No place found; next search {moment(e.next_search_at)}",
    ev.PlaceGivenUp: lambda e: "The held place is given back",
    ev.StepUpWindowMissed: lambda e: "24 hours passed without the step-up; daily contact until it happens",
    ev.TransitionCompleted: lambda e: f"Arrived at {e.target}" + (f", {e.facility}" if e.facility else "") + _by(e),
    ev.TransitionDeclined: lambda e: f"The client declined the move{_by(e)}",
    ev.DischargeReported: lambda e: "The hospital system reports the end of the visit",
    ev.Discharged: lambda e: (
        f"Discharged: {e.reason}" + (f", plan without {', '.join(e.gaps)}" if e.gaps else ", plan complete") + _by(e)
    ),
    ev.FollowUpRecorded: lambda e: f"Follow-up after discharge: {e.contact}{_by(e)}",
    ev.JourneyClosed: lambda e: f"Journey closed: {e.reason}",
    ev.ObligationRaised: lambda e: (
        f"Owed: {CATALOGUE[e.obligation.kind].title} — {e.obligation.owner}, due {moment(e.obligation.due_at)}"
    ),
    ev.ObligationEscalated: lambda e: f"{'OVERDUE' if e.overdue else 'Reminder'}: {_duty(e.obligation)} → {e.to}",
    ev.ObligationAcknowledged: lambda e: f"In hand: {_duty(e.obligation)}, quiet until {moment(e.quiet_until)}{_by(e)}",
    ev.ObligationMet: lambda e: f"Done{' late' if e.late else ''}: {_duty(e.obligation)}",
    ev.ObligationWaived: lambda e: f"Waived: {_duty(e.obligation)}{_by(e)}",
    ev.ObligationCancelled: lambda e: f"No longer owed: {_duty(e.obligation)}; {e.because}",
    ev.EffectSettled: lambda e: (
        f"Clinic system {'refused' if e.failure else 'answered'}: {e.key}" + (f" ({e.failure})" if e.failure else "")
    ),
}

_BOOKKEEPING: frozenset[type[ev.BaseEvent]] = frozenset(
    {ev.ObligationRaised, ev.ObligationMet, ev.ObligationCancelled, ev.EffectSettled}
)


def sentence(event: ev.BaseEvent) -> str:
    """What happened, for a person."""
    return _SENTENCES[type(event)](event)


def is_bookkeeping(event: ev.BaseEvent) -> bool:
    """Whether a reader of the story may skip it; failed calls are never skipped."""
    failed = type(event) is ev.EffectSettled and event.failure is not None
    return type(event) in _BOOKKEEPING and not failed


def actor_role(event: ev.BaseEvent) -> Role | None:
    """The role in which a person acted, if one did."""
    by = actor(event)
    return by.role if by else None


def actor(event: ev.BaseEvent) -> Actor | None:
    """The person who acted, if one did."""
    return event.__dict__.get("by")  # getattr takes pydantic microseconds where there is none


def moment(at: Instant) -> str:
    """Date and time in UTC, to the minute."""
    return f"{at.astimezone(UTC).isoformat(' ')[:16]}Z"


def _by(event: Any) -> str:
    return f", by {event.by.role} {event.by.id}"


def _duty(obligation: str) -> str:
    kind, _, number = obligation.rpartition("-")
    title = next((duty.title for name, duty in CATALOGUE.items() if name == kind), None)
    return f"{title[0].lower()}{title[1:]} ({kind}-{number})" if title else obligation
