"""What recurs beside the review of the level: the team review each week, and the certification of the level."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.obligations import Obligation
from domain.pathway.discharge import Discharge
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationMet
from domain.pathway.recurring_reviews import RECERTIFY, TEAM_REVIEW
from domain.values import Stage
from tests.domain.walk import DIRECTOR, MONDAY, Walk, discharging, enrolled, in_hospital, returning

DAY = timedelta(days=1)


def team_review(walk: Walk) -> Obligation:
    [owed] = walk.state.open_of(TEAM_REVIEW.kind)
    return owed


def talk(walk: Walk) -> ObligationMet:
    """The team talks about the client now."""
    walk.do(CompleteObligation, obligation=team_review(walk).id, note="talked about")
    return walk.saw(ObligationMet)[-1]


def last_day(walk: Walk, owed: Obligation) -> int:
    """The last day on which it may be done, in days since care began."""
    day = walk.state.calendar.local_date
    return (day(owed.due_at - timedelta(seconds=1)) - day(MONDAY)).days


def certification(walk: Walk) -> tuple[Obligation, int]:
    """The one that is owed, and how many days from now it may be done."""
    [owed] = walk.state.open_of(RECERTIFY.kind)
    day = walk.state.calendar.local_date
    return owed, (day(owed.due_at - timedelta(seconds=1)) - day(walk.now)).days


def back_from_a_gentler_level() -> Walk:
    """In IOP again after five days at OP."""
    walk = enrolled()
    walk.later(days=10)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.later(days=5)
    walk.do(RequestStepUp, to="IOP", reason="worse")
    walk.do(ConfirmArrival)
    return walk


# ---- the team, each week -----------------------------------------------------------------------------------


def test_the_team_review_repeats_week_after_week() -> None:
    walk = enrolled()
    weeks = []
    for week in range(1, 6):
        owed = team_review(walk)
        weeks.append((owed.counted.amount, last_day(walk, owed)))
        walk.later(days=7 * week - 2 - (walk.now - MONDAY).days)
        assert not talk(walk).late
    assert weeks == [(1, 7), (2, 14), (3, 21), (4, 28), (5, 35)]
    assert team_review(walk).counted.amount == 6


def test_after_one_that_was_late_the_next_is_owed_in_the_week_after_and_on_it_goes() -> None:
    walk = enrolled()
    walk.later(days=17)  # in week 3: weeks 1 and 2 were missed
    assert talk(walk).late
    assert (team_review(walk).counted.amount, last_day(walk, team_review(walk))) == (4, 28)
    walk.later(days=8)
    assert not talk(walk).late
    assert team_review(walk).counted.amount == 5


def test_one_that_is_typed_in_later_counts_for_the_week_in_which_it_was_held() -> None:
    walk = enrolled()
    walk.later(days=9)
    held = walk.now - 4 * DAY  # in week 1
    walk.do(CompleteObligation, obligation=team_review(walk).id, note="talked about", occurred_at=held)
    assert not walk.saw(ObligationMet)[-1].late
    assert team_review(walk).counted.amount == 2


def test_a_week_that_is_waived_is_followed_by_the_next() -> None:
    walk = enrolled()
    walk.later(days=3)
    walk.do(WaiveObligation, obligation=team_review(walk).id, reason="the team is away")
    assert team_review(walk).counted.amount == 2


def test_a_week_that_is_waived_ahead_is_not_owed_again() -> None:
    walk = enrolled()
    walk.later(days=9)
    talk(walk)
    assert team_review(walk).counted.amount == 3
    walk.do(WaiveObligation, obligation=team_review(walk).id, reason="the team is away in week 3")
    assert team_review(walk).counted.amount == 4


def test_both_stop_at_discharge() -> None:
    for walk in (enrolled(), discharging()):
        walk.later(days=9)
        talk(walk)
        walk.do(Discharge, reason="goals-met")
        walk.later(days=20)
        assert walk.is_at(Stage.DISCHARGED)
        assert not walk.state.open_of(TEAM_REVIEW.kind) and not walk.state.open_of(RECERTIFY.kind)


@pytest.mark.parametrize("to", ["OP", "PHP"])
def test_it_stops_at_a_level_that_has_none(to: str) -> None:
    walk = enrolled()
    walk.later(days=3)
    if to == "OP":
        walk.do(StartStepDown, to=to, reason="steady")
    else:
        walk.do(RequestStepUp, to=to, reason="worse at night")
    assert walk.state.open_of(TEAM_REVIEW.kind), "the client is still at the level"
    walk.do(ConfirmArrival, **({"facility": "Harbour Day Hospital"} if to == "PHP" else {}))
    walk.later(days=20)
    assert walk.state.level == to and not walk.state.open_of(TEAM_REVIEW.kind)
    assert not walk.state.suspension.of(TEAM_REVIEW)


def test_it_begins_again_in_the_week_in_which_the_client_comes_back() -> None:
    walk = back_from_a_gentler_level()
    assert team_review(walk).counted.amount == walk.state.week_of_service(walk.now) == 2


# ---- the certification -------------------------------------------------------------------------------------


def back_from_another_facility() -> Walk:
    walk = returning()
    walk.later(days=1)
    walk.do(ConfirmArrival)
    return walk


def back_from_the_ward() -> Walk:
    walk = in_hospital()
    walk.later(days=3)
    walk.do(StartStepDown, to="IOP", reason="stable")
    walk.do(ConfirmArrival)
    return walk


def test_the_first_certification_is_owed_60_days_after_the_level_began() -> None:
    walk = enrolled()
    owed, days = certification(walk)
    rule = walk.state.policy.level("IOP").review
    assert rule is not None and days == rule.recertify_days == 60
    assert owed.counted.rule == "levels.IOP.review.recertify_days"


@pytest.mark.parametrize("come_back", [back_from_another_facility, back_from_the_ward])
def test_after_a_return_from_a_higher_level_it_is_owed_sooner(come_back: Callable[[], Walk]) -> None:
    walk = come_back()
    owed, days = certification(walk)
    assert days == walk.state.policy.recertification_after_return_days == 7
    assert owed.counted.rule == "recertification_after_return_days"
    walk.later(days=4)
    walk.do(CompleteObligation, obligation=owed.id, note="certified", by=DIRECTOR)
    assert certification(walk)[1] == 60, "and then as ever"


def test_after_a_return_from_a_gentler_level_it_is_owed_as_ever() -> None:
    walk = back_from_a_gentler_level()
    assert certification(walk)[1] == 60


def test_a_higher_level_that_the_client_did_not_reach_brings_it_no_sooner() -> None:
    walk = enrolled()
    before = certification(walk)[0]
    walk.do(RequestStepUp, to="PHP", reason="worse at night")
    assert certification(walk)[0] == before
