"""How a due time was counted: enough to count it anew by another calendar, and to tell a person why it is then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Self

from domain.clock import TimeKind, after_business_days, after_calendar_days, after_hours, at_service_week
from domain.sites import Calendar, Site
from domain.values import Instant, Value
from domain.wording import moment


class Counted(Value):
    """So much time of one kind, from a moment on.

    Attributes:
        amount: Hours, days or weeks, as `kind` says; 0 for a named day.
        since: From when it is counted. Days and weeks count from its day at the site.
        earlier_days: Days at the same level of care in stays before `since`, for `SERVICE_WEEKS`.
        day: The day at the site that a person named, for `NAMED_DAY`.
    """

    kind: TimeKind
    amount: int
    since: Instant
    day: date | None = None
    earlier_days: int = 0

    @classmethod
    def hours(cls, amount: int, since: Instant) -> Self:
        """Elapsed hours."""
        return cls(kind=TimeKind.ELAPSED, amount=amount, since=since)

    @classmethod
    def calendar_days(cls, amount: int, since: Instant) -> Self:
        """Calendar days, the day of `since` not counted."""
        return cls(kind=TimeKind.CALENDAR_DAYS, amount=amount, since=since)

    @classmethod
    def business_days(cls, amount: int, since: Instant) -> Self:
        """Days on which the site is open, the day of `since` not counted."""
        return cls(kind=TimeKind.BUSINESS_DAYS, amount=amount, since=since)

    @classmethod
    def service_weeks(cls, week: int, care_began: Instant, earlier_days: int = 0) -> Self:
        """The end of a week of care at one level."""
        return cls(kind=TimeKind.SERVICE_WEEKS, amount=week, since=care_began, earlier_days=earlier_days)

    @classmethod
    def named(cls, day: date, since: Instant) -> Self:
        """The end of a day that a person named at `since`."""
        return cls(kind=TimeKind.NAMED_DAY, amount=0, since=since, day=day)

    def anew(self, since: Instant) -> Self:
        """As much time again from `since` on; a named day and a week of care stay where they are."""
        fixed = self.kind in (TimeKind.NAMED_DAY, TimeKind.SERVICE_WEEKS)
        return self if fixed else self.changed(since=since)

    def due_at(self, calendar: Calendar) -> datetime:
        """The due time by `calendar`, in UTC. Elapsed hours are the same by every calendar."""
        if self.day is not None:
            return calendar.closing(self.day)
        if self.kind is TimeKind.ELAPSED:
            return after_hours(self.since, self.amount)
        if self.kind is TimeKind.CALENDAR_DAYS:
            return after_calendar_days(self.since, self.amount, calendar)
        if self.kind is TimeKind.SERVICE_WEEKS:
            return at_service_week(self.since, self.amount, calendar, self.earlier_days)
        return after_business_days(self.since, self.amount, calendar)

    def explained(self, site: Site, calendar: Calendar) -> str:
        """Why it is due then by `calendar`: "3 business days from Thu 8 Oct 2026 at North, closing 17:00; Mon 12 Oct
        2026 is a day off: Columbus Day".
        """
        if self.kind is TimeKind.ELAPSED:
            return f"{self.amount} hours from {moment(self.since)}"
        due = calendar.local_date(self.due_at(calendar))
        closing = f"{calendar.closing_time(due):%H:%M}"
        return "; ".join(
            [f"{self._counting(calendar)} at {site.title}, closing {closing}", *self._notes(calendar, due)]
        )

    def _counting(self, calendar: Calendar) -> str:
        start = _day(calendar.local_date(self.since))
        if self.day is not None:
            return f"{_day(self.day)}, the day named,"
        if self.kind is TimeKind.SERVICE_WEEKS:
            before = f" after {self.earlier_days} days of it before an interruption" if self.earlier_days else ""
            return f"the end of week {self.amount} of care that began {start}{before}"
        kind = "business day" if self.kind is TimeKind.BUSINESS_DAYS else "calendar day"
        return f"{self.amount} {kind}{'s' if self.amount != 1 else ''} from {start}"

    def _notes(self, calendar: Calendar, due: date) -> Iterator[str]:
        """The days passed over by name, and whether holidays may be missing. Only business days depend on either."""
        if self.kind is not TimeKind.BUSINESS_DAYS:
            return
        day = calendar.local_date(self.since) + timedelta(days=1)
        while day < due:
            if why := calendar.day_off(day):
                yield f"{_day(day)} is a day off: {why}"
            day += timedelta(days=1)
        if due > calendar.known_until:
            yield f"holidays after {_day(calendar.known_until)} are not known yet, so none is counted"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"
