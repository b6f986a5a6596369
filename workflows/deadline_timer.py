"""The one timer of a journey: it wakes the journey at its next deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow

from domain.pathway.deadlines import TimePassed
from domain.state import JourneyState
from domain.values import Instant
from workflows.card import timer_summary


class DeadlineTimer:
    """Waits for one moment at a time.

    Attributes:
        fault: The error that prevented setting it: a bug in this release.
    """

    def __init__(self, wait_until: Callable[[Instant], Awaitable[None]], rang: Callable[[Instant], object]) -> None:
        """`wait_until` returns at a moment; then `rang` is told of it."""
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


async def sleep_until(state: JourneyState, due: Instant) -> None:
    """Returns at `due`; the timer in the Temporal UI says what falls due then."""
    rest = due - workflow.now()
    if rest > timedelta(0):
        await workflow.sleep(rest, summary=timer_summary(state, due))


def time_passed(state: JourneyState, due: Instant) -> TimePassed:
    """What the journey is told when the moment `due` has come."""
    return TimePassed(id=f"time/{state.version}/{due.isoformat()}")
