"""Reads journeys from the record. Everything shown is folded from events, never from a workflow's memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from domain.clock import is_late
from domain.evolve import evolve, fold
from domain.obligation_terms import Priority
from domain.obligations import flags
from domain.pathway import Event
from domain.pathway.care import LevelOfCareStarted
from domain.refusal import UnknownHere
from domain.state import JourneyState
from domain.values import Instant, LevelOfCare, Role, Stage, Value
from eventstore.events import StoredEvent
from eventstore.port import EventStore
from record.codec import from_record


class JourneyRow(Value):
    """One journey in a list.

    Attributes:
        waiting_for: The role that owes what is due first.
        waiting_for_person: The person who does, by staff id; None where it is the person on call for the role.
        priority: What comes first: that of what is due next, `safety` while anything urgent is open.
        flags: What people must see at a glance, of all that is owed.
        week: The week of care at its level, from 1; None without care, or where this process lacks its calendar.
        last_week: The last week of care at that level, beyond which only those whom the policy names continue it.
        number: See `domain.reference`; None where it is not known yet.
    """

    journey_id: str
    site: str
    stage: Stage
    level: LevelOfCare | None
    waiting_for: Role | None
    waiting_for_person: str | None = None
    next_obligation: str | None
    next_due: Instant | None
    overdue: bool
    urgent: bool
    opened_at: Instant | None
    version: int
    priority: Priority | None = None
    flags: tuple[str, ...] = ()
    week: int | None = None
    last_week: int | None = None
    number: int | None = None


class Path(Value):
    """The stages and levels of a journey, in order, including stages that it only passed through within one
    decision."""

    stages: tuple[Stage, ...]
    levels: tuple[LevelOfCare, ...]


async def read_journey(store: EventStore, journey_id: str) -> tuple[StoredEvent, ...]:
    """The journey's stored events; empty if there is no such journey."""
    return await store.read(journey_id)


async def all_events(store: EventStore, after_position: int = 0) -> AsyncIterator[StoredEvent]:
    """The whole record in order, read in batches."""
    while batch := await store.read_all(after_position=after_position):
        for stored in batch:
            yield stored
        after_position = batch[-1].position


def row(state: JourneyState, now: datetime) -> JourneyRow:
    """The row for a state in the list."""
    owed = state.next_due()
    overdue, urgent_open = bool(owed and is_late(owed.falls_due, now)), state.owes_urgently()
    closes = state.window_closes()
    return JourneyRow(
        journey_id=state.journey_id,
        site=state.admission.site,
        stage=state.stage,
        level=state.level,
        waiting_for=state.waiting_for(),
        waiting_for_person=state.waiting_for_person(),
        next_obligation=owed.id if owed else None,
        next_due=owed.falls_due if owed else None,
        overdue=overdue,
        urgent=overdue or urgent_open,
        priority=state.priority(),
        flags=flags(
            overdue=overdue,
            missed_window=bool(closes and is_late(closes, now)),
            urgent=urgent_open,
            undelivered=any(each.undelivered for each in state.obligations.open.values()),
            waived_until=state.waived_until(),
        ),
        opened_at=state.admission.opened_at,
        version=state.version,
        week=_week(state, now),
        last_week=state.care.last_week,
    )


def _week(state: JourneyState, now: datetime) -> int | None:
    try:
        return state.week_of_service(now)
    except UnknownHere:  # this process's files are older than the journey's calendar
        return None


def path(events: Iterable[Event]) -> Path:
    """The stages and levels of care that a journey's events went through."""
    state, stages, levels = JourneyState(), [Stage.REFERRED], []
    for event in events:
        state = evolve(state, event)
        if state.stage is not stages[-1]:
            stages.append(state.stage)
        if isinstance(event, LevelOfCareStarted):
            levels.append(event.level)
    return Path(stages=tuple(stages), levels=tuple(levels))


def state_of(stored: Iterable[StoredEvent]) -> JourneyState:
    """The state after these events."""
    return fold(from_record(each) for each in stored)


def urgency(row: JourneyRow) -> tuple[bool, bool, int, float, str]:
    """Sorts rows: what is urgent or overdue first, then by priority, then by what is due next; the ended last."""
    due = row.next_due.timestamp() if row.next_due else float("inf")
    rank = row.priority.rank if row.priority else len(Priority)
    return row.stage.is_end, not row.urgent, rank, due, row.journey_id
