"""One journey: where it stands, and what happened on it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from dashboard.api.conditions import Conditions
from dashboard.api.event_models import JourneyEvent, JourneyEvents
from dashboard.api.journey_models import Journey
from dashboard.board.journey import view
from dashboard.board.looking import Recorded, note, opened, recorded
from dashboard.board.visit import JourneyVisit, Visit
from dashboard.history import AsOf

router = APIRouter(tags=["Journey"])

JourneyId = Annotated[str, Path(description="As the lists give it.", max_length=200)]
_HEAD = "select coalesce(max(position), 0) from es.events"


@router.get("/journeys/{journey_id}")
async def read_journey(journey_id: JourneyId, visit: JourneyVisit, conditions: Conditions) -> Journey:
    """Where a journey stands, what is owed on it and why."""
    found = await _found(journey_id, visit, conditions)
    shown = view(found.events, await opened(visit, found), AsOf(), visit.now)
    return Journey.of(shown, visit.now, reads_words=found.reads_words(visit))


@router.get("/journeys/{journey_id}/events")
async def read_events(
    journey_id: JourneyId,
    visit: JourneyVisit,
    conditions: Conditions,
    after: Annotated[int, Query(ge=0, le=2**31, description="The number of the last event that you have.")] = 0,
    size: Annotated[int, Query(ge=1, le=200, description="The most events of a page.")] = 50,
) -> JourneyEvents:
    """What happened on a journey, the oldest first, and who decided."""
    found = await _found(journey_id, visit, conditions)
    events = await opened(visit, found)
    happened = reversed(view(found.events, events, AsOf(), visit.now).happened)
    whole = list(zip(happened, found.events, strict=True))
    page, reads = whole[after : after + size], found.reads_words(visit)
    rows = [JourneyEvent.of(each, stored, reads_words=reads) for each, stored in page]
    last = found.events[-1]
    more = after + len(rows) < len(whole) and bool(rows)
    return JourneyEvents(
        rows=rows, version=last.version, position=last.position, next=after + len(rows) if more else None
    )


async def _found(journey_id: str, visit: Visit, conditions: Conditions) -> Recorded:
    """The journey, unless the caller has it already. What is shown is in the audit first."""
    head = await _head(visit)
    found = await recorded(visit, journey_id)
    conditions.require_reached(head, head)  # the record itself is never behind
    conditions.mark(visit, found.events[-1].position, found.reads_words(visit))
    await note(visit, found)
    return found


async def _head(visit: Visit) -> int:
    async with visit.services.pool.connection() as connection:
        found = await (await connection.execute(_HEAD)).fetchone()
    return int(found[0]) if found else 0
