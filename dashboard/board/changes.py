"""Tells open pages that read models have changed: which journeys, at which sites, and nothing of what happened there.

One listener for each process hears the projector and looks up what changed once; the pages wait in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from dashboard.projections.read_model_batch import CHANGED
from eventstore.errors import StoreUnavailable
from eventstore.following.bulk import Session, open_session

log = structlog.get_logger(__name__)

_AT = "select coalesce(min(position), 0) from es.checkpoints where consumer like 'dash.%' and status = 'live'"
_SINCE = "select journey_id, site, as_of_position from dash.journeys where as_of_position > %s"
_POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Changed:
    """What changed in one step of the read models, up to a position of the record.

    Attributes:
        sites: The site of each journey that changed.
    """

    position: int
    sites: Mapping[str, str]

    def concerns(self, sites: Collection[str] | None, journey: str | None) -> bool:
        """Whether a page must look again: one about a journey, or one about all journeys of `sites`.

        What happens at other sites is told to nobody, also where they name the journey.
        """
        theirs = (each for each, site in self.sites.items() if sites is None or site in sites)
        return journey in theirs if journey is not None else any(True for _ in theirs)


@dataclass(eq=False)
class Subscription:
    """One page that is open. Its queue is short: a page that is slow to read is told once that much has changed."""

    sites: Collection[str] | None
    journey: str | None
    latest: int = 0
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, changed: Changed) -> None:
        """Notes the change, if it concerns the page."""
        if changed.concerns(self.sites, self.journey):
            self.latest = changed.position
            self.heard.set()

    async def wait(self, seconds: float) -> int | None:
        """The position of the latest change that concerns the page; None if there was none for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.heard.wait()
        if not self.heard.is_set():
            return None
        self.heard.clear()
        return self.latest


class Changes:
    """All open pages of this process.

    Attributes:
        position: What the read models have taken in, as far as this process has heard.
        connected: Whether the database can be heard now.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._open: set[Subscription] = set()
        self.position = 0
        self.connected = False

    @asynccontextmanager
    async def subscribed(self, sites: Collection[str] | None, journey: str | None) -> AsyncIterator[Subscription]:
        """A subscription for as long as the block lasts."""
        subscription = Subscription(sites, journey)
        self._open.add(subscription)
        try:
            yield subscription
        finally:
            self._open.discard(subscription)

    async def follow(self) -> None:
        """Hears until cancelled. A lost connection is made anew, and pages are told what they missed."""
        pause = 0.1
        while True:
            try:
                async with await open_session(self._url, "board listener") as session:
                    await session.execute(SQL("listen {}").format(Identifier(CHANGED)))
                    self.position = self.position or await _position(session)
                    self.connected, pause = True, 0.1
                    await self._hear(session)
            except (psycopg.Error, StoreUnavailable) as error:
                log.warning("board-listener-lost", error=type(error).__name__, again_in_seconds=pause)
            finally:
                self.connected = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _hear(self, session: Session) -> None:
        """Looks at each notification, and each second without one, since a notification can be lost."""
        while True:
            async for _ in session.notifies(timeout=_POLL_SECONDS, stop_after=1):
                pass
            await self._look(session)

    async def _look(self, session: AsyncConnection[tuple[object, ...]]) -> None:
        position = await _position(session)
        if position <= self.position:
            return
        rows = await (await session.execute(_SINCE, (self.position,))).fetchall()
        self.position = position
        changed = Changed(position, {str(journey): str(site) for journey, site, _ in rows})
        for each in tuple(self._open):
            each.tell(changed)


async def _position(session: AsyncConnection[tuple[object, ...]]) -> int:
    found = await (await session.execute(_AT)).fetchone()
    return int(str(found[0])) if found else 0
