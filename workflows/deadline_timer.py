"""The one timer of a journey: it wakes the journey at its next deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from domain.values import Instant


class DeadlineTimer:
    """Waits for one moment at a time.

    Attributes:
        fault: The error that prevented setting it: a bug in this release.
    """

    def __init__(self, wait_until: Callable[[Instant], Awaitable[None]], rang: Callable[[Instant], None]) -> None:
        """`wait_until` returns at the given time; then `rang` is called with that time."""
        self._wait_until = wait_until
        self._rang = rang
        self._due: Instant | None = None
        self._task: asyncio.Task[None] | None = None
        self.fault: BaseException | None = None

    def set(self, due: Instant | None) -> None:
        """Waits for `due` instead of the time it waited for. None: waits for nothing."""
        if due == self._due:
            return
        if self._task is not None:
            self._task.cancel()
        self._due = due
        self._task = asyncio.create_task(self._ring(due)) if due else None
        if self._task is not None:
            self._task.add_done_callback(self._ended)

    async def _ring(self, due: Instant) -> None:
        await self._wait_until(due)
        self._task = self._due = None
        self._rang(due)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.fault = self.fault or task.exception()
