"""Moves between levels of care: up within 24 hours, down without a new admission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.clock import after_calendar_days, after_hours
from domain.commands import CARE_TEAM, IN_CARE, Decision, Occasion
from domain.plans import Actor, Direction, Transition
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import CLINICAL, LevelOfCare, Role, Stage, Words


class RequestStepUp(Decision, label="Request a step-up", by=CLINICAL, at=IN_CARE, high_risk=True):
    """Move the client to a higher level; starts the 24-hour clock and the search for a place."""

    kind: Literal["request-step-up"] = "request-step-up"
    to: LevelOfCare = Field(description="The level of care to move to.")
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """A move to a gentler or a lower level that is under way gives way to it."""
        move = state.transition
        require(
            move is None or move.direction is Direction.DOWN or self.to.is_above(move.target),
            "already-moving-up",
            "That step-up is under way already. Confirm the arrival, or record that the client declined.",
        )
        yield from begin(state, self.to, Direction.UP, self.reason, self.by, when)
        if move is not None and move.direction is Direction.UP:
            yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


class StartStepDown(
    Decision, label="Start a step-down", by=CLINICAL, at=(Stage.ACTIVE, Stage.EXTERNAL), high_risk=True
):
    """Move the client to a gentler level, or back from another facility; never a new admission."""

    kind: Literal["start-step-down"] = "start-step-down"
    to: LevelOfCare = Field(description="The level of care to move to.")
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Leads to IOP or OP."""
        yield from begin(state, self.to, Direction.DOWN, self.reason, self.by, when)


class ConfirmArrival(Decision, label="Confirm an arrival", by=(*CARE_TEAM, Role.OPERATIONS), at=(Stage.TRANSITION,)):
    """Record that the client's first visit at the new level was kept."""

    kind: Literal["confirm-arrival"] = "confirm-arrival"
    facility: Words | None = Field(
        default=None,
        description="Who took the client in, where no place was held: an ambulance does not wait for one.",
    )

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """A step-up needs its place first."""
        move = _under_way(state, self.declared.to)
        require_since_the_level_began(state, when)
        require(
            move.direction is Direction.DOWN or move.place is not None or self.facility is not None,
            "no-place-yet",
            "No place is held at the new level yet. Keep contact with the client, or name the facility that took "
            "them in.",
        )
        if state.place_in_use is not None:
            yield ev.PlaceGivenUp(**when, hold_key=state.place_in_use)
        yield ev.TransitionCompleted(
            **when,
            number=move.number,
            origin=move.origin,
            target=move.target,
            facility=self.facility or move.place,
            by=self.by,
        )
        if move.place is not None and self.facility not in (None, move.place):
            yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


class DeclineTransition(Decision, label="Record a declined move", by=CLINICAL, at=(Stage.TRANSITION,), high_risk=True):
    """Record that the client declined the move and stays; they are reviewed again within 72 hours."""

    kind: Literal["decline-transition"] = "decline-transition"
    reason: Words = Field(description="Why, for the record.")
    safety_plan_reviewed: bool = Field(
        default=False, description="The safety plan was gone through with the client; needed for a declined step-up."
    )

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Declining a step-up needs the safety plan looked at."""
        move = _under_way(state, self.declared.to)
        require_since_the_level_began(state, when)
        require(
            move.direction is Direction.DOWN or self.safety_plan_reviewed,
            "safety-plan-first",
            "Review the safety plan with the client before recording that they declined a step-up.",
        )
        yield ev.TransitionDeclined(
            **when,
            number=move.number,
            reason=self.reason,
            safety_plan_reviewed=self.safety_plan_reviewed,
            by=self.by,
        )
        if move.direction is Direction.UP:  # also while a search is under way: what it finds is given back
            yield ev.PlaceGivenUp(**when, hold_key=move.hold_key)


def begin(
    state: JourneyState, to: LevelOfCare, direction: Direction, reason: str, by: Actor, when: Occasion
) -> Iterator[ev.Event]:
    """The start of any move, after its guards."""
    origin = state.level
    if origin is None:
        raise Refused("not-in-care", "The client is not in care, so there is no level to move from.")
    require_since_the_level_began(state, when)
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
        by=by,
    )


def require_since_the_level_began(state: JourneyState, when: Occasion) -> None:
    """Refuses what is said to have happened before the client came to their present level of care."""
    since = state.level_since
    if since is not None and when["at"] < since:
        raise Refused(
            "before-this-level",
            f"The client came to {state.level} at {since:%Y-%m-%d %H:%M} UTC. Give a time after that.",
        )


def _under_way(state: JourneyState, to: str) -> Transition:
    if state.transition is None:
        raise Refused("no-transition", f"No move is under way, so you cannot {to}.")
    return state.transition
