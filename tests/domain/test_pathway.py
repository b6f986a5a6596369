"""Care itself: the paths between levels, reviews, discharge and follow-up, walked through the pure domain."""

from __future__ import annotations

from datetime import timedelta

from domain.effects import Notify, ReleasePlace
from domain.pathway.admission import AdmissionRepeated, CancelAdmission, JourneyOpened
from domain.pathway.discharge import Discharge, Discharged, RecordPlanDelivery, ReportDischarge, UpdateDischargePlan
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.moves import StepUpWindowMissed
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet
from domain.pathway.reviews import CompleteReview
from domain.plans import DischargePlan
from domain.values import Role, Stage
from tests.domain.walk import (
    AFTER_CARE,
    AT_IOP,
    AT_OP,
    DIRECTOR,
    MONDAY,
    NO_PLACE,
    WHOLE_PLAN,
    agreed,
    closed,
    discharged,
    elsewhere,
    enrolled,
    held,
    stepping_down,
    stepping_up,
)


def test_iop_for_eight_weeks_then_outpatient_then_discharge_and_follow_up_to_the_close() -> None:
    walk = enrolled("IOP")
    walk.later(weeks=6)
    walk.do(CompleteReview, outcome="continue", rationale="two more weeks")
    walk.later(weeks=2)
    walk.do(CompleteReview, outcome="step-down", to="OP", rationale="steady")
    walk.later(days=3)
    walk.do(ConfirmArrival)
    walk.later(days=80)
    walk.do(CompleteReview, outcome="discharge", rationale="goals met")
    assert walk.is_at(Stage.DISCHARGING)
    walk.do(Discharge, reason="goals-met")
    walk.later(days=2)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.FOLLOW_UP)
    walk.later(days=4)
    walk.do(RecordFollowUp, contact="reached")
    walk.later(days=20)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.FOLLOW_UP) and walk.owes() == {"deliver-discharge-plan-1"}
    walk.do(RecordPlanDelivery, how="handed-over")
    assert walk.is_at(Stage.CLOSED)
    assert walk.path() == ["IOP", "OP"]
    assert len(walk.saw(JourneyOpened)) == 1
    assert walk.owes() == set() and walk.state.next_deadline() == walk.state.closing.correctable_until
    walk.later(days=10)
    assert walk.state.is_over and not walk.state.is_finished  # the calls out are not answered yet
    walk.settle_all()
    assert walk.state.is_finished and walk.state.next_deadline() is None


def test_outpatient_steps_up_to_iop_within_24_hours_and_down_again_after_a_review() -> None:
    walk = stepping_up("OP", "IOP")
    assert walk.owes() == {"complete-step-up-1", "handoff-1", *AT_OP}
    walk.hand_off()
    walk.later(hours=20)
    walk.do(ConfirmArrival)
    assert walk.saw(ObligationMet)[-1].obligation == "complete-step-up-1"
    assert not walk.saw(ObligationMet)[-1].late
    assert not walk.saw(StepUpWindowMissed)
    anew = {"see-client-2", "refresh-discharge-plan-2", "first-visit-1", "assign-case-manager-1"}
    assert walk.owes() == {"review-2", "continued-stay-1", "team-review-1", "recertify-1"} | anew
    walk.later(weeks=6)
    walk.do(CompleteReview, outcome="step-down", to="OP", rationale="steady")
    walk.do(ConfirmArrival)
    assert walk.path() == ["OP", "IOP", "OP"] and walk.is_at(Stage.ACTIVE)


def test_iop_steps_up_to_partial_hospitalisation_and_returns_without_an_admission() -> None:
    walk = elsewhere()
    assert walk.is_at(Stage.EXTERNAL) and walk.owes() == {"external-contact-1"}
    walk.later(days=6)
    walk.do(CompleteObligation, obligation="external-contact-1", note="spoke with the ward")
    assert walk.owes() == {"external-contact-2"}
    walk.do(StartStepDown, to="IOP", reason="ready to return", first_visit_at=walk.now + timedelta(days=2))
    walk.hand_off()
    walk.later(days=2)
    walk.do(ConfirmArrival)
    anew = {"continued-stay-2", "team-review-2", "recertify-2", "see-client-2", "refresh-discharge-plan-2"}
    anew.add("assign-case-manager-2")
    assert walk.path() == ["IOP", "PHP", "IOP"] and walk.owes() == {"review-2", *anew}
    assert len(walk.saw(JourneyOpened)) == 1 and not walk.saw(AdmissionRepeated)


def test_a_review_nobody_answers_climbs_to_the_medical_director_and_stays_with_them() -> None:
    walk = enrolled("IOP")
    told = [e for e in walk.later(weeks=7) if isinstance(e, ObligationEscalated) and e.obligation == "review-1"]
    due = walk.state.obligations.open["review-1"].due_at
    assert [e.to for e in told[:5]] == [
        Role.CLINICIAN,
        Role.CLINICIAN,
        Role.CLINICIAN,
        Role.SUPERVISOR,
        Role.MEDICAL_DIRECTOR,
    ]
    assert [(e.at - due) / timedelta(hours=1) for e in told] == [-160, -16, 8, 32, 80, 152], "not over the weekend"
    assert {e.to for e in told[4:]} == {Role.MEDICAL_DIRECTOR}
    assert [e.overdue for e in told] == [False, False, True, True, True, True]
    pages = [e for e in walk.state.pending().values() if isinstance(e, Notify) and e.obligation == "review-1"]
    assert len(pages) == len(told)
    walk.do(CompleteReview, outcome="continue", rationale="late but done", by=DIRECTOR)
    assert walk.saw(ObligationMet)[-1].late


def test_no_place_within_24_hours_keeps_searching_and_brings_daily_contact() -> None:
    walk = stepping_up("IOP", "PHP")
    for attempt in range(1, 7):
        walk.settle(f"place-1-search-{attempt}", NO_PLACE)
        walk.later(hours=4)
    walk.later(microseconds=1)
    missed = walk.saw(StepUpWindowMissed)
    assert len(missed) == 1 and missed[0].at - MONDAY == timedelta(hours=24, microseconds=1)
    told = [e.to for e in walk.saw(ObligationEscalated) if e.obligation == "complete-step-up-1"]
    assert told == [Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR]
    for day in (1, 2):
        walk.later(hours=23)
        walk.do(CompleteObligation, obligation=f"interim-contact-{day}", note="called, safe")
    walk.settle("place-1-search-7", held(walk))
    walk.hand_off()
    walk.do(ConfirmArrival)
    assert walk.path() == ["IOP", "PHP"] and walk.owes() == {"external-contact-1"}
    assert [e.late for e in walk.saw(ObligationMet) if e.obligation == "complete-step-up-1"] == [True]


def test_a_declined_step_up_frees_the_place_and_is_reviewed_within_72_hours() -> None:
    walk = stepping_up("OP", "PHP")
    walk.settle("place-1-search-1", held(walk))
    walk.do(DeclineTransition, reason="no childcare", safety_plan_reviewed=True)
    assert walk.is_at(Stage.ACTIVE) and walk.path() == ["OP"]
    assert walk.owes() == {"review-2", *AT_OP}
    assert walk.state.obligations.open["review-2"].due_at - walk.now == timedelta(hours=72)
    assert [e.hold_key for e in walk.state.pending().values() if isinstance(e, ReleasePlace)] == ["place-1"]


def test_a_place_found_after_the_decline_is_given_back() -> None:
    walk = stepping_up()
    walk.do(DeclineTransition, reason="no childcare", safety_plan_reviewed=True)
    walk.do(RequestStepUp, to="PHP", reason="worse again")
    walk.settle("place-1-search-1", held(walk))
    assert walk.state.moves.current is not None and walk.state.moves.current.place is None
    given_back = [call for call in walk.state.pending().values() if isinstance(call, ReleasePlace)]
    assert [call.hold_key for call in given_back] == ["place-1", "place-1"]  # at the decline, and once it was found
    assert "place-2-search-1" in walk.state.pending()


def test_a_declined_step_down_stays_at_iop() -> None:
    walk = stepping_down()
    walk.do(DeclineTransition, reason="not yet", safety_plan_reviewed=False)
    assert walk.path() == ["IOP"] and walk.is_at(Stage.ACTIVE)
    assert walk.owes() == {"review-2", *AT_IOP}


def test_a_declined_return_keeps_contact_with_the_facility() -> None:
    walk = elsewhere()
    walk.do(StartStepDown, to="IOP", reason="ready to return")
    walk.do(CompleteObligation, obligation="external-contact-1", note="spoke with the ward")
    walk.do(DeclineTransition, reason="not yet", safety_plan_reviewed=False)
    assert walk.is_at(Stage.EXTERNAL) and walk.owes() == {"external-contact-2"}


def test_an_admission_cancelled_after_care_began_is_for_a_person_to_decide() -> None:
    walk = enrolled()
    walk.do(CancelAdmission, message="message-2")
    walk.do(CancelAdmission, message="message-3")
    assert walk.is_at(Stage.ACTIVE) and walk.owes() == {"review-1", "resolve-cancellation-1", *AT_IOP}
    walk.do(CompleteObligation, obligation="resolve-cancellation-1", note="the source was wrong")
    assert walk.owes() == {"review-1", *AT_IOP}


def test_a_reported_discharge_is_completed_by_a_clinician_or_waived() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="message-2")
    walk.do(ReportDischarge, message="message-3")
    assert walk.is_at(Stage.ACTIVE) and "complete-discharge-1" in walk.owes()
    walk.do(WaiveObligation, obligation="complete-discharge-1", reason="one attendance ended, not care")
    walk.do(ReportDischarge, message="message-4")
    walk.do(Discharge, reason="moved")
    assert walk.owes() == AFTER_CARE
    assert walk.saw(ObligationMet)[-1].obligation == "complete-discharge-2"


def test_leaving_against_advice_records_the_gaps() -> None:
    walk = agreed()
    walk.enrol()
    walk.do(UpdateDischargePlan, plan=DischargePlan(crisis_contacts=("call 988",), resources=(" ",)))
    walk.refused(Discharge, "plan-incomplete", reason="goals-met")
    walk.do(Discharge, reason="against-advice")
    assert walk.saw(Discharged)[0].gaps == (
        "follow-up appointments",
        "community resources",
        "medication",
        "summary",
    )
    assert walk.owes() == AFTER_CARE


def test_an_empty_discharge_plan_is_no_draft() -> None:
    walk = agreed()
    walk.enrol()
    walk.do(UpdateDischargePlan, plan=DischargePlan(follow_ups=("",)))
    assert "draft-discharge-plan-1" in walk.owes()
    walk.do(UpdateDischargePlan, plan=DischargePlan(follow_ups=("therapist",)))
    assert "draft-discharge-plan-1" not in walk.owes()


def test_a_step_up_is_possible_even_while_discharge_is_prepared() -> None:
    walk = enrolled()
    walk.do(CompleteReview, outcome="discharge", rationale="goals met")
    walk.do(RequestStepUp, to="PHP", reason="crisis")
    assert "complete-discharge-1" not in walk.owes()
    walk.do(DeclineTransition, reason="at home with family", safety_plan_reviewed=True)
    assert walk.is_at(Stage.ACTIVE) and walk.owes() == {"review-2", *AT_IOP}


def test_a_client_nobody_reaches_is_followed_up_until_somebody_waives_it() -> None:
    walk = discharged()
    for _ in range(3):
        walk.later(days=3)
        walk.do(RecordFollowUp, contact="not-reached")
    still_owed = {"early-follow-up-1", "follow-up-1", "follow-up-2"}
    assert walk.owes() == still_owed and walk.is_at(Stage.DISCHARGED)
    for each in sorted(still_owed):
        assert not walk.is_at(Stage.CLOSED)
        walk.do(WaiveObligation, obligation=each, reason="letter sent, no answer")
    assert walk.is_at(Stage.CLOSED)


def test_everything_is_told_in_the_end() -> None:
    walk = closed()
    walk.until_final()
    assert walk.state.is_finished and walk.state.discharge.plan == WHOLE_PLAN
