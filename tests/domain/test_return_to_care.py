"""A return after discharge: the same journey goes on, and nobody who comes back is overlooked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.pathway.admission import RepeatAdmission
from domain.pathway.consents import RecordConsent
from domain.pathway.corrections import CorrectDischarge
from domain.pathway.crisis import RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath
from domain.pathway.discharge import Discharge, RecordPlanDelivery
from domain.pathway.follow_up import EndFollowUp, RecordFollowUp
from domain.pathway.hospital import ReportHospitalVisit
from domain.pathway.leave import StartLeave
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.return_to_care import CHECK_RETURN_COST, DECIDE_RETURN, CareResumed, ResumeCare
from domain.plans import Actor
from domain.values import Role, Stage
from tests.domain.walk import Walk, agreed, closed, discharged, enrolled, followed_up_once

SUPERVISOR = Actor(id="supervisor-1", role=Role.SUPERVISOR)
BACK = {"to": "OP", "reason": "the low days are back"}


def left_against_advice() -> Walk:
    walk = enrolled()
    walk.do(Discharge, reason="against-advice")
    return walk


def kinds(walk: Walk) -> set[str]:
    return {each.kind for each in walk.state.obligations.open.values()}


@pytest.mark.parametrize("make", [discharged, followed_up_once, left_against_advice])
def test_who_comes_back_goes_on_with_the_same_journey(make: Callable[[], Walk]) -> None:
    walk = make()
    walk.later(days=5)
    journey = walk.state.admission.journey_id
    walk.do(ResumeCare, **BACK)
    assert walk.is_at(Stage.ACTIVE) and (walk.state.level, walk.state.level_since) == ("OP", walk.now)
    assert walk.state.admission.journey_id == journey and walk.path() == ["IOP", "OP"]
    assert {"review", "see-client", "check-return-cost"} <= kinds(walk)
    assert not kinds(walk) & {"early-follow-up", "follow-up", "deliver-discharge-plan"}


def test_what_was_kept_in_case_of_a_mistake_is_not_owed_again() -> None:
    walk = enrolled()
    walk.later(days=20)
    walk.do(Discharge, reason="moved")
    walk.later(days=10)
    assert walk.state.suspension.waiting != ()
    walk.do(ResumeCare, to="IOP", reason="moved back")
    assert walk.state.suspension.waiting == ()
    assert all(each.raised_at == walk.now for each in walk.state.obligations.open.values())


def test_cost_and_authorisation_are_checked_by_admissions() -> None:
    walk = discharged()
    walk.do(ResumeCare, **BACK)
    [owed] = walk.state.open_of(CHECK_RETURN_COST.kind)
    assert owed.owner is Role.ADMISSIONS


def test_a_plan_that_nobody_began_is_owed_from_the_first_day() -> None:
    walk = agreed()
    walk.enrol()
    walk.do(Discharge, reason="against-advice")
    walk.do(ResumeCare, **BACK)
    assert "draft-discharge-plan" in kinds(walk)


def test_the_place_in_a_track_is_chosen_anew() -> None:
    walk = left_against_advice()
    walk.do(ResumeCare, to="IOP", reason="ready now")
    assert walk.state.track is None


def test_an_admission_after_discharge_is_told_to_a_person_until_they_found_out() -> None:
    walk = discharged()
    walk.do(RepeatAdmission, message="m-2")
    walk.do(RepeatAdmission, message="m-3")
    [owed] = walk.state.open_of(DECIDE_RETURN.kind)
    walk.do(CompleteObligation, obligation=owed.id, note="a visit to another clinic")
    assert not walk.state.open_of(DECIDE_RETURN.kind) and walk.is_at(Stage.DISCHARGED)
    walk.do(RepeatAdmission, message="m-4")
    assert walk.state.open_of(DECIDE_RETURN.kind)
    walk.do(ResumeCare, **BACK)
    assert not walk.state.open_of(DECIDE_RETURN.kind)


def test_in_care_an_admission_is_only_noted() -> None:
    walk = enrolled()
    before = walk.state.obligations.open
    walk.do(RepeatAdmission, message="m-2")
    assert walk.state.obligations.open == before


def test_the_journey_does_not_close_over_the_question() -> None:
    walk = discharged()
    walk.do(RepeatAdmission, message="m-2")
    walk.later(days=30)
    for _ in range(3):
        if any(each.startswith(("follow-up", "early")) for each in walk.owes()):
            walk.do(RecordFollowUp, contact="reached")
    for owed in list(walk.state.obligations.open.values()):
        if owed.kind == "deliver-discharge-plan":
            walk.do(RecordPlanDelivery, how="mailed")
    assert kinds(walk) == {"decide-return"} and walk.is_at(Stage.FOLLOW_UP)
    [owed] = walk.state.open_of(DECIDE_RETURN.kind)
    walk.do(CompleteObligation, obligation=owed.id, note="another clinic")
    assert walk.is_at(Stage.CLOSED)


def test_who_wanted_no_more_contact_may_come_back_too() -> None:
    walk = left_against_advice()
    walk.do(EndFollowUp, reason="contact-declined", note="wants to be left alone")
    assert not walk.state.stage.is_end, "they have not got their plan yet"
    walk.do(ResumeCare, **BACK)
    assert walk.is_at(Stage.ACTIVE) and walk.state.follow_up.ended is None


def test_the_next_discharge_and_its_correction_are_as_ever() -> None:
    walk = discharged()
    walk.do(ResumeCare, **BACK)
    before = kinds(walk)
    walk.do(Discharge, reason="goals-met")
    assert walk.is_at(Stage.DISCHARGED) and {"early-follow-up", "follow-up"} <= kinds(walk)
    walk.do(CorrectDischarge, reason="another client of that name")
    assert walk.is_at(Stage.ACTIVE) and kinds(walk) == before


def test_what_is_refused() -> None:
    walk = discharged()
    assert "OP or IOP" in walk.refused(ResumeCare, "level-not-ours", to="PHP", reason="worse")
    walk.refused(ResumeCare, "level-unknown", to="XYZ", reason="worse")
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    walk.refused(ResumeCare, "crisis-open", **BACK)
    closed().refused(ResumeCare, "journey-ended", **BACK)


def test_the_record_says_so_in_a_sentence_without_the_reason() -> None:
    walk = discharged()
    walk.do(ResumeCare, **BACK)
    [event] = walk.saw(CareResumed)
    assert event.sentence() == "Back in care at OP after the discharge, by clinician clinician-1"


def test_what_the_client_had_refused_is_asked_again() -> None:
    walk = enrolled()
    walk.do(RecordConsent, consent="treatment", answer="declined")
    walk.do(RecordConsent, consent="sharing-with-payer", answer="declined")
    assert {"settle-consent", "settle-payment"} <= kinds(walk)
    walk.do(Discharge, reason="goals-met")
    walk.do(ResumeCare, to="IOP", reason="worse again")
    assert {"settle-consent", "settle-payment"} <= kinds(walk)


def test_a_hospital_visit_that_never_ended_is_asked_about_again() -> None:
    walk = enrolled()
    walk.do(ReportHospitalVisit, message="m-2", visit="visit-2", place="emergency-department")
    walk.do(Discharge, reason="goals-met")
    walk.do(ResumeCare, to="IOP", reason="worse again")
    assert "ask-about-hospital-visit" in kinds(walk)


def test_an_admission_during_a_mistaken_death_is_not_lost() -> None:
    walk = discharged()
    walk.do(RecordDeath, source="a notice in the paper")
    walk.do(RepeatAdmission, message="m-2")
    walk.do(CorrectDeath, reason="another client of that name", by=SUPERVISOR)
    assert walk.is_at(Stage.DISCHARGED) and walk.state.open_of(DECIDE_RETURN.kind)


def test_days_of_a_leave_that_the_discharge_ended_stay_used() -> None:
    walk = enrolled()
    until = (walk.now + timedelta(days=14)).date()
    walk.do(StartLeave, until=until, category="family", reason="travels to family")
    walk.do(Discharge, reason="moved")
    walk.do(ResumeCare, to="IOP", reason="moved back")
    assert walk.state.leave.days_before > 0 and walk.state.leave.until is None
