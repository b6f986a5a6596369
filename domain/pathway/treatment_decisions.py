"""The decisions on a treatment plan: a goal, the plan's criteria, and how far each goal has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.goals import GoalId, GoalIds, GoalProgress, Participation, Progress
from domain.pathway import treatment_plan
from domain.pathway.obligation_changes import require_owed_by_then
from domain.pathway.treatment_plan import GoalSet, GoalsReviewed, TreatmentPlanUpdated
from domain.plans import Lines
from domain.refusal import require
from domain.values import Stage, Words

if TYPE_CHECKING:
    from domain.state import JourneyState

part = treatment_plan.part

_PLANNING = (Stage.ENROLLED, *IN_CARE)


class SetGoal(Decision, label="Set a goal", by=CARE_TEAM, at=_PLANNING):
    """Write down a goal of the client's, or change one; a new goal gets the next id."""

    kind: Literal["set-goal"] = "set-goal"
    goal: GoalId | None = Field(default=None, description="The goal to change, such as goal-1; left out, a new one.")
    words: Words = Field(description="What the client wants to reach, in their words.")
    measure: Words | None = Field(default=None, description="How to tell whether it is reached.")
    target: date | None = Field(default=None, description="The day by which to reach it, such as 2026-06-01.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """What is left out of a goal that changes is no longer in it; its progress stays."""
        known = {goal.id for goal in state.treatment_plan.goals}
        if self.goal is not None:
            _require_known((self.goal,), known)
        require(self.goal is not None or len(known) < 50, "goals-full", "There are 50 goals. Change one of them.")
        goal = self.goal or f"goal-{len(known) + 1}"
        yield GoalSet(**when, goal=goal, words=self.words, measure=self.measure, target=self.target, by=self.by)


class UpdateTreatmentPlan(Decision, label="Update the treatment plan", by=CARE_TEAM, at=_PLANNING):
    """Write down the criteria for a step-down and for discharge as discussed with the client, whole."""

    kind: Literal["update-treatment-plan"] = "update-treatment-plan"
    step_down_criteria: Lines = Field(default=(), description="What must be so before a step-down, one in each line.")
    discharge_criteria: Lines = Field(default=(), description="What must be so before discharge, one in each line.")
    participation: Participation = Field(description="Whether the client took part in the plan, and agreed to it.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """The goals are set one by one."""
        yield TreatmentPlanUpdated(
            **when,
            step_down_criteria=self.step_down_criteria,
            discharge_criteria=self.discharge_criteria,
            participation=self.participation,
            by=self.by,
        )


class ReviewGoals(Decision, label="Go through the goals", by=CARE_TEAM, at=IN_CARE):
    """Record that somebody went through the goals with the client: how far each of them has come."""

    kind: Literal["review-goals"] = "review-goals"
    progressing: GoalIds = Field(default=(), description="Goals towards which the client makes progress, by id.")
    not_started: GoalIds = Field(default=(), description="Goals that wait, by id.")
    met: GoalIds = Field(default=(), description="Goals that the client has reached, by id.")
    no_longer_wanted: GoalIds = Field(default=(), description="Goals that the client wants no more, by id.")
    note: Words | None = Field(default=None, description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Each goal that is still open is named once; others may be named, since a goal can be taken up again."""
        plan, said = state.treatment_plan, [one.goal for one in self._progress()]
        require(bool(plan.goals), "no-goals", "There is no goal yet. Set one first.")
        _require_known(said, {goal.id for goal in plan.goals})
        twice = sorted({goal for goal in said if said.count(goal) > 1})
        require(not twice, "goal-named-twice", f"A goal has one progress. Name {', '.join(twice)} once.")
        left_out = [goal.id for goal in plan.open_goals() if goal.id not in said]
        require(not left_out, "goal-left-out", f"Say how far {', '.join(left_out)} has come too.")
        require_owed_by_then(state.open_of(treatment_plan.REVIEW_GOALS.kind), when)
        yield GoalsReviewed(**when, progress=tuple(self._progress()), note=self.note, by=self.by)

    def _progress(self) -> list[GoalProgress]:
        said = {
            Progress.PROGRESSING: self.progressing,
            Progress.NOT_STARTED: self.not_started,
            Progress.MET: self.met,
            Progress.NO_LONGER_WANTED: self.no_longer_wanted,
        }
        return [GoalProgress(goal=goal, progress=how) for how, goals in said.items() for goal in goals]


def _require_known(named: Iterable[GoalId], known: set[GoalId]) -> None:
    unknown = sorted(set(named) - known)
    there = ", ".join(sorted(known)) or "none yet"
    require(not unknown, "unknown-goal", f"There is no {', '.join(unknown)}. The goals are: {there}.")
