"""Discharge, and its plan from day one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.commands import CARE_TEAM, IN_CARE, AdmissionsMessage, Decision, Occasion
from domain.pathway.moves import require_since_the_level_began
from domain.plans import Direction, DischargePlan, DischargeReason
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import CLINICAL, Stage


class UpdateDischargePlan(Decision, label="Update the discharge plan", by=CARE_TEAM, at=(Stage.ENROLLING, *IN_CARE)):
    """Write down the discharge plan as it now stands, whole."""

    kind: Literal["update-discharge-plan"] = "update-discharge-plan"
    plan: DischargePlan = Field(description="The whole plan; what is left out is no longer in it.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """From enrolment on, until discharge."""
        yield ev.DischargePlanUpdated(**when, plan=self.plan, by=self.by)


class Discharge(Decision, label="Discharge the client", by=CLINICAL, at=IN_CARE, high_risk=True):
    """End care; a planned ending needs the whole discharge plan."""

    kind: Literal["discharge"] = "discharge"
    reason: DischargeReason = Field(description="Why care ends.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """An unplanned ending records what is missing from the plan."""
        require_since_the_level_began(state, when)
        gaps = state.discharge_plan.missing()
        require(
            not gaps or not self.reason.is_planned,
            "plan-incomplete",
            f"The discharge plan lacks {', '.join(gaps)}. Complete it, then discharge.",
        )
        move = state.transition
        yield ev.Discharged(**when, reason=self.reason, gaps=gaps, by=self.by)
        if state.place_in_use is not None:
            yield ev.PlaceGivenUp(**when, hold_key=state.place_in_use)
        if move is not None and move.direction is Direction.UP:
            yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


class ReportDischarge(AdmissionsMessage):
    """The hospital system reports the visit's end (ADT A03); a clinician is asked to complete the discharge."""

    kind: Literal["report-discharge"] = "report-discharge"

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Notes the report."""
        if state.stage.is_end:
            raise Refused("journey-ended", "This journey has already ended.")
        yield ev.DischargeReported(**when, message=self.message, occurred_at=self.occurred_at)
