"""Sessions that are said to make up for others."""

from __future__ import annotations

import pytest

from domain.sessions.facts import Session
from domain.sessions.makeups import MakeupDoubt, doubtful_makeups
from tests.domain.test_sessions import session

MISSED = session("a", "no-show", 0)
MAKEUP = session("b", "kept", 3, makes_up_for="a")


def test_one_kept_session_makes_up_for_one_missed_session() -> None:
    assert doubtful_makeups([MISSED, MAKEUP]) == {}


@pytest.mark.parametrize("outcome", ["late-cancel", "cancelled", "called-off"])
def test_what_was_cancelled_can_be_made_up_for(outcome: str) -> None:
    assert doubtful_makeups([session("a", outcome, 0), MAKEUP]) == {}


@pytest.mark.parametrize("others", [[], [session("c", "no-show", 0)]])
def test_a_session_that_is_not_on_record_makes_it_doubtful_until_it_is(others: list[Session]) -> None:
    assert doubtful_makeups([MAKEUP, *others]) == {"b": MakeupDoubt.NOT_ON_RECORD}


@pytest.mark.parametrize("outcome", ["kept", "planned"])
def test_a_session_that_was_not_missed_needs_no_makeup(outcome: str) -> None:
    assert doubtful_makeups([MAKEUP, session("a", outcome, 0)]) == {"b": MakeupDoubt.NOT_MISSED}


@pytest.mark.parametrize("outcome", ["kept", "planned"])
def test_two_sessions_for_one_are_both_doubtful(outcome: str) -> None:
    again = session("c", outcome, 5, makes_up_for="a")
    assert doubtful_makeups([MISSED, MAKEUP, again]) == dict.fromkeys("bc", MakeupDoubt.MADE_UP_TWICE)


def test_a_makeup_that_was_missed_itself_makes_up_for_nothing() -> None:
    assert doubtful_makeups([MISSED, MAKEUP, session("c", "no-show", 5, makes_up_for="a")]) == {}
