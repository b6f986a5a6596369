"""Hours of care week by week: what a client came to and what is planned, beside what their level of care asks for.

Weeks are the weeks of service of the present level, as its reviews count them. A session that makes up for another
counts in the week of that one. Meetings with the case manager are no clinical hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field

from domain.clock import days_of_service, week_number
from domain.policy import Level
from domain.refusal import UnknownHere
from domain.sessions.facts import Session, SessionOutcome
from domain.values import Instant, Value

if TYPE_CHECKING:
    from domain.state import JourneyState


class WeekStanding(StrEnum):
    """How a week compares with what the level asks for. In one that goes on, what is planned counts as if kept."""

    SHORT = "short"
    ON_TRACK = "on-track"
    ABOVE = "above"


class WeekOfCare(Value):
    """One week of service."""

    number: int = Field(description="From 1.")
    first_day: date = Field(description="At the site.")
    last_day: date = Field(description="At the site; it belongs to the week.")
    is_over: bool = Field(description="Whether its last day has ended.")
    kept_minutes: int = Field(description="Clinical minutes that the client was there.")
    planned_minutes: int = Field(description="Clinical minutes planned of which nothing else is entered yet.")
    kept: int = Field(description="Clinical sessions kept.")
    planned: int = Field(description="Clinical sessions planned of which nothing else is entered yet.")
    standing: WeekStanding | None = Field(
        description="Beside what the level asks for; null where it asks for nothing, of a week that began before this "
        "stay at the level, and of one with days of leave or in maintenance."
    )


def weeks_of_care(state: JourneyState, sessions: Sequence[Session], now: Instant) -> tuple[WeekOfCare, ...]:
    """The weeks at the present level until now, and those for which something is planned; none without care by us.

    None either where this process lacks the journey's policy or calendar.
    """
    try:
        level = state.policy.level(state.level) if state.level and state.care.is_ours else None
        return _weeks(state, level, sessions, now) if level is not None else ()
    except UnknownHere:
        return ()


def next_planned(sessions: Iterable[Session], now: Instant) -> Session | None:
    """The next session that is booked."""
    booked = (each for each in sessions if each.outcome is SessionOutcome.PLANNED and each.starts_at > now)
    return min(booked, key=lambda each: (each.starts_at, each.session), default=None)


def _weeks(state: JourneyState, level: Level, sessions: Sequence[Session], now: Instant) -> tuple[WeekOfCare, ...]:
    since, calendar, earlier = state.level_since, state.calendar, state.care.earlier_days
    assert since is not None, "care at a level has begun"
    by_id = {each.session: each for each in sessions}
    held: defaultdict[int, list[Session]] = defaultdict(list)
    for each in sessions:
        days = days_of_service(since, by_id.get(each.makes_up_for or "", each).starts_at, calendar, earlier)
        if each.type.is_clinical and days >= earlier:
            held[week_number(days)].append(each)
    this_week = week_number(days_of_service(since, now, calendar, earlier))
    last = max([this_week, *(number for number, found in held.items() if any(map(_is_planned, found)))])
    numbers, began = range(week_number(earlier), last + 1), calendar.local_date(since)
    today = calendar.local_date(now)
    weeks = (_week(level, number, began, earlier, held[number], today) for number in numbers)
    return tuple(week.changed(standing=None) if _is_another(state, week, today) else week for week in weeks)


def _is_another(state: JourneyState, week: WeekOfCare, today: date) -> bool:
    """Whether it cannot be as full as others: on leave, or in maintenance with its own rhythm of visits."""
    since = state.maintenance.since
    in_maintenance = since is not None and week.last_day >= state.calendar.local_date(since)
    return in_maintenance or state.leave.is_away_between(week.first_day, week.last_day, today)


def _week(level: Level, number: int, began: date, earlier: int, sessions: Sequence[Session], today: date) -> WeekOfCare:
    """The day that completes a week still belongs to it, so the first week has the day on which care began as well."""
    week_zero = began - timedelta(days=earlier)
    first_day = week_zero + timedelta(days=7 * (number - 1) + (number > 1))
    last_day = week_zero + timedelta(days=7 * number)
    kept = [each.attended or 0 for each in sessions if each.is_kept]
    planned = [each.minutes for each in sessions if _is_planned(each)]
    is_over = today > last_day
    counted = [*kept] if is_over else [*kept, *planned]
    return WeekOfCare(
        number=number,
        first_day=first_day,
        last_day=last_day,
        is_over=is_over,
        kept_minutes=sum(kept),
        planned_minutes=sum(planned),
        kept=len(kept),
        planned=len(planned),
        standing=_standing(level, sum(counted), len(counted)) if first_day >= began else None,
    )


def _standing(level: Level, minutes: int, sessions: int) -> WeekStanding | None:
    """By hours where the level is defined by them, else by sessions."""
    if level.hours_a_week is not None:
        least, most = (60 * hours for hours in level.hours_a_week)
        return _beside(minutes, least, most)
    return _beside(sessions, *level.sessions_a_week) if level.sessions_a_week is not None else None


def _beside(amount: int, least: int, most: int) -> WeekStanding:
    return WeekStanding.SHORT if amount < least else WeekStanding.ABOVE if amount > most else WeekStanding.ON_TRACK


def _is_planned(session: Session) -> bool:
    return session.outcome is SessionOutcome.PLANNED
