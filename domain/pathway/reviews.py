"""Reviews of the level of care, as often as the centre's policy asks for at each level, and the last week of a stay.

After the last week care at that level goes on only if those whom the policy names decide so. That is owed from the
first day of the stay, and neither a move that is declined nor a short interruption ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import after_hours, weeks_of_service
from domain.commands import Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligations import Obligation, ObligationKind
from domain.part import Part
from domain.pathway import moves
from domain.pathway.obligations import ObligationRaised, cancelled, met, met_one, raised, require_owed_by_then
from domain.plans import Actor, Direction, ReviewOutcome
from domain.policy import ReviewRule
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, LevelOfCare, PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareEnded, LevelOfCareStarted
    from domain.pathway.corrections import (
        DischargeCorrected,
        DischargeWithdrawn,
        EnrolmentCorrected,
        TransitionWithdrawn,
    )
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.moves import TransitionDeclined, TransitionStarted
    from domain.pathway.obligations import ObligationWaived
    from domain.pathway.policy_change import PolicyChanged
    from domain.state import JourneyState

part = Part("reviews")

REVIEW = ObligationKind(kind="review", title="Review the level of care")
CONTINUED_STAY = ObligationKind(kind="continued-stay", title="Decide whether care at this level goes on")


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
        if self.outcome is ReviewOutcome.CONTINUE:
            self._require_leave_to_continue(state, when)
        week = _weeks(state, when["at"])
        yield ReviewCompleted(**when, week=week, outcome=self.outcome, rationale=self.rationale, by=self.by)
        if self.outcome in (ReviewOutcome.STEP_UP, ReviewOutcome.STEP_DOWN):
            yield from self._move(state, when)

    def _move(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        if self.to is None:
            raise Refused("level-missing", "Say which level the client moves to.")
        direction = Direction.UP if self.outcome is ReviewOutcome.STEP_UP else Direction.DOWN
        yield from moves.begin(state, self.to, direction, self.rationale, self.by, when)

    def _require_leave_to_continue(self, state: JourneyState, when: EventContext) -> None:
        rule, beyond = _rule(state), _decided_beyond(state, _next_review(state, when["at"]))
        may = " or ".join(role.replace("-", " ") for role in rule.beyond)
        require(
            beyond is None or self.by.role in rule.beyond,
            "beyond-last-week",
            f"With its next review {state.level} would go on beyond week {state.care.last_week}: that needs the {may}. "
            "Ask them, or step down or discharge.",
        )


@part.consequence
def owe_a_review_at_each_level(state: JourneyState, event: LevelOfCareStarted) -> Iterator[BaseEvent]:
    """Another facility reviews its own care."""
    if event.ours:
        yield raised(state, event, REVIEW, _next_review(state, event.at))


@part.consequence
def owe_a_decision_at_the_last_week(
    state: JourneyState, event: LevelOfCareStarted | PolicyChanged | DischargeCorrected
) -> Iterator[BaseEvent]:
    """From the first day, so that nothing has to happen for it to be owed."""
    if state.care.last_week is None:
        yield from cancelled(state, event, CONTINUED_STAY)
    elif not state.open_of(CONTINUED_STAY.kind):
        yield _continued_stay(state, event, _end_of_week(state, state.care.last_week))


@part.consequence
def owe_the_next(state: JourneyState, event: ReviewCompleted) -> Iterator[BaseEvent]:
    """Where care goes on as it is."""
    yield from met(state, event, REVIEW)
    if event.outcome is ReviewOutcome.CONTINUE:
        following = _next_review(state, event.at)
        yield raised(state, event, REVIEW, following)
        if (beyond := _decided_beyond(state, following)) is not None:
            yield met_one(beyond, event, by=event.by)
            yield _continued_stay(state, event, following)


@part.consequence
def owe_a_decision_again(state: JourneyState, event: ObligationWaived) -> Iterator[BaseEvent]:
    """A week later, where those who may decide let the client stay for now, such as until a step-down is complete."""
    if event.kind == CONTINUED_STAY.kind and state.care.last_week is not None:
        yield _continued_stay(state, event, _following_week(state, event.at, state.care.last_week + 1))


@part.consequence
def owe_no_decision_on_another_level(
    state: JourneyState, event: LevelOfCareEnded | EnrolmentCorrected
) -> Iterator[BaseEvent]:
    """The stay is over, or never was."""
    yield from cancelled(state, event, CONTINUED_STAY)


@part.consequence
def owe_none_while_the_client_moves(
    state: JourneyState, event: TransitionStarted | LevelOfCareEnded | EnrolmentCorrected
) -> Iterator[BaseEvent]:
    """The next level has its own."""
    yield from cancelled(state, event, REVIEW)


@part.consequence
def review_soon_what_was_to_change(
    state: JourneyState, event: TransitionDeclined | TransitionWithdrawn | DischargeWithdrawn | DischargeCorrected
) -> Iterator[BaseEvent]:
    """The client stays where a clinician thought they should not; at the end of the last week if that comes first."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, state.policy.declined_review_hours)


@part.consequence
def review_soon_after_a_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """The level may not be enough."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, state.policy.crisis_review_hours)


def _soon(state: JourneyState, event: BaseEvent, hours: int) -> Iterator[BaseEvent]:
    soon = Counted.hours(hours, since=event.at)
    last = _decided_beyond(state, soon)
    yield from cancelled(state, event, REVIEW)
    yield raised(state, event, REVIEW, last.counted if last and last.due_at > event.at else soon)


def _next_review(state: JourneyState, at: Instant) -> Counted:
    rule = _rule(state)
    if rule.every_days is not None:
        return Counted.calendar_days(rule.every_days, since=at)
    return _following_week(state, at, rule.first_week or 1)


def _following_week(state: JourneyState, at: Instant, first: int) -> Counted:
    """The end of the week after that of `at`, of week `first` at the earliest."""
    # Done once the clinician was reminded of it, it is not owed again at its due time.
    lead = min(state.policy.obligations[REVIEW.kind].reminder_hours, _LONGEST_LEAD)
    return _end_of_week(state, max(first, _weeks(state, after_hours(at, lead)) + 1))


def _end_of_week(state: JourneyState, week: int) -> Counted:
    assert state.level_since is not None, "only care that is given has weeks"
    return Counted.service_weeks(week, care_began=state.level_since, earlier_days=state.care.earlier_days)


def _weeks(state: JourneyState, at: Instant) -> int:
    since = state.level_since or at
    return weeks_of_service(since, at, state.calendar, state.care.earlier_days)


def _continued_stay(state: JourneyState, event: BaseEvent, counted: Counted) -> ObligationRaised:
    return raised(state, event, CONTINUED_STAY.changed(waivable_by=_rule(state).beyond), counted)


def _decided_beyond(state: JourneyState, counted: Counted) -> Obligation | None:
    """What is owed on the end of the stay, if what is counted so comes after it."""
    for owed in state.open_of(CONTINUED_STAY.kind):
        if counted.due_at(state.calendar) > owed.due_at:
            return owed
    return None


def _rule(state: JourneyState) -> ReviewRule:
    level = state.policy.level(state.level) if state.level else None
    assert level is not None and level.review is not None, "only a level that the centre gives is reviewed"
    return level.review
