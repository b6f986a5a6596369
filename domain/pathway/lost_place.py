"""A place that falls through after it was held: another is looked for at once.

It is a part of the move and shares its slice. The time in which the step-up is due does not begin again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part
from domain.pathway import moves
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.pathway.place_check import PlaceChecked
from domain.pathway.place_search import FoundPlace, change_move, check_after, give_up, held, search
from domain.plans import Actor, Transition
from domain.refusal import Refused
from domain.values import CLINICAL, Instant, PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.corrections import TransitionWithdrawn
    from domain.pathway.moves import Moves, TransitionCompleted, TransitionDeclined, TransitionStarted
    from domain.pathway.place_search import PlaceHeld
    from domain.state import JourneyState

part = Part("moves")

REPLACE_PLACE = ObligationKind(
    kind="replace-place",
    title="Find another place for the step-up",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.SAFETY,
)


class PlaceLost(BaseEvent):
    """The held place fell through; another is looked for at once.

    Attributes:
        hold_key: The key under which it was held.
        place_id: Its id in the scheduling system, if it is not to be held again.
        replaced: Whether another is held in its stead already.
        by: Who reported it; None where the scheduling system says so.
    """

    type: Literal["place.lost"] = "place.lost"
    facility: str
    hold_key: str
    place_id: str | None = None
    replaced: bool = False
    reason: PrivateWords | None = None
    by: Actor | None = None

    def _sentence(self) -> str:
        instead = "; another is held instead" if self.replaced else ""
        return f"The place at {self.facility} fell through{instead}{said_by(self.by) if self.by else ''}"


class ReportPlaceLost(
    Decision,
    label="Report a lost place",
    by=(*CARE_TEAM, Role.OPERATIONS),
    at=(Stage.TRANSITION,),
    high_risk=True,
):
    """Record that the held place fell through: another is looked for at once, and the step-up stays due when it was."""

    kind: Literal["report-place-lost"] = "report-place-lost"
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """The hold is given back, and the same place is not held again."""
        move = state.moves.current
        if move is None or move.place is None or move.held_key is None:
            raise Refused("no-place-held", "No place is held for this client, so none can be lost.")
        moves.require_since_the_level_began(state, when)
        yield PlaceLost(
            **when,
            facility=move.place,
            hold_key=move.held_key,
            place_id=move.place_id,
            reason=self.reason,
            by=self.by,
        )
        yield from give_up([move.held_key], when)


def checked(
    state: JourneyState, move: Transition, found: FoundPlace | None, when: EventContext, *, answered: bool
) -> Iterator[BaseEvent]:
    """The answer to such a question: the same place, another in its stead, or none. No answer changes nothing."""
    if move.place is None or move.held_key is None or move.starts_at is None:
        return
    if not answered or found == (move.place, move.starts_at, move.place_id):
        yield PlaceChecked(**when, confirmed=answered, check_at=check_after(state, move.starts_at, when["at"]))
        return
    yield PlaceLost(**when, facility=move.place, hold_key=move.held_key, replaced=found is not None)
    if found is not None:
        yield held(state, move, move.held_key, found, when)
    else:
        yield from give_up([move.held_key], when)


@part.evolves
def lose_the_place(state: JourneyState, event: PlaceLost) -> Moves:
    """The move goes on without it."""
    move = state.moves.current
    lost = move.lost if move else ()
    return change_move(
        state,
        place=None,
        place_id=None,
        starts_at=None,
        held_key=None,
        next_check_at=None,
        lost=(*lost, event.place_id) if event.place_id else lost,
    )


@part.consequence
def look_again(state: JourneyState, event: PlaceLost, now: Instant) -> Iterator[BaseEvent]:
    """At once, also where it is typed in late."""
    if not event.replaced and state.moves.current is not None:
        yield search(state, state.moves.current, EventContext(at=now, cause=event.cause))


@part.consequence
def tell_the_client(state: JourneyState, event: PlaceLost) -> Iterator[BaseEvent]:
    """And who would look for another place, where one is held in its stead already."""
    if not state.open_of(moves.INTERIM_CONTACT.kind):
        owner = state.policy.obligations[REPLACE_PLACE.kind].owner
        yield moves.contact(state, event, "first_contact_hours", at_once=(owner,) if event.replaced else ())


@part.consequence
def ask_for_another_place(state: JourneyState, event: PlaceLost | PlaceHeld) -> Iterator[BaseEvent]:
    """A clinician hears at once that there is none, or only a late one."""
    wanted = not event.replaced if isinstance(event, PlaceLost) else event.late
    if not wanted:
        yield from met(state, event, REPLACE_PLACE)
    elif not state.open_of(REPLACE_PLACE.kind):
        yield raised_within(state, event, REPLACE_PLACE, "place_search_hours")


@part.consequence
def owe_no_other_place(
    state: JourneyState, event: TransitionStarted | TransitionCompleted | TransitionDeclined | TransitionWithdrawn
) -> Iterator[BaseEvent]:
    """That move is over."""
    yield from cancelled(state, event, REPLACE_PLACE)
