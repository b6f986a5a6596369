"""Tells open pages that read models have changed: which journeys, at which sites, and nothing of what happened there.

Each process hears the projector and looks up what changed once; its open pages wait in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection

from dashboard.projections.read_model_batch import CHANGED
from dashboard.queries.moment import Pool
from eventstore.following.subscription import listening

log = structlog.get_logger(__name__)

_AT = "select coalesce(min(position), 0) from es.checkpoints where consumer like 'dash.%' and status = 'live'"
_SINCE = "select journey_id, site from dash.journeys where as_of_position > %s"
_POLL_SECONDS = 1.0


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
        connected: Whether the database answered when it was last asked.
    """

    def __init__(self, database_url: str, pool: Pool) -> None:
        self._url = database_url
        self._pool = pool
        self._open: set[Subscription] = set()
        self._has_looked = False
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
        """Looks at each notice of the projector, and each second without one, until cancelled.

        Once a lost database is back, pages are told what they missed.
        """
        async with listening(self._url, CHANGED) as news:
            while True:
                await self._look()
                await news.wait(_POLL_SECONDS)

    async def _look(self) -> None:
        try:
            async with self._pool.connection() as connection:
                changed = await self._changed(connection)
        except psycopg.Error as error:
            if self.connected:
                log.warning("board-feed-lost", error=type(error).__name__)
            self.connected = False
            return
        self.connected = True
        if changed is not None:
            for each in tuple(self._open):
                each.tell(changed)

    async def _changed(self, connection: AsyncConnection[Any]) -> Changed | None:
        """What changed since the last look; None for nothing, and at the first look."""
        [position] = await (await connection.execute(_AT)).fetchone() or [0]
        if not self._has_looked:
            self.position, self._has_looked = int(position), True
        if position <= self.position:
            return None
        rows = await (await connection.execute(_SINCE, (self.position,))).fetchall()
        self.position = int(position)
        return Changed(self.position, {str(journey): str(site) for journey, site in rows})
