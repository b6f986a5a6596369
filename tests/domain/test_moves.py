"""Out of a move that has begun: discharge, a higher level, a decline; and no place is held for nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.commands import BaseCommand
from domain.effects import HoldPlace, ReleasePlace
from domain.pathway.calls import PlaceAnswer
from domain.pathway.discharge import Discharge
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.moves import COMPLETE_STEP_UP, INTERIM_CONTACT, StepUpWindowMissed, TransitionCompleted
from domain.pathway.obligation_events import ObligationCancelled, ObligationEscalated
from domain.pathway.place_search import NoPlaceFound, PlaceHeld
from domain.pathway.reviews import REVIEW
from domain.values import Stage
from tests.domain.walk import (
    AFTER_CARE,
    AT_IOP,
    AT_OP,
    NO_PLACE,
    Walk,
    closed,
    elsewhere,
    enrolled,
    held,
    place_held,
    returning,
    stepping_down,
    stepping_up,
    window_missed,
)

MOVES: dict[str, Callable[[], Walk]] = {
    "searching": stepping_up,
    "held": place_held,
    "missed": window_missed,
    "down": stepping_down,
    "returning": returning,
}


def released(walk: Walk) -> list[str]:
    """The holds to be given back, in order."""
    return [call.hold_key for call in walk.state.pending().values() if isinstance(call, ReleasePlace)]


@pytest.mark.parametrize("walk_to", MOVES.values(), ids=list(MOVES))
def test_a_client_who_leaves_during_a_move_is_discharged_and_followed_up(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    going_up = walk.state.open_of(COMPLETE_STEP_UP.kind) != []
    before, in_use = released(walk), walk.state.moves.place_in_use
    walk.do(Discharge, reason="against-advice")
    assert walk.is_at(Stage.DISCHARGED) and walk.owes() == AFTER_CARE
    assert walk.state.moves.current is None and walk.state.level is None
    wanted = f"place-{walk.state.moves.started}" if going_up else None
    assert released(walk)[len(before) :] == [key for key in (in_use, wanted) if key]


def test_a_place_is_given_back_by_whoever_leaves_it() -> None:
    walk = returning()
    assert walk.state.moves.place_in_use == "place-1" and released(walk) == []
    walk.do(ConfirmArrival)
    assert walk.state.moves.place_in_use is None and released(walk) == ["place-1"]


@pytest.mark.parametrize(
    ("walk_to", "path"), [(stepping_down, ["IOP", "INPATIENT"]), (returning, ["IOP", "PHP", "INPATIENT"])]
)
def test_a_crisis_during_a_step_down_becomes_a_step_up(walk_to: Callable[[], Walk], path: list[str]) -> None:
    walk = walk_to()
    walk.do(RequestStepUp, to="INPATIENT", reason="crisis")
    move = walk.state.moves.current
    assert move is not None and move.due_at - walk.now == timedelta(hours=24)
    assert walk.state.open_of(COMPLETE_STEP_UP.kind)
    assert "complete-step-down-1" not in walk.owes()
    walk.settle(f"{move.hold_key}-search-1", held(walk))
    walk.do(ConfirmArrival)
    assert walk.path() == path and not walk.state.open_of(COMPLETE_STEP_UP.kind)


@pytest.mark.parametrize("walk_to", [stepping_up, place_held])
def test_a_step_up_gives_way_to_a_higher_one_and_gives_its_place_back(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(RequestStepUp, to="INPATIENT", reason="worse")
    assert walk.owes() == {"complete-step-up-2", "handoff-2", *AT_OP} and released(walk) == ["place-1"]
    assert [e.obligation for e in walk.saw(ObligationCancelled)] == ["review-1", "complete-step-up-1", "handoff-1"]
    walk.settle("place-2-search-1", held(walk))
    walk.do(ConfirmArrival)
    assert walk.path() == ["OP", "INPATIENT"] and released(walk) == ["place-1"]


@pytest.mark.parametrize("to", ["IOP", "PHP"])
def test_a_step_up_does_not_give_way_to_one_no_higher(to: str) -> None:
    walk = stepping_up("OP", "PHP")
    walk.refused(RequestStepUp, "already-moving-up", to=to, reason="asked twice")


def test_a_missed_window_given_up_for_a_higher_level_ends_its_own_clock_and_searches() -> None:
    walk = window_missed()
    assert {"complete-step-up-1", "interim-contact-1"} <= walk.owes()
    walk.do(RequestStepUp, to="INPATIENT", reason="cannot wait")
    assert walk.owes() == {"complete-step-up-2", "handoff-2", "interim-contact-1", *AT_IOP}
    walk.settle("place-1-search-2", NO_PLACE)
    walk.later(hours=9)
    searches = [key for key in walk.state.pending() if "-search-" in key]
    assert searches == ["place-2-search-1"]


def leave_by_discharge(walk: Walk) -> None:
    walk.do(Discharge, reason="disengaged")


def leave_by_decline(walk: Walk) -> None:
    walk.do(DeclineTransition, reason="no", safety_plan_reviewed=True)


def leave_by_a_higher_step(walk: Walk) -> None:
    walk.do(RequestStepUp, to="INPATIENT", reason="worse")


@pytest.mark.parametrize("leave", [leave_by_discharge, leave_by_decline, leave_by_a_higher_step])
def test_a_place_found_after_all_is_given_back_a_second_time_under_a_new_key(leave: Callable[[Walk], None]) -> None:
    walk = stepping_up()
    leave(walk)
    keys = [key for key in walk.state.pending() if key.startswith("release-")]
    assert len(keys) == 1
    walk.settle(keys[0])
    walk.settle("place-1-search-1", held(walk))
    again = [key for key in walk.state.pending() if key.startswith("release-")]
    assert released(walk) == ["place-1"] and again != keys
    assert walk.state.moves.current is None or walk.state.moves.current.place is None


def test_a_search_that_finds_nothing_for_a_move_that_was_left_starts_no_other() -> None:
    walk = stepping_up()
    walk.do(RequestStepUp, to="INPATIENT", reason="worse")
    walk.settle("place-1-search-1", NO_PLACE)
    assert not walk.saw(NoPlaceFound) and walk.state.moves.current is not None
    assert walk.state.moves.current.next_search_at is None


def test_a_walk_to_the_close_leaves_nothing_to_give_back() -> None:
    assert not [call for call in closed().state.pending().values() if isinstance(call, ReleasePlace)]


def test_contact_goes_on_when_a_missed_step_up_gives_way_to_a_higher_one() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", NO_PLACE)
    walk.later(hours=25)
    assert "interim-contact-1" in walk.owes()
    walk.do(RequestStepUp, to="INPATIENT", reason="not safe at home")
    assert "interim-contact-1" in walk.owes()


def test_a_place_without_its_start_is_no_answer() -> None:
    with pytest.raises(ValidationError):
        PlaceAnswer(facility="Day hospital")


# ---- how soon a place must be, and an arrival without one ----------------------------------------------------


def wanted(walk: Walk) -> list[timedelta]:
    """How long from now the place may be away, for each search under way."""
    return [call.wanted_by - walk.now for call in walk.state.pending().values() if isinstance(call, HoldPlace)]


def test_a_place_is_wanted_within_the_window_and_once_that_is_past_within_a_day_of_each_search() -> None:
    walk = stepping_up("IOP", "PHP")
    assert wanted(walk) == [timedelta(hours=24)]
    for attempt in range(1, 8):
        walk.settle(f"place-1-search-{attempt}", NO_PLACE)
        walk.later(hours=4)
        assert wanted(walk) == [timedelta(hours=24)]
    assert walk.saw(StepUpWindowMissed)


def test_a_search_keeps_its_day_while_it_waits_for_its_answer() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(hours=10)
    assert wanted(walk) == [timedelta(hours=14)]


@pytest.mark.parametrize("walk_to", [stepping_up, window_missed])
def test_an_ambulance_does_not_wait_for_a_place(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    target = walk.state.moves.current.target if walk.state.moves.current else None
    walk.refused(ConfirmArrival, "no-place-yet")
    walk.do(ConfirmArrival, facility="County Hospital")
    (arrived,) = walk.saw(TransitionCompleted)
    assert (arrived.facility, arrived.elsewhere, walk.state.level) == (None, "County Hospital", target)
    assert not walk.state.open_of(COMPLETE_STEP_UP.kind) and not walk.state.open_of(INTERIM_CONTACT.kind)
    assert walk.state.next_deadline() is not None


def test_what_a_search_still_finds_after_the_ambulance_is_given_back() -> None:
    walk = stepping_up("IOP", "INPATIENT")
    walk.do(ConfirmArrival, facility="County Hospital")
    walk.settle("place-1-search-1", held(walk))
    assert released(walk) == ["place-1"] and not walk.saw(PlaceHeld)


def test_an_arrival_names_the_facility_that_held_the_place() -> None:
    assert [event.facility for event in elsewhere().saw(TransitionCompleted)] == ["facility-1"]
    down = stepping_down()
    down.do(ConfirmArrival)
    assert [event.facility for event in down.saw(TransitionCompleted)] == [None]


def test_a_place_held_at_one_facility_is_given_back_when_another_took_the_client_in() -> None:
    walk = place_held()
    walk.do(ConfirmArrival, facility="County Hospital")
    assert released(walk) == ["place-1"]


# ---- reviews meanwhile -------------------------------------------------------------------------------------


def up_to_iop() -> Walk:
    return stepping_up("OP", "IOP")


def reviews(walk: Walk) -> list[str]:
    return [owed.id for owed in walk.state.open_of(REVIEW.kind)]


@pytest.mark.parametrize("move", [(RequestStepUp, "PHP"), (StartStepDown, "OP")], ids=["up", "down"])
def test_no_review_is_owed_or_climbs_during_a_move(move: tuple[type[BaseCommand], str]) -> None:
    walk = enrolled()
    walk.later(days=39)  # past the reminder of the review in week 6
    kind, to = move
    walk.do(kind, to=to, reason="because")
    steps_taken = [event for event in walk.later(weeks=4) if isinstance(event, ObligationEscalated)]
    assert steps_taken and not [event for event in steps_taken if event.obligation.startswith(REVIEW.kind)]
    assert reviews(walk) == []


@pytest.mark.parametrize("walk_to", [stepping_up, place_held, stepping_down, window_missed])
def test_a_decline_brings_one_review_within_72_hours(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(DeclineTransition, reason="no", safety_plan_reviewed=True)
    assert reviews(walk) == ["review-2"]
    assert walk.state.obligations.open["review-2"].due_at - walk.now == timedelta(hours=72)


@pytest.mark.parametrize(("walk_to", "days"), [(up_to_iop, 42), (stepping_down, 90), (returning, 42)])
def test_an_arrival_at_our_own_level_brings_its_next_review(walk_to: Callable[[], Walk], days: int) -> None:
    walk = walk_to()
    walk.do(ConfirmArrival)
    assert reviews(walk) == ["review-2"]
    assert abs((walk.state.obligations.open["review-2"].due_at - walk.now).days - days) <= 8
