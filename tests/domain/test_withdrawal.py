"""Ways out before care: withdrawn, declined, referred elsewhere, moved away; and back again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.benefits import Benefits, Verdict
from domain.pathway.admission import AdmissionCancelled, CancelAdmission, RepeatAdmission
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.coverage import BenefitsAnswered
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationEscalated
from domain.pathway.placement import DecidePlacement
from domain.pathway.withdrawal import (
    CheckWithdrawal,
    RecordWithdrawal,
    TakeBackWithdrawal,
    WithdrawalCompleted,
    WithdrawalReason,
)
from domain.values import Stage
from tests.domain.walk import (
    DIRECTOR,
    STAGES,
    Walk,
    answered,
    enrolled,
    in_hospital_before_care,
    opened,
    withdrawing,
    withdrawn,
)

BEFORE_CARE = ("BENEFITS_CHECK", "FUNDING_EXCEPTION", "PLACEMENT", "COST_REVIEW", "ENROLLING")
WISH = {"reason": "client-withdrew", "initiator": "client", "risk": "unknown"}
NURSE = {"id": "nurse-1", "role": "case-manager"}


@pytest.mark.parametrize("stage", BEFORE_CARE)
@pytest.mark.parametrize("reason", WithdrawalReason)
def test_a_client_whose_risk_is_low_can_leave_at_every_stage_before_care(stage: str, reason: str) -> None:
    walk = STAGES[stage]()
    where = {"referred_to": "County clinic"} if reason == "referred-elsewhere" else {}
    walk.do(RecordWithdrawal, reason=reason, initiator="client", risk="low", **where)
    assert walk.is_at(Stage.WITHDRAWN) and walk.owes() == set() and walk.state.ended_at == walk.now
    told = [event.type for event in walk.later(days=90)]
    assert told == ["journey.final"], "a client who withdrew causes no escalation"
    walk.settle_all()
    assert walk.state.is_finished and walk.state.next_deadline() is None


@pytest.mark.parametrize("stage", BEFORE_CARE)
@pytest.mark.parametrize("risk", ["raised", "unknown"])
def test_unless_the_risk_is_known_to_be_low_a_clinician_checks_on_the_client_first(stage: str, risk: str) -> None:
    walk = STAGES[stage]()
    walk.do(RecordWithdrawal, **WISH | {"risk": risk})
    assert walk.is_at(Stage.DISENGAGED) and walk.owes() == {"check-withdrawal-1"}
    owed = walk.state.obligations.open["check-withdrawal-1"]
    assert (owed.owner, owed.urgent, owed.due_at) == ("clinician", True, walk.now + timedelta(hours=24))
    told = {event.kind for event in walk.later(days=5) if isinstance(event, ObligationEscalated)}
    assert told == {"check-withdrawal"}
    walk.do(CheckWithdrawal, finding="not-reached", note="left a message")
    assert walk.is_at(Stage.DISENGAGED) and "check-withdrawal-1" in walk.owes()
    walk.do(CheckWithdrawal, finding="safe", note="reached by phone")
    assert walk.is_at(Stage.WITHDRAWN) and walk.owes() == set()


def test_the_check_is_due_after_24_hours_also_across_a_change_of_the_clocks() -> None:
    for before in (datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 10, 31, 20, tzinfo=UTC)):
        walk = opened(before)
        walk.do(RecordWithdrawal, **WISH)
        assert walk.state.obligations.open["check-withdrawal-1"].due_at == before + timedelta(hours=24)


def test_a_withdrawal_cancels_what_is_owed_and_says_why() -> None:
    walk = withdrawn()
    ended = {event.obligation: event.because for event in walk.saw(ObligationCancelled)}
    assert ended == {"decide-placement-1": "withdrawal.recorded", "enrol-1": "withdrawal.recorded"}


def test_what_the_payer_answers_after_a_withdrawal_changes_nothing() -> None:
    walk = opened()
    walk.do(RecordWithdrawal, **WISH | {"risk": "low"})
    assert "benefits-1" in walk.state.pending() and not walk.state.is_finished
    walk.settle("benefits-1", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR)))
    assert not walk.saw(BenefitsAnswered) and walk.is_at(Stage.WITHDRAWN)
    walk.until_final()
    assert walk.state.is_finished


@pytest.mark.parametrize("stage", BEFORE_CARE)
def test_a_withdrawal_taken_back_owes_again_what_was_owed_for_the_whole_time(stage: str) -> None:
    walk = STAGES[stage]()
    before = {owed.kind: owed for owed in walk.state.obligations.open.values()}
    walk.do(RecordWithdrawal, **WISH)
    walk.later(days=12)
    walk.do(TakeBackWithdrawal, reason="wants to start after all")
    after = {owed.kind: owed for owed in walk.state.obligations.open.values()}
    assert walk.is_at(Stage(stage)) and after.keys() == before.keys()
    assert all(
        owed.due_at > walk.now and owed.counted.amount == before[kind].counted.amount for kind, owed in after.items()
    )
    assert walk.state.suspension.waiting == ()


def test_benefits_are_asked_again_once_the_client_is_back() -> None:
    walk = opened()
    walk.do(RecordWithdrawal, **WISH)
    walk.settle_all()
    walk.do(TakeBackWithdrawal, reason="wants to start after all")
    assert "benefits-2" in walk.state.pending() and "verify-benefits-2" in walk.owes()
    walk.settle("benefits-2", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR)))
    assert walk.is_at(Stage.PLACEMENT) and "verify-benefits-2" not in walk.owes()


def test_a_supervisor_ends_a_journey_whose_client_cannot_be_found() -> None:
    walk = withdrawing()
    waive = {"obligation": "check-withdrawal-1", "reason": "police found them well"}
    walk.refused(WaiveObligation, "not-theirs-to-waive", **waive)
    walk.do(WaiveObligation, **waive, by=DIRECTOR)
    assert walk.is_at(Stage.WITHDRAWN) and len(walk.saw(WithdrawalCompleted)) == 1


def test_a_client_who_withdrew_and_is_admitted_again_is_not_dropped() -> None:
    walk = withdrawing()
    walk.do(RepeatAdmission, message="message-2")
    walk.do(RepeatAdmission, message="message-3")
    assert walk.owes() == {"check-withdrawal-1", "resolve-return-1"}
    walk.do(CheckWithdrawal, finding="safe", note="reached")
    assert walk.is_at(Stage.DISENGAGED), "nobody has decided yet whether the client is back"
    back = Walk()
    back.state, back.now = walk.state, walk.now
    back.do(TakeBackWithdrawal, reason="they are back")
    assert back.is_at(Stage.PLACEMENT) and back.owes() == {"decide-placement-2", "enrol-2"}
    walk.do(WaiveObligation, obligation="resolve-return-1", reason="sent by mistake")
    assert walk.is_at(Stage.WITHDRAWN)


def test_after_a_withdrawal_an_admission_begins_a_new_journey() -> None:
    walk = withdrawn()
    walk.do(RepeatAdmission, message="message-2")
    assert walk.is_at(Stage.WITHDRAWN) and walk.state.is_over, "so that the admission opens another"
    walk.refused(RepeatAdmission, "journey-ended", message="message-3")


@pytest.mark.parametrize("walk_to", [withdrawing, in_hospital_before_care])
def test_a_cancelled_admission_does_not_end_the_care_for_a_client_at_risk(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    stage, owed = walk.state.stage, walk.owes()
    walk.do(CancelAdmission, message="message-2")
    assert walk.state.stage is stage and walk.owes() == owed | {"resolve-cancellation-1"}
    assert walk.saw(AdmissionCancelled)[0].person_decides


def test_only_a_clinician_finds_that_care_does_not_suit_the_client() -> None:
    walk = answered()
    walk.refused(RecordWithdrawal, "clinician-decides", reason="not-suitable", initiator="centre", by=NURSE)
    walk.do(RecordWithdrawal, reason="not-suitable", initiator="centre")


def test_once_care_began_a_client_is_discharged_not_withdrawn() -> None:
    enrolled().refused(RecordWithdrawal, "wrong-stage", **WISH)


def test_a_client_in_a_crisis_may_withdraw_and_is_checked_on_whatever_was_said_of_the_risk() -> None:
    walk = in_hospital_before_care()
    walk.do(RecordWithdrawal, **WISH | {"risk": "low"})
    assert walk.is_at(Stage.DISENGAGED) and walk.owes() == {"check-withdrawal-1", "arrange-return-1"}
    walk.refused(CheckWithdrawal, "crisis-open", finding="safe", note="on the ward")
    walk.do(EndCrisis, safety_rechecked=True, note="home with family")
    walk.do(CheckWithdrawal, finding="safe", note="seen")
    assert walk.is_at(Stage.WITHDRAWN) and walk.owes() == set()


def test_a_waived_check_is_owed_again_after_a_crisis() -> None:
    walk = withdrawing()
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    walk.do(WaiveObligation, obligation="check-withdrawal-1", reason="on the ward", by=DIRECTOR)
    assert walk.is_at(Stage.DISENGAGED)
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert walk.owes() == {"check-withdrawal-2"}


def test_taken_back_during_a_crisis_what_the_policy_pauses_waits_until_the_return() -> None:
    walk = in_hospital_before_care()
    walk.do(RecordWithdrawal, **WISH)
    walk.do(TakeBackWithdrawal, reason="wants to start")
    assert walk.is_at(Stage.EXTERNAL) and walk.owes() == {"arrange-return-1"}
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert walk.is_at(Stage.PLACEMENT) and walk.owes() == {"decide-placement-2", "enrol-2"}
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    assert walk.is_at(Stage.COST_REVIEW)
