"""Kinds of time at the edges of the calendar. The site is in Los Angeles."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.clock import after_hours, weeks_of_service
from domain.due_times import Counted
from domain.pathway.admission import OpenJourney
from domain.pathway.cost import AcceptCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.moves import StepUpWindowMissed
from domain.pathway.placement import DecidePlacement
from domain.pathway.screening import CompleteScreening
from domain.sites import Calendar, site_named
from tests.domain.walk import SCREENED, Walk

SITE = site_named("main").calendar
LOCAL = ZoneInfo(SITE.zone)
MOMENTS = st.integers(0, 6 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def after_calendar_days(now: datetime, days: int, calendar: Calendar) -> datetime:
    return Counted.calendar_days(days, since=now).due_at(calendar)


def after_business_days(now: datetime, days: int, calendar: Calendar) -> datetime:
    return Counted.business_days(days, since=now).due_at(calendar)


def at_service_week(care_began: datetime, week: int, calendar: Calendar) -> datetime:
    return Counted.service_weeks(week, care_began).due_at(calendar)


def local(year: int, month: int, day: int, hour: int = 17, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("began", "ends"),
    [
        (local(2026, 3, 7, 15), local(2026, 3, 8, 16)),  # 2 o'clock is left out
        (local(2026, 10, 31, 15), local(2026, 11, 1, 14)),  # 1 o'clock comes twice
        (local(2026, 6, 1, 15), local(2026, 6, 2, 15)),
    ],
)
def test_24_hours_are_24_hours_whatever_the_clocks_do(began: datetime, ends: datetime) -> None:
    due = after_hours(began, 24)
    assert due == ends and due.tzinfo is UTC
    assert due - began.astimezone(UTC) == timedelta(hours=24)


@pytest.mark.parametrize("began", [local(2026, 3, 7, 20), local(2026, 10, 31, 20)])
def test_a_step_up_over_a_clock_change_is_due_in_24_elapsed_hours(began: datetime) -> None:
    now = began.astimezone(UTC)
    walk = Walk(now)
    walk.do(OpenJourney, journey_id="j", client_ref="c", site="main", message="m", admitted_at=began)
    walk.do(RecordBenefits, verdict="CLEAR", cost_share={"copay": 30}, note="called")
    walk.do(CompleteScreening, **SCREENED)
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    walk.do(AcceptCost, estimate="estimate-1")
    walk.enrol()
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.later(hours=23, minutes=59)
    assert not walk.saw(StepUpWindowMissed)
    walk.later(minutes=1)
    assert not walk.saw(StepUpWindowMissed), "exactly then it is on time"
    walk.later(microseconds=1)
    assert walk.saw(StepUpWindowMissed)[0].at - now == timedelta(hours=24, microseconds=1)


@pytest.mark.parametrize("day", [date(2026, 3, 6), date(2026, 10, 30)])
def test_calendar_days_end_at_midnight_on_both_sides_of_a_clock_change(day: date) -> None:
    now = datetime.combine(day, datetime.min.time(), LOCAL) + timedelta(hours=9)
    for days in (0, 1, 2, 3):
        due = after_calendar_days(now, days, SITE).astimezone(LOCAL)
        assert (due.date(), due.hour) == (day + timedelta(days=days + 1), 0)


def test_a_late_evening_at_the_site_is_still_that_day() -> None:
    after_midnight_utc = datetime(2026, 3, 17, 3, 0, tzinfo=UTC)
    assert SITE.local_date(after_midnight_utc) == date(2026, 3, 16)
    assert after_business_days(after_midnight_utc, 1, SITE) == local(2026, 3, 17)
    assert after_calendar_days(after_midnight_utc, 7, SITE) == local(2026, 3, 24, 0)


@pytest.mark.parametrize(
    ("now", "days", "due"),
    [
        (local(2026, 3, 13, 9), 1, local(2026, 3, 16)),  # a weekend
        (local(2026, 11, 25, 9), 1, local(2026, 11, 30)),  # Thanksgiving, and California's day after it
        (local(2026, 12, 31, 9), 1, local(2027, 1, 4)),  # New Year on a Friday
        (local(2026, 7, 2, 9), 1, local(2026, 7, 6)),  # Independence Day on a Saturday, kept on the Friday
        (local(2026, 3, 14, 9), 10, local(2026, 3, 27)),  # admitted on a Saturday
    ],
)
def test_business_days_pass_over_weekends_and_holidays(now: datetime, days: int, due: datetime) -> None:
    assert after_business_days(now, days, SITE) == due


def test_a_site_elsewhere_keeps_its_own_holidays() -> None:
    wednesday, after_thanksgiving = local(2026, 11, 25, 9), date(2026, 11, 27)
    elsewhere = {day: name for day, name in SITE.holidays.items() if day != after_thanksgiving}
    assert after_business_days(wednesday, 1, SITE) == local(2026, 11, 30)
    assert after_business_days(wednesday, 1, SITE.changed(holidays=elsewhere)) == local(2026, 11, 27)


def test_there_is_no_business_day_deadline_today() -> None:
    with pytest.raises(ValueError, match="at least one"):
        after_business_days(local(2026, 3, 16, 9), 0, SITE)


def test_the_leap_day_is_a_day() -> None:
    assert after_calendar_days(local(2028, 2, 28, 9), 1, SITE) == local(2028, 3, 1, 0)
    assert after_business_days(local(2028, 2, 28, 9), 2, SITE) == local(2028, 3, 1)
    assert at_service_week(local(2028, 2, 29, 9), 52, SITE) == local(2029, 2, 28, 0)
    assert weeks_of_service(local(2028, 2, 23, 9), local(2028, 3, 1, 9), SITE) == 1


@pytest.mark.parametrize("began", [local(2026, 2, 20, 23, 30), local(2026, 10, 20, 0, 5)])
def test_service_weeks_count_days_at_the_site_over_clock_changes(began: datetime) -> None:
    for week in (1, 3, 6, 12):
        due = at_service_week(began, week, SITE)
        assert due.astimezone(LOCAL).hour == 0
        assert weeks_of_service(began, due - timedelta(seconds=1), SITE) == week
        assert weeks_of_service(began, due - timedelta(days=1, seconds=1), SITE) == week - 1


@given(now=MOMENTS, days=st.integers(1, 30))
def test_a_business_deadline_is_that_many_open_days_away(now: datetime, days: int) -> None:
    due = after_business_days(now, days, SITE)
    first, last = SITE.local_date(now), SITE.local_date(due)
    between = (first + timedelta(days=n) for n in range(1, (last - first).days + 1))
    assert sum(SITE.is_open(day) for day in between) == days
    assert SITE.is_open(last) and due > now


@given(began=MOMENTS, week=st.integers(1, 60))
def test_the_end_of_a_service_week_completes_it(began: datetime, week: int) -> None:
    assert weeks_of_service(began, at_service_week(began, week, SITE) - timedelta(seconds=1), SITE) == week
