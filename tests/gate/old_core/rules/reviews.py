"""Reviews of the level of care: IOP from week 6 to week 12, outpatient every quarter."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.clock import weeks_of_service
from tests.gate.old_core.plans import Direction, ReviewOutcome
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.rules import transitions
from tests.gate.old_core.rules.common import Occasion, require_clinician, require_stage
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import LevelOfCare, Role, Stage


def complete_review(state: JourneyState, command: cmd.CompleteReview, when: Occasion) -> Iterator[ev.Event]:
    """A clinician reviews and decides; a step up or down begins with the review."""
    require_stage(state, Stage.ACTIVE, to="complete a review")
    require_clinician(command.by, "complete a review")
    week = _week(state, when)
    if command.outcome is ReviewOutcome.CONTINUE:
        _require_leave_to_continue(state, command, week)
    yield ev.ReviewCompleted(**when, week=week, outcome=command.outcome, rationale=command.rationale, by=command.by)
    if command.outcome in (ReviewOutcome.STEP_UP, ReviewOutcome.STEP_DOWN):
        yield from _move(state, command, when)


def _move(state: JourneyState, command: cmd.CompleteReview, when: Occasion) -> Iterator[ev.Event]:
    if command.to is None:
        raise Refused("level-missing", "Say which level the client moves to.")
    direction = Direction.UP if command.outcome is ReviewOutcome.STEP_UP else Direction.DOWN
    yield from transitions.begin(state, command, command.to, direction, command.rationale, when)


def _week(state: JourneyState, when: Occasion) -> int:
    since = state.level_since
    return weeks_of_service(since, when["at"], state.policy.site) if since else 0


def _require_leave_to_continue(state: JourneyState, command: cmd.CompleteReview, week: int) -> None:
    last = state.policy.iop_last_review_week
    beyond = state.level is LevelOfCare.IOP and week >= last
    require(
        not beyond or command.by.role is Role.MEDICAL_DIRECTOR,
        "beyond-last-week",
        f"IOP beyond week {last} needs the medical director. Ask them, or step down or discharge.",
    )
