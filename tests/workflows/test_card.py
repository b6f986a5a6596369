"""The card of a journey whose payer said more than a code, without one of the payer's own words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.benefits import Benefits, CostShare, Evidence, Topic, Verdict
from domain.cost import estimate
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.taper import PlanTaper
from domain.plans import Estimate
from domain.policy import policy_named
from domain.state import JourneyState
from tests.domain import walk
from tests.domain.walk import MONDAY
from workflows.card import card

SAID = Evidence(
    topics=(Topic.OTHER_PAYER, Topic.CONTACT), about="EB-1-MH", text="CALL QUILLFEATHER", other_payer="HARBOR MIND CARE"
)
ANSWER = Benefits(
    verdict=Verdict.NEEDS_REVIEW, reasons=("SAID-OTHER-PAYER",), evidence=(SAID,), cost_share=CostShare(copay=30)
)


def reviewed() -> JourneyState:
    opened = walk.opened()
    opened.settle("benefits-1", BenefitsAnswer(benefits=ANSWER))
    return opened.state


def test_the_card_says_what_a_person_must_judge_and_where_its_words_are() -> None:
    state = reviewed()
    shown = card(state, MONDAY)
    for words in ("NEEDS_REVIEW", "another payer may handle this care", "throughline benefits"):
        assert words in shown
    assert "QUILLFEATHER" not in shown and "HARBOR" not in shown


def test_the_card_says_in_which_week_of_how_many_the_client_is_and_on_which_day_that_was() -> None:
    enrolled = walk.enrolled()
    enrolled.later(days=57)
    assert "**IOP week 9 of 12** on 2026-05-12" in card(enrolled.state, enrolled.now)
    assert "**OP week 1** on 2026-03-16" in card(walk.enrolled("OP").state, MONDAY)


def test_the_card_says_where_a_place_is_held_and_that_our_own_level_needs_none() -> None:
    assert "place held at facility-1 from 2026-03-16 19:00 UTC" in card(walk.place_held().state, MONDAY)
    assert "no place held yet" in card(walk.stepping_up("IOP", "PHP").state, MONDAY)
    assert "place" not in card(walk.stepping_up("OP", "IOP").state, MONDAY).splitlines()[-1]


def _priced(state: JourneyState, estimate: Estimate) -> JourneyState:
    return state.changed(cost=state.cost.changed(estimate=estimate))


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (CostShare(copay=0, coinsurance="0.3", deductible_remaining=700), "$3010.00"),
        (CostShare(copay=40, coinsurance="0.2", deductible_remaining=0), "$960.00 to $2640.00"),
        (CostShare(coinsurance="0.2"), "$1680.00 or more, the most is unknown"),
        (None, "unknown"),
    ],
)
def test_the_card_says_the_price_with_what_it_rests_on(share: CostShare | None, told: str) -> None:
    priced = estimate(1, policy_named("us-generic-1").level("IOP"), share, self_pay=False)
    shown = card(_priced(walk.placed().state, priced), MONDAY)
    assert f"Cost, estimate-1: {told}\n" in shown
    assert all(f"- {line}" in shown for line in priced.assumptions)


def test_the_card_says_how_far_a_move_is_prepared() -> None:
    moving = walk.stepping_down()
    shown = card(moving.state, moving.now)
    assert "Handoff: to OP, not tried yet" in shown and "First visit: not booked yet" in shown
    assert "Taper" not in shown
    moving.do(PlanTaper, until=MONDAY.date() + timedelta(days=10))
    moving.do(BookFirstVisit, first_visit_at=MONDAY + timedelta(days=2))
    moving.hand_off()
    shown = card(moving.state, moving.now)
    for words in ("Handoff: to OP, read back", "First visit: booked for 2026-03-18", "Taper: some IOP sessions until"):
        assert words in shown


def test_the_card_says_where_a_client_in_a_crisis_is_and_what_waits() -> None:
    shown = card(walk.in_hospital_before_care().state, MONDAY)
    assert "In a crisis since 2026-03-16 17:00 UTC: inpatient\n" in shown
    assert "Harbor Hospital" not in shown, "a person wrote it, and the card is readable without a key"
    assert "Waiting until the client is back: decide-placement-1, enrol-1" in shown
    assert "attempt at home" not in shown
    assert "In a crisis" not in card(walk.enrolled().state, MONDAY)


def test_the_card_of_a_client_who_died_names_the_review_and_nothing_else() -> None:
    shown = card(walk.died().state, MONDAY)
    assert "**DECEASED**" in shown and "mortality-review-1" in shown
    assert "Waiting until" not in shown and "review-1`" not in shown.replace("mortality-review-1`", "")


def test_the_card_of_an_ended_journey_says_until_when_that_can_be_taken_back() -> None:
    ended = walk.withdrawn()
    assert "a mistake can be taken back until 2026-03-24 07:00 UTC" in card(ended.state, MONDAY)
    ended.until_final()
    assert "taken back" not in card(ended.state, MONDAY)
