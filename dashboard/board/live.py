"""The live feed: server-sent events that say only that something changed. The page then fetches itself again.

So what a person may see is asked anew each time, and nothing about a client is in the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from access.rules import Action
from dashboard.board.visit import ListsVisit, Visit, services_of

router = APIRouter(include_in_schema=False)

_HEARTBEAT_SECONDS = 10.0
_GATHER_SECONDS = 0.15
"""What changes within this time is told at once: a page that fetches itself has work to do."""


@router.get("/live")
async def live(request: Request, visit: ListsVisit, journey: str | None = None) -> StreamingResponse:
    """Events `changed` with a position, and `beat` while nothing changes. It ends with the session."""
    visit.require(Action.SEE_LISTS)
    return StreamingResponse(
        _events(request, visit, journey), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(request: Request, visit: Visit, journey: str | None) -> AsyncIterator[str]:
    services = services_of(request)
    async with services.changes.subscribed(visit.sites, journey) as subscription:
        yield _event("beat", services.changes.position)
        while await services.sessions.look(visit.session.token, datetime.now(UTC)):
            position = await subscription.wait(_HEARTBEAT_SECONDS)
            if position is not None:
                yield _event("changed", position)
                await asyncio.sleep(_GATHER_SECONDS)
            elif services.changes.connected:
                yield _event("beat", services.changes.position)
            else:
                yield _event("deaf", services.changes.position)
        yield _event("ended", services.changes.position)


def _event(name: str, position: int) -> str:
    return f"id: {position}\nevent: {name}\ndata: {position}\n\n"
