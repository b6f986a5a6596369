"""What can be asked of a journey: facts from outside, decisions by people, answers from clinic systems, time.

Every command carries an id that never changes on a repeat; a journey answers the same id once.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tests.gate.old_core.benefits import Benefits, CostShare, Verdict
from tests.gate.old_core.plans import (
    Actor,
    Contact,
    DischargePlan,
    DischargeReason,
    FundingRoute,
    ReviewOutcome,
)
from tests.gate.old_core.values import Instant, Key, LevelOfCare, Value, Words


class BaseCommand(Value):
    """What every command carries."""

    id: Key

    @property
    def cause(self) -> str:
        """What the record knows the command by: its key there, and the cause of its events."""
        return self.id


class OpenJourney(BaseCommand):
    """An admissions message begins a journey. `admitted_at` is when the source says it happened."""

    kind: Literal["open-journey"] = "open-journey"
    journey_id: Key
    client_ref: Key
    message: Key
    admitted_at: Instant


class RepeatAdmission(BaseCommand):
    """A further admissions message for the client of this journey."""

    kind: Literal["repeat-admission"] = "repeat-admission"
    message: Key
    occurred_at: Instant | None = None


class CancelAdmission(BaseCommand):
    """The admission was cancelled at its source (ADT A11, A27, A38)."""

    kind: Literal["cancel-admission"] = "cancel-admission"
    message: Key
    occurred_at: Instant | None = None
    reason: Words = "cancelled at the source"


class ReportDischarge(BaseCommand):
    """The hospital system says the visit ended (ADT A03)."""

    kind: Literal["report-discharge"] = "report-discharge"
    message: Key
    occurred_at: Instant | None = None


class Decision(BaseCommand):
    """A command by a named person."""

    by: Actor

    @property
    def cause(self) -> str:
        """Names the decision too: the id is the caller's choice, and may serve for another kind as well."""
        return f"{type(self).model_fields['kind'].default}/{self.id}"


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
    estimate: Key


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
    """The client's first visit at the new level was kept.

    `facility` names where, for an arrival that no place was held for: an ambulance does not wait for one.
    """

    kind: Literal["confirm-arrival"] = "confirm-arrival"
    facility: Words | None = None


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
    obligation: Key


class CompleteObligation(Decision):
    """What was owed was done, outside this system."""

    kind: Literal["complete-obligation"] = "complete-obligation"
    obligation: Key
    note: Words


class WaiveObligation(Decision):
    """It need not be done, and why."""

    kind: Literal["waive-obligation"] = "waive-obligation"
    obligation: Key
    reason: Words


class BenefitsAnswer(Value):
    """The payer's answer."""

    kind: Literal["benefits"] = "benefits"
    benefits: Benefits


class PlaceAnswer(Value):
    """A held place, or none (`facility` is None)."""

    kind: Literal["place"] = "place"
    facility: Words | None = None
    starts_at: Instant | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.facility is None) != (self.starts_at is None):
            raise ValueError("a held place has both a facility and a start; no place has neither")
        return self


class Done(Value):
    """It was done; `reference` is its id over there."""

    kind: Literal["done"] = "done"
    reference: Words | None = None


class Failed(Value):
    """It was not done and will not be by itself. `code` names why, without client data."""

    kind: Literal["failed"] = "failed"
    code: Words


Answer = Annotated[BenefitsAnswer | PlaceAnswer | Done | Failed, Field(discriminator="kind")]


class SettleEffect(BaseCommand):
    """A clinic system's answer to the effect with this key."""

    kind: Literal["settle-effect"] = "settle-effect"
    key: Key
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
