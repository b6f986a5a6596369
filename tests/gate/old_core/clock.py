"""Kinds of time. A deadline is always an absolute UTC moment; this module is where one is made.

No function here reads a clock: `now` is always an argument.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from tests.gate.old_core.values import Instant, Value


class TimeKind(StrEnum):
    """How the time until a deadline was counted."""

    ELAPSED = "elapsed"  #: real hours; a night with a clock change is one hour longer or shorter
    CALENDAR_DAYS = "calendar-days"  #: days at the site, the day of the cause not counted
    BUSINESS_DAYS = "business-days"  #: days on which the site is open
    SERVICE_WEEKS = "service-weeks"  #: weeks at the site since care at this level began


class Site(Value):
    """Where care is given, for the kinds of time that depend on it.

    Attributes:
        zone: IANA time zone.
        country: ISO country whose public holidays close the site.
        subdivision: State, for its own holidays.
        closes_at: Local time at which a day's deadlines fall due.
    """

    zone: str = "America/Los_Angeles"
    country: str = "US"
    subdivision: str | None = "CA"
    closes_at: time = time(17, 0)

    def load(self) -> None:
        """Reads the zone and the holidays from their files once, so that no later question touches a file."""
        ZoneInfo(self.zone)
        _holidays(self.country, self.subdivision)

    def local_date(self, moment: Instant) -> date:
        """The calendar day at the site."""
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def closing(self, day: date) -> datetime:
        """The moment the site closes on `day`, in UTC."""
        return datetime.combine(day, self.closes_at, ZoneInfo(self.zone)).astimezone(UTC)

    def is_open(self, day: date) -> bool:
        """Whether `day` is a business day at the site."""
        return day.weekday() < 5 and day not in _holidays(self.country, self.subdivision)


@cache
def _holidays(country: str, subdivision: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays(country, subdiv=subdivision)


def after_hours(now: Instant, hours: float) -> datetime:
    """`hours` of elapsed time after `now`; counted in UTC, so a clock change does not move it."""
    return now.astimezone(UTC) + timedelta(hours=hours)


def after_calendar_days(now: Instant, days: int, site: Site) -> datetime:
    """Closing time `days` calendar days after `now`'s day at the site."""
    return site.closing(site.local_date(now) + timedelta(days=days))


def after_business_days(now: Instant, days: int, site: Site) -> datetime:
    """Closing time of the `days`-th business day after `now`'s day at the site.

    Raises:
        ValueError: `days` is less than 1; "today" has no business-day deadline.
    """
    if days < 1:
        raise ValueError("a business-day deadline is at least one business day away")
    day = site.local_date(now)
    while days > 0:
        day += timedelta(days=1)
        days -= site.is_open(day)
    return site.closing(day)


def at_service_week(care_began: Instant, week: int, site: Site) -> datetime:
    """Closing time on the day that completes `week` weeks of care at this level."""
    return site.closing(site.local_date(care_began) + timedelta(weeks=week))


def weeks_of_service(care_began: Instant, now: Instant, site: Site) -> int:
    """Whole weeks at the site from the day care began until `now`'s day."""
    return (site.local_date(now) - site.local_date(care_began)).days // 7
