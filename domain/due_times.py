"""How a due time was counted: enough to count it anew by another calendar, and to tell a person why it is then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Self

from domain.clock import TimeKind, after_hours, business_day, calendar_day, service_week_day
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
        window_days: For a window, such as any day that week: how many days it has, the due day being the last. None
            where it can be met from the moment it is owed.
        rule: The number of the policy that says so: `step_up_hours`. None where a person named the day.
    """

    kind: TimeKind
    amount: int
    since: Instant
    day: date | None = None
    earlier_days: int = 0
    window_days: int | None = None
    rule: str | None = None

    @classmethod
    def hours(cls, amount: int, since: Instant, rule: str | None = None) -> Self:
        """Elapsed hours."""
        return cls(kind=TimeKind.ELAPSED, amount=amount, since=since, rule=rule)

    @classmethod
    def calendar_days(cls, amount: int, since: Instant, rule: str | None = None) -> Self:
        """Calendar days, the day of `since` not counted."""
        return cls(kind=TimeKind.CALENDAR_DAYS, amount=amount, since=since, rule=rule)

    @classmethod
    def business_days(cls, amount: int, since: Instant, rule: str | None = None) -> Self:
        """Days on which the site is open, the day of `since` not counted."""
        return cls(kind=TimeKind.BUSINESS_DAYS, amount=amount, since=since, rule=rule)

    @classmethod
    def service_weeks(cls, week: int, care_began: Instant, earlier_days: int = 0, rule: str | None = None) -> Self:
        """The end of a week of care at one level."""
        return cls(kind=TimeKind.SERVICE_WEEKS, amount=week, since=care_began, earlier_days=earlier_days, rule=rule)

    @classmethod
    def named(cls, day: date, since: Instant) -> Self:
        """The end of a day that a person named at `since`."""
        return cls(kind=TimeKind.NAMED_DAY, amount=0, since=since, day=day)

    def anew(self, since: Instant) -> Self:
        """As much time again from `since` on; a named day and a week of care stay where they are."""
        fixed = self.kind in (TimeKind.NAMED_DAY, TimeKind.SERVICE_WEEKS)
        return self if fixed else self.changed(since=since)

    def in_the_last(self, days: int) -> Self:
        """The same, but it can be met only on its last `days` days, the due day included."""
        return self.changed(window_days=days)

    def due_day(self, calendar: Calendar) -> date | None:
        """The day at the site on which it falls due; None for elapsed hours."""
        if self.day is not None:
            return self.day
        if self.kind is TimeKind.CALENDAR_DAYS:
            return calendar_day(self.since, self.amount, calendar)
        if self.kind is TimeKind.BUSINESS_DAYS:
            return business_day(self.since, self.amount, calendar)
        if self.kind is TimeKind.SERVICE_WEEKS:
            return service_week_day(self.since, self.amount, calendar, self.earlier_days)
        return None

    def due_at(self, calendar: Calendar) -> datetime:
        """The due time by `calendar`, in UTC. Elapsed hours are the same by every calendar."""
        day = self.due_day(calendar)
        if day is None:
            return after_hours(self.since, self.amount)
        return calendar.closing(day) if self.kind is TimeKind.BUSINESS_DAYS else calendar.day_ends(day)

    def first_day(self, calendar: Calendar) -> date | None:
        """The first day of its window at the site; None where it is no window."""
        day = self.due_day(calendar)
        if day is None or self.window_days is None:
            return None
        return day - timedelta(days=self.window_days - 1)

    def days_not_counted(self, calendar: Calendar) -> tuple[tuple[date, str], ...]:
        """The days on the way to the due day that were passed over, each with why. Only business days pass any over."""
        due = self.due_day(calendar)
        if due is None or self.kind is not TimeKind.BUSINESS_DAYS:
            return ()
        first = calendar.local_date(self.since)
        days = (first + timedelta(days=number) for number in range(1, (due - first).days))
        return tuple(
            (day, calendar.day_off(day) or "not open on this weekday") for day in days if not calendar.is_open(day)
        )

    def explained(self, site: Site, calendar: Calendar) -> str:
        """Why it is due then by `calendar`: "3 business days from Thu 8 Oct 2026 at North, closing 17:00; Mon 12 Oct
        2026 is a day off: Columbus Day".
        """
        due = self.due_day(calendar)
        if due is None:
            return f"{self.amount} hours from {moment(self.since)}"
        by_closing = self.kind is TimeKind.BUSINESS_DAYS
        end = f"closing {calendar.closing_time(due):%H:%M}" if by_closing else f"due when {day_in_words(due)} ends"
        return "; ".join([f"{self.counting(calendar)} at {site.title}, {end}", *self._notes(calendar, due)])

    def counting(self, calendar: Calendar) -> str:
        """What is counted from when, in words: "3 business days from Thu 8 Oct 2026"."""
        if self.kind is TimeKind.ELAPSED:
            return f"{self.amount} elapsed hours from {moment(self.since)}"
        start = day_in_words(calendar.local_date(self.since))
        if self.day is not None:
            return f"{day_in_words(self.day)}, the day named,"
        if self.kind is TimeKind.SERVICE_WEEKS:
            before = f" after {self.earlier_days} days of it before an interruption" if self.earlier_days else ""
            return f"the end of week {self.amount} of care that began {start}{before}"
        kind = "business day" if self.kind is TimeKind.BUSINESS_DAYS else "calendar day"
        return f"{self.amount} {kind}{'s' if self.amount != 1 else ''} from {start}"

    def _notes(self, calendar: Calendar, due: date) -> Iterator[str]:
        """The first day of a window, days off by name, and whether holidays may be missing."""
        if (first := self.first_day(calendar)) is not None:
            yield f"any day from {day_in_words(first)} on"
        if self.kind is not TimeKind.BUSINESS_DAYS:
            return
        for day, _ in self.days_not_counted(calendar):
            if why := calendar.day_off(day):
                yield f"{day_in_words(day)} is a day off: {why}"
        if due > calendar.known_until:
            yield f"holidays after {day_in_words(calendar.known_until)} are not known yet, so none is counted"


def day_in_words(day: date) -> str:
    """ "Thu 8 Oct 2026"."""
    return f"{day:%a} {day.day} {day:%b %Y}"
