"""Limits how many callers in one process ask one journey at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

AT_ONCE = 8
"""Temporal takes ten unanswered Updates of one workflow, from all processes together, and refuses the eleventh. So each
process asks for less.
"""
_WAIT_SECONDS = 10.0


class TooManyCallers(Exception):
    """Earlier callers did not get their answers in time."""


class CallerLimit:
    """Lets `AT_ONCE` callers ask a journey at once. Others wait in the order in which they came."""

    def __init__(self, wait_seconds: float = _WAIT_SECONDS) -> None:
        """`wait_seconds` is how long a caller waits for its turn; elapsed."""
        self._wait_seconds = wait_seconds
        self._free: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, journey_id: str) -> AsyncIterator[None]:
        """Waits for a turn at the journey and keeps it until the block ends.

        Raises:
            TooManyCallers: There was no turn in time.
        """
        free = self._free.setdefault(journey_id, asyncio.Semaphore(AT_ONCE))
        try:
            async with asyncio.timeout(self._wait_seconds):
                await free.acquire()
        except TimeoutError:
            raise TooManyCallers from None
        try:
            yield
        finally:
            free.release()
