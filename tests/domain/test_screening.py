"""Screening at admission: contact, urgency and risk, beside the question to the payer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.benefits import Benefits, Verdict
from domain.pathway.admission import AdmissionCancelled, CancelAdmission
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.consents import ConsentAnswer, ConsentKind
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath
from domain.pathway.funding import ResolveFunding
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationEscalated
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening, RecordContact, Urgency
from domain.pathway.withdrawal import RecordWithdrawal, TakeBackWithdrawal
from domain.values import Role, Stage
from tests.domain.walk import (
    ADMISSIONS,
    CLINICIAN,
    COPAY,
    DIRECTOR,
    MONDAY,
    SCREENED,
    Walk,
    admitted,
    agreed,
    answered,
    opened,
)

CLEAR = BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR, cost_share=COPAY))
OUTPATIENT = {"recommended": "OP", "actual": "OP"}
REVIEWER = {"id": "supervisor-1", "role": "clinical-supervisor"}
OWN_WISH = {"reason": "client-withdrew", "initiator": "client"}


def due(walk: Walk, kind: str) -> datetime:
    [owed] = walk.state.open_of(kind)
    return owed.due_at


def heard(urgency: str, walk: Walk | None = None) -> Walk:
    """A first contact in which the urgency was heard, an hour after the admission."""
    walk = walk or admitted()
    walk.later(hours=1)
    walk.do(RecordContact, contact="reached", urgency=urgency)
    return walk


def ended(walk: Walk) -> dict[str, str]:
    return {event.obligation: event.because for event in walk.saw(ObligationCancelled)}


def test_an_admission_owes_the_screening_to_admissions_and_asks_the_payer_all_the_same() -> None:
    walk = admitted()
    owed = walk.state.obligations.open["screen-client-1"]
    assert owed.owner is Role.ADMISSIONS and "benefits-1" in walk.state.pending()
    walk.settle("benefits-1", CLEAR)
    assert walk.is_at(Stage.PLACEMENT) and "screen-client-1" in walk.owes()


def test_what_nobody_knows_the_urgency_of_is_due_at_the_close_of_the_next_business_day() -> None:
    assert due(admitted(), "screen-client") == datetime(2026, 3, 18, 0, tzinfo=UTC)  # Tuesday 17:00 in Los Angeles


@pytest.mark.parametrize(
    ("admission", "urgency", "until"),
    [
        (MONDAY, "urgent", datetime(2026, 3, 18, 0, tzinfo=UTC)),
        (MONDAY, "routine", datetime(2026, 3, 31, 0, tzinfo=UTC)),
        (MONDAY, "crisis", MONDAY + timedelta(hours=2)),
        (datetime(2026, 3, 6, 18, tzinfo=UTC), "urgent", datetime(2026, 3, 10, 0, tzinfo=UTC)),
        (datetime(2026, 3, 8, 9, 30, tzinfo=UTC), "crisis", datetime(2026, 3, 8, 11, 30, tzinfo=UTC)),
        (datetime(2026, 10, 30, 17, tzinfo=UTC), "urgent", datetime(2026, 11, 3, 1, tzinfo=UTC)),
        (datetime(2026, 11, 1, 8, tzinfo=UTC), "crisis", datetime(2026, 11, 1, 10, tzinfo=UTC)),
        (datetime(2026, 11, 25, 18, tzinfo=UTC), "urgent", datetime(2026, 12, 1, 1, tzinfo=UTC)),
        (datetime(2028, 2, 28, 18, tzinfo=UTC), "urgent", datetime(2028, 3, 1, 1, tzinfo=UTC)),
    ],
    ids=["urgent", "routine", "crisis", "spring", "spring-crisis", "autumn", "autumn-crisis", "holiday", "leap-day"],
)
def test_the_urgency_says_when_the_screening_is_due(admission: datetime, urgency: str, until: datetime) -> None:
    assert due(heard(urgency, admitted(admission)), "screen-client") == until


def test_routine_counts_from_the_admission_not_from_the_call() -> None:
    walk = admitted()
    walk.later(hours=20)
    walk.do(RecordContact, contact="reached", urgency="routine")
    assert due(walk, "screen-client") == due(heard("routine"), "screen-client")
    assert walk.owes() == {"screen-client-2", "verify-benefits-1", "enrol-1"}
    assert ended(walk) == {"screen-client-1": "contact.recorded"}


def test_an_urgency_that_changes_nothing_leaves_the_duty_as_it_is() -> None:
    assert "screen-client-1" in heard("urgent").owes()
    walk = heard("crisis")
    walk.later(minutes=30)
    walk.do(RecordContact, contact="not-reached", urgency="crisis")
    assert due(walk, "screen-client") == MONDAY + timedelta(hours=2), "a second call buys no time"


def test_a_crisis_that_is_heard_of_pages_a_clinician_at_once_and_is_urgent() -> None:
    walk = heard("crisis")
    [owed] = walk.state.open_of("screen-client")
    assert owed.urgent and walk.state.is_urgent(walk.now)
    told = [event for event in walk.later(minutes=1) if isinstance(event, ObligationEscalated)]
    assert [(event.to, event.how) for event in told] == [("clinician", "page")]


def test_only_a_clinician_finds_that_a_crisis_is_none() -> None:
    walk = heard("crisis")
    fields = {"contact": "reached", "urgency": "routine"}
    walk.refused(RecordContact, "crisis-stands", **fields, by=ADMISSIONS)
    walk.refused(CompleteScreening, "crisis-stands", **SCREENED, by=ADMISSIONS)
    walk.do(RecordContact, contact="not-reached", by=ADMISSIONS)
    walk.do(RecordContact, **fields, by=CLINICIAN)
    assert due(walk, "screen-client") == due(heard("routine"), "screen-client")


def test_what_was_missed_stays_missed_when_the_urgency_turns_out_routine() -> None:
    walk = admitted()
    walk.later(days=3)
    walk.do(RecordContact, contact="reached", urgency="routine")
    [owed] = walk.state.open_of("screen-client")
    assert owed.id == "screen-client-1" and owed.is_overdue(walk.now)


def test_a_client_who_is_not_reached_is_still_to_be_screened() -> None:
    walk = admitted()
    walk.do(RecordContact, contact="not-reached", note="no answer")
    walk.do(RecordContact, contact="not-reached")
    assert "screen-client-1" in walk.owes()
    assert walk.state.screening.attempts == 2 and walk.state.screening.reached_at is None
    assert {event.kind for event in walk.later(days=5) if isinstance(event, ObligationEscalated)} >= {"screen-client"}
    walk.do(RecordContact, contact="reached")
    assert walk.state.screening.reached_at == walk.now and "screen-client-1" in walk.owes()


def test_the_level_is_not_decided_before_the_client_was_screened() -> None:
    walk = admitted()
    walk.settle("benefits-1", CLEAR)
    sentence = walk.refused(DecidePlacement, "not-screened", **OUTPATIENT)
    assert "complete the screening" in sentence
    walk.do(CompleteScreening, **SCREENED)
    assert "screen-client-1" not in walk.owes()
    walk.do(DecidePlacement, **OUTPATIENT)
    assert walk.is_at(Stage.COST_REVIEW)


def test_the_screening_keeps_the_journey_moving_and_ends_by_its_own_decision() -> None:
    walk = admitted()
    walk.refused(WaiveObligation, "not-waivable", obligation="screen-client-1", reason="busy", by=DIRECTOR)
    walk.refused(CompleteObligation, "has-its-own-decision", obligation="screen-client-1", note="done")


@pytest.mark.parametrize(
    ("found", "hours"),
    [
        ({"urgency": "routine", "risk": "low"}, None),
        ({"urgency": "urgent", "risk": "low"}, None),
        ({"urgency": "routine", "risk": "unknown"}, 24),
        ({"urgency": "routine", "risk": "raised"}, 24),
        ({"urgency": "crisis", "risk": "low"}, 1),
    ],
)
def test_unless_the_client_is_known_to_be_safe_a_clinician_assesses_them(
    found: dict[str, str], hours: int | None
) -> None:
    walk = admitted()
    walk.do(CompleteScreening, **found)
    owed = walk.state.open_of("assess-safety")
    assert [(each.owner, each.urgent, each.due_at) for each in owed] == (
        [] if hours is None else [(Role.CLINICIAN, True, walk.now + timedelta(hours=hours))]
    )


def test_a_crisis_on_record_takes_the_assessment_over() -> None:
    walk = admitted()
    walk.do(CompleteScreening, urgency="crisis", risk="raised")
    walk.do(RecordCrisis, place="emergency-department", reason="at home")
    assert walk.owes() == {"arrange-return-1"} and ended(walk)["assess-safety-1"] == "crisis.recorded"


def test_the_screening_waits_during_a_crisis_and_is_owed_after_it() -> None:
    walk = admitted()
    walk.do(RecordCrisis, place="emergency-department", reason="at home")
    assert "screen-client-1" not in walk.owes()
    walk.refused(CompleteScreening, "wrong-stage", **SCREENED)
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert "screen-client-2" in walk.owes()


def test_a_crisis_heard_of_after_the_screening_is_assessed_at_once() -> None:
    walk = opened()
    walk.do(RecordContact, contact="reached", urgency="crisis")
    assert due(walk, "assess-safety") == walk.now + timedelta(hours=1)
    walk.do(RecordContact, contact="reached", urgency="crisis")
    assert "assess-safety-2" not in walk.owes()


def test_a_screening_can_be_corrected_until_care_begins() -> None:
    walk = agreed()
    walk.do(CompleteScreening, urgency="urgent", risk="raised", consents={"telehealth": "declined"})
    held = walk.state.screening
    assert (held.urgency, held.risk) == (Urgency.URGENT, "raised")
    consents = walk.state.consents
    assert consents.answer(ConsentKind.TELEHEALTH) is ConsentAnswer.DECLINED
    assert consents.answer(ConsentKind.CONTACT_BY_TEXT) is None
    assert consents.to_treatment, "not asked again"
    walk.enrol()
    walk.refused(CompleteScreening, "wrong-stage", **SCREENED)


def test_what_was_found_is_the_risk_of_a_withdrawal_unless_another_is_given() -> None:
    walk = opened()
    walk.do(RecordWithdrawal, **OWN_WISH)
    assert walk.is_at(Stage.WITHDRAWN), "the screening found a low risk"
    walk = opened()
    walk.do(RecordWithdrawal, **OWN_WISH, risk="raised")
    assert walk.is_at(Stage.DISENGAGED)
    walk = heard("crisis", opened())
    walk.do(RecordWithdrawal, **OWN_WISH)
    assert walk.is_at(Stage.DISENGAGED), "a crisis was heard of"
    walk = admitted()
    walk.do(RecordWithdrawal, **OWN_WISH)
    assert walk.is_at(Stage.DISENGAGED), "nobody knows the risk of a client who was not screened"


def test_a_withdrawal_ends_the_screening_and_one_taken_back_owes_it_again() -> None:
    walk = admitted()
    walk.do(RecordWithdrawal, **OWN_WISH)
    assert ended(walk)["screen-client-1"] == "withdrawal.recorded"
    walk.later(days=2)
    walk.do(TakeBackWithdrawal, reason="wants to start")
    assert due(walk, "screen-client") == datetime(2026, 3, 20, 0, tzinfo=UTC)


def test_a_death_ends_the_screening_and_a_mistaken_one_owes_it_again() -> None:
    walk = admitted()
    walk.do(RecordDeath, source="their sister")
    assert ended(walk)["screen-client-1"] == "client.died"
    walk.do(CorrectDeath, reason="another client", by=REVIEWER)
    assert due(walk, "screen-client") == due(admitted(), "screen-client")


def test_a_cancelled_admission_ends_the_screening() -> None:
    walk = admitted()
    walk.do(CancelAdmission, message="message-2")
    assert walk.is_at(Stage.CANCELLED) and ended(walk)["screen-client-1"] == "admission.cancelled"
    assert walk.owes() == set()


@pytest.mark.parametrize("found", [{"urgency": "crisis", "risk": "low"}, {"urgency": "routine", "risk": "raised"}])
def test_a_cancelled_admission_drops_nobody_in_whom_danger_was_seen(found: dict[str, str]) -> None:
    walk = admitted()
    walk.do(CompleteScreening, **found)
    walk.do(CancelAdmission, message="message-2")
    assert not walk.is_at(Stage.CANCELLED) and {"assess-safety-1", "resolve-cancellation-1"} <= walk.owes()
    assert walk.saw(AdmissionCancelled)[0].client_at_risk


def test_operations_may_call_but_not_judge_the_risk() -> None:
    walk = answered()
    clerk = {"id": "operations-1", "role": "operations"}
    walk.do(RecordContact, contact="reached", by=clerk)
    walk.refused(CompleteScreening, "not-their-decision", **SCREENED, by=clerk)


@pytest.mark.parametrize("found", [None, {"risk": "raised"}, {"risk": "unknown"}, {"urgency": "crisis"}])
def test_nobody_is_referred_out_for_want_of_funding_unless_they_are_known_to_be_safe(
    found: dict[str, str] | None,
) -> None:
    walk = admitted()
    walk.settle("benefits-1", BenefitsAnswer(benefits={"verdict": "INACTIVE"}))
    assert walk.is_at(Stage.FUNDING_EXCEPTION)
    if found is not None:
        walk.do(CompleteScreening, **{**SCREENED, **found})
    out = {"route": "referred-out", "reason": "the county clinic takes them"}
    walk.refused(ResolveFunding, "safety-first", **out)
    walk.do(CompleteScreening, **SCREENED, by=CLINICIAN)
    walk.do(ResolveFunding, **out)
    assert walk.is_at(Stage.CLOSED)
