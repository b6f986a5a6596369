"""Kinds of time. A deadline is always an absolute UTC moment; this module is where one is made.

What is counted in business days is due when the site closes on the last of them. What is counted in calendar days or
weeks, or due on a named day, is due when that day ends at the site, at midnight: the site may be closed all day, and a
contact in the evening is still one on that day.

No function here reads a clock: `now` is always an argument.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from domain.sites import Calendar
from domain.values import Instant


class TimeKind(StrEnum):
    """How the time until a deadline was counted."""

    ELAPSED = "elapsed"  #: real hours; a night with a clock change is one hour longer or shorter
    CALENDAR_DAYS = "calendar-days"  #: days at the site, the day of the cause not counted
    BUSINESS_DAYS = "business-days"  #: days on which the site is open
    NAMED_DAY = "named-day"  #: a day at the site that a person named
    SERVICE_WEEKS = "service-weeks"  #: weeks at the site since care at this level began


def utc_day(at: Instant) -> date:
    """The day of `at` by UTC, where a fold or a fact about many sites has no site's calendar."""
    return at.astimezone(UTC).date()


def is_late(due_at: Instant, at: Instant) -> bool:
    """Whether what is due at `due_at` is late at `at`: exactly at the due time it is on time."""
    return at > due_at


def first_late_moment(due_at: Instant) -> datetime:
    """The first moment at which what is due at `due_at` is late. Instants are kept to the microsecond."""
    return due_at.astimezone(UTC) + timedelta(microseconds=1)


def after_hours(now: Instant, hours: float) -> datetime:
    """`hours` of elapsed time after `now`; counted in UTC, so a clock change does not move it."""
    return now.astimezone(UTC) + timedelta(hours=hours)


def calendar_day(now: Instant, days: int, calendar: Calendar) -> date:
    """The day `days` calendar days after `now`'s day at the site."""
    return calendar.local_date(now) + timedelta(days=days)


def business_day(now: Instant, days: int, calendar: Calendar) -> date:
    """The `days`-th business day after `now`'s day at the site.

    Raises:
        ValueError: `days` is less than 1; "today" has no business-day deadline.
    """
    if days < 1:
        raise ValueError("a business-day deadline is at least one business day away")
    day = calendar.local_date(now)
    while days > 0:
        day += timedelta(days=1)
        days -= calendar.is_open(day)
    return day


def service_week_day(care_began: Instant, week: int, calendar: Calendar, earlier_days: int = 0) -> date:
    """The day at the site that completes `week` weeks of care at this level.

    `earlier_days` at it, in stays before this one, count too.
    """
    return calendar.local_date(care_began) + timedelta(weeks=week, days=-earlier_days)


def days_of_service(care_began: Instant, now: Instant, calendar: Calendar, earlier_days: int = 0) -> int:
    """Days at the site from the day care began until `now`'s day, and those in stays before this one."""
    return (calendar.local_date(now) - calendar.local_date(care_began)).days + earlier_days


def weeks_of_service(care_began: Instant, now: Instant, calendar: Calendar, earlier_days: int = 0) -> int:
    """Whole weeks of those days."""
    return days_of_service(care_began, now, calendar, earlier_days) // 7


def week_number(days: int) -> int:
    """The week, from 1, in which so many days of care are over: the day that completes a week still belongs to it."""
    return max(1, -(-days // 7))
