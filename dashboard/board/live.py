"""The live feed: server-sent events that say only that something changed. The page then fetches itself again.

So what a person may see is asked anew each time, and nothing about a client is in the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from dashboard.board.services import Services
from dashboard.board.visit import ListsVisit, Visit, services_of

router = APIRouter(include_in_schema=False)

_HEARTBEAT_SECONDS = 10.0
_GATHER_SECONDS = 0.15
"""What changes within this time is told at once: a page that fetches itself has work to do."""


@router.get("/live")
async def live(request: Request, visit: ListsVisit, journey: str | None = None) -> StreamingResponse:
    """Events `changed` with a position, and `beat` while nothing changes. It ends with the session."""
    return StreamingResponse(
        _events(request, visit, journey), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@router.get("/in-use", status_code=204)
async def in_use(_: ListsVisit) -> None:
    """A person types or reads: the session is in use."""


async def _events(request: Request, visit: Visit, journey: str | None) -> AsyncIterator[str]:
    services = services_of(request)
    async with services.changes.subscribed(visit.sites, journey) as subscription:
        yield _event("beat", services.changes.position)
        while await _still_may(services, visit):
            position = await subscription.wait(_HEARTBEAT_SECONDS)
            if position is not None:
                yield _event("changed", position)
                await asyncio.sleep(_GATHER_SECONDS)
            elif services.changes.connected:
                yield _event("beat", services.changes.position)
            else:
                yield _event("deaf", services.changes.position)
        yield _event("ended", services.changes.position)


async def _still_may(services: Services, visit: Visit) -> bool:
    """Whether the session goes on and the list of staff still says the same of the person."""
    goes_on = await services.sessions.look(visit.session.token, datetime.now(UTC))
    return goes_on is not None and services.viewer(visit.viewer.person) == visit.viewer


def _event(name: str, position: int) -> str:
    return f"id: {position}\nevent: {name}\ndata: {position}\n\n"
