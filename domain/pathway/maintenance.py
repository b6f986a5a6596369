"""Maintenance: care at a gentle level without an end date, with a relapse-prevention plan and visits at a rhythm.

It is a mode of the level and no level of its own: reviews, moves and discharge are as ever. A move away from the level
ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised_within, require_owed_by_then
from domain.plans import Actor, RelapsePreventionPlan
from domain.refusal import require
from domain.values import CLINICAL, Instant, LevelOfCare, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack, LevelOfCareEnded
    from domain.pathway.corrections import DischargeCorrected, EnrolmentCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.obligation_events import ObligationWaived
    from domain.state import JourneyState

part = Part("maintenance", optional=True)

REFRESH_RELAPSE_PLAN = ObligationKind(
    kind="refresh-relapse-plan",
    title="Look at the relapse-prevention plan again",
    ended_by="update-relapse-plan",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
VisitDays = Annotated[int, Field(ge=1, le=366)]


class MaintenanceEnd(StrEnum):
    """Why maintenance ends while care at the level goes on."""

    NEEDS_MORE = "needs-more"
    DISCHARGE_NEAR = "discharge-near"
    MISTAKE = "mistake"


class Maintenance(Slice):
    """The mode in which care goes on.

    Attributes:
        since: Since when; None while the client is not in maintenance.
        visit_days: Calendar days from one visit to the next, as decided for this client.
        plan: The relapse-prevention plan; kept when maintenance ends.
        at_discharge: Since when it had been so when the client was discharged, should that be a mistake.
    """

    since: Instant | None = None
    visit_days: int | None = None
    plan: RelapsePreventionPlan = RelapsePreventionPlan()
    at_discharge: Instant | None = None

    def without_words(self) -> Maintenance:
        """The same but for what people wrote."""
        return self.changed(plan=RelapsePreventionPlan())


class MaintenanceStarted(BaseEvent):
    """Care at the level goes on as maintenance, without an end date."""

    type: Literal["maintenance.started"] = "maintenance.started"
    level: LevelOfCare
    visit_days: int
    plan: RelapsePreventionPlan
    by: Actor

    def _sentence(self) -> str:
        return f"Maintenance at {self.level} began, a visit every {self.visit_days} days{said_by(self.by)}"


class RelapsePreventionPlanUpdated(BaseEvent):
    """The relapse-prevention plan as it now stands, whole, and the rhythm of visits."""

    type: Literal["relapse-prevention-plan.updated"] = "relapse-prevention-plan.updated"
    plan: RelapsePreventionPlan
    visit_days: int
    by: Actor

    def _sentence(self) -> str:
        return f"Relapse-prevention plan updated, a visit every {self.visit_days} days{said_by(self.by)}"


class MaintenanceEnded(BaseEvent):
    """Care at the level goes on, and no longer as maintenance."""

    type: Literal["maintenance.ended"] = "maintenance.ended"
    reason: MaintenanceEnd
    by: Actor

    def _sentence(self) -> str:
        return f"Maintenance ended: {self.reason.replace('-', ' ')}{said_by(self.by)}"


class StartMaintenance(Decision, label="Start maintenance", by=CLINICAL, at=(Stage.ACTIVE,)):
    """Go on with care at this level without an end date, with a relapse-prevention plan and a rhythm of visits."""

    kind: Literal["start-maintenance"] = "start-maintenance"
    plan: RelapsePreventionPlan = Field(description="The whole relapse-prevention plan.")
    visit_days: VisitDays = Field(description="Calendar days from one visit to the next.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """At a level for which the policy has it."""
        require_since_the_level_began(state, when)
        level = state.level
        assert level is not None, "whoever is ACTIVE is at a level"
        require(
            state.policy.level(level).maintenance,
            "no-maintenance-here",
            f"The policy has no maintenance at {level}. Step down first, or go on with reviews.",
        )
        require(
            state.maintenance.since is None,
            "in-maintenance-already",
            "The client is in maintenance. Update the relapse-prevention plan instead.",
        )
        _require_whole(self.plan)
        _require_visits_before_the_review(state, self.visit_days)
        yield MaintenanceStarted(**when, level=level, visit_days=self.visit_days, plan=self.plan, by=self.by)


class UpdateRelapsePreventionPlan(Decision, label="Update the relapse-prevention plan", by=CARE_TEAM, at=IN_CARE):
    """Write down the relapse-prevention plan as it now stands, whole, and the rhythm of visits if it changes."""

    kind: Literal["update-relapse-plan"] = "update-relapse-plan"
    plan: RelapsePreventionPlan = Field(description="The whole plan; what is left out is no longer in it.")
    visit_days: VisitDays | None = Field(default=None, description="Calendar days between visits; left out, as before.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """While the client is in maintenance. The same plan again says that it still holds."""
        _require_maintenance(state)
        _require_whole(self.plan)
        require_owed_by_then(state.open_of(REFRESH_RELAPSE_PLAN.kind), when)
        days = self.visit_days or state.maintenance.visit_days
        assert days is not None, "maintenance has a rhythm"
        _require_visits_before_the_review(state, days)
        yield RelapsePreventionPlanUpdated(**when, plan=self.plan, visit_days=days, by=self.by)


class EndMaintenance(Decision, label="End maintenance", by=CLINICAL, at=(Stage.ACTIVE,)):
    """End maintenance while care at the level goes on: the client needs more, leaves soon, or it was a mistake."""

    kind: Literal["end-maintenance"] = "end-maintenance"
    reason: MaintenanceEnd = Field(description="Why it ends.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A move to another level and a discharge end it without this."""
        _require_maintenance(state)
        require_since_the_level_began(state, when)
        yield MaintenanceEnded(**when, reason=self.reason, by=self.by)


def _require_maintenance(state: JourneyState) -> None:
    sentence = "The client is not in maintenance. Start it first."
    require(state.maintenance.since is not None, "not-in-maintenance", sentence)


def _require_whole(plan: RelapsePreventionPlan) -> None:
    lacking = ", ".join(plan.missing())
    require(not lacking, "relapse-plan-incomplete", f"The relapse-prevention plan lacks {lacking}. Add them.")


def _require_visits_before_the_review(state: JourneyState, days: int) -> None:
    rule = state.policy.level(state.level).review if state.level else None
    most = rule.every_days if rule else None
    require(
        most is None or days <= most,
        "visits-too-rare",
        "The level of care is reviewed more often than that. Give as many days as between two reviews, or fewer.",
    )


@part.evolves
def begin(state: JourneyState, event: MaintenanceStarted) -> Maintenance:
    """Without an end."""
    return Maintenance(since=event.at, visit_days=event.visit_days, plan=event.plan)


@part.evolves
def keep_the_plan(state: JourneyState, event: RelapsePreventionPlanUpdated) -> Maintenance:
    """Whole, as written."""
    return state.maintenance.changed(plan=event.plan, visit_days=event.visit_days)


@part.evolves
def end(
    state: JourneyState, event: MaintenanceEnded | LevelOfCareEnded | EnrolmentCorrected | CareStartTakenBack
) -> Maintenance:
    """It is a mode of one stay. What a discharge set aside stays there."""
    return state.maintenance.changed(since=None)


@part.evolves
def end_with_the_discharge(state: JourneyState, event: Discharged) -> Maintenance:
    """Kept in case it was a mistake."""
    return state.maintenance.changed(since=None, at_discharge=state.maintenance.since)


@part.evolves
def go_on_all_the_same(state: JourneyState, event: DischargeCorrected) -> Maintenance:
    """As if the client had not been discharged."""
    return state.maintenance.changed(since=state.maintenance.at_discharge, at_discharge=None)


@part.consequence
def look_at_the_plan_again(
    state: JourneyState, event: MaintenanceStarted | RelapsePreventionPlanUpdated
) -> Iterator[BaseEvent]:
    """Some time after it was last written."""
    yield from met(state, event, REFRESH_RELAPSE_PLAN)
    yield from suspension.raised_unless_waiting(state, event, REFRESH_RELAPSE_PLAN, "relapse_plan_days")


@part.consequence
def look_at_it_the_next_time(state: JourneyState, event: ObligationWaived) -> Iterator[BaseEvent]:
    """Waived is this time alone."""
    if event.kind == REFRESH_RELAPSE_PLAN.kind and state.maintenance.since is not None:
        yield raised_within(state, event, REFRESH_RELAPSE_PLAN, "relapse_plan_days")


@part.consequence
def look_at_no_plan_outside(
    state: JourneyState, event: MaintenanceEnded | LevelOfCareEnded | EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """After a discharge it is kept in case that was a mistake."""
    if not state.discharge.discharged:
        yield from cancelled(state, event, REFRESH_RELAPSE_PLAN)
        yield from suspension.no_longer_waiting(state, event, REFRESH_RELAPSE_PLAN)
