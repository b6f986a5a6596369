"""A step-up and its place: the client hears at once that there is none, and a place that falls through is replaced."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.effects import HoldPlace, ReleasePlace
from domain.move_words import move_words
from domain.pathway.admission import OpenJourney
from domain.pathway.calls import Failed, PlaceAnswer
from domain.pathway.cost import AcceptCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.discharge import Discharge
from domain.pathway.lost_place import PlaceLost, ReportPlaceLost
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.moves import StepUpWindowMissed, TransitionCompleted
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet
from domain.pathway.place_check import PlaceCheckStarted
from domain.pathway.place_search import NoPlaceFound, PlaceHeld
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening
from domain.plans import Actor, FacilityAnswer, SearchedFacility, Transition
from domain.values import CLINICAL, Role, Stage
from tests.domain.walk import (
    JUST_AFTER,
    MONDAY,
    NO_PLACE,
    SCREENED,
    Walk,
    enrolled,
    place_held,
    stepping_down,
    stepping_up,
)

HOUR = timedelta(hours=1)
LOCAL = ZoneInfo("America/Los_Angeles")
CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)


def place(walk: Walk, *, hours: float, facility: str = "facility-1", place_id: str | None = "slot-1") -> PlaceAnswer:
    """A place that starts so many hours from now."""
    return PlaceAnswer(facility=facility, starts_at=walk.now + hours * HOUR, place_id=place_id)


def move_of(walk: Walk) -> Transition:
    assert walk.state.moves.current is not None
    return walk.state.moves.current


def told(walk: Walk, obligation: str) -> list[tuple[Role, float]]:
    """Who heard of it, and how many hours after the walk began on Monday."""
    escalated = [each for each in walk.saw(ObligationEscalated) if each.obligation == obligation]
    return [(each.to, (each.at - MONDAY) / HOUR) for each in escalated]


def holds_asked_for(walk: Walk) -> list[str]:
    return [key for key, call in walk.state.pending().items() if isinstance(call, HoldPlace)]


def given_back(walk: Walk) -> list[str]:
    return [call.hold_key for call in walk.state.pending().values() if isinstance(call, ReleasePlace)]


def held_for_tomorrow(hours: float = 20) -> Walk:
    """A place is held at once that starts so many hours after the step-up."""
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", place(walk, hours=hours))
    return walk


def lost() -> Walk:
    walk = held_for_tomorrow()
    walk.later(hours=1)
    walk.do(ReportPlaceLost, reason="their group is full after all", by=CASE_MANAGER)
    return walk


# ---- contact while no place is found -----------------------------------------------------------------------


@pytest.mark.parametrize("answer", [NO_PLACE, Failed(code="places/no-answer-in-time")], ids=["none", "failed"])
def test_the_case_manager_is_paged_to_contact_the_client_as_soon_as_no_place_is_found(answer: PlaceAnswer) -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(minutes=20)
    assert "interim-contact-1" not in walk.owes()
    walk.settle("place-1-search-1", answer)
    assert walk.state.obligations.open["interim-contact-1"].due_at == walk.now + 2 * HOUR
    walk.later(hours=5)
    third = 20 / 60
    assert told(walk, "interim-contact-1") == [
        (Role.CASE_MANAGER, third),
        (Role.CLINICIAN, 2 + third),
        (Role.SUPERVISOR, 4 + third),
    ]


def test_the_client_is_contacted_daily_until_they_arrive_also_once_a_place_is_held() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", NO_PLACE)
    walk.do(CompleteObligation, obligation="interim-contact-1", note="called, safe", by=CASE_MANAGER)
    assert walk.state.obligations.open["interim-contact-2"].due_at == MONDAY + 24 * HOUR
    walk.later(hours=4)
    walk.settle("place-1-search-2", place(walk, hours=30))
    walk.later(hours=20)
    walk.do(WaiveObligation, obligation="interim-contact-2", reason="with the family all day")
    assert walk.state.obligations.open["interim-contact-3"].due_at == MONDAY + 48 * HOUR
    walk.do(ConfirmArrival)
    assert not [owed for owed in walk.owes() if owed.startswith("interim-contact")]


def test_a_search_that_finds_nothing_again_asks_for_no_second_contact() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", NO_PLACE)
    walk.later(hours=4)
    walk.settle("place-1-search-2", NO_PLACE)
    assert [owed for owed in walk.owes() if owed.startswith("interim")] == ["interim-contact-1"]


def test_what_each_facility_answered_is_on_record_and_shown_until_the_next_search_says_more() -> None:
    walk = stepping_up("IOP", "PHP")
    full, silent = (
        SearchedFacility(facility="Hillside", answer=FacilityAnswer.NONE_IN_TIME),
        SearchedFacility(facility="Lakeside", answer=FacilityAnswer.NO_ANSWER),
    )
    walk.settle("place-1-search-1", PlaceAnswer(facilities=(full, silent)))
    assert walk.saw(NoPlaceFound)[0].facilities == (full, silent)
    assert move_words(walk.state)["Searched"] == "Hillside: none in time; Lakeside: did not answer"
    walk.later(hours=4)
    free = SearchedFacility(facility="Hillside", answer=FacilityAnswer.FREE, starts_at=walk.now + 2 * HOUR)
    found = PlaceAnswer(facility="Hillside", starts_at=walk.now + 2 * HOUR, facilities=(free,))
    walk.settle("place-1-search-2", found)
    assert walk.saw(PlaceHeld)[0].facilities == (free,)
    assert move_words(walk.state)["Searched"].startswith("Hillside: free from 2026-03-16")
    walk.do(ConfirmArrival)
    assert "Searched" not in move_words(walk.state)


def test_a_client_who_has_not_come_within_24_hours_is_contacted_though_a_place_is_held() -> None:
    walk = held_for_tomorrow()
    walk.later(hours=24, microseconds=1)
    assert walk.saw(StepUpWindowMissed)
    assert told(walk, "interim-contact-1") == [(Role.CASE_MANAGER, (24 * HOUR + JUST_AFTER) / HOUR)]


# ---- a place that falls through ----------------------------------------------------------------------------


def test_a_lost_place_is_given_back_and_another_is_looked_for_at_once_within_the_same_24_hours() -> None:
    walk = lost()
    assert given_back(walk) == ["place-1"] and holds_asked_for(walk) == ["place-1-2-search-2"]
    call = walk.state.pending()["place-1-2-search-2"]
    assert isinstance(call, HoldPlace) and call.lost == ("slot-1",), "the same place would fall through again"
    assert walk.state.obligations.open["complete-step-up-1"].due_at == move_of(walk).due_at == MONDAY + 24 * HOUR
    walk.later(hours=23, microseconds=1)
    assert walk.saw(StepUpWindowMissed)[0].at == MONDAY + 24 * HOUR + JUST_AFTER


def test_the_clinician_is_paged_and_the_client_contacted_when_a_place_is_lost() -> None:
    walk = lost()
    assert {"replace-place-1", "interim-contact-1"} <= walk.owes()
    walk.later(minutes=1)
    assert told(walk, "replace-place-1") == [(Role.CLINICIAN, 1)]
    assert told(walk, "interim-contact-1") == [(Role.CASE_MANAGER, 1)]


def test_another_place_ends_what_the_clinician_owes_and_the_client_arrives_there() -> None:
    walk = lost()
    walk.settle("place-1-2-search-2", place(walk, hours=5, facility="facility-2", place_id="slot-2"))
    assert "replace-place-1" not in walk.owes() and walk.saw(ObligationMet)[-1].obligation == "replace-place-1"
    walk.later(hours=5)
    walk.do(ConfirmArrival)
    assert walk.saw(TransitionCompleted)[0].facility == "facility-2"
    assert walk.state.moves.place_in_use == "place-1-2" and given_back(walk) == ["place-1"]
    walk.do(StartStepDown, to="IOP", reason="steady")
    walk.do(ConfirmArrival)
    assert given_back(walk) == ["place-1", "place-1-2"]


def test_a_place_lost_again_and_again_is_never_held_under_a_key_used_before() -> None:
    walk = held_for_tomorrow()
    for number in range(2, 5):
        walk.do(ReportPlaceLost, reason="full", by=CASE_MANAGER)
        [key] = holds_asked_for(walk)
        assert key == f"place-1-{number}-search-{number}"
        walk.settle(key, place(walk, hours=4, place_id=f"slot-{number}"))
    assert given_back(walk) == ["place-1", "place-1-2", "place-1-3"]
    assert move_of(walk).lost == ("slot-1", "slot-2", "slot-3")


def test_no_place_can_be_lost_before_one_is_held_or_once_the_client_is_there() -> None:
    stepping_up().refused(ReportPlaceLost, "no-place-held", reason="full")
    stepping_down().refused(ReportPlaceLost, "no-place-held", reason="full")
    walk = place_held()
    walk.do(ConfirmArrival)
    walk.refused(ReportPlaceLost, "wrong-stage", reason="full")


def test_a_loss_typed_in_late_is_searched_for_now() -> None:
    walk = held_for_tomorrow()
    walk.later(hours=3)
    walk.do(ReportPlaceLost, reason="full", occurred_at=MONDAY + HOUR)
    assert walk.saw(PlaceLost)[0].at == MONDAY + HOUR
    call = walk.state.pending()["place-1-2-search-2"]
    assert isinstance(call, HoldPlace) and call.wanted_by == walk.now + 24 * HOUR


# ---- asking whether it is still there ----------------------------------------------------------------------


def test_a_held_place_is_asked_about_every_four_hours_while_another_search_could_help() -> None:
    walk = held_for_tomorrow(20)
    for number in range(1, 6):
        if number < 5:
            walk.later(hours=4)
            walk.settle(
                f"place-1-check-{number}",
                PlaceAnswer(facility="facility-1", starts_at=MONDAY + 20 * HOUR, place_id="slot-1"),
            )
    walk.later(hours=8)
    assert len(walk.saw(PlaceCheckStarted)) == 4 and not walk.saw(PlaceLost)
    assert len(walk.saw(PlaceHeld)) == 1


def test_a_place_that_starts_soon_is_not_asked_about() -> None:
    walk = held_for_tomorrow(7.9)
    walk.later(hours=24)
    assert not walk.saw(PlaceCheckStarted)


def test_a_place_that_the_facility_withdrew_is_lost_when_it_is_asked_about() -> None:
    walk = held_for_tomorrow()
    walk.later(hours=4)
    walk.settle("place-1-check-1", NO_PLACE)
    assert walk.saw(PlaceLost)[0].by is None and move_of(walk).place is None
    assert holds_asked_for(walk) == ["place-1-2-search-2"] and given_back(walk) == ["place-1"]
    assert {"replace-place-1", "interim-contact-1"} <= walk.owes()


def test_a_place_that_the_system_moved_elsewhere_is_the_new_one_and_the_client_is_told() -> None:
    walk = held_for_tomorrow()
    walk.later(hours=4)
    walk.settle("place-1-check-1", place(walk, hours=10, facility="facility-2", place_id="slot-2"))
    assert move_of(walk).place == "facility-2" and move_of(walk).held_key == "place-1"
    assert "interim-contact-1" in walk.owes() and "replace-place-1" not in walk.owes()
    assert holds_asked_for(walk) == [] and given_back(walk) == []
    walk.later(minutes=1)
    assert set(told(walk, "interim-contact-1")) == {(Role.CASE_MANAGER, 4), (Role.CLINICIAN, 4)}


def test_a_question_that_stays_unanswered_keeps_the_place_and_is_asked_again() -> None:
    walk = held_for_tomorrow()
    walk.later(hours=4)
    walk.settle("place-1-check-1", Failed(code="places/no-answer-in-time"))
    assert move_of(walk).place == "facility-1" and "resolve-effect-1" in walk.owes()
    walk.later(hours=4)
    assert holds_asked_for(walk) == ["place-1-check-2"]


def test_an_answer_about_a_place_lost_meanwhile_gives_it_back_and_changes_nothing_else() -> None:
    walk = held_for_tomorrow()
    walk.later(hours=4)
    walk.do(ReportPlaceLost, reason="full", by=CASE_MANAGER)
    walk.settle("place-1-check-1", place(walk, hours=16))
    assert move_of(walk).place is None and given_back(walk) == ["place-1", "place-1"]


# ---- a place that starts too late --------------------------------------------------------------------------


def late_place() -> Walk:
    """The window is missed, and the first place found starts 16 hours after it."""
    walk = stepping_up("IOP", "PHP")
    for attempt in range(1, 6):
        walk.settle(f"place-1-search-{attempt}", NO_PLACE)
        walk.later(hours=4)
    walk.settle("place-1-search-6", place(walk, hours=20))
    return walk


@pytest.mark.parametrize(("minutes_more", "late"), [(0, False), (1, True)])
def test_a_place_is_late_from_the_policys_hours_after_the_due_time_on(minutes_more: int, late: bool) -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", place(walk, hours=36 + minutes_more / 60))
    assert walk.saw(PlaceHeld)[0].late is late
    assert bool(holds_asked_for(walk)) is late and ("replace-place-1" in walk.owes()) is late


def test_a_late_place_is_kept_while_an_earlier_one_is_looked_for_at_once() -> None:
    walk = late_place()
    assert move_of(walk).place == "facility-1" and "replace-place-1" in walk.owes()
    call = walk.state.pending()["place-1-2-search-7"]
    assert isinstance(call, HoldPlace) and walk.now < call.wanted_by < walk.saw(PlaceHeld)[0].starts_at
    walk.settle("place-1-2-search-7", NO_PLACE)
    assert move_of(walk).place == "facility-1"
    walk.later(hours=4)
    assert "place-1-2-search-8" in holds_asked_for(walk)


def test_an_earlier_place_replaces_the_late_one_which_goes_back() -> None:
    walk = late_place()
    walk.settle("place-1-2-search-7", place(walk, hours=3, facility="facility-2", place_id="slot-2"))
    assert move_of(walk).place == "facility-2" and given_back(walk) == ["place-1"]
    assert "replace-place-1" not in walk.owes() and holds_asked_for(walk) == []


def test_a_place_no_earlier_than_the_one_held_goes_back() -> None:
    walk = late_place()
    walk.settle("place-1-2-search-7", place(walk, hours=22, facility="facility-2", place_id="slot-2"))
    assert move_of(walk).place == "facility-1" and given_back(walk) == ["place-1-2"]
    walk.later(hours=4)
    assert "place-1-3-search-8" in holds_asked_for(walk), "what is on its way back is not found again"


def test_nothing_earlier_is_looked_for_once_the_late_place_has_started() -> None:
    walk = late_place()
    walk.settle("place-1-2-search-7", NO_PLACE)
    walk.later(hours=16)
    for key in holds_asked_for(walk):
        walk.settle(key, NO_PLACE if "search" in key else place(walk, hours=4))
    before = move_of(walk).searches
    walk.later(hours=48)
    assert move_of(walk).searches == before and move_of(walk).place == "facility-1"


def test_a_late_place_that_falls_through_is_searched_for_at_once_without_the_limit() -> None:
    walk = late_place()
    walk.do(ReportPlaceLost, reason="full", by=CASE_MANAGER)
    calls = [call for call in walk.state.pending().values() if isinstance(call, HoldPlace)]
    assert calls[-1].wanted_by == walk.now + 24 * HOUR
    walk.settle("place-1-2-search-8", place(walk, hours=2, place_id="slot-2"))
    walk.settle(
        "place-1-2-search-7", PlaceAnswer(facility="facility-1", starts_at=walk.now + 2 * HOUR, place_id="slot-2")
    )
    assert move_of(walk).place_id == "slot-2" and given_back(walk) == ["place-1"]


@pytest.mark.parametrize("arrives_at", [None, "County Hospital"])
def test_whoever_arrives_while_an_earlier_place_is_looked_for_leaves_none_behind(arrives_at: str | None) -> None:
    walk = late_place()
    walk.do(ConfirmArrival, facility=arrives_at)
    walk.settle("place-1-2-search-7", place(walk, hours=1, place_id="slot-2"))
    assert given_back(walk) == (["place-1-2"] if arrives_at is None else ["place-1", "place-1-2"])


LEAVING: dict[str, Callable[[Walk], object]] = {
    "declined": lambda walk: walk.do(DeclineTransition, reason="no", safety_plan_reviewed=True),
    "discharged": lambda walk: walk.do(Discharge, reason="against-advice"),
    "a higher level": lambda walk: walk.do(RequestStepUp, to="INPATIENT", reason="crisis"),
}


@pytest.mark.parametrize("leave", LEAVING.values(), ids=list(LEAVING))
def test_a_late_place_and_what_is_still_found_both_go_back_when_the_move_is_over(
    leave: Callable[[Walk], object],
) -> None:
    walk = late_place()
    leave(walk)
    assert given_back(walk) == ["place-1", "place-1-2"] and "replace-place-1" not in walk.owes()
    walk.settle("place-1-2-search-7", place(walk, hours=3, place_id="slot-2"))
    assert given_back(walk) == ["place-1", "place-1-2", "place-1-2"]


# ---- inpatient ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", CLINICAL)
def test_inpatient_tells_supervisor_and_medical_director_at_once_and_keeps_no_clinician_waiting(role: Role) -> None:
    walk = enrolled()
    walk.do(RequestStepUp, to="INPATIENT", reason="not safe at home", by=Actor(id="p", role=role))
    walk.do(ConfirmArrival, facility="County Hospital")
    walk = enrolled()
    walk.do(RequestStepUp, to="INPATIENT", reason="not safe at home", by=Actor(id="p", role=role))
    walk.later(minutes=1)
    assert set(told(walk, "complete-step-up-1")) == {
        (Role.SUPERVISOR, 0),
        (Role.MEDICAL_DIRECTOR, 0),
        (Role.CLINICIAN, 0),
    }
    walk.later(hours=24)
    assert (Role.MEDICAL_DIRECTOR, 24) in told(walk, "complete-step-up-1")


def test_another_level_tells_the_clinician_only() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(minutes=1)
    assert told(walk, "complete-step-up-1") == [(Role.CLINICIAN, 0)]


# ---- our own level -----------------------------------------------------------------------------------------


def test_a_move_to_our_own_level_searches_no_place_asks_for_no_facility_and_still_has_its_24_hours() -> None:
    walk = stepping_up("OP", "IOP")
    assert holds_asked_for(walk) == [] and move_of(walk).due_at == MONDAY + 24 * HOUR
    walk.later(hours=24, microseconds=1)
    assert walk.saw(StepUpWindowMissed) and (Role.MEDICAL_DIRECTOR, 24) in told(walk, "complete-step-up-1")
    assert told(walk, "interim-contact-1") == [(Role.CASE_MANAGER, (24 * HOUR + JUST_AFTER) / HOUR)]
    walk.do(ConfirmArrival)
    assert walk.is_at(Stage.ACTIVE) and walk.path() == ["OP", "IOP"]
    assert walk.saw(TransitionCompleted)[0].facility is None and given_back(walk) == []


@pytest.mark.parametrize("leave", [LEAVING["declined"], LEAVING["discharged"]], ids=["declined", "discharged"])
def test_a_move_to_our_own_level_that_ends_gives_no_place_back(leave: Callable[[Walk], object]) -> None:
    walk = stepping_up("OP", "IOP")
    leave(walk)
    assert given_back(walk) == []


def test_two_step_ups_in_a_row_each_have_their_own_24_hours_and_place() -> None:
    walk = stepping_up("OP", "IOP")
    walk.later(hours=5)
    walk.do(ConfirmArrival)
    walk.later(hours=10)
    walk.do(RequestStepUp, to="PHP", reason="worse still")
    assert move_of(walk).due_at == walk.now + 24 * HOUR and holds_asked_for(walk) == ["place-2-search-1"]
    walk.settle("place-2-search-1", place(walk, hours=3))
    walk.do(ConfirmArrival)
    assert walk.path() == ["OP", "IOP", "PHP"] and walk.state.moves.place_in_use == "place-2"


def test_a_higher_step_up_takes_the_place_of_one_to_our_own_level_and_searches() -> None:
    walk = stepping_up("OP", "IOP")
    walk.do(RequestStepUp, to="PHP", reason="worse")
    assert holds_asked_for(walk) == ["place-2-search-1"] and given_back(walk) == []


# ---- clock changes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("evening", [datetime(2026, 3, 7, 20, tzinfo=LOCAL), datetime(2026, 10, 31, 20, tzinfo=LOCAL)])
@pytest.mark.parametrize("to", ["IOP", "PHP"])
def test_over_a_clock_change_a_step_up_and_its_contacts_count_elapsed_hours(evening: datetime, to: str) -> None:
    walk = Walk(evening.astimezone(UTC))
    began = walk.now
    opening = {"journey_id": "j", "client_ref": "c", "site": "main", "message": "m"}
    walk.do(OpenJourney, **opening, admitted_at=evening)
    walk.do(RecordBenefits, verdict="CLEAR", cost_share={"copay": 30}, note="called")
    walk.do(CompleteScreening, **SCREENED)
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    walk.do(AcceptCost, estimate="estimate-1")
    walk.enrol()
    walk.do(RequestStepUp, to=to, reason="worse")
    if to == "PHP":
        walk.settle("place-1-search-1", place(walk, hours=30))
        walk.do(ReportPlaceLost, reason="full", by=CASE_MANAGER)
        walk.settle("place-1-2-search-2", NO_PLACE)
        walk.do(CompleteObligation, obligation="interim-contact-1", note="called", by=CASE_MANAGER)
        assert walk.state.obligations.open["interim-contact-2"].due_at - began == 24 * HOUR
    walk.later(hours=23, minutes=59)
    assert not walk.saw(StepUpWindowMissed)
    walk.later(minutes=1)
    assert not walk.saw(StepUpWindowMissed), "exactly then it is on time"
    walk.later(microseconds=1)
    assert walk.saw(StepUpWindowMissed)[0].at - began == 24 * HOUR + JUST_AFTER
    director = [e.at - began for e in walk.saw(ObligationEscalated) if e.to is Role.MEDICAL_DIRECTOR]
    assert director == [24 * HOUR]
    of_the_move = [e for e in walk.saw(ObligationEscalated) if e.obligation == "complete-step-up-1"]
    assert [e.at - began for e in of_the_move if e.to is Role.SUPERVISOR] == [12 * HOUR]
