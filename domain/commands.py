"""What can be asked of a journey: facts from outside, decisions by people, answers from clinic systems, time.

Every command carries an id that never changes on a repeat; a journey answers the same id once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from domain.benefits import Benefits, CostShare, Verdict
from domain.plans import (
    Actor,
    Contact,
    DischargePlan,
    DischargeReason,
    FundingRoute,
    ReviewOutcome,
)
from domain.values import Instant, LevelOfCare, Value

CommandId = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]


class BaseCommand(Value):
    """What every command carries."""

    id: CommandId


class OpenJourney(BaseCommand):
    """An admissions message begins a journey. `admitted_at` is when the source says it happened."""

    kind: Literal["open-journey"] = "open-journey"
    journey_id: str
    client_ref: str
    message: str
    admitted_at: Instant


class RepeatAdmission(BaseCommand):
    """A further admissions message for the client of this journey."""

    kind: Literal["repeat-admission"] = "repeat-admission"
    message: str


class CancelAdmission(BaseCommand):
    """The admission was cancelled at its source (ADT A11, A27, A38)."""

    kind: Literal["cancel-admission"] = "cancel-admission"
    message: str
    reason: Words = "cancelled at the source"


class ReportDischarge(BaseCommand):
    """The hospital system says the visit ended (ADT A03)."""

    kind: Literal["report-discharge"] = "report-discharge"
    message: str


class Decision(BaseCommand):
    """A command by a named person."""

    by: Actor


class RecordBenefits(Decision):
    """Admissions verified the benefits by hand."""

    kind: Literal["record-benefits"] = "record-benefits"
    verdict: Verdict
    cost_share: CostShare | None = None
    note: Words


class ResolveFunding(Decision):
    """Admissions found a way on from a plan that does not pay."""

    kind: Literal["resolve-funding"] = "resolve-funding"
    route: FundingRoute
    reason: Words


class DecidePlacement(Decision):
    """A clinician decides where care starts; `variance` says why it differs from the recommendation."""

    kind: Literal["decide-placement"] = "decide-placement"
    recommended: LevelOfCare
    actual: LevelOfCare
    variance: Words | None = None
    instrument: Words | None = None


class AcceptCost(Decision):
    """The client accepted the estimate with this id."""

    kind: Literal["accept-cost"] = "accept-cost"
    estimate: str


class DeclineCost(Decision):
    """The client did not accept the latest estimate; another way to pay is looked for."""

    kind: Literal["decline-cost"] = "decline-cost"
    reason: Words


class ConfirmEnrolment(Decision):
    """Admissions enrolled the client in a track; care begins now."""

    kind: Literal["confirm-enrolment"] = "confirm-enrolment"
    track: Words


class UpdateDischargePlan(Decision):
    """The discharge plan, whole, as it now stands."""

    kind: Literal["update-discharge-plan"] = "update-discharge-plan"
    plan: DischargePlan


class CompleteReview(Decision):
    """A clinician's review. `to` names the level for a step up or down."""

    kind: Literal["complete-review"] = "complete-review"
    outcome: ReviewOutcome
    rationale: Words
    to: LevelOfCare | None = None


class RequestStepUp(Decision):
    """A clinician decides a move to a higher level."""

    kind: Literal["request-step-up"] = "request-step-up"
    to: LevelOfCare
    reason: Words


class StartStepDown(Decision):
    """A clinician decides a move to a gentler level, or the return from another facility."""

    kind: Literal["start-step-down"] = "start-step-down"
    to: LevelOfCare
    reason: Words


class ConfirmArrival(Decision):
    """The client's first visit at the new level was kept."""

    kind: Literal["confirm-arrival"] = "confirm-arrival"


class DeclineTransition(Decision):
    """The client declined the move."""

    kind: Literal["decline-transition"] = "decline-transition"
    reason: Words
    safety_plan_reviewed: bool


class Discharge(Decision):
    """A clinician ends care."""

    kind: Literal["discharge"] = "discharge"
    reason: DischargeReason


class RecordFollowUp(Decision):
    """Somebody tried to reach the client after discharge."""

    kind: Literal["record-follow-up"] = "record-follow-up"
    contact: Contact


class AcknowledgeObligation(Decision):
    """Somebody has an obligation in hand."""

    kind: Literal["acknowledge-obligation"] = "acknowledge-obligation"
    obligation: str


class CompleteObligation(Decision):
    """What was owed was done, outside this system."""

    kind: Literal["complete-obligation"] = "complete-obligation"
    obligation: str
    note: Words


class WaiveObligation(Decision):
    """It need not be done, and why."""

    kind: Literal["waive-obligation"] = "waive-obligation"
    obligation: str
    reason: Words


class BenefitsAnswer(Value):
    """The payer's answer."""

    kind: Literal["benefits"] = "benefits"
    benefits: Benefits


class PlaceAnswer(Value):
    """A held place, or none (`facility` is None)."""

    kind: Literal["place"] = "place"
    facility: str | None = None
    starts_at: Instant | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.facility is None) != (self.starts_at is None):
            raise ValueError("a held place has both a facility and a start; no place has neither")
        return self


class Done(Value):
    """It was done; `reference` is its id over there."""

    kind: Literal["done"] = "done"
    reference: str | None = None


class Failed(Value):
    """It was not done and will not be by itself. `code` names why, without client data."""

    kind: Literal["failed"] = "failed"
    code: str


Answer = Annotated[BenefitsAnswer | PlaceAnswer | Done | Failed, Field(discriminator="kind")]


class SettleEffect(BaseCommand):
    """A clinic system's answer to the effect with this key."""

    kind: Literal["settle-effect"] = "settle-effect"
    key: str
    answer: Answer


class TimePassed(BaseCommand):
    """It is now later: whatever fell due meanwhile is looked at."""

    kind: Literal["time-passed"] = "time-passed"


ByPeople = (
    RecordBenefits
    | ResolveFunding
    | DecidePlacement
    | AcceptCost
    | DeclineCost
    | ConfirmEnrolment
    | UpdateDischargePlan
    | CompleteReview
    | RequestStepUp
    | StartStepDown
    | ConfirmArrival
    | DeclineTransition
    | Discharge
    | RecordFollowUp
    | AcknowledgeObligation
    | CompleteObligation
    | WaiveObligation
)
FromOutside = OpenJourney | RepeatAdmission | CancelAdmission | ReportDischarge
Command = Annotated[FromOutside | ByPeople | SettleEffect | TimePassed, Field(discriminator="kind")]
