"""Discharge, and its plan from day one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, AdmissionsMessage, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised_within, reopened
from domain.pathway.obligation_events import Reopening
from domain.pathway.place_search import places_given_up
from domain.plans import Actor, DischargePlan, DischargeReason, ReviewOutcome
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareStarted
    from domain.pathway.corrections import DischargeCorrected, DischargeWithdrawn, EnrolmentCorrected
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.enrolment import Enrolled
    from domain.pathway.moves import TransitionStarted
    from domain.pathway.reviews import ReviewCompleted
    from domain.state import JourneyState

part = Part("discharge")

DRAFT_DISCHARGE_PLAN = ObligationKind(
    kind="draft-discharge-plan",
    title="Draft the discharge plan",
    ended_by="update-discharge-plan",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
COMPLETE_DISCHARGE = ObligationKind(
    kind="complete-discharge",
    title="Complete the discharge",
    ended_by="discharge",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class Discharging(Slice):
    """The way out of care.

    Attributes:
        decided: Whether a review decided it.
        discharged: Whether care has ended.
    """

    plan: DischargePlan = DischargePlan()
    decided: bool = False
    discharged: bool = False


class DischargePlanUpdated(BaseEvent):
    """The discharge plan as it now stands, whole."""

    type: Literal["discharge-plan.updated"] = "discharge-plan.updated"
    plan: DischargePlan
    by: Actor

    def _sentence(self) -> str:
        missing = ", ".join(self.plan.missing())
        return f"Discharge plan drafted, still without {missing}" if missing else "Discharge plan complete"


class DischargeReported(BaseEvent):
    """The hospital system says the visit ended. A clinician completes the discharge."""

    type: Literal["discharge.reported"] = "discharge.reported"
    message: str
    occurred_at: Instant | None = None

    def _sentence(self) -> str:
        return "The hospital system reports the end of the visit"


class DischargeReportTakenBack(BaseEvent):
    """The report that the visit ended was a mistake."""

    type: Literal["discharge.report-taken-back"] = "discharge.report-taken-back"
    message: str
    occurred_at: Instant | None = None

    def _sentence(self) -> str:
        return "The hospital system takes back that the visit has ended"


class Discharged(BaseEvent):
    """Care ended. `gaps` are parts of the plan that were missing, allowed only for unplanned endings."""

    type: Literal["client.discharged"] = "client.discharged"
    reason: DischargeReason
    gaps: tuple[str, ...]
    by: Actor

    def _sentence(self) -> str:
        return (
            f"Discharged: {self.reason}"
            + (f", plan without {', '.join(self.gaps)}" if self.gaps else ", plan complete")
            + said_by(self.by)
        )


class UpdateDischargePlan(Decision, label="Update the discharge plan", by=CARE_TEAM, at=(Stage.ENROLLING, *IN_CARE)):
    """Write down the discharge plan as it now stands, whole."""

    kind: Literal["update-discharge-plan"] = "update-discharge-plan"
    plan: DischargePlan = Field(description="The whole plan; what is left out is no longer in it.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """From enrolment on, until discharge."""
        yield DischargePlanUpdated(**when, plan=self.plan, by=self.by)


class Discharge(Decision, label="Discharge the client", by=CLINICAL, at=IN_CARE, high_risk=True):
    """End care; a planned ending needs the whole discharge plan."""

    kind: Literal["discharge"] = "discharge"
    reason: DischargeReason = Field(description="Why care ends.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """An unplanned ending records what is missing from the plan."""
        require(state.level is not None, "not-in-care", "Care has not begun. Record a withdrawal instead.")
        require_since_the_level_began(state, when)
        gaps = state.discharge.plan.missing()
        require(
            not gaps or not self.reason.is_planned,
            "plan-incomplete",
            f"The discharge plan lacks {', '.join(gaps)}. Complete it, then discharge.",
        )
        yield Discharged(**when, reason=self.reason, gaps=gaps, by=self.by)
        yield from places_given_up(state, when)


class ReportDischarge(AdmissionsMessage):
    """The hospital system reports the visit's end (ADT A03); a clinician is asked to complete the discharge."""

    kind: Literal["report-discharge"] = "report-discharge"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Notes the report."""
        if state.stage.is_end and not state.death.may_be_a_mistake:
            raise Refused("journey-ended", "This journey has already ended.")
        yield DischargeReported(**when, message=self.message, occurred_at=self.occurred_at)


class TakeBackDischargeReport(AdmissionsMessage):
    """The hospital system takes back the visit's end (ADT A13); what its report alone raised is not owed."""

    kind: Literal["take-back-discharge-report"] = "take-back-discharge-report"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Notes it. A discharge that was completed meanwhile stays, and a person finds out."""
        if state.stage.is_end or state.discharge.discharged:
            raise Refused("journey-ended", "This journey has already ended.")
        yield DischargeReportTakenBack(**when, message=self.message, occurred_at=self.occurred_at)


@part.evolves
def keep_the_plan(state: JourneyState, event: DischargePlanUpdated) -> Discharging:
    """Whole, as written."""
    return state.discharge.changed(plan=event.plan)


@part.evolves
def decide_on_it(state: JourneyState, event: ReviewCompleted) -> Discharging:
    """At a review."""
    decided = event.outcome is ReviewOutcome.DISCHARGE or state.discharge.decided
    return state.discharge.changed(decided=decided)


@part.evolves
def drop_the_decision(
    state: JourneyState, event: TransitionStarted | LevelOfCareStarted | CrisisRecorded | DischargeWithdrawn
) -> Discharging:
    """The client moves instead, is in a crisis, or stays."""
    return state.discharge.changed(decided=False)


@part.evolves
def undo_the_end(state: JourneyState, event: DischargeCorrected) -> Discharging:
    """Care goes on, and the plan with it."""
    return state.discharge.changed(decided=False, discharged=False)


@part.evolves
def end(state: JourneyState, event: Discharged) -> Discharging:
    """Care is over; follow-up begins."""
    return state.discharge.changed(discharged=True)


@part.consequence
def owe_a_draft_from_day_one(state: JourneyState, event: Enrolled) -> Iterator[BaseEvent]:
    """Discharge planning begins on day one."""
    if state.discharge.plan.missing():
        yield raised_within(state, event, DRAFT_DISCHARGE_PLAN, "plan_draft_hours")


@part.consequence
def owe_no_draft_before_care(state: JourneyState, event: EnrolmentCorrected) -> Iterator[BaseEvent]:
    """Care has not begun."""
    yield from cancelled(state, event, DRAFT_DISCHARGE_PLAN)


@part.consequence
def note_the_draft(state: JourneyState, event: DischargePlanUpdated) -> Iterator[BaseEvent]:
    """Anything written counts as one."""
    if event.plan.is_begun():
        yield from met(state, event, DRAFT_DISCHARGE_PLAN)


@part.consequence
def owe_what_a_review_decided(state: JourneyState, event: ReviewCompleted) -> Iterator[BaseEvent]:
    """The discharge has to be completed."""
    if event.outcome is ReviewOutcome.DISCHARGE:
        yield from _owe_the_discharge(state, event)


@part.consequence
def owe_what_was_reported(state: JourneyState, event: DischargeReported) -> Iterator[BaseEvent]:
    """The hospital may mean another visit: a clinician decides."""
    if state.care.began and state.stage in (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL):
        yield from _owe_the_discharge(state, event)


@part.consequence
def owe_none_that_was_only_reported(state: JourneyState, event: DischargeReportTakenBack) -> Iterator[BaseEvent]:
    """A discharge that a review decided goes on."""
    if not state.discharge.decided:
        yield from cancelled(state, event, COMPLETE_DISCHARGE)


@part.consequence
def owe_none_while_care_goes_on(
    state: JourneyState, event: TransitionStarted | CrisisRecorded | DischargeWithdrawn
) -> Iterator[BaseEvent]:
    """Here or elsewhere."""
    yield from cancelled(state, event, COMPLETE_DISCHARGE)


@part.consequence
def note_the_discharge(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """It was decided or reported."""
    yield from met(state, event, COMPLETE_DISCHARGE)


def _owe_the_discharge(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    owed = state.open_of(COMPLETE_DISCHARGE.kind)
    if not owed:
        yield raised_within(state, event, COMPLETE_DISCHARGE, "discharge_business_days")
    for each in owed:
        if each.waiver is not None and state.stage is Stage.DISCHARGING:
            yield reopened(each.changed(waiver=None), Reopening.DECIDED_SINCE, event.context)
