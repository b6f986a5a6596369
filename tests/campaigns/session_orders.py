"""The same facts about a client's sessions, entered in any order and more than once, on the real server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import psycopg

from attendance.entering import SessionEntry
from attendance.telling import run_attendance
from domain.pathway.cost import AcceptCost
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.placement import DecidePlacement
from domain.plans import Actor
from domain.sessions.attendance import Attendance, attendance_of
from domain.sessions.facts import Entry, Session, SessionOutcome, SessionType
from domain.state import JourneyState
from domain.values import Instant, Role, Stage
from intake.temporal_gate import TemporalGate
from tests.workflows.house import Case, House, until

_ENTERED_AFTER = timedelta(days=19)
_BY = Actor(id="s-103", role=Role.CASE_MANAGER)


class Journey(NamedTuple):
    """What follows from sessions.

    Attributes:
        owed: What is owed, each with the moment from which it counts if that is one of the sessions' facts.
    """

    known: Attendance
    stage: Stage
    care_since: Instant | None
    owed: frozenset[tuple[str, Instant | None]]


async def other_journeys(house: House, database_url: str, seed: int, orders: int) -> AsyncIterator[str]:
    """What the journey came to in another order and did not in the first."""
    dice, admitted = random.Random(f"{seed}/sessions"), datetime.now(UTC)
    facts = _facts(dice, admitted)
    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(run_attendance(database_url, TemporalGate(house.journeys, house.store)))
        came_to = [await _entered(house, database_url, admitted, _shuffled(facts, dice)) for _ in range(orders)]
        telling.cancel()
    if came_to[0].known != attendance_of(facts):
        yield f"the sessions say {attendance_of(facts)}, the journey knows {came_to[0].known}"
    for number, each in enumerate(came_to[1:], start=2):
        differing = [name for name in Journey._fields if getattr(each, name) != getattr(came_to[0], name)]
        if differing:
            yield f"sessions in order {number} came to another journey: {', '.join(differing)}"


def _facts(dice: random.Random, admitted: datetime) -> list[Entry]:
    """Three weeks of sessions, some corrected, some made up for."""
    entries: list[Entry] = []
    for day in range(1, 18, 2):
        outcome = dice.choice((SessionOutcome.KEPT, SessionOutcome.KEPT, SessionOutcome.NO_SHOW))
        said = _session(f"s-{day}", admitted + timedelta(days=day), outcome)
        entries.append(_entry(said, len(entries), admitted))
        if dice.random() < 0.4:  # it was wrong
            other = SessionOutcome.NO_SHOW if outcome is SessionOutcome.KEPT else SessionOutcome.KEPT
            entries.append(_entry(_session(said.session, said.starts_at, other), len(entries), admitted))
    return entries


def _session(name: str, starts_at: datetime, outcome: SessionOutcome) -> Session:
    attended = 50 if outcome is SessionOutcome.KEPT else None
    return Session(
        session=name,
        outcome=outcome,
        type=SessionType.GROUP,
        starts_at=starts_at,
        minutes=60,
        attended=attended,
        site="main",
    )


def _entry(said: Session, number: int, admitted: datetime) -> Entry:
    entered_at = admitted + _ENTERED_AFTER + timedelta(seconds=number)
    return Entry(entry=f"e-{number}", entered_at=entered_at, by=_BY, said=said)


def _shuffled(facts: Sequence[Entry], dice: random.Random) -> list[Entry]:
    """In another order, a third of them twice."""
    again = dice.sample(list(facts), k=len(facts) // 3)
    return dice.sample([*facts, *again], k=len(facts) + len(again))


async def _entered(house: House, database_url: str, admitted: datetime, entries: Sequence[Entry]) -> Journey:
    """The journey of a client who was enrolled at once, and whose sessions are all entered after three weeks."""
    case = await house.admit(admitted_at=admitted)
    await case.screened()
    await case.do(DecidePlacement, recommended="IOP", actual="IOP")
    estimate = (await case.state()).cost.estimate
    await case.do(AcceptCost, estimate=estimate.id if estimate else "none")
    await case.do(ConfirmEnrolment, track="evening")
    await case.settled()
    await case.later(seconds=(admitted + timedelta(days=20) - await case.now()).total_seconds())
    entering, now = SessionEntry(house.store, "api"), await case.now()
    for each in entries:
        await entering.enter(case.id, each, now)
    await until(lambda: _is_told(database_url, case), "the journey was told of its sessions")
    return _seen(await case.settled(), admitted)


async def _is_told(database_url: str, case: Case) -> bool:
    told = "select told = entries and entries = %s from attendance.journeys where journey_id = %s"
    number = len(await case.house.store.read(f"{case.id}/sessions"))
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        row = await (await connection.execute(told, [number, case.id])).fetchone()
    return row is not None and bool(row[0])


def _seen(state: JourneyState, admitted: datetime) -> Journey:
    """Moments between the enrolment and the entering are the sessions' own; all others are of this run alone."""
    first, last = admitted + timedelta(hours=1), admitted + _ENTERED_AFTER

    def of_the_sessions(since: Instant) -> Instant | None:
        return since if first < since < last else None

    owed = {(each.kind, of_the_sessions(each.counted.since)) for each in state.obligations.open.values()}
    return Journey(state.attendance.known, state.stage, state.level_since, frozenset(owed))
