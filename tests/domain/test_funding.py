"""Who pays changes on the way: a cost declined, coverage lost or found, an authorisation asked for again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from domain.benefits import Benefits, CostShare, Verdict
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.cost import AcceptCost, CostDeclined, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.funding import ResolveFunding
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.values import Stage
from tests.domain.walk import (
    ADMISSIONS,
    Walk,
    agreed,
    answered,
    placed,
)


def test_a_cost_declined_leads_to_another_way_to_pay_and_a_new_estimate() -> None:
    walk = placed()
    walk.do(DeclineCost, reason="too dear")
    assert walk.is_at(Stage.FUNDING_EXCEPTION) and walk.owes() == {"enrol-1", "resolve-funding-1"}
    assert walk.saw(CostDeclined)[0].estimate == "estimate-1"
    walk.do(ResolveFunding, route="self-pay", reason="the family pays")
    assert walk.is_at(Stage.COST_REVIEW) and walk.owes() == {"enrol-1", "accept-cost-2"}
    assert walk.state.cost.estimate is not None and walk.state.cost.estimate.high == Decimal(24 * 275)
    walk.refused(AcceptCost, "estimate-outdated", estimate="estimate-1")
    walk.do(AcceptCost, estimate="estimate-2")
    walk.enrol()
    assert walk.path() == ["IOP"] and len(walk.saw(PlacementDecided)) == 1


def test_a_cost_declined_may_end_in_a_referral() -> None:
    walk = placed()
    walk.do(DeclineCost, reason="too dear")
    walk.do(ResolveFunding, route="referred-out", reason="the county clinic takes them")
    assert walk.is_at(Stage.CLOSED) and walk.owes() == set()


def test_a_cost_may_be_declined_again_and_again() -> None:
    walk = placed()
    for number in (1, 2, 3):
        walk.do(DeclineCost, reason="too dear")
        assert walk.owes() == {"enrol-1", f"resolve-funding-{number}"}
        walk.do(ResolveFunding, route="sliding-scale", reason="a lower rate")
        assert walk.owes() == {"enrol-1", f"accept-cost-{number + 1}"}


def test_other_coverage_after_a_decline_is_priced_for_the_same_level() -> None:
    walk = placed()
    walk.do(DeclineCost, reason="too dear")
    walk.do(ResolveFunding, route="other-coverage", reason="a second plan")
    assert walk.is_at(Stage.BENEFITS_CHECK) and "benefits-2" in walk.state.pending()
    benefits = Benefits(verdict=Verdict.CLEAR, cost_share=CostShare(copay=10))
    walk.settle("benefits-2", BenefitsAnswer(benefits=benefits))
    assert walk.is_at(Stage.COST_REVIEW) and walk.owes() == {"enrol-1", "accept-cost-2"}
    assert walk.state.cost.estimate is not None and walk.state.cost.estimate.high == Decimal(24 * 10)


@pytest.mark.parametrize("verdict", ["INACTIVE", "NOT_COVERED"])
@pytest.mark.parametrize("walk_to", [placed, agreed])
def test_coverage_found_to_be_missing_before_enrolment_stops_it(walk_to: Callable[..., Walk], verdict: str) -> None:
    walk = walk_to(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.do(RecordBenefits, verdict=verdict, note="asked once more")
    assert walk.is_at(Stage.FUNDING_EXCEPTION) and walk.owes() == {"enrol-1", "resolve-funding-1"}
    walk.refused(ConfirmEnrolment, "wrong-stage", track="evening")
    walk.do(ResolveFunding, route="self-pay", reason="the family pays")
    assert walk.is_at(Stage.COST_REVIEW) and walk.owes() == {"enrol-1", "accept-cost-2"}
    walk.do(AcceptCost, estimate="estimate-2")
    walk.enrol()


def test_benefits_that_change_after_the_cost_was_accepted_are_priced_and_accepted_anew() -> None:
    walk = agreed()
    walk.do(RecordBenefits, verdict="CLEAR", cost_share=CostShare(copay=60), note="a new plan year")
    assert walk.is_at(Stage.COST_REVIEW) and walk.owes() == {"enrol-1", "accept-cost-2"}
    walk.refused(AcceptCost, "estimate-outdated", estimate="estimate-1")
    walk.do(AcceptCost, estimate="estimate-2")
    assert walk.is_at(Stage.ENROLLING)


def test_a_self_pay_client_found_to_be_covered_is_priced_as_insured() -> None:
    walk = answered(Verdict.INACTIVE)
    walk.do(ResolveFunding, route="self-pay", reason="the family pays")
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    walk.do(RecordBenefits, verdict="CLEAR", cost_share=CostShare(copay=30), note="the plan was found")
    estimate = walk.state.cost.estimate
    assert estimate is not None and estimate.high == Decimal(18 * 30) and walk.state.funding.route is None


def authorised() -> Walk:
    walk = placed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.do(CompleteObligation, obligation="obtain-authorisation-1", note="by fax", by=ADMISSIONS)
    return walk


def test_an_authorisation_dropped_with_the_coverage_is_asked_for_again_when_the_coverage_returns() -> None:
    walk = placed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.do(DeclineCost, reason="too dear")
    assert "obtain-authorisation-1" not in walk.owes()
    walk.do(RecordBenefits, verdict="CLEAR_AUTH_REQUIRED", cost_share=CostShare(copay=5), note="cheaper")
    assert "obtain-authorisation-2" in walk.owes()
    walk.do(AcceptCost, estimate="estimate-2")
    walk.refused(ConfirmEnrolment, "authorisation-open", track="evening")


def test_an_authorisation_by_one_payer_is_not_taken_for_another_payers() -> None:
    walk = authorised()
    walk.do(DeclineCost, reason="too dear")
    walk.do(ResolveFunding, route="other-coverage", reason="a second plan")
    benefits = Benefits(verdict=Verdict.CLEAR_AUTH_REQUIRED, cost_share=CostShare(copay=10))
    walk.settle("benefits-2", BenefitsAnswer(benefits=benefits))
    assert "obtain-authorisation-2" in walk.owes()


def test_an_authorisation_once_given_is_not_asked_for_again_under_the_same_coverage() -> None:
    walk = authorised()
    walk.do(RecordBenefits, verdict="CLEAR_AUTH_REQUIRED", cost_share=CostShare(copay=40), note="by phone")
    assert walk.owes() == {"enrol-1", "accept-cost-1"}


def test_an_authorisation_the_payer_no_longer_asks_for_holds_nobody_up() -> None:
    walk = placed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.do(RecordBenefits, verdict="CLEAR", cost_share=CostShare(copay=30), note="no authorisation needed")
    assert "obtain-authorisation-1" not in walk.owes()


def test_who_pays_themselves_is_not_held_up_by_a_plan_that_ended() -> None:
    walk = answered(Verdict.INACTIVE)
    walk.do(ResolveFunding, route="self-pay", reason="the family pays")
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    walk.do(RecordBenefits, verdict="NOT_COVERED", note="asked again")
    assert walk.is_at(Stage.COST_REVIEW) and "accept-cost-1" in walk.owes()


def test_coverage_lost_before_the_placement_is_decided_goes_back_to_funding() -> None:
    walk = answered()
    walk.do(RecordBenefits, verdict="INACTIVE", note="ended yesterday")
    assert walk.is_at(Stage.FUNDING_EXCEPTION) and walk.owes() == {"enrol-1", "resolve-funding-1"}
    walk.do(ResolveFunding, route="self-pay", reason="the family pays")
    assert walk.is_at(Stage.PLACEMENT) and "decide-placement-2" in walk.owes()
