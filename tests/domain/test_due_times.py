"""How a due time was counted: it can be counted anew by another calendar, and says why it is then."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from domain.due_times import Counted
from domain.sites import Calendar, Site
from domain.values import Weekday
from tests.domain.walk import STAGES

DENVER = ZoneInfo("America/Denver")
CALENDAR = Calendar(
    version=1,
    zone="America/Denver",
    closes_at=dict.fromkeys(list(Weekday)[:5], time(17)) | {Weekday.FRIDAY: time(15)},
    holidays={date(2026, 10, 12): "Columbus Day"},
    known_until=date(2026, 12, 31),
)
NORTH = Site(id="north", title="North", policy="us-generic-1", calendars=(CALENDAR,))


def local(month: int, day: int, hour: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=DENVER)


@pytest.mark.parametrize(
    ("counted", "due", "told"),
    [
        (
            Counted.business_days(3, since=local(10, 8)),
            local(10, 14, 17),
            "3 business days from Thu 8 Oct 2026 at North, closing 17:00; Mon 12 Oct 2026 is a day off: Columbus Day",
        ),
        (
            Counted.business_days(1, since=local(10, 8)),
            local(10, 9, 15),
            "1 business day from Thu 8 Oct 2026 at North, closing 15:00",
        ),
        (
            Counted.calendar_days(7, since=local(10, 5, 23)),
            local(10, 13, 0),
            "7 calendar days from Mon 5 Oct 2026 at North, due when Mon 12 Oct 2026 ends",
        ),
        (
            Counted.service_weeks(6, care_began=local(9, 1)),
            local(10, 14, 0),
            "the end of week 6 of care that began Tue 1 Sep 2026 at North, due when Tue 13 Oct 2026 ends",
        ),
        (
            Counted.calendar_days(30, since=local(10, 5)).in_the_last(24),
            local(11, 5, 0),
            "30 calendar days from Mon 5 Oct 2026 at North, due when Wed 4 Nov 2026 ends; "
            "any day from Mon 12 Oct 2026 on",
        ),
        (
            Counted.named(date(2026, 10, 16), since=local(10, 8)),
            local(10, 17, 0),
            "Fri 16 Oct 2026, the day named, at North, due when Fri 16 Oct 2026 ends",
        ),
        (Counted.hours(24, since=local(10, 31)), local(11, 1, 9), "24 hours from 2026-10-31 16:00Z"),
    ],
)
def test_a_due_time_says_why_it_is_then(counted: Counted, due: datetime, told: str) -> None:
    assert counted.due_at(CALENDAR) == due
    assert counted.explained(NORTH, CALENDAR) == told


def test_a_due_time_beyond_what_the_calendar_knows_says_so() -> None:
    told = Counted.business_days(3, since=local(12, 30)).explained(NORTH, CALENDAR)
    assert told.endswith("holidays after Thu 31 Dec 2026 are not known yet, so none is counted")


def test_a_closure_moves_what_is_counted_in_business_days_and_nothing_else() -> None:
    closed = Calendar.model_validate(
        CALENDAR.model_dump()
        | {"version": 2, "closures": [{"first_day": "2026-10-09", "last_day": "2026-10-13", "reason": "burst pipe"}]}
    )
    business, since = Counted.business_days(3, since=local(10, 8)), local(10, 8)
    assert business.due_at(closed) == local(10, 16, 15)
    assert "Fri 9 Oct 2026 is a day off: burst pipe" in business.explained(NORTH, closed)
    for other in (Counted.calendar_days(3, since), Counted.hours(30, since), Counted.service_weeks(1, since)):
        assert other.due_at(closed) == other.due_at(CALENDAR)


@pytest.mark.parametrize("stage", STAGES)
def test_every_obligation_is_due_as_its_counting_says(stage: str) -> None:
    walk = STAGES[stage]()
    for owed in walk.state.obligations.open.values():
        assert owed.counted.due_at(walk.state.calendar) == owed.due_at
        assert owed.by(walk.state.calendar) == owed
