"""From the admission to the first session: benefits, funding, cost, authorisation, cancellation."""

from __future__ import annotations

import pytest

from domain.benefits import Benefits, CostShare, Verdict
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.cost import AcceptCost
from domain.pathway.coverage import BenefitsAnswered, RecordBenefits
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.funding import ResolveFunding
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.values import Stage
from tests.domain.walk import (
    ADMISSIONS,
    Walk,
    agreed,
    answered,
    cancelled,
    enrolled,
    opened,
    placed,
)


def test_inactive_coverage_becomes_self_pay_and_outpatient_care() -> None:
    walk = answered(Verdict.INACTIVE)
    assert walk.is_at(Stage.FUNDING_EXCEPTION) and walk.owes() == {"enrol-1", "resolve-funding-1"}
    walk.do(ResolveFunding, route="self-pay", reason="the client pays")
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    estimate = walk.state.cost.estimate
    assert estimate is not None and estimate.low == estimate.high == 18 * 120
    walk.do(AcceptCost, estimate="estimate-1")
    walk.enrol()
    assert walk.path() == ["OP"]


def test_a_client_referred_out_is_owed_nothing_more() -> None:
    walk = answered(Verdict.NOT_COVERED)
    walk.do(ResolveFunding, route="referred-out", reason="the county clinic takes them")
    assert walk.is_at(Stage.CLOSED) and walk.owes() == set() and walk.path() == []
    walk.until_final()
    assert walk.state.is_finished


def test_other_coverage_asks_the_payer_again() -> None:
    walk = answered(Verdict.INACTIVE)
    walk.do(ResolveFunding, route="other-coverage", reason="a second plan")
    assert walk.is_at(Stage.BENEFITS_CHECK) and "verify-benefits-2" in walk.owes()
    walk.settle("benefits-2", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR)))
    assert walk.is_at(Stage.PLACEMENT) and walk.owes() == {"enrol-1", "decide-placement-1"}


def test_a_late_answer_about_the_old_coverage_does_not_count_for_the_new_one() -> None:
    walk = opened()
    walk.do(RecordBenefits, verdict="INACTIVE", note="told on the phone")
    walk.do(ResolveFunding, route="other-coverage", reason="a second plan")
    walk.settle("benefits-1", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR)))
    assert walk.is_at(Stage.BENEFITS_CHECK) and "benefits-2" in walk.state.pending()
    walk.settle("benefits-2", BenefitsAnswer(benefits=Benefits(verdict=Verdict.NOT_COVERED)))
    assert walk.is_at(Stage.FUNDING_EXCEPTION)


@pytest.mark.parametrize("walk", [opened(), answered(), placed(), agreed()], ids=lambda w: w.state.stage)
def test_an_admission_cancelled_before_care_ends_everything(walk: Walk) -> None:
    walk.do(CancelAdmission, message="message-2")
    assert walk.is_at(Stage.CANCELLED) and walk.owes() == set()
    walk.settle_all()
    assert walk.state.is_finished


def test_an_answer_after_the_cancellation_changes_nothing() -> None:
    walk = cancelled()
    walk.settle("benefits-1", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR)))
    assert walk.is_at(Stage.CANCELLED) and not walk.saw(BenefitsAnswered)


def test_a_repeated_admission_starts_nothing_again() -> None:
    walk = enrolled()
    before = walk.state
    assert [e.type for e in walk.do(RepeatAdmission, message="message-2")] == ["admission.repeated"]
    assert walk.state.obligations.open == before.obligations.open and walk.state.pending() == before.pending()


def test_authorisation_comes_before_enrolment() -> None:
    walk = agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.refused(ConfirmEnrolment, "authorisation-open", track="evening")
    walk.do(CompleteObligation, obligation="obtain-authorisation-1", note="authorised by fax", by=ADMISSIONS)
    walk.enrol()
    assert walk.is_at(Stage.ACTIVE)


def test_authorisation_learnt_of_while_the_cost_is_reviewed_also_comes_first() -> None:
    walk = placed()
    for _ in range(2):
        walk.do(RecordBenefits, verdict="CLEAR_AUTH_REQUIRED", cost_share=CostShare(copay=40), note="by phone")
    assert "obtain-authorisation-1" in walk.owes() and "obtain-authorisation-2" not in walk.owes()
    walk.do(AcceptCost, estimate="estimate-3")
    walk.refused(ConfirmEnrolment, "authorisation-open", track="evening")


def test_an_answer_that_needs_a_person_waits_for_one() -> None:
    walk = answered(Verdict.NEEDS_REVIEW)
    assert walk.is_at(Stage.BENEFITS_CHECK) and "verify-benefits-1" in walk.owes()
    walk.do(RecordBenefits, verdict="CLEAR", cost_share=CostShare(copay=25), note="called the payer")
    assert walk.is_at(Stage.PLACEMENT) and "verify-benefits-1" not in walk.owes()


def test_an_unknown_cost_must_be_learnt_before_the_client_accepts() -> None:
    walk = answered(share=None)
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    walk.refused(AcceptCost, "cost-unknown", estimate="estimate-1")
    walk.do(RecordBenefits, verdict="CLEAR", cost_share=CostShare(copay=30), note="called the payer")
    walk.refused(AcceptCost, "estimate-outdated", estimate="estimate-1")
    walk.do(AcceptCost, estimate="estimate-2")
