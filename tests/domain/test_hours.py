"""Hours of care week by week, beside what the level asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from domain.pathway.leave import EndLeave, StartLeave
from domain.sessions.facts import Session
from domain.sessions.hours import WeekOfCare, next_planned, weeks_of_care
from domain.state import JourneyState
from tests.domain import walk
from tests.domain.test_sessions import session
from tests.domain.walk import MONDAY

DAY = timedelta(days=1)


def weeks(*sessions: Session, days: float = 20, state: JourneyState | None = None) -> tuple[WeekOfCare, ...]:
    """Of a client whose care at IOP began on the Monday, seen so many days later."""
    told = sorted(sessions, key=lambda each: (each.starts_at, each.session))
    return weeks_of_care(state or walk.enrolled().state, told, MONDAY + days * DAY)


def day_at(number: int, hours: float = 3, outcome: str = "kept") -> Session:
    minutes = int(hours * 60)
    attended = minutes if outcome == "kept" else None
    return session(f"day-{number}", outcome, number, minutes=minutes, attended=attended)


def standings(found: Sequence[WeekOfCare]) -> list[str | None]:
    return [each.standing for each in found]


def test_a_week_of_the_programme_is_on_track_and_fewer_hours_are_short() -> None:
    found = weeks(*(day_at(day) for day in (0, 2, 4, 8, 10)), day_at(15, 8), day_at(16, 8), days=22)
    assert [each.number for each in found] == [1, 2, 3, 4]
    assert [each.kept_minutes for each in found] == [540, 360, 960, 0]
    assert standings(found) == ["on-track", "short", "above", "short"]
    assert [each.is_over for each in found] == [True, True, True, False]


def test_weeks_are_those_of_the_reviews() -> None:
    [first, second, *_] = weeks(day_at(7, 9), days=13)
    assert (first.first_day, first.last_day) == (date(2026, 3, 16), date(2026, 3, 23))
    assert (second.first_day, second.last_day) == (date(2026, 3, 24), date(2026, 3, 30))
    assert (first.kept_minutes, second.kept_minutes) == (540, 0), "the day that completes a week belongs to it"
    state = walk.enrolled().state
    assert [state.week_of_service(MONDAY + each * DAY) for each in (7, 8)] == [1, 2]


def test_what_is_planned_counts_while_the_week_goes_on_and_no_longer() -> None:
    planned = [day_at(day, outcome="planned") for day in (8, 10, 12)]
    [_, going_on] = weeks(*planned, days=9)
    assert (going_on.planned_minutes, going_on.standing) == (540, "on-track")
    [_, over, _] = weeks(*planned, days=15)
    assert (over.kept_minutes, over.planned_minutes, over.standing) == (0, 540, "short")


def test_weeks_ahead_are_shown_where_something_is_planned() -> None:
    assert [each.number for each in weeks(day_at(30, outcome="planned"), days=3)] == [1, 2, 3, 4, 5]


def test_a_makeup_session_counts_in_the_week_of_the_one_it_makes_up_for() -> None:
    missed = session("missed", "no-show", 5, minutes=180)
    makeup = session("makeup", "kept", 12, minutes=180, attended=170, makes_up_for="missed")
    [first, second, *_] = weeks(day_at(1), day_at(3), missed, makeup, days=13)
    assert (first.kept_minutes, second.kept_minutes) == (360 + 170, 0)


def test_missed_and_cancelled_sessions_and_case_management_are_no_clinical_hours() -> None:
    others = (day_at(number, outcome=outcome) for number, outcome in enumerate(("no-show", "cancelled", "called-off")))
    [first, *_] = weeks(*others, session("cm", "kept", 3, type="case-management"))
    assert (first.kept, first.kept_minutes, first.planned_minutes) == (0, 0, 0)


def test_outpatient_care_is_counted_in_sessions() -> None:
    one = [day_at(day, 1) for day in (1, 8, 9, 10)]
    assert standings(weeks(*one, state=walk.enrolled("OP").state, days=16)) == ["on-track", "above", "short"]


def test_a_week_that_began_in_an_earlier_stay_is_not_judged() -> None:
    state = walk.enrolled().state
    [stay] = state.care.stays
    again = state.changed(care=state.care.changed(stays=(stay.changed(earlier_days=10),)))
    found = weeks(state=again, days=12)
    assert [(each.number, each.standing) for each in found] == [(2, None), (3, "short"), (4, "short")]
    assert found[0].first_day < date(2026, 3, 16) <= found[0].last_day


@pytest.mark.parametrize("made", [walk.opened, walk.unseen, walk.elsewhere, walk.discharged])
def test_without_care_by_us_there_are_no_weeks(made: object) -> None:
    assert callable(made)
    assert weeks(day_at(1), state=made().state) == ()


def test_the_next_session_is_the_earliest_that_is_booked_and_has_not_begun() -> None:
    booked = [day_at(9, outcome="planned"), day_at(8, outcome="planned"), day_at(7, outcome="cancelled")]
    assert next_planned([*booked, day_at(1, outcome="planned")], MONDAY + 5 * DAY) == booked[1]
    assert next_planned([day_at(1)], MONDAY) is None


def test_a_week_with_days_of_leave_is_not_called_short() -> None:
    away = walk.enrolled()
    away.later(days=8)
    away.do(StartLeave, until=MONDAY.date() + timedelta(days=16), category="travel", reason="a wedding")
    assert standings(weeks(day_at(1, 9), state=away.state, days=15)) == ["on-track", None, None]
    away.later(days=4)
    away.do(EndLeave)
    assert standings(weeks(day_at(1, 9), day_at(17, 9), state=away.state, days=25)) == [
        *("on-track", None, "on-track", "short")
    ]


def test_in_maintenance_no_week_is_called_short() -> None:
    found = weeks(state=walk.in_maintenance().state, days=40)
    assert standings(found)[-1] is None


def test_a_leave_that_nobody_ended_goes_on() -> None:
    away = walk.enrolled()
    away.do(StartLeave, until=MONDAY.date() + timedelta(days=3), category="travel", reason="a wedding")
    assert standings(weeks(state=away.state, days=16)) == [None, None, None]
    away.later(days=1)
    away.do(EndLeave)
    away.do(StartLeave, until=MONDAY.date() + timedelta(days=10), category="travel", reason="again")
    away.do(EndLeave)
    assert standings(weeks(state=away.state, days=16)) == [None, "short", "short"], "a leave of no day is none"
