"""A client's death: every contact stops at once, a person reviews it, and a mistake can be mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.effects import CheckBenefits, Notify, ReleasePlace
from domain.pathway.admission import AdmissionRepeated, CancelAdmission, RepeatAdmission
from domain.pathway.crisis import RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath, ReviewDeath
from domain.pathway.discharge import Discharge, ReportDischarge
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.reviews import CompleteReview
from domain.values import Stage
from tests.domain.walk import (
    STAGES,
    Walk,
    closed,
    died,
    discharged,
    enrolled,
    followed_up_once,
    held,
    in_emergency_department,
    in_hospital,
    in_hospital_before_care,
    opened,
    place_held,
    returning,
    stepping_up,
    window_missed,
    withdrawing,
)

SUPERVISOR = {"id": "supervisor-1", "role": "clinical-supervisor"}
ENDED = ("CLOSED", "CANCELLED", "WITHDRAWN", "DECEASED")
ALIVE: dict[str, Callable[[], Walk]] = {
    **{stage: walk_to for stage, walk_to in STAGES.items() if stage not in ENDED},
    "searching": stepping_up,
    "held": place_held,
    "missed": window_missed,
    "returning": returning,
    "emergency": in_emergency_department,
    "hospital": in_hospital,
    "hospital before care": in_hospital_before_care,
}


@pytest.mark.parametrize("stage", ALIVE)
def test_after_a_death_at_any_stage_nobody_is_reminded_to_contact_the_client(stage: str) -> None:
    walk = ALIVE[stage]()
    walk.do(RecordDeath, source="their sister")
    assert walk.is_at(Stage.DECEASED) and walk.owes() == {"mortality-review-1"}
    assert walk.state.level is None and walk.state.moves.current is None
    walk.settle_all()
    later = walk.later(days=120)
    told = {event.kind for event in later if isinstance(event, ObligationEscalated)}
    assert told == {"mortality-review"}


@pytest.mark.parametrize("walk_to", [discharged, followed_up_once])
def test_a_client_who_died_after_discharge_is_not_called_on_day_7(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(RecordDeath, source="the coroner", by={"id": "desk-1", "role": "admissions"})
    walk.refused(RecordFollowUp, "journey-ended", contact="reached")
    assert not any(owed.startswith("follow-up") for owed in walk.owes())


def test_the_review_outlives_the_journeys_end_and_then_it_is_over() -> None:
    walk = died()
    owed = walk.state.obligations.open["mortality-review-1"]
    assert owed.owner == "clinical-supervisor"
    walk.settle_all()
    assert not walk.state.is_finished
    walk.refused(ReviewDeath, "not-their-decision", finding="natural causes")
    walk.do(ReviewDeath, finding="natural causes", by=SUPERVISOR)
    walk.until_final()
    assert walk.state.is_finished and walk.state.next_deadline() is None
    walk.refused(RepeatAdmission, "journey-ended", message="message-5")


@pytest.mark.parametrize("stage", ALIVE)
def test_a_death_recorded_by_mistake_leads_back_to_where_the_client_was(stage: str) -> None:
    walk = ALIVE[stage]()
    before = walk.state
    walk.do(RecordDeath, source="a message on the phone")
    walk.do(CorrectDeath, reason="another client of the same name", by=SUPERVISOR)
    after = walk.state
    assert (after.stage, after.level, after.care) == (before.stage, before.level, before.care)
    assert (after.crisis, after.withdrawal, after.leave) == (before.crisis, before.withdrawal, before.leave)
    assert after.suspension == before.suspension
    due = sorted((owed.kind, owed.due_at) for owed in after.obligations.open.values())
    assert due == sorted((owed.kind, owed.due_at) for owed in before.obligations.open.values())
    assert after.next_deadline() is not None and after.waiting_for() is not None


def test_after_the_mistake_a_missed_follow_up_is_overdue_and_can_be_made() -> None:
    walk = discharged()
    walk.do(RecordDeath, source="a message on the phone")
    walk.later(days=9)
    walk.do(CorrectDeath, reason="another client", by=SUPERVISOR)
    overdue = [owed.kind for owed in walk.state.in_order(walk.now) if owed.is_overdue(walk.now)]
    assert overdue == ["early-follow-up", "follow-up"]
    walk.do(RecordFollowUp, contact="reached")
    walk.later(days=20)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.CLOSED)


@pytest.mark.parametrize("walk_to", [stepping_up, place_held])
def test_after_a_death_the_held_place_is_given_back_and_after_a_mistake_searched_anew(
    walk_to: Callable[[], Walk],
) -> None:
    walk = walk_to()
    walk.do(RecordDeath, source="their sister")
    given_back = [call.hold_key for call in walk.state.pending().values() if isinstance(call, ReleasePlace)]
    assert given_back == ["place-1"]
    walk.do(CorrectDeath, reason="another client", by=SUPERVISOR)
    walk.later(minutes=1)
    assert "place-2-search-1" in walk.state.pending()
    walk.settle("place-2-search-1", held(walk))
    walk.do(ConfirmArrival)
    assert walk.is_at(Stage.EXTERNAL) and walk.path() == ["OP", "PHP"]


def test_a_notice_that_was_not_delivered_yet_is_never_sent_after_the_death() -> None:
    walk = window_missed()
    walk.later(hours=25)
    assert any(isinstance(call, Notify) for call in walk.state.pending().values())
    walk.do(RecordDeath, source="their sister")
    assert not any(isinstance(call, Notify | CheckBenefits) for call in walk.state.pending().values())


def test_the_payer_is_asked_no_more_after_the_death() -> None:
    walk = opened()
    walk.do(RecordDeath, source="their sister")
    assert "benefits-1" not in walk.state.pending()


def test_a_place_found_after_the_death_is_given_back() -> None:
    walk = stepping_up()
    walk.do(RecordDeath, source="their sister")
    walk.settle("place-1-search-1", held(walk))
    releases = [call for call in walk.state.pending().values() if isinstance(call, ReleasePlace)]
    assert [call.hold_key for call in releases] == ["place-1", "place-1"]


def test_what_the_payer_answers_after_the_death_is_not_heeded_and_asked_again_after_a_mistake() -> None:
    walk = opened()
    walk.do(RecordDeath, source="their sister")
    walk.settle_all()
    assert walk.state.coverage.benefits is None and walk.is_at(Stage.DECEASED)
    walk.do(CorrectDeath, reason="another client", by=SUPERVISOR)
    assert walk.is_at(Stage.BENEFITS_CHECK) and "benefits-2" in walk.state.pending()


def test_a_client_on_leave_is_on_leave_again_after_a_mistake() -> None:
    walk = enrolled()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    walk.do(RecordDeath, source="a message")
    walk.do(CorrectDeath, reason="another client", by=SUPERVISOR)
    walk.do(EndLeave)
    assert walk.is_at(Stage.ACTIVE)


def test_an_admission_for_a_client_on_record_as_deceased_asks_a_person_who_it_is_about() -> None:
    walk = died()
    walk.do(RepeatAdmission, message="message-2")
    owed = walk.state.obligations.open["check-death-1"]
    assert owed.urgent and owed.owner == "clinical-supervisor"
    walk.refused(ReviewDeath, "identity-open", finding="unclear", by=SUPERVISOR)
    walk.do(CorrectDeath, reason="it was this client", by=SUPERVISOR)
    assert walk.is_at(Stage.ACTIVE) and not walk.owes() & {"check-death-1", "mortality-review-1"}


def test_the_end_of_the_visit_and_a_cancelled_admission_after_a_death_are_only_noted() -> None:
    walk = died()
    owed = walk.owes()
    walk.do(ReportDischarge, message="message-2")
    walk.do(CancelAdmission, message="message-3")
    assert walk.owes() == owed and walk.is_at(Stage.DECEASED)
    assert [event.admits for event in walk.saw(AdmissionRepeated)] == [False]


def test_a_death_typed_in_late_ends_care_when_it_happened() -> None:
    walk = enrolled()
    walk.later(days=10)
    walk.do(RecordDeath, source="the coroner", occurred_at=walk.now - timedelta(days=3))
    assert walk.state.care.stays[-1].until == walk.state.ended_at == walk.now - timedelta(days=3)


def test_a_death_cannot_be_recorded_as_a_discharge_nor_after_the_end() -> None:
    with pytest.raises(ValueError, match="reason"):
        enrolled().do(Discharge, reason="deceased")
    closed().refused(RecordDeath, "journey-ended", source="their sister")


def test_after_a_mistake_care_goes_on_as_ever() -> None:
    walk = enrolled()
    walk.later(days=30)
    walk.do(RecordDeath, source="a message")
    walk.later(days=2)
    walk.do(CorrectDeath, reason="another client", by=SUPERVISOR)
    walk.do(CompleteReview, outcome="discharge", rationale="goals met")
    walk.do(Discharge, reason="goals-met")
    assert walk.is_at(Stage.DISCHARGED) and len(walk.state.care.stays) == 1


def test_a_withdrawal_and_a_crisis_outlast_a_mistaken_death() -> None:
    walk = withdrawing()
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    before = {owed.kind for owed in walk.state.obligations.open.values()}
    walk.do(RecordDeath, source="a message")
    walk.do(CorrectDeath, reason="another client", by=SUPERVISOR)
    assert walk.is_at(Stage.DISENGAGED) and walk.state.crisis.current is not None
    assert {owed.kind for owed in walk.state.obligations.open.values()} == before
