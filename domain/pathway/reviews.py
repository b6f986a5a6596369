"""Reviews of the level of care: IOP from week 6 to week 12, outpatient every quarter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.clock import weeks_of_service
from domain.commands import Decision, Occasion
from domain.pathway import moves
from domain.plans import Direction, ReviewOutcome
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import CLINICAL, LevelOfCare, Role, Stage, Words


class CompleteReview(Decision, label="Complete a review", by=CLINICAL, at=(Stage.ACTIVE,), high_risk=True):
    """Review the level of care: continue, step up, step down or discharge, with the rationale."""

    kind: Literal["complete-review"] = "complete-review"
    outcome: ReviewOutcome = Field(description="What the review decided.")
    rationale: Words = Field(description="Why, for the record.")
    to: LevelOfCare | None = Field(default=None, description="The level of care to move to, for a step up or down.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """A step up or down begins with the review."""
        moves.require_since_the_level_began(state, when)
        week = self._week(state, when)
        if self.outcome is ReviewOutcome.CONTINUE:
            self._require_leave_to_continue(state, week)
        yield ev.ReviewCompleted(**when, week=week, outcome=self.outcome, rationale=self.rationale, by=self.by)
        if self.outcome in (ReviewOutcome.STEP_UP, ReviewOutcome.STEP_DOWN):
            yield from self._move(state, when)

    def _move(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        if self.to is None:
            raise Refused("level-missing", "Say which level the client moves to.")
        direction = Direction.UP if self.outcome is ReviewOutcome.STEP_UP else Direction.DOWN
        yield from moves.begin(state, self.to, direction, self.rationale, self.by, when)

    def _week(self, state: JourneyState, when: Occasion) -> int:
        since = state.level_since
        return weeks_of_service(since, when["at"], state.policy.site) if since else 0

    def _require_leave_to_continue(self, state: JourneyState, week: int) -> None:
        last = state.policy.iop_last_review_week
        beyond = state.level is LevelOfCare.IOP and week >= last
        require(
            not beyond or self.by.role is Role.MEDICAL_DIRECTOR,
            "beyond-last-week",
            f"IOP beyond week {last} needs the medical director. Ask them, or step down or discharge.",
        )
