"""Escalation in business hours: nobody is paged on a Sunday for what was due on Friday evening."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.due_times import Counted
from domain.obligation_terms import ObligationKind
from domain.obligations import Obligation
from domain.pathway import OBLIGATIONS
from domain.pathway.obligation_decisions import AcknowledgeObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.plans import Actor
from domain.policy import policy_named
from domain.sites import Calendar, Closure, site_named
from domain.values import Role, Weekday
from tests.domain.walk import Walk, agreed, enrolled, opened, stepping_up

TERMS = policy_named("us-generic-1").obligations
CALENDAR = site_named("main").calendar
ZONE = ZoneInfo("America/Los_Angeles")


def at_site(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE).astimezone(UTC)  # type: ignore[arg-type,misc]


def told_at(walk: Walk, obligation: str) -> list[tuple[Role, str]]:
    """Who was told, and when by the clock of the site."""
    events = [e for e in walk.saw(ObligationEscalated) if e.obligation == obligation]
    return [(e.to, f"{e.at.astimezone(ZONE):%a %H:%M}") for e in events]


def test_no_supervisor_is_paged_on_sunday_for_a_plan_that_was_due_on_friday_evening() -> None:
    walk = agreed()
    walk.later(seconds=(at_site(2026, 3, 19, 18) - walk.now).total_seconds())  # Thursday
    walk.enrol()
    walk.later(days=6)
    told = told_at(walk, "draft-discharge-plan-1")
    assert told[:2] == [(Role.CASE_MANAGER, "Mon 08:00"), (Role.SUPERVISOR, "Mon 08:00")]


def test_a_benefit_check_due_on_friday_evening_is_told_then_and_next_on_monday() -> None:
    walk = opened(at_site(2026, 3, 19, 10))
    assert walk.state.obligations.open["verify-benefits-1"].due_at == at_site(2026, 3, 20, 17)
    walk.later(days=5)
    assert told_at(walk, "verify-benefits-1")[:3] == [
        (Role.ADMISSIONS, "Fri 17:00"),
        (Role.OPERATIONS, "Mon 08:00"),
        (Role.SUPERVISOR, "Mon 17:00"),
    ]


def test_what_can_wait_is_repeated_in_opening_hours_too() -> None:
    walk = enrolled()
    walk.later(weeks=6, days=4)
    owed = walk.state.obligations.open["review-1"]
    assert owed.steps_taken == len(owed.escalation)
    walk.later(days=1, hours=8)
    again = walk.state.obligations.open["review-1"].again_at
    assert again is not None and f"{again.astimezone(ZONE):%a %H:%M}" == "Mon 08:00"


def test_a_holiday_is_passed_over_too() -> None:
    walk = opened(at_site(2026, 5, 21, 10))  # Monday 25 May is Memorial Day
    walk.later(days=6)
    assert told_at(walk, "verify-benefits-1")[1] == (Role.OPERATIONS, "Tue 08:00")


def test_an_urgent_obligation_runs_through_the_night_and_the_weekend() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(seconds=(at_site(2026, 3, 21, 23, 30) - walk.now).total_seconds())
    walk.later(hours=40)
    nights = [clock for _, clock in told_at(walk, "complete-step-up-1") if clock[-5:] < "08:00" or clock[:3] == "Sun"]
    assert nights


@pytest.mark.parametrize(("first", "opening"), [((2026, 3, 6, 17), 15), ((2026, 10, 30, 17), 16)])
def test_the_opening_is_by_the_clocks_of_the_site_across_a_clock_change(first: tuple[int, ...], opening: int) -> None:
    """On Sunday 8 March 2026 a night has 23 hours, on 1 November 25: Monday's opening is 8 o'clock all the same."""
    friday = at_site(*first)
    monday = CALENDAR.next_opening(friday)
    assert monday.astimezone(ZONE).time() == time(8) and monday.hour == opening
    saturday = friday + timedelta(hours=24)
    assert CALENDAR.in_opening_hours(saturday) == monday


def test_the_last_opening_is_that_of_the_last_open_day() -> None:
    friday, monday = at_site(2026, 3, 13, 8), at_site(2026, 3, 16, 8)
    assert CALENDAR.last_opening(at_site(2026, 3, 15, 12)) == friday
    assert CALENDAR.last_opening(monday - timedelta(seconds=1)) == friday
    assert CALENDAR.last_opening(monday) == CALENDAR.last_opening(at_site(2026, 3, 16, 22)) == monday


def test_on_a_leap_day_the_site_opens_like_on_any_other() -> None:
    assert CALENDAR.next_opening(at_site(2028, 2, 28, 17)) == at_site(2028, 2, 29, 8)
    assert CALENDAR.next_opening(at_site(2028, 2, 29, 8)) == at_site(2028, 3, 1, 8)


@pytest.mark.parametrize(
    ("moment", "open_at"),
    [
        ((2026, 3, 16, 7, 59), (2026, 3, 16, 8)),
        ((2026, 3, 16, 8), (2026, 3, 16, 8)),
        ((2026, 3, 16, 17), (2026, 3, 16, 17)),
        ((2026, 3, 16, 17, 1), (2026, 3, 17, 8)),
        ((2026, 3, 21, 12), (2026, 3, 23, 8)),
    ],
)
def test_the_hours_begin_at_the_opening_and_end_with_the_closing(
    moment: tuple[int, ...], open_at: tuple[int, ...]
) -> None:
    assert CALENDAR.in_opening_hours(at_site(*moment)) == at_site(*open_at)


def test_a_closure_is_no_opening() -> None:
    closed = Closure(first_day=date(2026, 3, 17), last_day=date(2026, 3, 19), reason="burst pipe")
    calendar = CALENDAR.changed(closures=(closed,))
    assert calendar.next_opening(at_site(2026, 3, 16, 18)) == at_site(2026, 3, 20, 8)


def test_a_site_opens_before_it_closes() -> None:
    with pytest.raises(ValidationError, match="opens_at must be before the closing time"):
        Calendar(
            version=1,
            zone="America/Denver",
            opens_at=time(12),
            closes_at={Weekday.MONDAY: time(17), Weekday.SATURDAY: time(12)},
            known_until=date(2027, 12, 31),
        )


def test_an_acknowledgement_in_the_evening_keeps_quiet_until_the_next_opening() -> None:
    walk = opened(at_site(2026, 3, 16, 10))
    walk.later(seconds=(at_site(2026, 3, 17, 17) - walk.now).total_seconds())
    walk.do(AcknowledgeObligation, obligation="verify-benefits-1", by=Actor(id="s-101", role=Role.ADMISSIONS))
    assert walk.state.obligations.open["verify-benefits-1"].quiet_until == at_site(2026, 3, 18, 8)


@given(kind=st.sampled_from(list(OBLIGATIONS.values())), days=st.integers(1, 30), hours=st.integers(0, 24 * 400))
def test_every_step_is_at_or_after_its_planned_hour_and_in_opening_hours_where_it_can_wait(
    kind: ObligationKind, days: int, hours: int
) -> None:
    began = at_site(2026, 1, 1, 0) + timedelta(hours=hours)
    counted = Counted.business_days(days, since=began)
    owed = Obligation.raised(kind, TERMS[kind.kind], 1, raised_at=began, counted=counted, by=CALENDAR)
    for step in owed.escalation:
        planned = began
        if isinstance(step.offset, int):
            planned = max(began, owed.due_at + timedelta(hours=step.offset))
        assert step.at >= planned
        if step.offset is not None and not kind.urgent:
            assert CALENDAR.in_opening_hours(step.at) == step.at == CALENDAR.in_opening_hours(planned)
