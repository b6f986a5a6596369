"""Discharge, and its plan from day one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import AFTER_CARE, CARE_TEAM, IN_CARE, AdmissionsMessage, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised_within, reopened, require_owed_by_then
from domain.pathway.obligation_events import Reopening
from domain.pathway.place_search import places_given_up
from domain.plans import Actor, DischargePlan, DischargeReason, Disposition, Initiator, ReviewOutcome
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack, LevelOfCareEnded, LevelOfCareStarted
    from domain.pathway.corrections import DischargeCorrected, DischargeWithdrawn, EnrolmentCorrected
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.death import DeathCorrected
    from domain.pathway.moves import TransitionStarted
    from domain.pathway.obligation_events import ObligationWaived
    from domain.pathway.return_to_care import CareResumed
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
REFRESH_DISCHARGE_PLAN = ObligationKind(
    kind="refresh-discharge-plan",
    title="Look at the discharge plan again",
    ended_by="update-discharge-plan",
    waivable_by=CLINICAL,
    priority=Priority.ADMINISTRATIVE,
)
DELIVER_DISCHARGE_PLAN = ObligationKind(
    kind="deliver-discharge-plan",
    title="Give the client their discharge plan",
    ended_by="record-plan-delivery",
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


_PLANNING = (Stage.ENROLLING, Stage.WAITLISTED, Stage.ENROLLED, *IN_CARE)


class PlanDelivery(StrEnum):
    """How a client got their discharge plan."""

    HANDED_OVER = "handed-over"
    MAILED = "mailed"
    PORTAL = "portal"  #: of the centre, where the client reads it
    READ_TO_THEM = "read-to-them"
    NOT_WANTED = "not-wanted"  #: offered, and the client did not want it


class PlanFormat(StrEnum):
    """In which form."""

    PDF = "pdf"
    LARGE_PRINT = "large-print"
    SPOKEN = "spoken"


class Discharging(Slice):
    """The way out of care.

    Attributes:
        decided: Whether a review decided it.
        reported: Whether the hospital system reported the visit's end, and neither a person nor a move has answered.
        discharged: Whether care has ended.
    """

    plan: DischargePlan = DischargePlan()
    decided: bool = False
    reported: bool = False
    discharged: bool = False


class DischargePlanUpdated(BaseEvent):
    """The discharge plan as it now stands, whole."""

    type: Literal["discharge-plan.updated"] = "discharge-plan.updated"
    plan: DischargePlan
    by: Actor

    def _sentence(self) -> str:
        missing = ", ".join(self.plan.missing())
        return f"Discharge plan drafted, still without {missing}" if missing else "Discharge plan complete"


class DischargePlanDelivered(BaseEvent):
    """The client got their discharge plan, or did not want it."""

    type: Literal["discharge-plan.delivered"] = "discharge-plan.delivered"
    how: PlanDelivery
    format: PlanFormat | None = None
    by: Actor

    def _sentence(self) -> str:
        form = f", {self.format.replace('-', ' ')}" if self.format else ""
        return f"Discharge plan {self.how.replace('-', ' ')}{form}{said_by(self.by)}"


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
    """Care ended.

    Attributes:
        gaps: Parts of the plan that were missing. Those that each client is promised only in unplanned endings.
        initiator: Who wished it; None where nobody said so.
        disposition: Where the client goes; None where nobody said so.
        risk_checked: Whether a clinician checked the client's risk before they left; None where nobody said so.
        plan_offered: Whether they were offered a plan for afterwards; None where nobody said so.
    """

    type: Literal["client.discharged"] = "client.discharged"
    reason: DischargeReason
    gaps: tuple[str, ...]
    initiator: Initiator | None = None
    disposition: Disposition | None = None
    risk_checked: bool | None = None
    plan_offered: bool | None = None
    by: Actor

    def not_done(self) -> tuple[str, ...]:
        """What a client who leaves against advice should have had before, and did not, as far as is on record."""
        if self.reason is not DischargeReason.AGAINST_ADVICE:
            return ()
        done = {"check of the risk": self.risk_checked, "offer of a plan": self.plan_offered}
        return tuple(name for name, was_done in done.items() if not was_done)

    def _sentence(self) -> str:
        return (
            f"Discharged: {self.reason}"
            + (f", plan without {', '.join(self.gaps)}" if self.gaps else ", plan complete")
            + (f"; no {', no '.join(self.not_done())} on record" if self.not_done() else "")
            + said_by(self.by)
        )


class UpdateDischargePlan(Decision, label="Update the discharge plan", by=CARE_TEAM, at=_PLANNING):
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
    initiator: Initiator | None = Field(default=None, description="Who wished it.")
    disposition: Disposition | None = Field(default=None, description="Where the client goes.")
    risk_checked: bool | None = Field(
        default=None, description="Against advice: whether a clinician checked the client's risk before they left."
    )
    plan_offered: bool | None = Field(
        default=None, description="Against advice: whether they were offered a plan for afterwards."
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """An unplanned ending records what is missing from the plan."""
        require(state.level is not None, "not-in-care", "Care has not begun. Record a withdrawal instead.")
        require_since_the_level_began(state, when)
        plan = state.discharge.plan
        gaps, lacking = plan.missing(), plan.missing_of_promise()
        require(
            not lacking or not self.reason.is_planned,
            "plan-incomplete",
            f"The discharge plan lacks {', '.join(lacking)}. Complete it, then discharge.",
        )
        yield Discharged(
            **when,
            reason=self.reason,
            gaps=gaps,
            initiator=self.initiator,
            disposition=self.disposition,
            risk_checked=self.risk_checked,
            plan_offered=self.plan_offered,
            by=self.by,
        )
        yield from places_given_up(state, when)


class RecordPlanDelivery(
    Decision,
    label="Record the plan's delivery",
    by=CARE_TEAM,
    at=AFTER_CARE,
):
    """Record how the client got their discharge plan, or that they did not want it."""

    kind: Literal["record-plan-delivery"] = "record-plan-delivery"
    how: PlanDelivery = Field(description="How they got it.")
    format: PlanFormat | None = Field(default=None, description="In which form.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """As often as it is given."""
        require_owed_by_then(state.open_of(DELIVER_DISCHARGE_PLAN.kind), when)
        yield DischargePlanDelivered(**when, how=self.how, format=self.format, by=self.by)


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
def drop_the_decision(state: JourneyState, event: TransitionStarted | CrisisRecorded) -> Discharging:
    """The client moves instead, or is in a crisis. What was reported is still to be answered."""
    return state.discharge.changed(decided=False)


@part.evolves
def keep_the_report(state: JourneyState, event: DischargeReported) -> Discharging:
    """Until it is answered. After care it says nothing new."""
    return state.discharge if state.discharge.discharged else state.discharge.changed(reported=True)


@part.evolves
def drop_the_report(state: JourneyState, event: DischargeReportTakenBack) -> Discharging:
    """It was a mistake."""
    return state.discharge.changed(reported=False)


@part.evolves
def answer_the_report(state: JourneyState, event: ObligationWaived) -> Discharging:
    """A person says that it does not mean the end of care."""
    answered = event.kind == COMPLETE_DISCHARGE.kind
    return state.discharge.changed(reported=False) if answered else state.discharge


@part.evolves
def stay_in_care(
    state: JourneyState, event: LevelOfCareStarted | DischargeWithdrawn | EnrolmentCorrected
) -> Discharging:
    """Care begins or goes on, whatever was decided or reported."""
    return state.discharge.changed(decided=False, reported=False)


@part.evolves
def undo_the_end(state: JourneyState, event: DischargeCorrected | CareResumed) -> Discharging:
    """Care goes on, and the plan with it."""
    return state.discharge.changed(decided=False, discharged=False)


@part.evolves
def end(state: JourneyState, event: Discharged) -> Discharging:
    """Care is over; follow-up begins."""
    return state.discharge.changed(discharged=True, reported=False)


@part.consequence
def owe_a_draft_from_day_one(state: JourneyState, event: LevelOfCareStarted) -> Iterator[BaseEvent]:
    """Discharge planning begins on the first day of care."""
    if len(state.care.stays) == 1 and state.discharge.plan.missing():
        yield raised_within(state, event, DRAFT_DISCHARGE_PLAN, "plan_draft_hours")


@part.consequence
def owe_no_draft_before_care(
    state: JourneyState, event: EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """Care has not begun."""
    yield from cancelled(state, event, DRAFT_DISCHARGE_PLAN)


@part.consequence
def note_the_draft(state: JourneyState, event: DischargePlanUpdated) -> Iterator[BaseEvent]:
    """Anything written counts as one."""
    if event.plan.is_begun():
        yield from met(state, event, DRAFT_DISCHARGE_PLAN)


@part.consequence
def look_at_it_again(state: JourneyState, event: DischargePlanUpdated | LevelOfCareStarted) -> Iterator[BaseEvent]:
    """A plan that nobody touched for some time is no longer the client's."""
    if not state.care.is_ours or not state.discharge.plan.is_begun():
        return
    is_updated = event.type == "discharge-plan.updated"
    if is_updated:
        yield from met(state, event, REFRESH_DISCHARGE_PLAN)
    if is_updated or not state.open_of(REFRESH_DISCHARGE_PLAN.kind):
        yield from suspension.raised_unless_waiting(state, event, REFRESH_DISCHARGE_PLAN, "plan_stale_days")


@part.consequence
def leave_the_plan_alone_elsewhere(
    state: JourneyState, event: LevelOfCareEnded | EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """While the client is in nobody's care, or another facility's; kept in case a discharge was a mistake."""
    if not state.discharge.discharged:
        yield from cancelled(state, event, REFRESH_DISCHARGE_PLAN)
        yield from suspension.no_longer_waiting(state, event, REFRESH_DISCHARGE_PLAN)


@part.consequence
def note_the_delivery(state: JourneyState, event: DischargePlanDelivered) -> Iterator[BaseEvent]:
    """The client has it."""
    yield from met(state, event, DELIVER_DISCHARGE_PLAN)


@part.consequence
def owe_no_plan_in_care(state: JourneyState, event: DischargeCorrected | CareResumed) -> Iterator[BaseEvent]:
    """It is not the last yet."""
    yield from cancelled(state, event, DELIVER_DISCHARGE_PLAN)


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
def owe_what_was_reported_meanwhile(state: JourneyState, event: DeathCorrected) -> Iterator[BaseEvent]:
    """While the client was wrongly recorded as deceased."""
    if state.discharge.reported and state.level is not None and not state.suspension.of(COMPLETE_DISCHARGE):
        yield from _owe_the_discharge(state, event)


@part.consequence
def owe_none_that_was_only_reported(state: JourneyState, event: DischargeReportTakenBack) -> Iterator[BaseEvent]:
    """A discharge that a review decided goes on."""
    if not state.discharge.decided:
        yield from cancelled(state, event, COMPLETE_DISCHARGE)


@part.consequence
def owe_none_while_care_goes_on(
    state: JourneyState,
    event: TransitionStarted | CrisisRecorded | LevelOfCareStarted | DischargeWithdrawn | EnrolmentCorrected,
) -> Iterator[BaseEvent]:
    """Here or elsewhere, or has not begun. One that was reported is owed until a move or a person answers it."""
    if not state.discharge.reported:
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
