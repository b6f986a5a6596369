"""What has happened on a journey. Each event is a fact; none is ever changed or taken back.

`at` is when the journey took it as true (the workflow's time) and `cause` names the command that led to it;
`occurred_at`, on what others report, is when it was true at its source. Type names
are part of the record and never change; a new shape gets a new `schema_version`. `PrivateWords` are what the record
seals; every other field is open to all its readers and holds ids, codes, amounts and times.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tests.gate.old_core.benefits import Benefits
from tests.gate.old_core.obligations import Obligation
from tests.gate.old_core.plans import (
    Actor,
    Contact,
    Direction,
    DischargePlan,
    DischargeReason,
    Estimate,
    FundingRoute,
    ReviewOutcome,
)
from tests.gate.old_core.values import Instant, LevelOfCare, PrivateWords, Role, Value


class BaseEvent(Value):
    """What every event carries."""

    schema_version: ClassVar[int] = 1

    at: Instant
    cause: str


class JourneyOpened(BaseEvent):
    """An admissions message began the journey."""

    type: Literal["journey.opened"] = "journey.opened"
    journey_id: str
    client_ref: str
    policy: str
    admitted_at: Instant
    message: str


class AdmissionRepeated(BaseEvent):
    """Another admissions message for a client already on this journey; nothing starts again."""

    type: Literal["admission.repeated"] = "admission.repeated"
    message: str
    occurred_at: Instant | None = None


class AdmissionCancelled(BaseEvent):
    """The admission was cancelled before care began, or a person must decide because care had begun."""

    type: Literal["admission.cancelled"] = "admission.cancelled"
    message: str
    occurred_at: Instant | None = None
    reason: str
    care_had_begun: bool


class BenefitsRequested(BaseEvent):
    """The payer is to be asked."""

    type: Literal["benefits.requested"] = "benefits.requested"
    key: str


class BenefitsAnswered(BaseEvent):
    """The payer answered, or a person verified by hand (`by`)."""

    type: Literal["benefits.answered"] = "benefits.answered"
    benefits: Benefits
    by: Actor | None = None


class FundingResolved(BaseEvent):
    """A way to pay was found, or care was referred elsewhere."""

    type: Literal["funding.resolved"] = "funding.resolved"
    route: FundingRoute
    reason: PrivateWords
    by: Actor


class PlacementDecided(BaseEvent):
    """A clinician decided where care starts."""

    type: Literal["placement.decided"] = "placement.decided"
    recommended: LevelOfCare
    actual: LevelOfCare
    variance: PrivateWords | None
    instrument: PrivateWords | None
    by: Actor


class CostEstimated(BaseEvent):
    """What the client will be asked to accept."""

    type: Literal["cost.estimated"] = "cost.estimated"
    estimate: Estimate


class CostAccepted(BaseEvent):
    """The client accepted an estimate."""

    type: Literal["cost.accepted"] = "cost.accepted"
    estimate: str
    by: Actor


class CostDeclined(BaseEvent):
    """The client did not accept an estimate."""

    type: Literal["cost.declined"] = "cost.declined"
    estimate: str
    reason: PrivateWords
    by: Actor


class Enrolled(BaseEvent):
    """The client has a place in a track and a first session."""

    type: Literal["client.enrolled"] = "client.enrolled"
    level: LevelOfCare
    track: str
    by: Actor


class LevelOfCareStarted(BaseEvent):
    """Care at a level began."""

    type: Literal["level.started"] = "level.started"
    level: LevelOfCare


class LevelOfCareEnded(BaseEvent):
    """Care at a level ended; always before the next level starts."""

    type: Literal["level.ended"] = "level.ended"
    level: LevelOfCare


class DischargePlanUpdated(BaseEvent):
    """The discharge plan as it now stands, whole."""

    type: Literal["discharge-plan.updated"] = "discharge-plan.updated"
    plan: DischargePlan
    by: Actor


class ReviewCompleted(BaseEvent):
    """A clinician reviewed the level of care."""

    type: Literal["review.completed"] = "review.completed"
    week: int
    outcome: ReviewOutcome
    rationale: PrivateWords
    by: Actor


class TransitionStarted(BaseEvent):
    """A clinician decided a move. Up: due within 24 elapsed hours. Down: by calendar days."""

    type: Literal["transition.started"] = "transition.started"
    number: int
    direction: Direction
    origin: LevelOfCare
    target: LevelOfCare
    due_at: Instant
    reason: PrivateWords
    by: Actor


class PlaceSearchStarted(BaseEvent):
    """Places at the target level are being searched, for the `attempt`-th time."""

    type: Literal["place.search-started"] = "place.search-started"
    attempt: int


class PlaceHeld(BaseEvent):
    """A place is held for the client."""

    type: Literal["place.held"] = "place.held"
    facility: str
    starts_at: Instant


class NoPlaceFound(BaseEvent):
    """No place at the target level; the search goes on at `next_search_at`."""

    type: Literal["place.none-found"] = "place.none-found"
    next_search_at: Instant


class PlaceGivenUp(BaseEvent):
    """A held place is no longer wanted."""

    type: Literal["place.given-up"] = "place.given-up"
    hold_key: str


class StepUpWindowMissed(BaseEvent):
    """24 hours went by without the move; the client is contacted daily until it happens."""

    type: Literal["step-up.window-missed"] = "step-up.window-missed"
    due_at: Instant


class TransitionCompleted(BaseEvent):
    """The client arrived at the new level."""

    type: Literal["transition.completed"] = "transition.completed"
    number: int
    origin: LevelOfCare
    target: LevelOfCare
    facility: str | None = None
    by: Actor


class TransitionDeclined(BaseEvent):
    """The client declined the move and stays where they are; reviewed again within 72 hours."""

    type: Literal["transition.declined"] = "transition.declined"
    number: int
    reason: PrivateWords
    safety_plan_reviewed: bool
    by: Actor


class DischargeReported(BaseEvent):
    """The hospital system says the visit ended. A clinician completes the discharge."""

    type: Literal["discharge.reported"] = "discharge.reported"
    message: str
    occurred_at: Instant | None = None


class Discharged(BaseEvent):
    """Care ended. `gaps` are parts of the plan that were missing, allowed only for unplanned endings."""

    type: Literal["client.discharged"] = "client.discharged"
    reason: DischargeReason
    gaps: tuple[str, ...]
    by: Actor


class FollowUpRecorded(BaseEvent):
    """Somebody tried to reach the client after discharge."""

    type: Literal["follow-up.recorded"] = "follow-up.recorded"
    obligation: str
    contact: Contact
    by: Actor


class JourneyClosed(BaseEvent):
    """Nothing more is owed to the client on this journey."""

    type: Literal["journey.closed"] = "journey.closed"
    reason: str


class ObligationRaised(BaseEvent):
    """Something is owed from now on."""

    type: Literal["obligation.raised"] = "obligation.raised"
    obligation: Obligation


class ObligationEscalated(BaseEvent):
    """The ladder spoke. `planned_at` is when it should have; a difference is the outage that delayed it."""

    type: Literal["obligation.escalated"] = "obligation.escalated"
    obligation: str
    climbed: int
    to: Role
    planned_at: Instant
    overdue: bool


class ObligationAcknowledged(BaseEvent):
    """Somebody has it in hand; the ladder keeps quiet until then."""

    type: Literal["obligation.acknowledged"] = "obligation.acknowledged"
    obligation: str
    quiet_until: Instant
    by: Actor


class ObligationMet(BaseEvent):
    """What was owed was done; `late` if after its due time."""

    type: Literal["obligation.met"] = "obligation.met"
    obligation: str
    late: bool
    by: Actor | None = None
    note: PrivateWords | None = None


class ObligationWaived(BaseEvent):
    """A named person decided it need not be done."""

    type: Literal["obligation.waived"] = "obligation.waived"
    obligation: str
    reason: PrivateWords
    by: Actor


class ObligationCancelled(BaseEvent):
    """It can no longer be owed; `because` is the event that ended its reason."""

    type: Literal["obligation.cancelled"] = "obligation.cancelled"
    obligation: str
    because: str


class EffectSettled(BaseEvent):
    """A clinic system answered. `failure` is the code with which it would not."""

    type: Literal["effect.settled"] = "effect.settled"
    key: str
    reference: str | None = None
    failure: str | None = None


Event = Annotated[
    JourneyOpened
    | AdmissionRepeated
    | AdmissionCancelled
    | BenefitsRequested
    | BenefitsAnswered
    | FundingResolved
    | PlacementDecided
    | CostEstimated
    | CostAccepted
    | CostDeclined
    | Enrolled
    | LevelOfCareStarted
    | LevelOfCareEnded
    | DischargePlanUpdated
    | ReviewCompleted
    | TransitionStarted
    | PlaceSearchStarted
    | PlaceHeld
    | NoPlaceFound
    | PlaceGivenUp
    | StepUpWindowMissed
    | TransitionCompleted
    | TransitionDeclined
    | DischargeReported
    | Discharged
    | FollowUpRecorded
    | JourneyClosed
    | ObligationRaised
    | ObligationEscalated
    | ObligationAcknowledged
    | ObligationMet
    | ObligationWaived
    | ObligationCancelled
    | EffectSettled,
    Field(discriminator="type"),
]
