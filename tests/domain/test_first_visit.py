"""The first visit at a new level: a step-down has it booked before the level before ends, and it is kept or noticed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.pathway.attendance import SEE_CLIENT
from domain.pathway.corrections import CorrectDischarge, WithdrawMove
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath
from domain.pathway.discharge import Discharge
from domain.pathway.first_visit import BOOK_FIRST_VISIT, FIRST_VISIT, BookFirstVisit, in_words
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet
from domain.pathway.reviews import CompleteReview
from domain.plans import Actor
from domain.values import Role
from tests.domain.walk import DIRECTOR, Walk, enrolled, in_hospital, place_held, returning, stepping_down, stepping_up

DAY = timedelta(days=1)
CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)
MOVED_AWAY: dict[str, Any] = {"reason": "moved"}


def booked(days: int = 2) -> Walk:
    """A step-down from IOP whose first visit is so many days away."""
    walk = enrolled()
    walk.do(StartStepDown, to="OP", reason="steady", first_visit_at=walk.now + days * DAY)
    return walk


def owed(walk: Walk) -> list[str]:
    return [each.id for each in walk.state.open_of(BOOK_FIRST_VISIT.kind, FIRST_VISIT.kind)]


def told(walk: Walk, obligation: str) -> list[Role]:
    return [each.to for each in walk.saw(ObligationEscalated) if each.obligation == obligation]


# ---- booking -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("walk_to", [stepping_down, returning])
def test_a_step_down_without_a_booked_visit_owes_the_booking_well_before_it_is_due(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    [booking], move = walk.state.open_of(BOOK_FIRST_VISIT.kind), walk.state.moves.current
    assert move is not None and move.due_at - booking.due_at >= 4 * DAY
    assert in_words(walk.state) == "not booked yet"
    walk.later(days=4)
    assert set(told(walk, "book-first-visit-1")) == {Role.CASE_MANAGER, Role.SUPERVISOR}


def test_a_step_down_from_one_hospital_to_another_level_elsewhere_is_booked_too() -> None:
    walk = in_hospital()
    walk.do(StartStepDown, to="PHP", reason="ready for days at home")
    assert owed(walk) == ["book-first-visit-1"]


def test_once_it_is_booked_the_client_is_expected_on_that_day() -> None:
    walk = stepping_down()
    walk.do(BookFirstVisit, first_visit_at=walk.now + 3 * DAY, by=CASE_MANAGER)
    assert owed(walk) == ["first-visit-1"]
    walk.do(BookFirstVisit, first_visit_at=walk.now + 2 * DAY, by=CASE_MANAGER)
    [visit] = walk.state.open_of(FIRST_VISIT.kind)
    assert visit.counted.day == walk.state.calendar.local_date(walk.now + 2 * DAY)
    assert (in_words(walk.state) or "").startswith("booked for 2026-03-18")


def test_a_review_that_steps_down_books_it_as_well() -> None:
    walk = enrolled()
    walk.do(CompleteReview, outcome="step-down", to="OP", rationale="steady", first_visit_at=walk.now + DAY)
    assert owed(walk) == ["first-visit-1"]


@pytest.mark.parametrize("walk_to", [stepping_up, place_held, lambda: stepping_up("OP", "IOP")])
def test_a_step_up_owes_no_booking(walk_to: Callable[[], Walk]) -> None:
    assert owed(walk_to()) == []


def test_a_visit_in_the_past_is_refused_with_the_move_and_alone() -> None:
    walk = enrolled()
    walk.refused(StartStepDown, "visit-in-the-past", to="OP", reason="steady", first_visit_at=walk.now - DAY)
    walk = stepping_down()
    walk.refused(BookFirstVisit, "visit-in-the-past", first_visit_at=walk.now - DAY)


# ---- the day, and whether it was kept ------------------------------------------------------------------------


def test_the_case_manager_is_reminded_on_the_day_and_people_are_told_within_days_if_nobody_came() -> None:
    walk = booked()
    walk.later(days=1, hours=23)
    [reminded] = [each for each in walk.saw(ObligationEscalated) if each.obligation == "first-visit-1"]
    day = walk.state.calendar.local_date
    assert reminded.to is Role.CASE_MANAGER and day(reminded.at) == day(walk.now)
    walk.later(days=6)
    assert set(told(walk, "first-visit-1")) == {Role.CASE_MANAGER, Role.CLINICIAN, Role.SUPERVISOR}
    assert walk.state.open_of(FIRST_VISIT.kind)[0].is_overdue(walk.now)


@pytest.mark.parametrize("hours", [48, 50, 72])
def test_an_arrival_on_the_day_of_the_visit_or_after_it_says_that_it_was_kept(hours: int) -> None:
    walk = booked()
    walk.later(hours=hours)
    walk.do(ConfirmArrival)
    assert owed(walk) == [] and "first-visit-1" in {each.obligation for each in walk.saw(ObligationMet)}


def test_an_arrival_before_the_visit_leaves_it_owed() -> None:
    walk = booked()
    walk.do(ConfirmArrival)
    assert walk.path() == ["IOP", "OP"] and owed(walk) == ["first-visit-1"]


@pytest.mark.parametrize("walk_to", [stepping_down, returning, lambda: stepping_up("OP", "IOP")])
def test_after_an_arrival_without_a_booked_visit_one_not_kept_is_seen_within_7_days(
    walk_to: Callable[[], Walk],
) -> None:
    walk = walk_to()
    walk.do(ConfirmArrival)
    [visit] = walk.state.open_of(FIRST_VISIT.kind)
    [unseen] = walk.state.open_of(SEE_CLIENT.kind)
    assert visit.due_at <= walk.state.calendar.day_ends(walk.state.calendar.local_date(walk.now + 7 * DAY))
    assert visit.due_at < unseen.due_at and in_words(walk.state) == "not known to be kept"
    walk.later(days=9)
    assert {Role.CASE_MANAGER, Role.CLINICIAN} <= set(told(walk, visit.id))


def test_a_session_in_a_later_week_shows_that_they_come_and_one_in_the_same_week_may_be_of_the_level_before() -> None:
    walk = stepping_down()
    walk.do(ConfirmArrival)
    walk.attended(missed=0)
    assert owed(walk) == ["first-visit-1"]
    walk.later(days=6)
    walk.attended()
    assert owed(walk) == ["first-visit-1"], "Sunday is in the same week"
    walk.later(days=1)
    walk.attended()
    assert owed(walk) == [] and in_words(walk.state) is None


def test_sessions_before_the_arrival_or_before_the_booked_visit_count_for_nothing() -> None:
    walk = stepping_down()
    walk.later(days=7)
    walk.attended()
    assert owed(walk) == ["book-first-visit-1"]
    early = booked(days=10)
    early.do(ConfirmArrival)
    early.later(days=7)
    early.attended()
    assert owed(early) == ["first-visit-1"]


def test_staff_may_say_that_it_was_kept_or_book_another_after_the_arrival() -> None:
    walk = stepping_down()
    walk.do(ConfirmArrival)
    walk.do(BookFirstVisit, first_visit_at=walk.now + DAY, by=CASE_MANAGER)
    assert owed(walk) == ["first-visit-2"]
    walk.do(CompleteObligation, obligation="first-visit-2", note="seen by Dr Lee", by=CASE_MANAGER)
    assert owed(walk) == []
    walk.refused(BookFirstVisit, "no-first-visit", first_visit_at=walk.now + DAY)


def test_another_facility_sees_to_its_own_first_visit() -> None:
    walk = place_held()
    walk.do(ConfirmArrival)
    assert owed(walk) == []


# ---- ways out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("walk_to", [stepping_down, booked])
@pytest.mark.parametrize(
    "leave",
    [
        lambda walk: walk.do(DeclineTransition, reason="no"),
        lambda walk: walk.do(WithdrawMove, reason="too early"),
        lambda walk: walk.do(RequestStepUp, to="PHP", reason="worse"),
        lambda walk: walk.do(RecordCrisis, place="inpatient", level="INPATIENT", reason="attempt"),
        lambda walk: walk.do(Discharge, **MOVED_AWAY),
        lambda walk: walk.do(RecordDeath, source="their sister"),
    ],
    ids=["declined", "withdrawn", "higher", "in hospital", "discharged", "died"],
)
def test_it_ends_with_its_move(walk_to: Callable[[], Walk], leave: Callable[[Walk], object]) -> None:
    walk = walk_to()
    leave(walk)
    assert owed(walk) == [] and in_words(walk.state) is None


def test_a_discharge_corrected_brings_back_the_visit_of_those_who_had_arrived_alone() -> None:
    moving, arrived = booked(), booked()
    arrived.do(ConfirmArrival)
    for walk in (moving, arrived):
        walk.do(Discharge, **MOVED_AWAY)
        walk.do(CorrectDischarge, reason="another client of that name")
    assert (owed(moving), owed(arrived)) == ([], ["first-visit-2"])


def test_a_death_recorded_by_mistake_brings_it_back() -> None:
    walk = booked()
    walk.do(RecordDeath, source="their sister")
    walk.do(CorrectDeath, reason="another client", by=DIRECTOR)
    assert owed(walk) == ["first-visit-2"]


def test_it_waits_while_the_client_is_on_leave_or_in_an_emergency_department() -> None:
    walk = stepping_down()
    walk.do(ConfirmArrival)
    walk.do(StartLeave, until=(walk.now + 5 * DAY).date(), category="family", reason="a funeral")
    assert owed(walk) == []
    walk.later(days=5)
    walk.do(EndLeave)
    assert owed(walk) == ["first-visit-2"]
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    assert owed(walk) == []
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert owed(walk) == ["first-visit-3"]


def test_what_waits_for_a_client_on_leave_is_not_owed_again_once_they_move_on() -> None:
    walk = stepping_down()
    walk.do(ConfirmArrival)
    walk.do(StartLeave, until=(walk.now + 5 * DAY).date(), category="family", reason="a funeral")
    walk.do(RequestStepUp, to="IOP", reason="worse")
    walk.do(EndLeave)
    assert owed(walk) == []


# ---- another move, and a leave -----------------------------------------------------------------------------------


@pytest.mark.parametrize("undo", [DeclineTransition, WithdrawMove])
@pytest.mark.parametrize("days", [None, 4])
def test_a_further_move_that_comes_to_nothing_leaves_the_first_visit_owed(undo: type, days: int | None) -> None:
    walk = booked(days) if days else stepping_down()
    walk.do(ConfirmArrival)
    before = in_words(walk.state)
    walk.do(RequestStepUp, to="IOP", reason="worse again")
    assert owed(walk) == []
    walk.do(undo, **({"safety_plan_reviewed": True} if undo is DeclineTransition else {}), reason="wants to stay")
    [again] = walk.state.open_of(FIRST_VISIT.kind)
    assert in_words(walk.state) == before and again.raised_at == walk.now


def test_a_further_move_that_comes_to_nothing_owes_no_first_visit_that_was_kept() -> None:
    walk = booked()
    walk.later(days=2)
    walk.do(ConfirmArrival)
    walk.do(RequestStepUp, to="IOP", reason="worse again")
    walk.do(WithdrawMove, reason="wants to stay")
    assert owed(walk) == []


def test_a_first_visit_is_booked_anew_during_a_leave_and_owed_for_its_day_after_it() -> None:
    walk = booked(days=2)
    walk.do(ConfirmArrival)
    walk.do(StartLeave, until=(walk.now + 5 * DAY).date(), category="family", reason="a funeral")
    assert owed(walk) == []
    walk.do(BookFirstVisit, first_visit_at=walk.now + 7 * DAY)
    assert owed(walk) == [] and len(walk.state.suspension.of(FIRST_VISIT)) == 1
    walk.later(days=5)
    walk.do(EndLeave)
    [visit] = walk.state.open_of(FIRST_VISIT.kind)
    assert visit.counted.day == walk.state.calendar.local_date(walk.now + 2 * DAY)
    assert not visit.is_overdue(walk.now)


def test_the_first_visit_outlasts_a_move_that_is_replaced_and_then_withdrawn() -> None:
    walk = stepping_down()
    walk.do(ConfirmArrival)
    walk.do(RequestStepUp, to="IOP", reason="worse again")
    walk.do(RequestStepUp, to="PHP", reason="much worse")
    walk.do(WithdrawMove, reason="wants to stay")
    assert len(walk.state.open_of(FIRST_VISIT.kind)) == 1


def test_who_came_while_a_further_move_was_under_way_owes_no_first_visit_after_it() -> None:
    walk = stepping_down()
    walk.do(ConfirmArrival)
    walk.do(RequestStepUp, to="IOP", reason="worse again")
    walk.later(days=7)
    walk.attended(missed=0)
    walk.do(WithdrawMove, reason="wants to stay")
    assert owed(walk) == []


def test_a_first_visit_that_is_named_with_the_move_waits_during_a_leave_too() -> None:
    walk = enrolled()
    walk.do(StartLeave, until=(walk.now + 5 * DAY).date(), category="family", reason="a funeral")
    walk.do(StartStepDown, to="OP", reason="steady", first_visit_at=walk.now + 7 * DAY)
    assert owed(walk) == [] and len(walk.state.suspension.of(FIRST_VISIT)) == 1
    walk.do(EndLeave)
    assert len(walk.state.open_of(FIRST_VISIT.kind)) == 1
