"""The search for a place at the level a client moves to, until one is held; and giving it back.

It is a part of the move and shares its slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from domain.clock import after_hours
from domain.effects import HoldPlace, ReleasePlace
from domain.events import BaseEvent, EventContext
from domain.part import Part
from domain.plans import Direction, Transition
from domain.values import Instant, LevelOfCare
from domain.wording import moment

if TYPE_CHECKING:
    from domain.pathway.moves import Moves
    from domain.state import JourneyState

part = Part("moves")


class PlaceSearchStarted(BaseEvent):
    """Places at the target level are being searched, for the `attempt`-th time.

    Attributes:
        wanted_by: When the step-up is due or, once that is past, as many hours after the search.
    """

    news: ClassVar[bool] = False

    type: Literal["place.search-started"] = "place.search-started"
    attempt: int
    hold_key: str
    level: LevelOfCare
    wanted_by: Instant

    def _sentence(self) -> str:
        return f"Looking for a place, search {self.attempt}"


class PlaceHeld(BaseEvent):
    """A place is held for the client."""

    type: Literal["place.held"] = "place.held"
    facility: str
    starts_at: Instant

    def _sentence(self) -> str:
        return f"A place is held at {self.facility} from {moment(self.starts_at)}"


class NoPlaceFound(BaseEvent):
    """No place at the target level; the search goes on at `next_search_at`."""

    news: ClassVar[bool] = False

    type: Literal["place.none-found"] = "place.none-found"
    next_search_at: Instant

    def _sentence(self) -> str:
        return f"No place found; next search {moment(self.next_search_at)}"


class PlaceGivenUp(BaseEvent):
    """A held place is no longer wanted."""

    news: ClassVar[bool] = False

    type: Literal["place.given-up"] = "place.given-up"
    hold_key: str

    def _sentence(self) -> str:
        return "The held place is given back"


def search(state: JourneyState, move: Transition, attempt: int, when: EventContext) -> PlaceSearchStarted:
    """The `attempt`-th search for the move's place begins."""
    wanted_by = max(move.due_at, after_hours(when["at"], state.policy.step_up_hours))
    return PlaceSearchStarted(**when, attempt=attempt, hold_key=move.hold_key, level=move.target, wanted_by=wanted_by)


def places_given_up(state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
    """The place in use and the one held or searched for a move up; also while a search is under way."""
    move, place = state.moves.current, state.moves.place_in_use
    if place is not None:
        yield PlaceGivenUp(**when, hold_key=place)
    if move is not None and move.direction is Direction.UP:
        yield PlaceGivenUp(**when, hold_key=move.hold_key)


@part.evolves
def count_the_search(state: JourneyState, event: PlaceSearchStarted) -> Moves:
    """No other is due while one runs."""
    return _move(state, searches=event.attempt, next_search_at=None)


@part.evolves
def keep_the_place(state: JourneyState, event: PlaceHeld) -> Moves:
    """Until the client arrives, or it is given up."""
    return _move(state, place=event.facility)


@part.evolves
def search_again(state: JourneyState, event: NoPlaceFound) -> Moves:
    """After a pause."""
    return _move(state, next_search_at=event.next_search_at)


@part.evolves
def leave_the_place(state: JourneyState, event: PlaceGivenUp) -> Moves:
    """Whether it was in use or only held."""
    in_use = state.moves.place_in_use
    return state.moves.changed(place_in_use=None if event.hold_key == in_use else in_use)


def _move(state: JourneyState, **changes: Any) -> Moves:
    move = state.moves.current
    return state.moves.changed(current=move.changed(**changes)) if move else state.moves


@part.calls
def look_for_a_place(state: JourneyState, event: PlaceSearchStarted) -> HoldPlace:
    """And hold it."""
    return HoldPlace(
        key=f"{event.hold_key}-search-{event.attempt}",
        hold_key=event.hold_key,
        level=event.level,
        wanted_by=event.wanted_by,
    )


@part.calls
def give_it_back(state: JourneyState, event: PlaceGivenUp) -> ReleasePlace:
    """Each time under a key of its own: a search still under way may find one again."""
    return ReleasePlace(key=f"release-{event.hold_key}-{state.version + 1}", hold_key=event.hold_key)
