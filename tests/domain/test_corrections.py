"""What was decided and is taken back, and what was recorded by mistake."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain.benefits import Verdict
from domain.commands import Decision
from domain.pathway.corrections import CorrectDischarge, CorrectEnrolment, WithdrawDischarge, WithdrawMove
from domain.pathway.cost import AcceptCost, CostEstimated, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.deadlines import TimePassed
from domain.pathway.discharge import Discharge, ReportDischarge, UpdateDischargePlan
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationMet
from domain.pathway.place_search import PlaceGivenUp
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.values import Stage
from tests.domain.walk import (
    AFTER_CARE,
    DIRECTOR,
    WHOLE_PLAN,
    Walk,
    agreed,
    answered,
    cost_declined,
    discharged,
    discharging,
    elsewhere,
    enrolled,
    followed_up_once,
    held,
    placed,
    returning,
    stepping_down,
    stepping_up,
)

WHY = {"reason": "the wrong line was read"}


def cancelled(walk: Walk) -> set[str]:
    return {each.obligation for each in walk.saw(ObligationCancelled)}


# Placement, until care begins


@pytest.mark.parametrize("make", [placed, agreed])
def test_the_level_can_be_decided_again_until_care_begins(make: Callable[[], Walk]) -> None:
    walk = make()
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    assert walk.is_at(Stage.COST_REVIEW), "the client is asked about the price of the new level"
    assert walk.saw(PlacementDecided)[-1].instead_of == "IOP"
    assert walk.saw(CostEstimated)[-1].estimate.level == "OP"
    walk.refused(AcceptCost, "estimate-outdated", estimate="estimate-1")
    walk.do(AcceptCost, estimate="estimate-2")
    walk.enrol()
    assert walk.path() == ["OP"]


def test_the_same_level_decided_again_asks_the_client_nothing_new() -> None:
    walk = agreed("OP")
    walk.do(DecidePlacement, recommended="IOP", actual="OP", variance="the client works days")
    assert walk.is_at(Stage.ENROLLING) and len(walk.saw(CostEstimated)) == 1


def test_an_authorisation_is_for_the_level_it_was_asked_for() -> None:
    walk = agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    assert "obtain-authorisation-1" in cancelled(walk)
    assert "obtain-authorisation-2" in walk.owes()


def test_a_gentler_level_may_be_the_answer_to_a_declined_cost() -> None:
    walk = cost_declined()
    assert walk.is_at(Stage.FUNDING_EXCEPTION)
    walk.do(DecidePlacement, recommended="IOP", actual="OP", variance="the client cannot pay for IOP")
    assert walk.is_at(Stage.COST_REVIEW)
    assert "resolve-funding-1" in cancelled(walk) and "accept-cost-2" in walk.owes()


def test_a_plan_that_does_not_pay_pays_for_no_level() -> None:
    walk = agreed()
    walk.do(RecordBenefits, verdict=Verdict.INACTIVE, note="the plan ended")
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    assert walk.is_at(Stage.FUNDING_EXCEPTION) and "resolve-funding-1" in walk.owes()


def test_once_care_began_a_move_is_needed() -> None:
    enrolled().refused(DecidePlacement, "wrong-stage", recommended="OP", actual="OP")


def test_a_correction_of_the_benefits_takes_back_what_the_mistake_raised() -> None:
    walk = answered(Verdict.INACTIVE)
    walk.do(RecordBenefits, verdict=Verdict.CLEAR, note="the payer looked again")
    assert walk.is_at(Stage.PLACEMENT)
    assert "resolve-funding-1" in cancelled(walk), "it was not done, it was never owed"
    assert "resolve-funding" not in {each.kind for each in walk.saw(ObligationMet)}


# A discharge that was only decided


def test_the_decision_to_discharge_can_be_taken_back() -> None:
    walk = discharging()
    walk.do(WithdrawDischarge, **WHY)
    assert walk.is_at(Stage.ACTIVE)
    assert "complete-discharge-1" in cancelled(walk)
    [review] = walk.state.open_of("review")
    assert review.due_at == walk.now + timedelta(hours=72), "a clinician looks again soon"


def test_a_discharge_that_was_not_decided_cannot_be_taken_back() -> None:
    enrolled().refused(WithdrawDischarge, "wrong-stage", **WHY)


# A move under way


def test_a_step_up_withdrawn_gives_its_place_back() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", held(walk))
    walk.do(WithdrawMove, **WHY)
    assert walk.is_at(Stage.ACTIVE) and walk.state.level == "IOP"
    assert [each.hold_key for each in walk.saw(PlaceGivenUp)]
    assert not walk.owes() & {"complete-step-up-1", "interim-contact-1"}
    assert walk.state.open_of("review")[0].due_at == walk.now + timedelta(hours=72)


def test_a_place_found_after_the_withdrawal_goes_back() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.do(WithdrawMove, **WHY)
    walk.settle("place-1-search-1", held(walk))
    assert walk.is_at(Stage.ACTIVE)
    assert any(key.startswith("release") for key in walk.state.pending())


def test_a_step_down_withdrawn_leaves_the_client_where_they_are() -> None:
    walk = stepping_down()
    walk.do(WithdrawMove, **WHY)
    assert walk.state.level == "IOP" and walk.is_at(Stage.ACTIVE)
    assert "complete-step-down-1" in cancelled(walk)
    walk.do(StartStepDown, to="OP", reason="steady after all")


def test_a_return_withdrawn_leaves_the_client_at_the_facility() -> None:
    walk = returning()
    walk.do(WithdrawMove, **WHY)
    assert walk.is_at(Stage.EXTERNAL) and walk.state.level == "PHP"
    assert any(each.startswith("external-contact") for each in walk.owes())


# An enrolment recorded by mistake


def test_an_enrolment_recorded_by_mistake_leaves_the_client_to_be_enrolled() -> None:
    walk = agreed()
    due = walk.state.obligations.open["enrol-1"].due_at
    walk.enrol()
    walk.do(CorrectEnrolment, **WHY)
    assert walk.is_at(Stage.ENROLLING) and not walk.state.care.began
    assert walk.owes() == {"enrol-2"}
    assert walk.state.obligations.open["enrol-2"].due_at == due, "the client has waited since the admission"
    walk.enrol()
    assert walk.path() == ["IOP"]


def test_a_discharge_that_was_reported_is_not_owed_of_a_client_whose_enrolment_was_a_mistake() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="message-2")
    walk.do(CorrectEnrolment, **WHY)
    assert walk.owes() == {"enrol-2"}


def test_an_enrolment_is_no_mistake_once_care_has_gone_on() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.do(WithdrawMove, **WHY)
    walk.refused(CorrectEnrolment, "care-has-gone-on", **WHY)


# A discharge recorded by mistake


@pytest.mark.parametrize("make", [discharged, followed_up_once])
def test_a_discharge_recorded_by_mistake_gives_the_client_their_care_back(make: Callable[[], Walk]) -> None:
    walk = make()
    since = walk.state.care.stays[-1].since
    walk.do(CorrectDischarge, **WHY)
    assert walk.is_at(Stage.ACTIVE) and walk.state.level == "IOP" and walk.state.level_since == since
    after_care = "follow-up", "early-follow-up", "deliver-discharge-plan"
    assert not any(each.startswith(after_care) for each in walk.owes())
    assert {"review", "continued-stay"} <= {each.kind for each in walk.state.obligations.open.values()}
    walk.later(days=40)
    assert walk.is_at(Stage.ACTIVE)


def owed(walk: Walk) -> list[tuple[str, datetime]]:
    """What is owed and when, but for the review: that comes soon."""
    return sorted((each.kind, each.due_at) for each in walk.state.obligations.open.values() if each.kind != "review")


def reviewed_certified_and_seen() -> Walk:
    """All that recurs was done once, and is owed again later than when care began would have it."""
    walk = enrolled()
    walk.later(days=4)
    walk.do(CompleteObligation, obligation="team-review-1", note="talked about")
    walk.do(CompleteObligation, obligation="recertify-1", note="certified", by=DIRECTOR)
    walk.later(days=6)
    walk.attended(missed=2, missed_since=walk.now)
    walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
    return walk


def on_leave() -> Walk:
    walk = reviewed_certified_and_seen()
    walk.do(StartLeave, until=(walk.now + timedelta(days=8)).date(), category="family", reason="a funeral")
    return walk


@pytest.mark.parametrize("make", [reviewed_certified_and_seen, on_leave])
def test_a_discharge_recorded_by_mistake_leaves_all_as_it_was_owed(make: Callable[[], Walk]) -> None:
    walk = make()
    before, leave = owed(walk), walk.state.leave
    walk.do(Discharge, reason="moved")
    assert walk.owes() == AFTER_CARE and walk.state.leave.until is None
    walk.later(days=1)
    walk.do(CorrectDischarge, **WHY)
    assert owed(walk) == before and walk.state.leave == leave


def test_a_leave_goes_on_after_a_mistaken_discharge_and_what_waited_for_its_end_comes_back_with_it() -> None:
    walk = on_leave()
    waited = set(walk.state.suspension.ids)
    assert waited == {"team-review-2", "refresh-discharge-plan-2"}
    walk.do(Discharge, reason="moved")
    walk.do(CorrectDischarge, **WHY)
    assert set(walk.state.suspension.ids) == waited
    walk.later(days=8)
    walk.do(EndLeave)
    kinds = [kind for kind, _ in owed(walk)]
    assert {"team-review", "refresh-discharge-plan", "see-client"} <= set(kinds) and len(kinds) == len(set(kinds))
    assert not {"return-from-leave", "leave-contact"} & set(kinds) and walk.state.leave.days_before == 8


def test_after_a_crisis_in_which_a_discharge_was_corrected_the_other_facility_is_called() -> None:
    walk = elsewhere()
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    walk.do(Discharge, reason="moved")
    walk.do(CorrectDischarge, **WHY)
    walk.do(EndCrisis, safety_rechecked=True, note="back at the day hospital")
    assert {each.kind for each in walk.state.obligations.open.values()} == {
        "external-contact",
        "see-after-hospital-visit",
    }


def test_a_client_discharged_from_another_facility_is_still_ours() -> None:
    walk = elsewhere()
    walk.do(RequestStepUp, to="INPATIENT", reason="worse")
    walk.do(WithdrawMove, **WHY)
    walk.do(Discharge, reason="against-advice")
    walk.do(CorrectDischarge, **WHY)
    assert walk.is_at(Stage.EXTERNAL)
    assert any(each.startswith("external-contact") for each in walk.owes())


TAKEN_BACK: dict[type[Decision], dict[str, str]] = {
    DecidePlacement: {"recommended": "OP", "actual": "OP"},
    WithdrawDischarge: WHY,
    WithdrawMove: WHY,
    CorrectDischarge: WHY,
}


@pytest.mark.parametrize("make", [placed, agreed, cost_declined, discharging, stepping_down, discharged])
def test_after_each_that_is_taken_back_something_is_owed_next(make: Callable[[], Walk]) -> None:
    walk = make()
    [(kind, fields)] = [each for each in TAKEN_BACK.items() if walk.state.stage in each[0].declared.at]
    walk.do(kind, **fields)
    assert walk.state.next_due() is not None and walk.state.next_deadline() is not None


def test_a_declined_cost_after_a_new_level_is_declined_for_that_level() -> None:
    walk = placed()
    walk.do(DecidePlacement, recommended="OP", actual="OP")
    walk.do(DeclineCost, reason="still too much")
    assert walk.is_at(Stage.FUNDING_EXCEPTION)
    walk.do(TimePassed)
