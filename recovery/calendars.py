"""Moves a site's open journeys to a newer calendar: one command for each, at a steady rate.

It can be interrupted and run again: a journey that already has the calendar is skipped, and a command that was already
answered adds nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from domain.evolve import fold
from domain.pathway.admission import JourneyOpened
from domain.pathway.calendars import AdoptCalendar
from domain.pathway.obligation_events import ObligationMoved
from domain.plans import Actor
from domain.values import Value
from eventstore.errors import UnreadableEvent
from eventstore.port import EventStore
from record.codec import from_record
from record.listing import open_journeys
from recovery.telling import Pause, Told, state_on_record, tell_each
from workflows.client import Journeys


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


@dataclass(frozen=True)
class CalendarChanges:
    """Carries changes to the journeys of one record and one Temporal namespace."""

    store: EventStore
    journeys: Journeys
    pause: Pause = asyncio.sleep

    async def behind(self, site: str, calendar: int) -> list[str]:
        """The open journeys of the site whose days are counted by an older calendar.

        Raises:
            EventStoreError: The record does not answer.
        """
        found = []
        async for journey_id in open_journeys(self.store):
            if await self._opened_at(journey_id) == site:
                state = await state_on_record(self.store, journey_id)
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
        commands = ((each, change.command(each)) for each in journeys)
        async for told in tell_each(self.journeys, commands, per_minute, self.pause):
            done(await self._result(told, change.command(told.journey_id).cause))

    async def _result(self, told: Told, cause: str) -> Result:
        journey_id = told.journey_id
        if told.failed is not None:
            return Result(journey_id=journey_id, failed=told.failed)
        events = [from_record(each) for each in await self.store.read(journey_id)]
        moved = tuple(e.obligation for e in events if isinstance(e, ObligationMoved) and e.cause == cause)
        return Result(journey_id=journey_id, moved=moved, kept=tuple(o.id for o in fold(events).kept_due_times()))

    async def _opened_at(self, journey_id: str) -> str | None:
        try:
            first = [from_record(each) for each in await self.store.read(journey_id, limit=1)]
        except UnreadableEvent:
            return None
        return first[0].site if first and isinstance(first[0], JourneyOpened) else None
