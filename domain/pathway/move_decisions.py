"""Decisions about moves between levels of care."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.pathway import first_visit, moves, taper
from domain.pathway.moves import (
    TransitionCompleted,
    TransitionDeclined,
    TransitionStarted,
    require_since_the_level_began,
    time_for,
)
from domain.pathway.place_search import give_up
from domain.plans import Actor, Direction, Transition
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, LevelOfCare, Stage, Words

if TYPE_CHECKING:
    from domain.state import JourneyState

part = moves.part


class RequestStepUp(Decision, label="Request a step-up", by=CLINICAL, at=IN_CARE, high_risk=True):
    """Move the client to a higher level: the clock starts, and the search for a place if another facility gives it."""

    kind: Literal["request-step-up"] = "request-step-up"
    to: LevelOfCare = Field(description="The level of care to move to.")
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A move to a gentler or a lower level that is under way gives way to it."""
        move = state.moves.current
        require(
            move is None or move.direction is Direction.DOWN or state.policy.is_above(self.to, move.target),
            "already-moving-up",
            "That step-up is under way already. Confirm the arrival, or record that the client declined.",
        )
        yield from begin(state, self.to, Direction.UP, self.reason, self.by, when)
        yield from give_up(move.hold_keys if move else (), when)


class StartStepDown(
    Decision, label="Start a step-down", by=CLINICAL, at=(Stage.ACTIVE, Stage.EXTERNAL), high_risk=True
):
    """Move the client to a gentler level, here or from one facility to another; never a new admission."""

    kind: Literal["start-step-down"] = "start-step-down"
    to: LevelOfCare = Field(description="The level of care to move to.")
    reason: Words = Field(description="Why, for the record.")
    first_visit_at: Instant | None = Field(
        default=None, description="When the first visit at the new level is booked; until one is, booking it is owed."
    )
    taper_until: date | None = Field(
        default=None,
        description="Until which day some sessions of the present level go on, where they are tapered off.",
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Leads to a level that the centre gives, or from one facility to another."""
        yield from begin(state, self.to, Direction.DOWN, self.reason, self.by, when, self.first_visit_at)
        if self.taper_until is not None:
            yield from taper.begun(state, self.to, self.taper_until, self.by, when)


class ConfirmArrival(Decision, label="Confirm an arrival", by=CARE_TEAM, at=(Stage.TRANSITION,)):
    """Record that the client's first visit at the new level was kept; the contacts until then end with it."""

    kind: Literal["confirm-arrival"] = "confirm-arrival"
    facility: Words | None = Field(
        default=None,
        description="Who took the client in, where no place was held: an ambulance does not wait for one.",
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A step-up to another facility's level needs its place first."""
        move = _under_way(state, self.declared.to)
        require_since_the_level_began(state, when)
        require(
            state.policy.level(move.target).is_ours or move.place is not None or self.facility is not None,
            "no-place-yet",
            "No place is held at the new level yet. Keep contact with the client, or name the facility that took "
            "them in.",
        )
        elsewhere = None if self.facility == move.place else self.facility
        yield from give_up([key for key in [state.moves.place_in_use] if key], when)
        yield TransitionCompleted(
            **when,
            number=move.number,
            origin=move.origin,
            target=move.target,
            facility=None if elsewhere else move.place,
            elsewhere=elsewhere,
            by=self.by,
        )
        if elsewhere is not None:
            yield from give_up([key for key in [move.held_key] if key], when)


class DeclineTransition(Decision, label="Record a declined move", by=CLINICAL, at=(Stage.TRANSITION,), high_risk=True):
    """Record that the client declined the move and stays; they are reviewed again soon."""

    kind: Literal["decline-transition"] = "decline-transition"
    reason: Words = Field(description="Why, for the record.")
    safety_plan_reviewed: bool = Field(
        default=False, description="The safety plan was gone through with the client; needed for a declined step-up."
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Declining a step-up needs the safety plan looked at."""
        move = _under_way(state, self.declared.to)
        require_since_the_level_began(state, when)
        require(
            move.direction is Direction.DOWN or self.safety_plan_reviewed,
            "safety-plan-first",
            "Review the safety plan with the client before recording that they declined a step-up.",
        )
        yield TransitionDeclined(
            **when,
            number=move.number,
            reason=self.reason,
            safety_plan_reviewed=self.safety_plan_reviewed,
            by=self.by,
        )
        yield from give_up(move.hold_keys, when)


def begin(
    state: JourneyState,
    to: LevelOfCare,
    direction: Direction,
    reason: str,
    by: Actor,
    when: EventContext,
    first_visit_at: Instant | None = None,
) -> Iterator[BaseEvent]:
    """The start of any move, after its guards."""
    origin = state.level
    if origin is None:
        raise Refused("not-in-care", "The client is not in care, so there is no level to move from.")
    require_since_the_level_began(state, when)
    rises = state.policy.is_above(to, origin)
    require(
        to != origin and rises == (direction is Direction.UP),
        "not-that-way",
        f"{to} is not {'above' if direction is Direction.UP else 'below'} {origin}. Choose another level.",
    )
    require(
        direction is Direction.UP or state.policy.level(to).is_ours or not state.care.is_ours,
        "level-not-ours",
        f"{to} is given elsewhere; a step-down from here leads to {state.policy.ours()}.",
    )
    first_visit.require_ahead(first_visit_at, when)
    yield TransitionStarted(
        **when,
        number=state.moves.started + 1,
        direction=direction,
        origin=origin,
        target=to,
        due_at=time_for(state, direction, when["at"]).due_at(state.calendar),
        reason=reason,
        first_visit_at=first_visit_at,
        by=by,
    )


def _under_way(state: JourneyState, to: str) -> Transition:
    if state.moves.current is None:
        raise Refused("no-transition", f"No move is under way, so you cannot {to}.")
    return state.moves.current
