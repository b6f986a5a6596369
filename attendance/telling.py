"""Tells each journey what has changed about its client's sessions, once it must decide something."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple, Protocol

import psycopg
import structlog
from psycopg.types.json import Jsonb

from attendance.following import CHANGED, follower
from attendance.listing import sessions_on_record
from domain.sessions.attendance import Attendance, attendance_of_sessions
from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.following.bulk import Session, open_session
from eventstore.following.subscription import News, listening
from intake.gate import GateUnavailable, JourneyEnded

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_POLL_SECONDS = 1.0
_LEASE_SECONDS = 60
_LONGEST_PAUSE_SECONDS = 300
# A process that claims a row has it for this long. If the process dies, another one claims the row afterwards.
_CLAIM = """
update attendance.journeys held set try_at = clock_timestamp() + make_interval(secs => %s), attempts = attempts + 1
from (
    select journey_id from attendance.journeys
    where told < entries and try_at <= clock_timestamp()
    order by try_at limit %s for update skip locked
) due
where held.journey_id = due.journey_id
returning held.journey_id, held.entries, held.known, held.attempts
"""
_DONE = (
    "update attendance.journeys set told = greatest(told, %s), known = %s, attempts = 0, trouble = null,"
    " try_at = clock_timestamp() where journey_id = %s"
)
_LATER = (
    "update attendance.journeys set try_at = clock_timestamp() + make_interval(secs => %s), trouble = %s"
    " where journey_id = %s"
)


class AttendanceGate(Protocol):
    """The way to a journey. Raises `GateUnavailable` or `JourneyEnded`."""

    async def note_attendance(self, journey_id: str, entries: int, known: Attendance) -> None:
        """Tells the journey. Repeating it changes nothing."""


class _Due(NamedTuple):
    journey_id: str
    entries: int
    known: dict[str, Any] | None
    attempts: int


async def run_attendance(database_url: str, gate: AttendanceGate) -> None:
    """Follows the record and tells journeys, until cancelled. Several may run.

    Raises:
        EventStoreError: The record is damaged, or the database refuses what it is asked.
    """
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(follower(database_url).run())
        tasks.create_task(_tell_on(database_url, gate))


async def _tell_on(database_url: str, gate: AttendanceGate) -> None:
    async with listening(database_url, CHANGED) as news:
        while True:
            try:
                async with await open_session(database_url, "telling attendance") as session:
                    await _tell_from(session, gate, news)
            except (psycopg.OperationalError, psycopg.InterfaceError, StoreUnavailable) as error:
                log.warning("database-away", consumer="telling attendance", error=type(error).__name__)
                await asyncio.sleep(_POLL_SECONDS)


async def _tell_from(session: Session, gate: AttendanceGate, news: News) -> None:
    while True:
        if not await tell_due(session, gate):
            await news.wait(_POLL_SECONDS)


async def tell_due(session: Session, gate: AttendanceGate) -> int:
    """Tells the journeys whose turn it is; how many there were.

    Args:
        session: In autocommit. Nothing else may use it at the same time.
    """
    rows = await (await session.execute(_CLAIM, [_LEASE_SECONDS, _AT_ONCE])).fetchall()
    due = [_Due(*row) for row in rows]
    knowns = [attendance_of_sessions(await sessions_on_record(session, each.journey_id)) for each in due]
    told = await asyncio.gather(*(_tell(gate, each, known) for each, known in zip(due, knowns, strict=True)))
    for each, known, trouble in zip(due, knowns, told, strict=True):
        if trouble is None:
            await session.execute(_DONE, [each.entries, Jsonb(known.model_dump(mode="json")), each.journey_id])
        else:
            pause = min(2**each.attempts, _LONGEST_PAUSE_SECONDS)
            await session.execute(_LATER, [pause, trouble, each.journey_id])
    return len(due)


async def _tell(gate: AttendanceGate, due: _Due, known: Attendance) -> str | None:
    """Why the journey could not be told; None if it was, or need not be."""
    if due.known is not None and known == Attendance.model_validate(due.known):
        return None
    try:
        await gate.note_attendance(due.journey_id, due.entries, known)
    except JourneyEnded:
        return None
    except (GateUnavailable, EventStoreError) as error:
        log.warning("attendance-not-told", journey=due.journey_id, attempts=due.attempts, error=type(error).__name__)
        return str(error)
    return None
