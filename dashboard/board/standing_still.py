"""Journeys that cannot go on as Temporal shows it: their decisions cannot be recorded, or their tasks keep failing.

The read models do not know it, since nothing of it is on record. Temporal is asked at most every few seconds, for all
pages together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog

from recovery.running import RunningJourneys
from workflows.client import JourneysUnreachable
from workflows.not_recorded import cause

log = structlog.get_logger(__name__)

_EVERY_SECONDS = 5.0
_TASK_FAILS = "its workflow task keeps failing: see the worker's log"
AskStandingStill = Callable[[], Awaitable[Mapping[str, str] | None]]
"""Gives each such journey with why, for people; None while Temporal does not answer."""


class StandingStill:
    """Asks Temporal, and remembers the answer for a moment."""

    def __init__(self, running: RunningJourneys) -> None:
        """`running` should give up soon: a page waits for it."""
        self._running = running
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._known: Mapping[str, str] | None = None

    async def __call__(self) -> Mapping[str, str] | None:
        """As `AskStandingStill` wants it."""
        async with self._lock:
            if time.monotonic() - self._asked_at > _EVERY_SECONDS:
                self._known = await self._ask()
                self._asked_at = time.monotonic()
            return self._known

    async def _ask(self) -> Mapping[str, str] | None:
        try:
            failing, unrecorded = await self._running.failing(), await self._running.not_recorded()
        except JourneysUnreachable as error:
            log.warning("standing-still-unknown", error=type(error).__name__)
            return None
        return dict.fromkeys(failing, _TASK_FAILS) | {each: cause(code).sentence for each, code in unrecorded.items()}
