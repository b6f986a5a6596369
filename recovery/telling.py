"""One decision brought to many journeys, one after the other at a steady pace, and what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from domain.commands import Decision
from domain.evolve import fold
from domain.state import JourneyState
from domain.values import Value
from eventstore.errors import UnreadableEvent
from eventstore.port import EventStore
from record.codec import from_record
from workflows.client import CommandRefused, JourneyNotRunning, Journeys, JourneysUnreachable

Pause = Callable[[float], Awaitable[None]]
"""Waits so many seconds, elapsed."""
_UNANSWERED_IN_A_ROW = 5
"""Each may take half a minute not to answer; after so many it is not about single journeys."""


class Told(Value):
    """What came of telling one journey.

    Attributes:
        failed: Why it has not done it.
    """

    journey_id: str
    failed: str | None = None


class NoneAnswers(Exception):
    """Several journeys in a row did not answer. What was done is done; ask again to go on."""


async def tell_each(
    journeys: Journeys, asked: Iterable[tuple[str, Decision]], per_minute: float, pause: Pause = asyncio.sleep
) -> AsyncIterator[Told]:
    """Tells each journey its decision.

    Raises:
        NoneAnswers: Several in a row did not answer; those that follow were not asked.
    """
    unanswered = 0
    for number, (journey_id, decision) in enumerate(asked):
        if number:
            await pause(60 / per_minute)
        told, answered = await _tell(journeys, journey_id, decision)
        yield told
        unanswered = 0 if answered else unanswered + 1
        if unanswered == _UNANSWERED_IN_A_ROW:
            raise NoneAnswers(f"{unanswered} journeys in a row did not answer: {told.failed}")


async def _tell(journeys: Journeys, journey_id: str, decision: Decision) -> tuple[Told, bool]:
    """What came of it, and whether the journey answered at all."""
    try:
        await journeys.tell(journey_id, decision)
    except (CommandRefused, JourneyNotRunning) as error:
        return Told(journey_id=journey_id, failed=str(error)), True
    except JourneysUnreachable as error:
        return Told(journey_id=journey_id, failed=str(error)), False
    return Told(journey_id=journey_id), True


async def state_on_record(store: EventStore, journey_id: str) -> JourneyState | None:
    """The journey as it is on record; None where an event is newer than this release."""
    try:
        return fold([from_record(each) for each in await store.read(journey_id)])
    except UnreadableEvent:
        return None
