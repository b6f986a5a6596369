"""A journey moved to another policy loses nothing: neither a price, nor an authorisation, nor a way out."""

from __future__ import annotations

from typing import Any

import pytest

from domain.benefits import Verdict
from domain.obligation_terms import Channel, StepTerms
from domain.pathway.cost import AcceptCost
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.policy import Level, policy_named, use_policies
from domain.values import Role
from tests.domain.walk import ADMISSIONS, WHOLE_PLAN, Walk, agreed, answered, enrolled, placed, stepping_up

BASE = policy_named("us-generic-1")


def like_the_example(version: str, **changes: Any) -> str:
    """Makes a policy known that differs in these fields."""
    use_policies([BASE.changed(version=version, digest=version, **changes)])
    return version


def ours(**changes: Any) -> tuple[Level, ...]:
    return tuple(each.changed(**changes) if each.is_ours else each for each in BASE.levels)


def moved(walk: Walk, to: str) -> Walk:
    walk.do(ChangePolicy, to=to, reason="its site has it")
    return walk


def dearer() -> str:
    price = BASE.level("IOP").price
    assert price is not None
    return like_the_example("us-dearer-1", levels=ours(price=price.changed(allowed_dollars=9, treatment_days=99)))


def test_a_client_asked_about_the_cost_is_shown_the_new_price() -> None:
    walk = moved(placed(), dearer())
    walk.refused(AcceptCost, "estimate-outdated", estimate="estimate-1")
    assert walk.state.cost.estimate is not None and walk.state.cost.estimate.days == 99
    assert "accept-cost-1" in walk.owes() and "accept-cost-2" not in walk.owes()
    walk.do(AcceptCost, estimate="estimate-2")


def test_a_price_that_was_accepted_holds() -> None:
    walk = moved(agreed(), dearer())
    walk.enrol()


@pytest.mark.parametrize("walk_to", [placed, agreed])
def test_a_level_the_payer_was_not_asked_about_needs_its_authorisation(walk_to: Any) -> None:
    walk = moved(walk_to(), like_the_example("us-none-asked-1", levels=ours(plan_asked=False)))
    assert "obtain-authorisation-1" in walk.owes()


def test_an_authorisation_that_the_payer_wants_is_owed_once_the_policy_has_them() -> None:
    without = like_the_example("us-authorisation-left-out-1", parts=BASE.parts - {"authorisation"})
    walk = moved(answered(Verdict.CLEAR_AUTH_REQUIRED), without)
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    walk.do(AcceptCost, estimate="estimate-1")
    moved(walk, "us-generic-1")
    walk.refused(ConfirmEnrolment, "authorisation-open", track="evening")
    walk.do(CompleteObligation, obligation="obtain-authorisation-1", note="by phone", by=ADMISSIONS)
    walk.enrol()


def test_an_authorisation_that_was_obtained_or_is_owed_stays_as_it_is() -> None:
    walk = placed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    moved(walk, dearer())
    assert "obtain-authorisation-1" in walk.owes()
    walk.do(CompleteObligation, obligation="obtain-authorisation-1", note="by phone", by=ADMISSIONS)
    moved(walk, "us-generic-1")
    assert not walk.state.open_of("obtain-authorisation")


def test_where_care_once_began_does_not_bind_a_client_who_has_moved_on() -> None:
    without = like_the_example("us-no-op-1", levels=tuple(each for each in BASE.levels if each.id != "OP"))
    walk = stepping_up()
    walk.refused(ChangePolicy, "level-differs", to=without, reason="its site has none")
    walk.do(ConfirmArrival, facility="upstairs")
    moved(walk, without)
    walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
    left = enrolled("OP")
    left.do(Discharge, reason="goals-met")
    moved(left, without)


@pytest.mark.parametrize("hours", [24, -200, -8760])
def test_weekly_reviews_come_each_week_whenever_the_first_person_is_told(hours: int) -> None:
    steps = (StepTerms(hours=hours, tell=Role.CLINICIAN, by=Channel.PAGE),)
    terms = BASE.obligations["review"].changed(steps=steps)
    version = like_the_example(f"us-told-{hours}", obligations={**BASE.obligations, "review": terms})
    walk = moved(enrolled(), version)
    walk.later(weeks=6, hours=10)
    for _ in range(3):
        walk.do(CompleteReview, outcome="continue", rationale="steady")
        [owed] = walk.state.open_of("review")
        assert 0 < (owed.due_at - walk.now).days <= 14, owed
        walk.later(weeks=1)
