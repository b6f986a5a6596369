"""Asking whether the place held for a step-up is still there, as long as another search could help if it is not.

It is a part of the move and shares its slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.clock import after_hours
from domain.effects import HoldPlace
from domain.events import BaseEvent, EventContext
from domain.part import Part
from domain.pathway.place_search import change_move
from domain.plans import Transition
from domain.values import Instant, LevelOfCare

if TYPE_CHECKING:
    from domain.pathway.moves import Moves
    from domain.state import JourneyState

part = Part("moves")


class PlaceCheckStarted(BaseEvent):
    """The scheduling system is asked, for the `number`-th time, whether the held place is still there."""

    news: ClassVar[bool] = False
    bookkeeping: ClassVar[bool] = True

    type: Literal["place.check-started"] = "place.check-started"
    number: int
    hold_key: str
    level: LevelOfCare
    wanted_by: Instant

    def _sentence(self) -> str:
        return "Asking whether the held place is still there"


class PlaceChecked(BaseEvent):
    """The held place is still there or, if not `confirmed`, that is not known. Asked again at `check_at`, if it is."""

    news: ClassVar[bool] = False
    bookkeeping: ClassVar[bool] = True

    type: Literal["place.checked"] = "place.checked"
    confirmed: bool
    check_at: Instant | None = None

    def _sentence(self) -> str:
        return "The held place is still there" if self.confirmed else "Whether the held place is still there is unknown"


def check(state: JourneyState, move: Transition, when: EventContext) -> Iterator[PlaceCheckStarted]:
    """The next question about the move's place."""
    if move.held_key is not None and move.starts_at is not None:
        window = max(move.due_at, after_hours(when["at"], state.policy.step_up_hours))
        yield PlaceCheckStarted(
            **when,
            number=move.checks + 1,
            hold_key=move.held_key,
            level=move.target,
            wanted_by=max(window, move.starts_at),
        )


@part.evolves
def count_the_check(state: JourneyState, event: PlaceCheckStarted) -> Moves:
    """No other is due while one runs."""
    return change_move(state, checks=event.number, next_check_at=None)


@part.evolves
def check_again(state: JourneyState, event: PlaceChecked) -> Moves:
    """After a pause."""
    return change_move(state, next_check_at=event.check_at)


@part.calls
def ask_about_the_place(state: JourneyState, event: PlaceCheckStarted) -> HoldPlace:
    """Asked to hold a place under the same key, the scheduling system names the one held, or another."""
    return HoldPlace(
        key=f"{event.hold_key}-check-{event.number}",
        hold_key=event.hold_key,
        level=event.level,
        wanted_by=event.wanted_by,
        lost=state.moves.current.lost if state.moves.current else (),
    )
