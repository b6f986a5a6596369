"""Kinds of time. A deadline is always an absolute UTC moment; this module is where one is made.

No function here reads a clock: `now` is always an argument.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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


def after_hours(now: Instant, hours: float) -> datetime:
    """`hours` of elapsed time after `now`; counted in UTC, so a clock change does not move it."""
    return now.astimezone(UTC) + timedelta(hours=hours)


def after_calendar_days(now: Instant, days: int, calendar: Calendar) -> datetime:
    """Closing time `days` calendar days after `now`'s day at the site."""
    return calendar.closing(calendar.local_date(now) + timedelta(days=days))


def after_business_days(now: Instant, days: int, calendar: Calendar) -> datetime:
    """Closing time of the `days`-th business day after `now`'s day at the site.

    Raises:
        ValueError: `days` is less than 1; "today" has no business-day deadline.
    """
    if days < 1:
        raise ValueError("a business-day deadline is at least one business day away")
    day = calendar.local_date(now)
    while days > 0:
        day += timedelta(days=1)
        days -= calendar.is_open(day)
    return calendar.closing(day)


def at_service_week(care_began: Instant, week: int, calendar: Calendar, earlier_days: int = 0) -> datetime:
    """Closing time on the day that completes `week` weeks of care at this level.

    `earlier_days` at it, in stays before this one, count too.
    """
    return calendar.closing(calendar.local_date(care_began) + timedelta(weeks=week, days=-earlier_days))


def days_of_service(care_began: Instant, now: Instant, calendar: Calendar, earlier_days: int = 0) -> int:
    """Days at the site from the day care began until `now`'s day, and those in stays before this one."""
    return (calendar.local_date(now) - calendar.local_date(care_began)).days + earlier_days


def weeks_of_service(care_began: Instant, now: Instant, calendar: Calendar, earlier_days: int = 0) -> int:
    """Whole weeks of those days."""
    return days_of_service(care_began, now, calendar, earlier_days) // 7


def week_number(days: int) -> int:
    """The week, from 1, in which so many days of care are over: the day that completes a week still belongs to it."""
    return max(1, -(-days // 7))
