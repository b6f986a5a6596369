"""Why something is due when it is: everything from which the due time was counted, for a person to count it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.clock import TimeKind
from domain.due_times import Counted
from domain.obligations import Obligation
from domain.sites import Calendar, calendar_of
from domain.values import Instant, Value, Weekday
from domain.wording import moment

if TYPE_CHECKING:
    from domain.state import JourneyState


class WhyDue(Value):
    """What a due time was counted from.

    Attributes:
        counted: So much time of one kind, from a moment on, by a number of the policy.
        policy: The version of the policy that gave the number.
        source: The type of the event from which the obligation followed.
        site: Whose days are counted, by the version `calendar` of its calendar.
        closes_at: When it closes: what is counted in business days is due then.
        first_day: The first day of its window at the site, where it is one.
        due_day: The last day at the site; None for elapsed hours.
        not_counted: The days on the way that were passed over, each with why.
        pauses: What stopped it or moved it, and what does not.
    """

    counted: Counted
    policy: str | None
    source: str | None
    site: str
    calendar: int
    zone: str
    closes_at: dict[Weekday, time]
    first_day: date | None
    due_day: date | None
    not_counted: tuple[tuple[date, str], ...]
    pauses: tuple[str, ...]
    due_at: Instant

    def at_site(self, at: Instant) -> datetime:
        """`at` on the site's clock."""
        return at.astimezone(ZoneInfo(self.zone))


def why_due(state: JourneyState, owed: Obligation) -> WhyDue:
    """Why `owed` is due then.

    Raises:
        UnknownHere: This process does not know the site or that version of its calendar.
    """
    return _why(state, owed, owed.counted, calendar_of(state.admission.site, owed.calendar))


def why_due_if(state: JourneyState, owed: Obligation, day: date) -> WhyDue:
    """The same as it would be had the start been on `day`, at the same time of day at the site.

    Where a person named the day, such as the end of a leave or of a waiver, as it would be had they named `day`.

    Raises:
        UnknownHere: This process does not know the site or that version of its calendar.
    """
    calendar = calendar_of(state.admission.site, owed.calendar)
    return _why(state, owed, started_on(owed.counted, day, calendar), calendar)


def started_on(counted: Counted, day: date, calendar: Calendar) -> Counted:
    """`counted` from `day` on, or to `day` where a person named the day."""
    if counted.kind is TimeKind.NAMED_DAY:
        return counted.changed(day=day)
    zone = ZoneInfo(calendar.zone)
    return counted.changed(since=datetime.combine(day, counted.since.astimezone(zone).time(), zone))


def _why(state: JourneyState, owed: Obligation, counted: Counted, calendar: Calendar) -> WhyDue:
    return WhyDue(
        counted=counted,
        policy=owed.policy,
        source=owed.source,
        site=state.admission.site,
        calendar=calendar.version,
        zone=calendar.zone,
        closes_at=calendar.closes_at,
        first_day=counted.first_day(calendar),
        due_day=counted.due_day(calendar),
        not_counted=counted.days_not_counted(calendar),
        pauses=tuple(_pauses(owed, counted)),
        due_at=counted.due_at(calendar),
    )


def _pauses(owed: Obligation, counted: Counted) -> Iterator[str]:
    if counted.earlier_days:
        yield f"{counted.earlier_days} days at this level before an interruption count too; the interruption does not"
    if owed.waiver is not None and owed.waiver.until is not None:
        yield f"waived since {moment(owed.waiver.at)}: owed again on {owed.waiver.until}"
    if owed.owed_again_at is not None and counted.day is not None:
        yield f"waived until {counted.day}: due when that day is over, since it was due before"
