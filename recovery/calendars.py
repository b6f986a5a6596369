"""Moves a site's open journeys to a newer calendar: one command for each, at a steady rate.

It can be interrupted and run again: a journey that already has the calendar is skipped, and a command that was already
answered adds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from domain.evolve import fold
from domain.pathway.admission import JourneyOpened
from domain.pathway.calendars import AdoptCalendar
from domain.pathway.obligations import ObligationMoved
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import Value
from eventstore.errors import UnreadableEvent
from eventstore.port import EventStore
from record.codec import from_record
from record.listing import open_journeys
from workflows.client import CommandRefused, JourneyNotRunning, Journeys, JourneysUnreachable

_UNANSWERED_IN_A_ROW = 5
"""Each may take half a minute to time out; after this many in a row, the cause is not a single journey."""


class Change(Value):
    """The calendar to adopt, who decided it and why."""

    site: str
    calendar: int
    reason: str
    by: Actor

    def command(self, journey_id: str) -> AdoptCalendar:
        """The command for a journey. It is always the same for the same journey."""
        return AdoptCalendar(
            id=f"calendar/{self.site}/{self.calendar}/{journey_id}",
            calendar=self.calendar,
            reason=self.reason,
            by=self.by,
        )


class Result(Value):
    """The effect of the change on a journey.

    Attributes:
        moved: Ids of the obligations with a new due time.
        kept: Ids of those that keep their due time although the calendar gives another: overdue ones, and ones that
            would be due in the past.
        failed: Why the journey still has the older calendar.
    """

    journey_id: str
    moved: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    failed: str | None = None


class NoneAnswers(Exception):
    """Several journeys in a row did not answer. What was done stays done; run it again to continue."""


@dataclass(frozen=True)
class CalendarChanges:
    """Sends changes to the journeys of one record and one Temporal namespace.

    Attributes:
        pause: Waits for a number of seconds, elapsed.
    """

    store: EventStore
    journeys: Journeys
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def behind(self, site: str, calendar: int) -> list[str]:
        """The open journeys of the site whose days are counted by an older calendar.

        Raises:
            EventStoreError: The record does not answer.
        """
        found = []
        async for journey_id in open_journeys(self.store):
            if await self._opened_at(journey_id) == site:
                state = await self._state(journey_id)
                if state is None or (state.admission.calendar < calendar and not state.stage.is_end):
                    found.append(journey_id)
        return found

    async def carry_out(
        self, change: Change, journeys: Sequence[str], per_minute: float, done: Callable[[Result], None]
    ) -> None:
        """Tells one journey after another, and calls `done` with each result.

        Raises:
            NoneAnswers: Several in a row did not answer; the rest were not asked.
            EventStoreError: The record does not answer.
        """
        unanswered = 0
        for number, journey_id in enumerate(journeys):
            if number:
                await self.pause(60 / per_minute)
            result, answered = await self._tell(change, journey_id)
            done(result)
            unanswered = 0 if answered else unanswered + 1
            if unanswered == _UNANSWERED_IN_A_ROW:
                raise NoneAnswers(f"{unanswered} journeys in a row did not answer: {result.failed}")

    async def _tell(self, change: Change, journey_id: str) -> tuple[Result, bool]:
        """The result, and whether the journey answered at all."""
        command = change.command(journey_id)
        try:
            await self.journeys.tell(journey_id, command)
        except (CommandRefused, JourneyNotRunning) as error:
            return Result(journey_id=journey_id, failed=str(error)), True
        except JourneysUnreachable as error:
            return Result(journey_id=journey_id, failed=str(error)), False
        return await self._result(journey_id, command.cause), True

    async def _result(self, journey_id: str, cause: str) -> Result:
        events = [from_record(each) for each in await self.store.read(journey_id)]
        moved = tuple(e.obligation for e in events if isinstance(e, ObligationMoved) and e.cause == cause)
        return Result(journey_id=journey_id, moved=moved, kept=tuple(o.id for o in fold(events).kept_due_times()))

    async def _opened_at(self, journey_id: str) -> str | None:
        try:
            first = [from_record(each) for each in await self.store.read(journey_id, limit=1)]
        except UnreadableEvent:
            return None
        return first[0].site if first and isinstance(first[0], JourneyOpened) else None

    async def _state(self, journey_id: str) -> JourneyState | None:
        """The journey's state; None if an event is newer than this release. The journey is asked anyway."""
        try:
            return fold([from_record(each) for each in await self.store.read(journey_id)])
        except UnreadableEvent:
            return None
