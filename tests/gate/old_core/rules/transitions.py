"""Moves between levels of care: up within 24 hours, down without a new admission."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.clock import after_calendar_days, after_hours
from tests.gate.old_core.plans import Direction, Transition
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.rules.common import Occasion, require_clinician, require_stage
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import LevelOfCare, Stage

_IN_CARE = (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING)


def request_step_up(state: JourneyState, command: cmd.RequestStepUp, when: Occasion) -> Iterator[ev.Event]:
    """Starts the 24-hour clock. A move to a gentler or a lower level that is under way gives way to it."""
    require_stage(state, *_IN_CARE, to="request a step-up")
    move = state.transition
    require(
        move is None or move.direction is Direction.DOWN or command.to.is_above(move.target),
        "already-moving-up",
        "That step-up is under way already. Confirm the arrival, or record that the client declined.",
    )
    yield from begin(state, command, command.to, Direction.UP, command.reason, when)
    if move is not None and move.direction is Direction.UP:
        yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


def start_step_down(state: JourneyState, command: cmd.StartStepDown, when: Occasion) -> Iterator[ev.Event]:
    """Begins the move to a gentler level, or the return from another facility. Never a new admission."""
    require_stage(state, Stage.ACTIVE, Stage.EXTERNAL, to="start a step-down")
    yield from begin(state, command, command.to, Direction.DOWN, command.reason, when)


def begin(
    state: JourneyState,
    command: cmd.Decision,
    to: LevelOfCare,
    direction: Direction,
    reason: str,
    when: Occasion,
) -> Iterator[ev.Event]:
    """The start of any transition, after its guards."""
    require_clinician(command.by, "decide a change of level of care")
    origin = state.level
    if origin is None:
        raise Refused("not-in-care", "The client is not in care, so there is no level to move from.")
    rises = to.is_above(origin)
    require(
        to != origin and rises == (direction is Direction.UP),
        "not-that-way",
        f"{to} is not {'above' if direction is Direction.UP else 'below'} {origin}. Choose another level.",
    )
    require(
        direction is Direction.UP or to.is_ours,
        "level-not-ours",
        f"{to} is given elsewhere; a step-down leads to IOP or OP.",
    )
    policy = state.policy
    due_at = (
        after_hours(when["at"], policy.step_up_hours)
        if direction is Direction.UP
        else after_calendar_days(when["at"], policy.step_down_days, policy.site)
    )
    yield ev.TransitionStarted(
        **when,
        number=state.transitions + 1,
        direction=direction,
        origin=origin,
        target=to,
        due_at=due_at,
        reason=reason,
        by=command.by,
    )


def confirm_arrival(state: JourneyState, command: cmd.ConfirmArrival, when: Occasion) -> Iterator[ev.Event]:
    """The first visit at the new level was kept. A step-up needs its place first."""
    move = _under_way(state, to="confirm an arrival")
    require(
        move.direction is Direction.DOWN or move.place is not None or command.facility is not None,
        "no-place-yet",
        "No place is held at the new level yet. Keep contact with the client, or name the facility that took them in.",
    )
    if state.place_in_use is not None:
        yield ev.PlaceGivenUp(**when, hold_key=state.place_in_use)
    yield ev.TransitionCompleted(
        **when,
        number=move.number,
        origin=move.origin,
        target=move.target,
        facility=command.facility or move.place,
        by=command.by,
    )
    if move.place is not None and command.facility not in (None, move.place):
        yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


def decline_transition(state: JourneyState, command: cmd.DeclineTransition, when: Occasion) -> Iterator[ev.Event]:
    """The client stays where they are; declining a step-up needs the safety plan looked at."""
    move = _under_way(state, to="record a declined move")
    require_clinician(command.by, "record a declined move")
    require(
        move.direction is Direction.DOWN or command.safety_plan_reviewed,
        "safety-plan-first",
        "Review the safety plan with the client before recording that they declined a step-up.",
    )
    yield ev.TransitionDeclined(
        **when,
        number=move.number,
        reason=command.reason,
        safety_plan_reviewed=command.safety_plan_reviewed,
        by=command.by,
    )
    if move.direction is Direction.UP:  # also while a search is under way: whatever it finds is given back
        yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


def _under_way(state: JourneyState, *, to: str) -> Transition:
    require_stage(state, Stage.TRANSITION, to=to)
    if state.transition is None:
        raise Refused("no-transition", f"No move is under way, so you cannot {to}.")
    return state.transition
