"""Consents: asked at the screening, given, declined and taken back at any time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.benefits import Verdict
from domain.pathway.consents import ConsentKind, RecordConsent
from domain.pathway.corrections import CorrectEnrolment
from domain.pathway.cost import AcceptCost
from domain.pathway.coverage import BenefitsRequested
from domain.pathway.discharge import Discharge
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.funding import ResolveFunding
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening
from domain.pathway.withdrawal import RecordWithdrawal, TakeBackWithdrawal
from domain.values import Role, Stage
from tests.domain.test_screening import CLEAR, OUTPATIENT, ended
from tests.domain.walk import ADMISSIONS, SCREENED, admitted, agreed, answered, enrolled, opened


def test_nobody_is_enrolled_without_consent_to_treatment() -> None:
    walk = agreed()
    walk.do(CompleteScreening, **{**SCREENED, "consents": {"treatment": "declined"}})
    assert "record the consent" in walk.refused(ConfirmEnrolment, "no-consent", track="evening")
    walk.do(RecordConsent, consent="treatment", answer="given")
    walk.enrol()
    assert walk.is_at(Stage.ACTIVE)


def test_consent_that_was_not_asked_for_is_no_consent() -> None:
    walk = admitted()
    walk.settle("benefits-1", CLEAR)
    walk.do(CompleteScreening, urgency="routine", risk="low")
    walk.do(DecidePlacement, **OUTPATIENT)
    estimate = walk.state.cost.estimate
    assert estimate is not None
    walk.do(AcceptCost, estimate=estimate.id)
    walk.refused(ConfirmEnrolment, "no-consent", track="individual")


def test_consent_withdrawn_in_care_owes_a_talk_and_ends_nothing() -> None:
    walk = enrolled()
    walk.do(RecordConsent, consent="treatment", answer="declined")
    assert walk.is_at(Stage.ACTIVE) and walk.record[-2].sentence().startswith("Consent to treatment: withdrawn")
    [owed] = walk.state.open_of("settle-consent")
    assert (owed.owner, owed.due_at) == (Role.CLINICIAN, datetime(2026, 3, 18, 0, tzinfo=UTC))
    walk.do(RecordConsent, consent="treatment", answer="declined")
    assert "settle-consent-2" not in walk.owes(), "asked once"
    walk.do(RecordConsent, consent="treatment", answer="given")
    assert not walk.state.open_of("settle-consent")


def test_the_end_of_care_settles_a_consent_withdrawn() -> None:
    walk = enrolled()
    walk.do(RecordConsent, consent="treatment", answer="declined")
    walk.do(Discharge, reason="against-advice")
    assert ended(walk)["settle-consent-1"] == "client.discharged"


def test_an_enrolment_taken_back_leaves_the_consent_to_the_next_one() -> None:
    walk = enrolled()
    walk.do(RecordConsent, consent="treatment", answer="declined")
    walk.do(CorrectEnrolment, reason="another client")
    assert "settle-consent-1" not in walk.owes()
    walk.refused(ConfirmEnrolment, "no-consent", track="evening")


@pytest.mark.parametrize("consent", ["telehealth", "contact-by-text"])
def test_other_consents_are_kept_with_their_time_and_hold_nothing_up(consent: str) -> None:
    walk = enrolled()
    before = walk.owes()
    walk.later(hours=1)
    walk.do(RecordConsent, consent=consent, answer="declined", note="by phone")
    held = walk.state.consents.known[ConsentKind(consent)]
    assert (held.answer, held.at) == ("declined", walk.now) and walk.owes() == before


def test_a_client_who_does_not_want_their_plan_told_settles_who_pays_with_admissions() -> None:
    walk = opened()
    walk.do(RecordConsent, consent="sharing-with-payer", answer="declined")
    [owed] = walk.state.open_of("settle-payment")
    assert (owed.owner, owed.due_at) == (Role.ADMISSIONS, datetime(2026, 3, 18, 0, tzinfo=UTC))
    walk.do(RecordConsent, consent="sharing-with-payer", answer="declined")
    assert "settle-payment-2" not in walk.owes(), "asked once"
    walk.do(RecordConsent, consent="sharing-with-payer", answer="given")
    assert not walk.state.open_of("settle-payment")


def test_the_same_said_at_the_screening_owes_the_same() -> None:
    walk = admitted()
    walk.do(CompleteScreening, **{**SCREENED, "consents": {"treatment": "given", "sharing_with_payer": "declined"}})
    assert "settle-payment-1" in walk.owes()
    walk.do(CompleteScreening, **SCREENED)
    assert "settle-payment-2" not in walk.owes(), "not asked again"
    walk.do(CompleteObligation, obligation="settle-payment-1", note="pays themselves", by=ADMISSIONS)
    assert not walk.state.open_of("settle-payment")


def test_no_other_plan_is_asked_against_the_clients_wish_and_self_pay_settles_it() -> None:
    walk = answered(Verdict.INACTIVE)
    walk.do(RecordConsent, consent="sharing-with-payer", answer="declined")
    walk.refused(ResolveFunding, "payer-not-to-be-told", route="other-coverage", reason="a second plan")
    walk.do(ResolveFunding, route="self-pay", reason="wants no plan told")
    assert not walk.state.open_of("settle-payment")
    walk.do(RecordConsent, consent="sharing-with-payer", answer="declined")
    assert not walk.state.open_of("settle-payment"), "they pay themselves already"


def test_after_a_pause_the_payer_is_not_asked_against_the_clients_wish() -> None:
    for answer, asked in (("declined", 1), ("given", 2)):
        walk = admitted()
        walk.do(RecordConsent, consent="sharing-with-payer", answer=answer)
        walk.do(RecordWithdrawal, reason="client-withdrew", initiator="client")
        walk.settle("benefits-1", CLEAR)
        walk.do(TakeBackWithdrawal, reason="wants to start")
        assert len(walk.saw(BenefitsRequested)) == asked
        assert walk.state.open_of("verify-benefits"), "a person settles it"
