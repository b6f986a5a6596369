"""Missed duties: what was overdue at any time, done since or not. They stay visible after a journey's end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg

from dashboard.lists import position
from dashboard.projections import OBLIGATIONS
from dashboard.projections.obligations import Ending, due_day, missed_due_at, status_after
from dashboard.words import actor
from domain.events import BaseEvent
from domain.evolve import evolve
from domain.obligation_terms import Priority
from domain.obligations import Obligation
from domain.refusal import UnknownHere
from domain.state import JourneyState
from domain.values import Instant, Role, Value
from eventstore.following.bulk import open_session, read_head
from eventstore.postgres import translated

_MISSED = """
select journey_id, obligation_id, kind, priority, owner, site, to_char(due_day, 'YYYY-MM') as month,
       coalesce(missed_due_at, due_at) as due_at,
       case when ended_at is null and waived_until is not null then 'waived' when ended_at is null then 'open'
            else status end as outcome,
       ended_at, ended_by, ended_by_id
from dash.obligations
where missed_due_at is not null or (ended_at is null and waived_until is null and due_at < %s)
"""


class MissedDuty(Value):
    """A duty that was overdue at some time.

    Attributes:
        month: That of the due time, at the site: 2026-03.
        due_at: The first due time that it missed.
        outcome: `open`, or what became of it: met late, waived, or cancelled, which is never done.
        ended_by: The role in which a person ended it, and their opaque staff id.
    """

    journey_id: str
    obligation_id: str
    kind: str
    priority: Priority
    owner: Role
    site: str
    month: str
    due_at: Instant
    outcome: str
    ended_at: Instant | None = None
    ended_by: Role | None = None
    ended_by_id: str | None = None


@dataclass(frozen=True, slots=True)
class MissedDuties:
    """Those of all journeys, as of an event of the record; `head` was the last one when they were asked for."""

    rows: list[MissedDuty]
    as_of: int
    head: int


async def list_missed(database_url: str, now: datetime) -> MissedDuties:
    """Every missed duty, the most pressing first: see `order`.

    Args:
        database_url: `postgresql://...`, migrated before.
        now: What is overdue is overdue at this moment.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    async with await open_session(database_url, "missed") as session:
        try:
            head = await read_head(session)
            async with session.transaction():
                await session.execute("set transaction isolation level repeatable read")
                as_of = await position(session, OBLIGATIONS)
                cursor = await session.execute(_MISSED, [now])
                names = [column.name for column in cursor.description or ()]
                rows = [MissedDuty.model_validate(dict(zip(names, each, strict=True))) async for each in cursor]
        except psycopg.Error as error:
            raise translated(error) from None
    return MissedDuties(sorted(rows, key=order), as_of, head)


def missed_of(events: Iterable[BaseEvent], now: Instant) -> list[MissedDuty]:
    """The missed duties of one journey, from its events."""
    state, found = JourneyState(), dict[str, MissedDuty]()
    for event in events:
        before, state = state, evolve(state, event)
        for owed in before.obligations.open.values():
            if owed.id not in state.obligations.open and isinstance(event, Ending):
                found |= _ended(state, owed, event)
    for owed in state.obligations.open.values():
        found.pop(owed.id, None)
        if due_at := owed.missed_due_at or (owed.due_at if owed.is_overdue(now) else None):
            found[owed.id] = _missed(state, owed, due_at, "waived" if owed.waiver else "open")
    return sorted(found.values(), key=order)


def order(missed: MissedDuty) -> tuple[bool, int, Instant, str, str]:
    """Sorts them: what is still open first, then by priority, then by due time."""
    return missed.outcome != "open", missed.priority.rank, missed.due_at, missed.journey_id, missed.obligation_id


def _ended(state: JourneyState, owed: Obligation, event: Ending) -> dict[str, MissedDuty]:
    due_at, by = missed_due_at(owed, event), actor(event)
    if due_at is None:
        return {}
    ended = _missed(state, owed, due_at, status_after(event))
    return {
        owed.id: ended.changed(ended_at=event.at, ended_by=by.role if by else None, ended_by_id=by.id if by else None)
    }


def _missed(state: JourneyState, owed: Obligation, due_at: Instant, outcome: str) -> MissedDuty:
    return MissedDuty(
        journey_id=state.journey_id,
        obligation_id=owed.id,
        kind=owed.kind,
        priority=owed.priority,
        owner=owed.owner,
        site=state.admission.site,
        month=_month(state, due_at),
        due_at=due_at,
        outcome=outcome,
    )


def _month(state: JourneyState, due_at: Instant) -> str:
    """At the site; by UTC where this process lacks the journey's calendar."""
    try:
        return f"{due_day(state, due_at):%Y-%m}"
    except UnknownHere:
        return f"{due_at:%Y-%m}"
