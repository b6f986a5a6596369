"""The treatment plan: what the client wants to reach, and what must be so before they move down or leave.

Each goal is set and changed by a decision of its own and keeps its id. A review of the level of care after which
nobody has gone through the goals since the review before leaves that as a duty.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Literal

from domain.events import BaseEvent
from domain.goals import Goal, GoalId, GoalProgress, Participation, Progress
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.obligation_changes import cancelled, met, raised_within, waived_for_good
from domain.plans import Actor, Lines, ReviewOutcome
from domain.values import CLINICAL, Instant, PrivateWords
from domain.wording import moment, said_by

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack, LevelOfCareStarted
    from domain.pathway.corrections import EnrolmentCorrected
    from domain.pathway.policy_change import PolicyChanged
    from domain.pathway.reviews import ReviewCompleted
    from domain.state import JourneyState

part = Part("treatment_plan", optional=True)

DRAFT_TREATMENT_PLAN = ObligationKind(
    kind="draft-treatment-plan",
    title="Write the treatment plan with the client: goals, and criteria for discharge",
    ended_by="set-goal",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
REVIEW_GOALS = ObligationKind(
    kind="review-goals",
    title="Go through the goals with the client",
    ended_by="review-goals",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class TreatmentPlan(Slice):
    """The plan as it stands.

    Attributes:
        drafted_at: When it first had a goal and criteria for discharge.
        gone_through_at: When the goals were last gone through with the client, or the plan was last changed after
            its first draft.
        review_at: When the level of care was last reviewed; `review_before_at` the time before that.
    """

    goals: tuple[Goal, ...] = ()
    step_down_criteria: Lines = ()
    discharge_criteria: Lines = ()
    participation: Participation | None = None
    drafted_at: Instant | None = None
    gone_through_at: Instant | None = None
    review_at: Instant | None = None
    review_before_at: Instant | None = None

    def missing(self) -> tuple[str, ...]:
        """What the plan still lacks; a blank line is not a line."""
        lacking = {"goals": not self.goals, "criteria for discharge": not _written(self.discharge_criteria)}
        return tuple(name for name, lacks in lacking.items() if lacks)

    def open_goals(self) -> tuple[Goal, ...]:
        """Those that the client still works towards."""
        return tuple(goal for goal in self.goals if goal.progress.is_open)

    @property
    def met(self) -> int:
        """How many goals the client has reached."""
        return sum(goal.progress is Progress.MET for goal in self.goals)

    @property
    def is_behind_the_reviews(self) -> bool:
        """Whether the last review of the level came without going through the goals since the one before."""
        if self.review_at is None or not self.open_goals():
            return False
        seen, since = self.gone_through_at, self.review_before_at
        return seen is None or (since is not None and seen < since)

    def in_words(self) -> str:
        """How many goals there are and are met, and when they were last gone through; nothing that was written."""
        lacking = f"without {', '.join(self.missing())}" if self.missing() else ""
        seen = f"last gone through {moment(self.gone_through_at)}" if self.gone_through_at else "not gone through yet"
        known = f"{self.met} of {len(self.goals)} goals met, {seen}" if self.goals else ""
        return "; ".join(each for each in (known, lacking) if each)

    def without_words(self) -> TreatmentPlan:
        """The same but for what people wrote."""
        bare = tuple(goal.changed(words="", measure=None) for goal in self.goals)
        return self.changed(goals=bare, step_down_criteria=(), discharge_criteria=())


class GoalSet(BaseEvent):
    """A goal as it now stands: a new one, or one whose words changed."""

    type: Literal["goal.set"] = "goal.set"
    goal: GoalId
    words: PrivateWords
    measure: PrivateWords | None = None
    target: date | None = None
    by: Actor

    def _sentence(self) -> str:
        by = f", to reach by {self.target}" if self.target else ""
        return f"{self.goal.capitalize()} written down{by}{said_by(self.by)}"


class TreatmentPlanUpdated(BaseEvent):
    """The plan's criteria as they now stand, whole, and the client's part in it."""

    type: Literal["treatment-plan.updated"] = "treatment-plan.updated"
    step_down_criteria: Lines = ()
    discharge_criteria: Lines = ()
    participation: Participation
    by: Actor

    def _sentence(self) -> str:
        client = {Participation.AGREED: "the client agreed", Participation.DISAGREED: "the client did not agree"}
        return f"Treatment plan updated; {client.get(self.participation, 'without the client')}{said_by(self.by)}"


class GoalsReviewed(BaseEvent):
    """Somebody went through the goals with the client."""

    type: Literal["goals.reviewed"] = "goals.reviewed"
    progress: tuple[GoalProgress, ...]
    note: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        each = ", ".join(f"{one.goal} {one.progress.replace('-', ' ')}" for one in self.progress)
        return f"Goals gone through with the client{f': {each}' if each else ''}{said_by(self.by)}"


def _written(lines: Lines) -> bool:
    return any(line.strip() for line in lines)


@part.evolves
def keep_the_goal(state: JourneyState, event: GoalSet) -> TreatmentPlan:
    """In its place; how far the client has come towards it stays."""
    plan = state.treatment_plan
    before = {goal.id: goal for goal in plan.goals}
    progress = before[event.goal].progress if event.goal in before else Progress.NOT_STARTED
    goal = Goal(id=event.goal, words=event.words, measure=event.measure, target=event.target, progress=progress)
    return _touched(plan, event, goals=tuple({**before, goal.id: goal}.values()))


@part.evolves
def keep_the_criteria(state: JourneyState, event: TreatmentPlanUpdated) -> TreatmentPlan:
    """Whole, as written."""
    return _touched(
        state.treatment_plan,
        event,
        step_down_criteria=event.step_down_criteria,
        discharge_criteria=event.discharge_criteria,
        participation=event.participation,
    )


def _touched(plan: TreatmentPlan, event: BaseEvent, **changes: object) -> TreatmentPlan:
    after = plan.changed(**changes)
    if plan.drafted_at is not None:
        return after.changed(gone_through_at=event.at)
    return after if after.missing() else after.changed(drafted_at=event.at)


@part.evolves
def note_the_progress(state: JourneyState, event: GoalsReviewed) -> TreatmentPlan:
    """Of those goals that were named."""
    said = {one.goal: one.progress for one in event.progress}
    goals = (goal.changed(progress=said.get(goal.id, goal.progress)) for goal in state.treatment_plan.goals)
    return state.treatment_plan.changed(goals=tuple(goals), gone_through_at=event.at)


@part.evolves
def note_the_review(state: JourneyState, event: ReviewCompleted) -> TreatmentPlan:
    """And when the one before was."""
    return state.treatment_plan.changed(review_at=event.at, review_before_at=state.treatment_plan.review_at)


@part.consequence
def owe_a_plan(state: JourneyState, event: LevelOfCareStarted | PolicyChanged) -> Iterator[BaseEvent]:
    """From the first day of care with us; another facility has a plan of its own."""
    if not state.care.is_ours:
        yield from cancelled(state, event, DRAFT_TREATMENT_PLAN, REVIEW_GOALS)
        yield from suspension.no_longer_waiting(state, event, DRAFT_TREATMENT_PLAN, REVIEW_GOALS)
    elif state.treatment_plan.missing() and not state.open_of(DRAFT_TREATMENT_PLAN.kind):
        yield raised_within(state, event, DRAFT_TREATMENT_PLAN, "treatment_plan_days")


@part.consequence
def owe_no_plan_before_care(state: JourneyState, event: EnrolmentCorrected | CareStartTakenBack) -> Iterator[BaseEvent]:
    """Care has not begun."""
    yield from cancelled(state, event, DRAFT_TREATMENT_PLAN, REVIEW_GOALS)


@part.consequence
def note_the_plan(state: JourneyState, event: GoalSet | TreatmentPlanUpdated) -> Iterator[BaseEvent]:
    """Once it has all that it needs. One whose criteria were taken out is owed anew."""
    if not state.treatment_plan.missing():
        yield from met(state, event, DRAFT_TREATMENT_PLAN)
        yield from suspension.no_longer_waiting(state, event, DRAFT_TREATMENT_PLAN)
    elif event.type == "treatment-plan.updated" and state.treatment_plan.drafted_at and _may_be_owed(state):
        yield from suspension.raised_unless_waiting(state, event, DRAFT_TREATMENT_PLAN, "treatment_plan_days")


def _may_be_owed(state: JourneyState) -> bool:
    """Not twice, and not where a person said that nobody need write it."""
    said = state.open_of(DRAFT_TREATMENT_PLAN.kind) or waived_for_good(state, DRAFT_TREATMENT_PLAN)
    return state.care.is_ours and not said


@part.consequence
def owe_a_look_at_the_goals(state: JourneyState, event: ReviewCompleted) -> Iterator[BaseEvent]:
    """Unless somebody went through them since the review before, or care is about to end."""
    behind = state.treatment_plan.is_behind_the_reviews and event.outcome is not ReviewOutcome.DISCHARGE
    if behind and not state.open_of(REVIEW_GOALS.kind):
        yield from suspension.raised_unless_waiting(state, event, REVIEW_GOALS, "goals_review_business_days")


@part.consequence
def note_the_look(state: JourneyState, event: GoalsReviewed) -> Iterator[BaseEvent]:
    """The client had their say."""
    yield from met(state, event, REVIEW_GOALS)
    yield from suspension.no_longer_waiting(state, event, REVIEW_GOALS)
