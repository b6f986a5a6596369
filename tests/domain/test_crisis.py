"""A crisis: the client is in an emergency department or in hospital, and somebody owns the return."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.commands import Decision
from domain.effects import HoldPlace, ReleasePlace
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.care_team import AssignCareTeam
from domain.pathway.corrections import WithdrawMove
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.discharge import Discharge
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationMet
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.policy import policy_named
from domain.values import Stage
from tests.domain.walk import (
    AFTER_CARE,
    DIRECTOR,
    STAGES,
    Walk,
    answered,
    discharged,
    discharging,
    elsewhere,
    enrolled,
    in_emergency_department,
    in_hospital,
    in_hospital_before_care,
    opened,
    place_held,
    stepping_down,
    stepping_up,
)

ED = {"place": "emergency-department", "reason": "panic at work"}
WARD = {"place": "inpatient", "level": "INPATIENT", "reason": "attempt at home"}
SAFE = {"safety_rechecked": True, "note": "safety plan gone through"}
BEFORE_CARE = ("BENEFITS_CHECK", "FUNDING_EXCEPTION", "PLACEMENT", "COST_REVIEW", "ENROLLING", "ENROLLED")


@pytest.mark.parametrize("stage", BEFORE_CARE)
@pytest.mark.parametrize("crisis", [ED, WARD])
def test_before_care_the_journey_stays_open_and_leads_back_to_where_it_was(stage: str, crisis: dict[str, str]) -> None:
    walk = STAGES[stage]()
    before = {owed.kind for owed in walk.state.obligations.open.values()}
    walk.do(RecordCrisis, **crisis, by={"id": "desk-1", "role": "admissions"})
    assert walk.is_at(Stage.EXTERNAL) and walk.owes() == {"arrange-return-1"}
    assert walk.state.level is None
    walk.refused(EndCrisis, "safety-check-first", note="home")
    walk.refused(EndCrisis, "not-their-decision", **SAFE, by={"id": "desk-1", "role": "admissions"})
    walk.later(days=2)
    walk.do(EndCrisis, **SAFE)
    assert walk.is_at(Stage(stage)) and walk.state.crisis.current is None
    after = walk.state.obligations.open.values()
    assert {owed.kind for owed in after} == before and all(owed.due_at > walk.now for owed in after)


def test_what_waits_during_a_crisis_is_what_the_policy_says() -> None:
    waits = {kind for kind, terms in policy_named("us-generic-1").obligations.items() if terms.pauses_in_crisis}
    assert waits == {
        "verify-benefits",
        "screen-client",
        "resolve-funding",
        "decide-placement",
        "accept-cost",
        "obtain-authorisation",
        "enrol",
        "waitlist-check-in",
        "screen-again",
        "offer-interim-care",
        "arrange-interim-care",
        "first-session",
        "first-visit",
        "assign-case-manager",
        "reach-out",
        "resolve-disengagement",
        "see-client",
        "team-review",
        "leave-contact",
        "refresh-discharge-plan",
    }
    walk = in_hospital_before_care()
    assert [each.owed.kind for each in walk.state.suspension.waiting] == ["decide-placement", "enrol"]
    assert {event.because for event in walk.saw(ObligationCancelled)} == {"crisis.recorded"}
    in_care = in_emergency_department()
    assert {"review-1", "arrange-return-1"} <= in_care.owes()
    waiting = {each.owed.id for each in in_care.state.suspension.waiting}
    assert waiting == {"see-client-1", "team-review-1", "refresh-discharge-plan-1", "assign-case-manager-1"}
    assert not waiting & in_care.owes()


def test_the_return_is_owed_again_and_again_for_as_long_as_the_client_is_there() -> None:
    walk = in_emergency_department()
    owed = walk.state.obligations.open["arrange-return-1"]
    assert (owed.owner, owed.due_at) == ("case-manager", walk.now + timedelta(hours=24))
    walk.later(hours=20)
    walk.do(CompleteObligation, obligation="arrange-return-1", note="still waiting for a bed")
    assert walk.state.obligations.open["arrange-return-2"].due_at == walk.now + timedelta(hours=24)
    ward = in_hospital()
    due = ward.state.obligations.open["arrange-return-1"].due_at
    calendar = ward.state.calendar
    assert due == calendar.day_ends(calendar.local_date(ward.now) + timedelta(days=3))


@pytest.mark.parametrize(
    ("began", "due"),
    [
        (datetime(2026, 3, 6, 20, tzinfo=UTC), datetime(2026, 3, 10, 7, tzinfo=UTC)),
        (datetime(2026, 10, 30, 19, tzinfo=UTC), datetime(2026, 11, 3, 8, tzinfo=UTC)),
        (datetime(2028, 2, 27, 20, tzinfo=UTC), datetime(2028, 3, 2, 8, tzinfo=UTC)),
    ],
)
def test_days_in_hospital_end_when_the_day_does_across_changes_of_the_clocks(began: datetime, due: datetime) -> None:
    walk = opened(began)
    walk.do(RecordCrisis, **WARD)
    assert walk.state.obligations.open["arrange-return-1"].due_at == due


def test_after_an_emergency_department_the_client_is_at_the_same_level_with_a_review_soon() -> None:
    walk = in_emergency_department()
    assert walk.is_at(Stage.EXTERNAL) and walk.state.level == "IOP"
    walk.later(hours=6)
    walk.do(EndCrisis, **SAFE)
    assert walk.is_at(Stage.ACTIVE) and walk.path() == ["IOP"]
    (review,) = walk.state.open_of("review")
    assert review.due_at == walk.now + timedelta(hours=72)
    walk.do(CompleteReview, outcome="continue", rationale="steady again")


def test_a_client_in_care_who_is_admitted_is_at_the_hospitals_level_at_once_without_a_search() -> None:
    walk = in_hospital()
    assert walk.is_at(Stage.EXTERNAL) and walk.path() == ["IOP", "INPATIENT"]
    assert not any(isinstance(call, HoldPlace) for call in walk.state.pending().values())
    assert "review-1" not in walk.owes() and "arrange-return-1" in walk.owes()
    walk.refused(EndCrisis, "level-first", **SAFE)


@pytest.mark.parametrize("to", ["OP", "IOP"])
def test_a_clinician_decides_where_the_client_returns_to_from_hospital(to: str) -> None:
    walk = in_hospital()
    walk.later(days=9)
    walk.do(StartStepDown, to=to, reason="stable")
    assert not any(owed.startswith("arrange-return") for owed in walk.owes())
    walk.do(ConfirmArrival)
    assert walk.is_at(Stage.ACTIVE) and walk.state.level == to and walk.state.crisis.current is None
    assert not any(owed.startswith("arrange-return") for owed in walk.owes())


def test_a_client_moves_from_the_hospital_to_partial_hospitalisation_and_on_to_us() -> None:
    walk = in_hospital()
    walk.do(StartStepDown, to="PHP", reason="not yet ready for IOP")
    walk.do(ConfirmArrival, facility="Day hospital")
    assert walk.is_at(Stage.EXTERNAL) and walk.state.level == "PHP" and walk.state.crisis.current is None
    assert any(owed.startswith("external-contact") for owed in walk.owes())
    walk.do(StartStepDown, to="IOP", reason="ready")
    walk.do(ConfirmArrival)
    assert walk.path() == ["IOP", "INPATIENT", "PHP", "IOP"] and walk.is_at(Stage.ACTIVE)


def test_from_one_of_our_levels_a_step_down_still_leads_only_to_ours() -> None:
    enrolled().refused(StartStepDown, "not-that-way", to="PHP", reason="worse")


@pytest.mark.parametrize("end", [DeclineTransition, WithdrawMove])
def test_a_declined_or_withdrawn_return_is_arranged_anew(end: type[Decision]) -> None:
    walk = in_hospital()
    walk.do(StartStepDown, to="IOP", reason="stable")
    walk.do(end, reason="worse again")
    assert walk.is_at(Stage.EXTERNAL) and any(owed.startswith("arrange-return") for owed in walk.owes())


def test_from_the_emergency_department_to_the_ward() -> None:
    walk = in_emergency_department()
    walk.refused(RecordCrisis, "crisis-known", **ED)
    walk.do(RecordCrisis, **WARD)
    assert walk.path() == ["IOP", "INPATIENT"] and "arrange-return-2" in walk.owes()


@pytest.mark.parametrize("walk_to", [stepping_up, place_held])
def test_an_admission_to_hospital_overtakes_a_step_up_and_gives_its_place_back(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(RecordCrisis, **WARD)
    assert walk.is_at(Stage.EXTERNAL) and walk.state.moves.current is None
    assert [c.hold_key for c in walk.state.pending().values() if isinstance(c, ReleasePlace)] == ["place-1"]
    assert not any(owed.startswith(("complete-step-up", "interim-contact")) for owed in walk.owes())


def test_an_emergency_department_leaves_a_move_under_way() -> None:
    for walk in (stepping_up(), stepping_down()):
        walk.do(RecordCrisis, **ED)
        assert walk.is_at(Stage.TRANSITION) and "arrange-return-1" in walk.owes()
        walk.do(EndCrisis, **SAFE)
        assert walk.is_at(Stage.TRANSITION) and "arrange-return-1" not in walk.owes()


def test_arriving_at_a_new_level_ends_the_crisis() -> None:
    walk = enrolled("OP")
    walk.do(RecordCrisis, **ED)
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.do(ConfirmArrival, facility="Day hospital")
    assert walk.state.crisis.current is None and walk.is_at(Stage.EXTERNAL)
    assert not any(owed.startswith("arrange-return") for owed in walk.owes())


def test_a_crisis_takes_a_decided_discharge_back() -> None:
    walk = discharging()
    walk.do(RecordCrisis, **ED)
    assert "complete-discharge-1" not in walk.owes()
    walk.do(EndCrisis, **SAFE)
    assert walk.is_at(Stage.ACTIVE) and walk.state.open_of("review")


def test_a_client_on_leave_is_still_on_leave_after_an_emergency_department() -> None:
    walk = enrolled()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    walk.do(RecordCrisis, **ED)
    walk.do(EndCrisis, **SAFE)
    walk.do(EndLeave)
    assert walk.is_at(Stage.ACTIVE)


def test_after_discharge_follow_ups_go_on_and_the_journey_closes_only_after_the_crisis() -> None:
    walk = discharged()
    walk.do(RecordCrisis, **WARD)
    assert walk.is_at(Stage.DISCHARGED) and {"follow-up-1", "follow-up-2", "arrange-return-1"} <= walk.owes()
    walk.later(days=5)
    walk.do(RecordFollowUp, contact="reached")
    walk.later(days=20)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.FOLLOW_UP)
    walk.do(EndCrisis, **SAFE)
    assert walk.is_at(Stage.CLOSED) and walk.owes() == set()


@pytest.mark.parametrize("walk_to", [in_emergency_department, in_hospital, elsewhere])
def test_a_client_in_a_crisis_can_be_discharged_and_nothing_of_it_is_owed(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(Discharge, reason="transferred")
    assert walk.is_at(Stage.DISCHARGED) and walk.owes() == AFTER_CARE
    assert walk.state.crisis.current is None


def test_before_care_nobody_is_discharged() -> None:
    in_hospital_before_care().refused(Discharge, "not-in-care", reason="moved")


def test_a_payers_answer_during_a_crisis_is_asked_for_again_after_it() -> None:
    walk = opened()
    walk.do(RecordCrisis, **ED)
    walk.settle_all()
    walk.do(EndCrisis, **SAFE)
    assert walk.is_at(Stage.BENEFITS_CHECK) and "benefits-2" in walk.state.pending()
    late = opened()
    late.do(RecordCrisis, **ED)
    late.do(EndCrisis, **SAFE)
    assert "benefits-2" not in late.state.pending(), "the first question is still under way"
    late.settle("benefits-1", BenefitsAnswer(benefits={"verdict": "CLEAR"}))
    assert late.is_at(Stage.PLACEMENT)
    late.do(DecidePlacement, recommended="OP", actual="OP")


def test_from_the_ward_to_the_emergency_department_the_way_back_is_still_a_step_down() -> None:
    walk = in_hospital()
    walk.do(RecordCrisis, place="emergency-department", reason="a fall")
    walk.refused(EndCrisis, "level-first", safety_rechecked=True, note="back on the ward")
    assert walk.state.open_of("arrange-return")


def test_a_contact_waived_for_good_ends_once_with_the_one_raised_in_its_stead() -> None:
    walk = in_emergency_department()
    walk.do(WaiveObligation, obligation="arrange-return-1", reason="the ward calls us", by=DIRECTOR)
    assert walk.state.open_of("arrange-return")[0].id == "arrange-return-2"
    walk.do(EndCrisis, safety_rechecked=True, note="back home")
    assert not [event for event in walk.saw(ObligationCancelled) if event.kind == "arrange-return"]
    assert [event.obligation for event in walk.saw(ObligationMet)][-1] == "arrange-return-2"


def test_what_waited_is_owed_by_the_person_who_has_its_role_for_the_client_when_they_are_back() -> None:
    walk = answered()
    walk.do(AssignCareTeam, team_role="clinician", to="s-112", by=DIRECTOR)
    walk.do(RecordCrisis, place="emergency-department", reason="a fall")
    walk.do(AssignCareTeam, team_role="clinician", to="s-102", by=DIRECTOR)
    walk.do(EndCrisis, safety_rechecked=True, note="back home")
    assert [each.assignee for each in walk.state.open_of("decide-placement")] == ["s-102"]
