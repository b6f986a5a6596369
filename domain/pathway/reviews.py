"""Reviews of the level of care, as often as the centre's policy asks for at each level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import after_hours, weeks_of_service
from domain.commands import Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligations import ObligationKind
from domain.part import Part
from domain.pathway import moves
from domain.pathway.obligations import ObligationRaised, cancelled, met, raised, require_owed_by_then
from domain.plans import Actor, Direction, ReviewOutcome
from domain.policy import ReviewRule
from domain.refusal import Refused, require
from domain.values import CLINICAL, LevelOfCare, PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareEnded, LevelOfCareStarted
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.moves import TransitionDeclined, TransitionStarted
    from domain.state import JourneyState

part = Part("reviews")

REVIEW = ObligationKind(kind="review", title="Review the level of care")


_LONGEST_LEAD = 6 * 24
"""Elapsed hours before a weekly review in which a review completes it; with a whole week it would skip the next."""


class ReviewCompleted(BaseEvent):
    """A clinician reviewed the level of care."""

    type: Literal["review.completed"] = "review.completed"
    week: int
    outcome: ReviewOutcome
    rationale: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Review in week {self.week}: {self.outcome}{said_by(self.by)}"


class CompleteReview(Decision, label="Complete a review", by=CLINICAL, at=(Stage.ACTIVE,), high_risk=True):
    """Review the level of care: continue, step up, step down or discharge, with the rationale."""

    kind: Literal["complete-review"] = "complete-review"
    outcome: ReviewOutcome = Field(description="What the review decided.")
    rationale: Words = Field(description="Why, for the record.")
    to: LevelOfCare | None = Field(default=None, description="The level of care to move to, for a step up or down.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A step up or down begins with the review."""
        moves.require_since_the_level_began(state, when)
        require_owed_by_then(state.open_of(REVIEW.kind), when)
        week = self._week(state, when)
        if self.outcome is ReviewOutcome.CONTINUE:
            self._require_leave_to_continue(state, week)
        yield ReviewCompleted(**when, week=week, outcome=self.outcome, rationale=self.rationale, by=self.by)
        if self.outcome in (ReviewOutcome.STEP_UP, ReviewOutcome.STEP_DOWN):
            yield from self._move(state, when)

    def _move(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        if self.to is None:
            raise Refused("level-missing", "Say which level the client moves to.")
        direction = Direction.UP if self.outcome is ReviewOutcome.STEP_UP else Direction.DOWN
        yield from moves.begin(state, self.to, direction, self.rationale, self.by, when)

    def _week(self, state: JourneyState, when: EventContext) -> int:
        since = state.level_since
        return weeks_of_service(since, when["at"], state.calendar) if since else 0

    def _require_leave_to_continue(self, state: JourneyState, week: int) -> None:
        rule = _rule(state)
        last, may = rule.last_week, " or ".join(role.replace("-", " ") for role in rule.beyond)
        require(
            last is None or week < last or self.by.role in rule.beyond,
            "beyond-last-week",
            f"{state.level} beyond week {last} needs the {may}. Ask them, or step down or discharge.",
        )


@part.consequence
def owe_a_review_at_each_level(state: JourneyState, event: LevelOfCareStarted) -> Iterator[BaseEvent]:
    """Another facility reviews its own care."""
    if event.ours:
        yield _next(state, event)


@part.consequence
def owe_the_next(state: JourneyState, event: ReviewCompleted) -> Iterator[BaseEvent]:
    """Where care goes on as it is."""
    yield from met(state, event, REVIEW)
    if event.outcome is ReviewOutcome.CONTINUE:
        yield _next(state, event)


@part.consequence
def owe_none_while_the_client_moves(
    state: JourneyState, event: TransitionStarted | LevelOfCareEnded
) -> Iterator[BaseEvent]:
    """The next level has its own."""
    yield from cancelled(state, event, REVIEW)


@part.consequence
def review_soon_after_a_declined_move(state: JourneyState, event: TransitionDeclined) -> Iterator[BaseEvent]:
    """The client stays where a clinician thought they should not."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, state.policy.declined_review_hours)


@part.consequence
def review_soon_after_a_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """The level may not be enough."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, state.policy.crisis_review_hours)


def _soon(state: JourneyState, event: BaseEvent, hours: int) -> Iterator[BaseEvent]:
    yield from cancelled(state, event, REVIEW)
    yield raised(state, event, REVIEW, Counted.hours(hours, since=event.at))


def _next(state: JourneyState, event: BaseEvent) -> ObligationRaised:
    rule, since = _rule(state), state.level_since or event.at
    if rule.every_days is not None:
        return raised(state, event, REVIEW, Counted.calendar_days(rule.every_days, since=event.at))
    # Done once the clinician was reminded of it, it is not owed again at its due time.
    lead = min(state.policy.obligations[REVIEW.kind].reminder_hours, _LONGEST_LEAD)
    week = max(rule.first_week or 1, weeks_of_service(since, after_hours(event.at, lead), state.calendar) + 1)
    return raised(state, event, REVIEW, Counted.service_weeks(week, care_began=since))


def _rule(state: JourneyState) -> ReviewRule:
    level = state.policy.level(state.level) if state.level else None
    assert level is not None and level.review is not None, "only a level that the centre gives is reviewed"
    return level.review
