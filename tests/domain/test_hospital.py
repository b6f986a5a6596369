"""A hospital visit of a client: a clinician finds out at once, and the client is seen soon after they leave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.commands import BaseCommand
from domain.decide import Decided, decide
from domain.evolve import fold
from domain.pathway.admission import AdmissionRepeated
from domain.pathway.corrections import WithdrawDischarge, WithdrawMove
from domain.pathway.crisis import CrisisPlace, EndCrisis, RecordCrisis
from domain.pathway.discharge import (
    COMPLETE_DISCHARGE,
    Discharge,
    ReportDischarge,
    TakeBackDischargeReport,
)
from domain.pathway.hospital import (
    ASK_ABOUT_HOSPITAL_VISIT,
    SEE_AFTER_HOSPITAL_VISIT,
    ReportHospitalDischarge,
    ReportHospitalVisit,
    TakeBackHospitalDischarge,
)
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationRaised
from domain.pathway.return_to_care import ResumeCare
from domain.pathway.reviews import CompleteReview
from domain.plans import DischargeReason, ReviewOutcome
from domain.values import Role, Stage
from tests.domain.walk import CLINICIAN, Walk, answered, closed, died, discharging, enrolled, stepping_up, withdrawn

Undone = tuple[type[BaseCommand], dict[str, Any]]
EMERGENCY = {"message": "m-2", "visit": "visit-2", "place": CrisisPlace.EMERGENCY_DEPARTMENT}
LEFT = {"message": "m-3", "visit": "visit-2"}
BACK = {"message": "m-4", "visit": "visit-2"}


def asked(walk: Walk) -> list[str]:
    return [each.id for each in walk.state.open_of(ASK_ABOUT_HOSPITAL_VISIT.kind)]


def owed_after(walk: Walk) -> list[str]:
    return [each.id for each in walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)]


@pytest.mark.parametrize("walk_to", [answered, enrolled, stepping_up, discharging])
def test_a_clinician_is_paged_at_once_and_once_for_all_visits(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    stage = walk.state.stage
    walk.do(ReportHospitalVisit, **EMERGENCY)
    [duty] = walk.state.open_of(ASK_ABOUT_HOSPITAL_VISIT.kind)
    assert (duty.owner, duty.escalation[0].at) == (Role.CLINICIAN, walk.now)
    walk.do(ReportHospitalVisit, message="m-5", visit="visit-3", place=CrisisPlace.INPATIENT)
    assert asked(walk) == [duty.id] and walk.state.stage is stage


def test_the_same_visit_said_again_is_only_noted() -> None:
    walk = enrolled()
    walk.do(ReportHospitalVisit, **EMERGENCY)
    [duty] = asked(walk)
    walk.do(CompleteObligation, obligation=duty, note="a planned visit")
    [said] = walk.do(ReportHospitalVisit, **EMERGENCY | {"message": "m-6"})
    assert isinstance(said, AdmissionRepeated) and asked(walk) == []


def test_a_crisis_that_is_recorded_answers_the_question_and_a_known_one_asks_none() -> None:
    walk = enrolled()
    walk.do(ReportHospitalVisit, **EMERGENCY)
    walk.do(RecordCrisis, place=CrisisPlace.EMERGENCY_DEPARTMENT, reason="panic")
    assert asked(walk) == []
    walk.do(ReportHospitalVisit, message="m-5", visit="visit-3", place=CrisisPlace.EMERGENCY_DEPARTMENT)
    assert asked(walk) == []


def test_they_are_seen_within_seven_days_and_not_on_the_day_they_left() -> None:
    walk = enrolled()
    walk.do(ReportHospitalVisit, **EMERGENCY)
    walk.do(ReportHospitalDischarge, **LEFT)
    [duty] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    calendar = walk.state.calendar
    left = calendar.local_date(walk.now)
    assert calendar.local_date(duty.due_at - timedelta(seconds=1)) == left + timedelta(days=7)
    assert duty.counted.window_days == 7
    walk.refused(CompleteObligation, "too-early", obligation=duty.id, note="seen in the ward before they left")
    walk.later(days=1)
    walk.do(CompleteObligation, obligation=duty.id, note="seen at the centre")
    assert walk.state.open_of(COMPLETE_DISCHARGE.kind) == []


def test_a_second_end_that_is_taken_back_leaves_the_first_owed_as_it_was() -> None:
    walk = enrolled()
    walk.do(ReportHospitalDischarge, **LEFT)
    [first] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    walk.later(days=2)
    walk.do(ReportHospitalDischarge, message="m-7", visit="visit-3")
    walk.do(TakeBackHospitalDischarge, message="m-8", visit="visit-3")
    [again] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    assert (again.about, again.due_at, again.counts_from) == ("visit-2", first.due_at, first.counts_from)
    walk.do(TakeBackHospitalDischarge, message="m-9", visit="visit-2")
    assert owed_after(walk) == []


def test_who_was_seen_is_not_to_be_seen_again_for_an_end_that_was_taken_back() -> None:
    walk = enrolled()
    walk.do(ReportHospitalDischarge, **LEFT)
    walk.later(days=1)
    [owed] = owed_after(walk)
    walk.do(CompleteObligation, obligation=owed, note="seen at the centre")
    walk.do(ReportHospitalDischarge, message="m-7", visit="visit-3")
    walk.do(TakeBackHospitalDischarge, message="m-8", visit="visit-3")
    assert owed_after(walk) == []


def test_a_second_visit_moves_the_one_that_is_owed() -> None:
    walk = enrolled()
    walk.do(ReportHospitalDischarge, **LEFT)
    [first] = owed_after(walk)
    walk.later(days=2)
    walk.do(ReportHospitalDischarge, message="m-7", visit="visit-3")
    [second] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    assert (second.id != first, second.about) == (True, "visit-3")


def test_an_end_that_is_taken_back_takes_back_what_it_raised_and_no_more() -> None:
    walk = enrolled()
    before = set(walk.state.obligations.open)
    walk.do(ReportHospitalVisit, **EMERGENCY)
    walk.do(ReportHospitalDischarge, **LEFT)
    walk.do(TakeBackHospitalDischarge, **BACK | {"visit": "visit-9"})
    assert owed_after(walk) != []
    walk.do(TakeBackHospitalDischarge, **BACK)
    assert owed_after(walk) == []
    assert set(walk.state.obligations.open) == before | set(asked(walk))
    assert "visit-2" in walk.state.hospital.under_way


def test_a_discharge_that_was_only_reported_is_not_owed_once_the_report_is_taken_back() -> None:
    walk = enrolled()
    before = walk.state.obligations.open
    walk.do(ReportDischarge, message="m-2")
    assert walk.state.open_of(COMPLETE_DISCHARGE.kind) != []
    walk.do(TakeBackDischargeReport, message="m-3")
    assert walk.state.obligations.open == before


def test_a_discharge_that_a_review_decided_is_still_owed() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="m-2")
    walk.do(CompleteReview, outcome=ReviewOutcome.DISCHARGE, rationale="goals met")
    walk.do(TakeBackDischargeReport, message="m-3")
    assert walk.state.open_of(COMPLETE_DISCHARGE.kind) != []


def test_a_reported_discharge_is_still_owed_after_a_step_up_that_did_not_happen() -> None:
    declined: Undone = (DeclineTransition, {"reason": "stays", "safety_plan_reviewed": True})
    for decide_first in (False, True):
        for undone, fields in (declined, (WithdrawMove, {"reason": "not needed"})):
            walk = enrolled()
            if decide_first:
                walk.do(CompleteReview, outcome=ReviewOutcome.DISCHARGE, rationale="goals met")
            walk.do(ReportDischarge, message="m-2")
            walk.do(RequestStepUp, to="PHP", reason="worse")
            assert walk.state.open_of(COMPLETE_DISCHARGE.kind) != []
            walk.do(undone, **fields)
            assert walk.state.open_of(COMPLETE_DISCHARGE.kind) != [] and walk.state.stage is Stage.ACTIVE


def test_a_reported_discharge_is_still_owed_after_an_emergency() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="m-2")
    walk.do(RecordCrisis, place=CrisisPlace.EMERGENCY_DEPARTMENT, reason="panic")
    walk.do(EndCrisis, safety_rechecked=True, note="calm again")
    assert walk.state.open_of(COMPLETE_DISCHARGE.kind) != []


def test_a_reported_discharge_is_answered_by_care_that_goes_on_or_by_a_person() -> None:
    arrived = stepping_up("OP", "IOP")
    arrived.do(ReportDischarge, message="m-2")
    arrived.do(ConfirmArrival)
    withdrawn_from = discharging()
    withdrawn_from.do(ReportDischarge, message="m-2")
    withdrawn_from.do(WithdrawDischarge, reason="goes on")
    waived = enrolled()
    waived.do(ReportDischarge, message="m-2")
    [owed] = waived.state.open_of(COMPLETE_DISCHARGE.kind)
    waived.do(WaiveObligation, obligation=owed.id, reason="one attendance ended, not care")
    for walk in (arrived, withdrawn_from, waived):
        walk.do(RecordCrisis, place=CrisisPlace.EMERGENCY_DEPARTMENT, reason="panic")
        walk.do(EndCrisis, safety_rechecked=True, note="calm again")
        assert walk.state.open_of(COMPLETE_DISCHARGE.kind) == []


def test_a_completed_discharge_is_not_undone_by_a_message() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="m-2")
    walk.do(Discharge, reason=DischargeReason.GOALS_MET)
    walk.refused(TakeBackDischargeReport, "journey-ended", message="m-3")


def test_after_the_end_a_hospital_visit_is_an_admission_like_any_other() -> None:
    for ended in (withdrawn(), closed()):
        ended.do(ReportHospitalVisit, **EMERGENCY)
        assert ended.state.is_over
    dead = died()
    dead.do(ReportHospitalVisit, **EMERGENCY)
    assert dead.state.stage is Stage.DECEASED and asked(dead) == []


IN_HOSPITAL = {"place": CrisisPlace.INPATIENT, "facility": "General", "level": "INPATIENT", "reason": "worse"}
IN_EMERGENCY = {"place": CrisisPlace.EMERGENCY_DEPARTMENT, "reason": "panic"}
CHECKED = {"safety_rechecked": True, "note": "safe at home"}


def back_from_the_ward(walk: Walk) -> None:
    walk.do(RecordCrisis, **IN_HOSPITAL)
    walk.later(days=5)
    walk.do(StartStepDown, to="IOP", reason="stable")
    walk.later(hours=2)
    walk.do(ConfirmArrival)


def back_from_the_emergency_department(walk: Walk) -> None:
    walk.do(RecordCrisis, **IN_EMERGENCY)
    walk.later(hours=6)
    walk.do(EndCrisis, **CHECKED)


@pytest.mark.parametrize("come_back", [back_from_the_ward, back_from_the_emergency_department])
def test_a_stay_that_only_staff_recorded_owes_a_visit_too(come_back: Callable[[Walk], None]) -> None:
    walk = enrolled()
    come_back(walk)
    [duty] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    calendar = walk.state.calendar
    assert calendar.local_date(duty.due_at - timedelta(seconds=1)) == calendar.local_date(walk.now) + timedelta(days=7)
    walk.refused(CompleteObligation, "too-early", obligation=duty.id, note="seen on the ward")
    walk.later(days=1)
    walk.do(CompleteObligation, obligation=duty.id, note="seen at the centre")
    assert owed_after(walk) == []


def test_nobody_is_to_be_seen_twice_for_a_stay_whose_end_was_reported() -> None:
    walk = enrolled()
    walk.do(RecordCrisis, **IN_EMERGENCY)
    walk.do(ReportHospitalVisit, **EMERGENCY)
    walk.later(hours=3)
    walk.do(ReportHospitalDischarge, **LEFT)
    [reported] = owed_after(walk)
    walk.later(days=1)
    walk.do(CompleteObligation, obligation=reported, note="seen at the centre")
    walk.do(EndCrisis, **CHECKED)
    assert owed_after(walk) == []


def test_the_hospitals_own_word_takes_the_place_of_what_staff_said() -> None:
    walk = enrolled()
    back_from_the_emergency_department(walk)
    walk.later(hours=1)
    walk.do(ReportHospitalDischarge, **LEFT)
    [duty] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    assert duty.about == "visit-2"
    walk.do(TakeBackHospitalDischarge, **BACK)
    assert owed_after(walk) == []


def test_an_earlier_visit_that_was_reported_says_nothing_about_a_later_stay() -> None:
    walk = enrolled()
    walk.do(ReportHospitalDischarge, **LEFT)
    walk.later(days=1)
    [first] = owed_after(walk)
    walk.do(CompleteObligation, obligation=first, note="seen at the centre")
    walk.later(days=2)
    back_from_the_emergency_department(walk)
    assert owed_after(walk) != []


def waived(walk: Walk) -> None:
    [owed] = owed_after(walk)
    walk.do(WaiveObligation, obligation=owed, reason="still on the ward")


def test_a_stay_that_staff_recorded_counts_from_its_own_end_though_an_earlier_one_is_unseen() -> None:
    walk = enrolled()
    walk.do(ReportHospitalDischarge, **LEFT)
    [first] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    walk.later(days=2)
    back_from_the_ward(walk)
    [second] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    assert second.due_at > first.due_at + timedelta(days=6)
    walk.do(TakeBackHospitalDischarge, **BACK)
    assert owed_after(walk) == [second.id], "an A13 of the earlier visit leaves it"


def test_who_is_still_on_a_ward_after_an_end_was_reported_is_seen_once_they_are_back() -> None:
    walk = enrolled()
    walk.do(ReportHospitalVisit, **EMERGENCY)
    walk.do(RecordCrisis, **IN_HOSPITAL)
    walk.later(hours=4)
    walk.do(ReportHospitalDischarge, **LEFT)  # to another ward
    waived(walk)
    walk.later(days=9)
    walk.do(StartStepDown, to="IOP", reason="stable")
    walk.do(ConfirmArrival)
    assert len(owed_after(walk)) == 1


def test_a_late_report_of_a_stay_after_which_the_client_was_seen_is_only_noted() -> None:
    walk = enrolled()
    back_from_the_emergency_department(walk)
    left = walk.now
    walk.later(days=2)
    [owed] = owed_after(walk)
    walk.do(CompleteObligation, obligation=owed, note="seen at the centre")
    walk.do(ReportHospitalDischarge, **LEFT, occurred_at=left)
    assert owed_after(walk) == []
    walk.do(ReportHospitalDischarge, message="m-9", visit="visit-3", occurred_at=walk.now)
    assert len(owed_after(walk)) == 1


def test_from_an_emergency_department_to_another_facility_they_are_seen_once_they_are_back() -> None:
    walk = enrolled()
    walk.do(RecordCrisis, **IN_EMERGENCY)
    walk.do(RequestStepUp, to="INPATIENT", reason="not safe at home")
    walk.hand_off()
    walk.do(ConfirmArrival, facility="General")
    assert owed_after(walk) == []
    walk.later(days=6)
    walk.do(StartStepDown, to="IOP", reason="stable")
    walk.do(ConfirmArrival)
    [duty] = walk.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    assert duty.counted.since == walk.now


def test_an_unseen_visit_of_the_care_before_a_discharge_hides_no_later_one() -> None:
    walk = enrolled()
    back_from_the_emergency_department(walk)
    walk.do(Discharge, reason="moved")
    walk.later(days=1)
    walk.do(ResumeCare, to="IOP", reason="back in town")
    assert owed_after(walk) == [] and walk.state.hospital.left == ()
    walk.later(days=1)
    back_from_the_emergency_department(walk)
    assert len(owed_after(walk)) == 1


def test_an_older_record_in_which_no_visit_was_owed_hides_no_later_one() -> None:
    walk = enrolled()
    back_from_the_emergency_department(walk)
    record = [each for each in walk.record if getattr(each, "kind", "") != SEE_AFTER_HOSPITAL_VISIT.kind]
    record = [each for each in record if not _raises_the_visit(each)]
    older = fold(record)
    assert older.hospital.left != () and not older.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)
    recorded = decide(older, RecordCrisis(id="c-1", by=CLINICIAN, **IN_EMERGENCY), walk.now + timedelta(days=30))
    assert isinstance(recorded, Decided)
    ended = decide(recorded.state, EndCrisis(id="c-2", by=CLINICIAN, **CHECKED), walk.now + timedelta(days=31))
    assert isinstance(ended, Decided) and ended.state.open_of(SEE_AFTER_HOSPITAL_VISIT.kind)


def _raises_the_visit(event: object) -> bool:
    return isinstance(event, ObligationRaised) and event.obligation.kind == SEE_AFTER_HOSPITAL_VISIT.kind
