"""A taper: some sessions of the level before go on after a step-down, until somebody asks whether that can end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from domain.pathway.corrections import CorrectDischarge, WithdrawMove
from domain.pathway.crisis import RecordCrisis
from domain.pathway.discharge import Discharge
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.taper import END_TAPER, PlanTaper, TaperPlanned, in_words
from domain.plans import Actor
from domain.values import Role
from tests.domain.walk import MONDAY, Walk, enrolled, in_hospital, returning, stepping_down, stepping_up

TODAY = MONDAY.date()
CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


def tapering() -> Walk:
    """A step-down from IOP with two weeks of taper."""
    walk = enrolled()
    walk.do(StartStepDown, to="OP", reason="steady", taper_until=days(14))
    return walk


def owed(walk: Walk) -> list[str]:
    return [each.id for each in walk.state.open_of(END_TAPER.kind)]


def test_the_client_is_at_the_gentler_level_and_the_end_is_asked_about_on_the_day_named() -> None:
    walk = tapering()
    walk.do(ConfirmArrival)
    assert walk.state.level == "OP" and owed(walk) == ["end-taper-1"]
    assert in_words(walk.state) == "some IOP sessions until 2026-03-30"
    walk.later(days=17)
    assert walk.state.open_of(END_TAPER.kind)[0].is_overdue(walk.now)
    told = {each.to for each in walk.saw(ObligationEscalated) if each.obligation == "end-taper-1"}
    assert told == {Role.CLINICIAN, Role.SUPERVISOR}
    walk.do(CompleteObligation, obligation="end-taper-1", note="the client is ready", by=CASE_MANAGER)
    assert owed(walk) == [] and in_words(walk.state) is None


def test_sessions_during_a_taper_are_like_any_others() -> None:
    walk = tapering()
    walk.do(ConfirmArrival)
    walk.later(days=7)
    walk.attended()
    assert walk.state.level == "OP" and owed(walk) == ["end-taper-1"]


def test_it_is_extended_up_to_the_policys_days_from_the_arrival() -> None:
    walk = tapering()
    walk.later(days=3)
    walk.do(ConfirmArrival)
    most = walk.state.policy.taper_days
    walk.do(PlanTaper, until=days(3 + most))
    assert owed(walk) == ["end-taper-2"] and [each.level for each in walk.saw(TaperPlanned)] == ["IOP", "IOP"]
    walk.refused(PlanTaper, "taper-too-long", until=days(4 + most))
    walk.later(days=20)
    walk.refused(PlanTaper, "taper-too-long", until=days(4 + most))
    walk.refused(PlanTaper, "taper-too-long", until=days(23))


def test_before_the_arrival_the_limit_counts_from_the_plan() -> None:
    walk = enrolled()
    most = walk.state.policy.taper_days
    walk.refused(StartStepDown, "taper-too-long", to="OP", reason="steady", taper_until=days(most + 1))
    walk.do(StartStepDown, to="OP", reason="steady", taper_until=days(most))
    assert owed(walk) == ["end-taper-1"]


def test_it_may_be_planned_during_the_move_and_after_it() -> None:
    walk = stepping_down()
    walk.do(PlanTaper, until=days(10))
    walk.do(ConfirmArrival)
    walk.do(PlanTaper, until=days(20))
    assert owed(walk) == ["end-taper-2"]


def up_and_arrived() -> Walk:
    walk = stepping_up("OP", "IOP")
    walk.do(ConfirmArrival)
    return walk


@pytest.mark.parametrize("walk_to", [enrolled, lambda: stepping_up("OP", "IOP"), up_and_arrived, returning])
def test_it_goes_with_a_step_down_from_one_of_our_levels_to_another(walk_to: Callable[[], Walk]) -> None:
    walk_to().refused(PlanTaper, "no-taper", until=days(10))


def test_a_return_from_hospital_has_none() -> None:
    walk = in_hospital()
    walk.refused(StartStepDown, "no-taper", to="IOP", reason="ready", taper_until=days(10))


@pytest.mark.parametrize(
    "leave",
    [
        lambda walk: walk.do(DeclineTransition, reason="no"),
        lambda walk: walk.do(WithdrawMove, reason="too early"),
        lambda walk: walk.do(RequestStepUp, to="PHP", reason="worse"),
        lambda walk: walk.do(RecordCrisis, place="inpatient", level="INPATIENT", reason="attempt"),
        lambda walk: walk.do(Discharge, reason="moved"),
    ],
    ids=["declined", "withdrawn", "higher", "in hospital", "discharged"],
)
def test_it_ends_with_its_move(leave: Callable[[Walk], object]) -> None:
    walk = tapering()
    leave(walk)
    assert owed(walk) == [] and in_words(walk.state) is None


def test_a_client_who_moves_back_up_during_a_taper_has_none_any_more() -> None:
    walk = tapering()
    walk.do(ConfirmArrival)
    walk.do(RequestStepUp, to="IOP", reason="worse")
    assert owed(walk) == []


def test_a_discharge_corrected_brings_it_back_for_those_who_had_arrived_alone() -> None:
    moving, arrived = tapering(), tapering()
    arrived.do(ConfirmArrival)
    for walk in (moving, arrived):
        walk.do(Discharge, reason="moved")
        walk.do(CorrectDischarge, reason="another client of that name")
    assert (owed(moving), owed(arrived)) == ([], ["end-taper-2"])
    assert in_words(arrived.state) == "some IOP sessions until 2026-03-30"
