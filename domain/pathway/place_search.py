"""The search for a place at the level a client moves to, until one is held in time; and giving it back.

Only places of others are searched: a move to a level that the centre itself gives needs none. It is a part of the move
and shares its slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from domain.clock import after_hours
from domain.effects import HoldPlace, ReleasePlace
from domain.events import BaseEvent, EventContext
from domain.part import Part
from domain.plans import SearchedFacility, Transition
from domain.values import Instant, LevelOfCare
from domain.wording import moment

if TYPE_CHECKING:
    from domain.pathway.moves import Moves
    from domain.state import JourneyState

part = Part("moves")

_EARLIER = timedelta(minutes=1)
"""How much earlier a place must start to be better than the one that is held."""


class FoundPlace(NamedTuple):
    """A place that is held for the client; `place_id` is its id in the scheduling system."""

    facility: str
    starts_at: Instant
    place_id: str | None


Searched = tuple[SearchedFacility, ...]
"""What each facility answered."""


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
    """A place is held for the client.

    Attributes:
        hold_key: The key under which it is held; None stands for the only one.
        place_id: Its id in the scheduling system.
        late: Whether it starts so long after the step-up is due that an earlier one is looked for.
        check_at: When it is asked whether it is still there; None where it starts too soon for that.
        facilities: What each facility answered, as far as the scheduling system tells.
    """

    type: Literal["place.held"] = "place.held"
    facility: str
    starts_at: Instant
    hold_key: str | None = None
    place_id: str | None = None
    late: bool = False
    check_at: Instant | None = None
    facilities: Searched = ()

    def _sentence(self) -> str:
        late = "; that is late, so an earlier one is looked for" if self.late else ""
        return f"A place is held at {self.facility} from {moment(self.starts_at)}{late}"


class NoPlaceFound(BaseEvent):
    """No place at the target level, or none earlier than the one held; the search goes on at `next_search_at`.

    Attributes:
        facilities: What each facility answered, as far as the scheduling system tells.
    """

    news: ClassVar[bool] = False

    type: Literal["place.none-found"] = "place.none-found"
    next_search_at: Instant
    facilities: Searched = ()

    def _sentence(self) -> str:
        return f"No place found; next search {moment(self.next_search_at)}"


class PlaceGivenUp(BaseEvent):
    """A held place is no longer wanted."""

    news: ClassVar[bool] = False

    type: Literal["place.given-up"] = "place.given-up"
    hold_key: str

    def _sentence(self) -> str:
        return "The held place is given back"


def search(state: JourneyState, move: Transition, when: EventContext) -> PlaceSearchStarted:
    """The next search for the move's place begins; while one is held, for an earlier one."""
    wanted_by = max(move.due_at, after_hours(when["at"], state.policy.step_up_hours))
    if move.starts_at is not None:
        wanted_by = min(wanted_by, move.starts_at - _EARLIER)
    attempt = move.searches + 1
    return PlaceSearchStarted(**when, attempt=attempt, hold_key=move.hold_key, level=move.target, wanted_by=wanted_by)


def next_search(move: Transition) -> Iterator[Instant]:
    """When the search goes on: not once the held place has started, since none can be earlier."""
    again = move.next_search_at
    if again is not None and (move.starts_at is None or again < move.starts_at):
        yield again


def searched(
    state: JourneyState,
    move: Transition,
    hold_key: str,
    found: FoundPlace | None,
    when: EventContext,
    facilities: Searched = (),
) -> Iterator[BaseEvent]:
    """The answer to a search: a place better than the one held, if any is, or none."""
    if found is not None and (move.starts_at is None or found.starts_at < move.starts_at):
        yield held(state, move, hold_key, found, when, facilities)
        yield from give_up([key for key in [move.held_key] if key], when)
        return
    if found is not None:
        yield from give_up([hold_key], when)
    again_at = after_hours(when["at"], state.policy.place_search_hours)
    yield NoPlaceFound(**when, next_search_at=again_at, facilities=facilities)


def held(
    state: JourneyState,
    move: Transition,
    hold_key: str,
    found: FoundPlace,
    when: EventContext,
    facilities: Searched = (),
) -> PlaceHeld:
    """The place found is the client's, until they arrive or it falls through."""
    return PlaceHeld(
        **when,
        facility=found.facility,
        starts_at=found.starts_at,
        hold_key=hold_key,
        place_id=found.place_id,
        late=found.starts_at > after_hours(move.due_at, state.policy.late_place_hours),
        check_at=check_after(state, found.starts_at, when["at"]),
        facilities=facilities,
    )


def check_after(state: JourneyState, starts_at: Instant, at: Instant) -> Instant | None:
    """When it is asked whether a held place is still there, after `at`; while another search could still help."""
    pause = state.policy.place_search_hours
    return after_hours(at, pause) if after_hours(at, 2 * pause) <= starts_at else None


def give_up(hold_keys: Iterable[str], when: EventContext) -> Iterator[PlaceGivenUp]:
    """What is held under these keys goes back, and what a search under way still finds does too."""
    yield from (PlaceGivenUp(**when, hold_key=key) for key in hold_keys)


def places_given_up(state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
    """The place in use, and what is held or searched for a move."""
    move, place = state.moves.current, state.moves.place_in_use
    yield from give_up([key for key in [place] if key], when)
    yield from give_up(move.hold_keys if move else (), when)


@part.evolves
def count_the_search(state: JourneyState, event: PlaceSearchStarted) -> Moves:
    """No other is due while one runs."""
    return change_move(state, searches=event.attempt, searched_key=event.hold_key, next_search_at=None)


@part.evolves
def keep_the_place(state: JourneyState, event: PlaceHeld) -> Moves:
    """Until the client arrives, or it is given up. The next search has a key of its own."""
    move = state.moves.current
    key = event.hold_key or (move.hold_key if move else None)
    return change_move(
        state,
        place=event.facility,
        place_id=event.place_id,
        starts_at=event.starts_at,
        held_key=key,
        holds=move.holds + (key == move.hold_key) if move else 1,
        next_search_at=None,
        next_check_at=event.check_at,
        facilities=event.facilities,
    )


@part.evolves
def search_again(state: JourneyState, event: NoPlaceFound) -> Moves:
    """After a pause."""
    return change_move(state, next_search_at=event.next_search_at, facilities=event.facilities)


@part.evolves
def leave_the_place(state: JourneyState, event: PlaceGivenUp) -> Moves:
    """Whether it was in use or only held. The next search has another key, so that it does not find it again."""
    in_use, move = state.moves.place_in_use, state.moves.current
    if move is not None and event.hold_key == move.hold_key:
        move = move.changed(holds=move.holds + 1)
    return state.moves.changed(place_in_use=None if event.hold_key == in_use else in_use, current=move)


def change_move(state: JourneyState, **changes: Any) -> Moves:
    """The move under way, changed."""
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
        lost=state.moves.current.lost if state.moves.current else (),
    )


@part.consequence
def look_for_an_earlier_one(state: JourneyState, event: PlaceHeld, now: Instant) -> Iterator[BaseEvent]:
    """At once, where the place found starts late; it is kept meanwhile."""
    if event.late and state.moves.current is not None:
        yield search(state, state.moves.current, EventContext(at=now, cause=event.cause))


@part.calls
def give_it_back(state: JourneyState, event: PlaceGivenUp) -> ReleasePlace:
    """Each time under a key of its own: a search still under way may find one again."""
    return ReleasePlace(key=f"release-{event.hold_key}-{state.version + 1}", hold_key=event.hold_key)
