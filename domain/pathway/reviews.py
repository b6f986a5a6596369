"""Reviews of the level of care, as often as the centre's policy asks for at each level, and the last week of a stay.

After the last week care at that level goes on only if those whom the policy names decide so. That is owed from the
first day of the stay, and neither a move that is declined nor a short interruption ends it.

A weekly review is a window: any day of its week will do. One before its week is on record and does not count for it,
since a clinician may look at a client at any time and the week has its own; one after it counts for the week missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import TimeKind, days_of_service, week_number, weeks_of_service
from domain.commands import Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.obligations import Obligation
from domain.part import Part
from domain.pathway import maintenance, move_decisions, moves
from domain.pathway.obligation_changes import cancelled, met, met_one, raised, require_owed_by_then
from domain.pathway.obligation_events import ObligationRaised
from domain.plans import Actor, Direction, ReviewOutcome
from domain.policy import ReviewRule
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, LevelOfCare, PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.against_advice import ClientStayed
    from domain.pathway.care import CareStartTakenBack, LevelOfCareEnded, LevelOfCareStarted
    from domain.pathway.corrections import (
        DischargeCorrected,
        DischargeWithdrawn,
        EnrolmentCorrected,
        TransitionWithdrawn,
    )
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.maintenance import MaintenanceEnded
    from domain.pathway.moves import TransitionDeclined, TransitionStarted
    from domain.pathway.obligation_events import ObligationWaived
    from domain.pathway.policy_change import PolicyChanged
    from domain.state import JourneyState

part = Part("reviews")

REVIEW = ObligationKind(
    kind="review", ended_by="complete-review", title="Review the level of care", priority=Priority.CLINICAL
)
CONTINUED_STAY = ObligationKind(
    kind="continued-stay",
    title="Decide whether care at this level goes on",
    ended_by="complete-review",
    priority=Priority.CLINICAL,
)


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
    first_visit_at: Instant | None = Field(
        default=None, description="When the first visit at that level is booked, for a step down."
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A step up or down begins with the review."""
        moves.require_since_the_level_began(state, when)
        require_owed_by_then(state.open_of(REVIEW.kind), when)
        if self.outcome is ReviewOutcome.CONTINUE and _counts(state, when["at"]):
            self._require_leave_to_continue(state, when)
        week = _weeks(state, when["at"])
        yield ReviewCompleted(**when, week=week, outcome=self.outcome, rationale=self.rationale, by=self.by)
        if self.outcome in (ReviewOutcome.STEP_UP, ReviewOutcome.STEP_DOWN):
            yield from self._move(state, when)

    def _move(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        if self.to is None:
            raise Refused("level-missing", "Say which level the client moves to.")
        direction = Direction.UP if self.outcome is ReviewOutcome.STEP_UP else Direction.DOWN
        by, visit = self.by, self.first_visit_at
        yield from move_decisions.begin(state, self.to, direction, self.rationale, by, when, visit)

    def _require_leave_to_continue(self, state: JourneyState, when: EventContext) -> None:
        rule, beyond = _rule(state), _decided_beyond(state, _after_a_review(state, when["at"]))
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
        yield raised(state, event, REVIEW, _next_review(state, event.at, week_at(state, event.at)))


@part.consequence
def owe_a_decision_at_the_last_week(
    state: JourneyState, event: LevelOfCareStarted | PolicyChanged | DischargeCorrected
) -> Iterator[BaseEvent]:
    """From the first day, so that nothing has to happen for it to be owed."""
    if state.care.last_week is None:
        yield from cancelled(state, event, CONTINUED_STAY)
    elif not state.open_of(CONTINUED_STAY.kind):
        yield _continued_stay(state, event, state.care.last_week)


@part.consequence
def owe_the_next(state: JourneyState, event: ReviewCompleted) -> Iterator[BaseEvent]:
    """Where care goes on as it is."""
    goes_on = event.outcome is ReviewOutcome.CONTINUE
    if goes_on and not _counts(state, event.at):
        return
    yield from met(state, event, REVIEW)
    if goes_on:
        following = _after_a_review(state, event.at)
        yield raised(state, event, REVIEW, following)
        if (beyond := _decided_beyond(state, following)) is not None:
            yield met_one(beyond, event, by=event.by)
            yield _continued_stay(state, event, following.amount)


@part.consequence
def owe_a_decision_again(state: JourneyState, event: ObligationWaived) -> Iterator[BaseEvent]:
    """A week later, where those who may decide let the client stay for now, such as until a step-down is complete."""
    if event.kind == CONTINUED_STAY.kind and state.care.last_week is not None:
        following = max(state.care.last_week, _weeks(state, event.at)) + 1
        yield _continued_stay(state, event, following)


@part.consequence
def owe_no_decision_on_another_level(
    state: JourneyState, event: LevelOfCareEnded | EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """The stay is over, or never was."""
    yield from cancelled(state, event, CONTINUED_STAY)


@part.consequence
def owe_none_while_the_client_moves(
    state: JourneyState, event: TransitionStarted | LevelOfCareEnded | EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """The next level has its own."""
    yield from cancelled(state, event, REVIEW)


@part.consequence
def review_soon_what_was_to_change(
    state: JourneyState, event: TransitionDeclined | TransitionWithdrawn | DischargeWithdrawn | DischargeCorrected
) -> Iterator[BaseEvent]:
    """The client stays where a clinician thought they should not; at the end of the last week if that comes first."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, "declined_review_hours")


@part.consequence
def review_soon_who_stays(state: JourneyState, event: ClientStayed) -> Iterator[BaseEvent]:
    """They wanted to leave, so something about their care may have to change."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, "stayed_review_hours")


@part.consequence
def review_soon_who_needs_more(state: JourneyState, event: MaintenanceEnded) -> Iterator[BaseEvent]:
    """Maintenance was not enough."""
    if event.reason is maintenance.MaintenanceEnd.NEEDS_MORE:
        yield from _soon(state, event, "declined_review_hours")


@part.consequence
def review_soon_after_a_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """The level may not be enough."""
    if state.stage is Stage.ACTIVE:
        yield from _soon(state, event, "crisis_review_hours")


def _soon(state: JourneyState, event: BaseEvent, number: str) -> Iterator[BaseEvent]:
    soon = state.policy.counted(number, since=event.at)
    last = _decided_beyond(state, soon)
    yield from cancelled(state, event, REVIEW)
    yield raised(state, event, REVIEW, last.counted if last and last.due_at > event.at else soon)


def _counts(state: JourneyState, at: Instant) -> bool:
    """Whether a review at `at` counts for the one that is owed: its week has begun, or it is owed at once."""
    return all(each.counts_on(state.calendar.local_date(at)) for each in state.open_of(REVIEW.kind))


def _after_a_review(state: JourneyState, at: Instant) -> Counted:
    """The next one: in the week after its own, but for a late review, which leaves the week in which it was made."""
    week = week_at(state, at)
    for owed in state.open_of(REVIEW.kind):
        if owed.is_overdue(at):
            return _next_review(state, at, week)
        if owed.counted.kind is TimeKind.SERVICE_WEEKS:
            week = owed.counted.amount
    return _next_review(state, at, week + 1)


def _next_review(state: JourneyState, at: Instant, week: int) -> Counted:
    """In so many days from `at`, or on any day of that week of care, as the level's rule says."""
    rule, name = _rule(state), f"levels.{state.level}.review"
    if rule.every_days is not None:
        return Counted.calendar_days(rule.every_days, since=at, rule=f"{name}.every_days")
    return week_of_care(state, max(rule.first_week or 1, week), f"{name}.first_week").in_the_last(7)


def week_of_care(state: JourneyState, week: int, rule: str) -> Counted:
    """To the end of that week of care at this level."""
    assert state.level_since is not None, "only care that is given has weeks"
    return Counted.service_weeks(week, state.level_since, state.care.earlier_days, rule)


def _weeks(state: JourneyState, at: Instant) -> int:
    since = state.level_since or at
    return weeks_of_service(since, at, state.calendar, state.care.earlier_days)


def week_at(state: JourneyState, at: Instant) -> int:
    """The week of care that `at` is in."""
    since = state.level_since or at
    return week_number(days_of_service(since, at, state.calendar, state.care.earlier_days))


def _continued_stay(state: JourneyState, event: BaseEvent, week: int) -> ObligationRaised:
    counted = week_of_care(state, week, f"levels.{state.level}.review.last_week")
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
