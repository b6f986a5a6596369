"""The one timer of a journey: it wakes the journey at its next deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import workflow

from domain.pathway.deadlines import TimePassed
from domain.state import JourneyState
from domain.values import Instant
from workflows.card import timer_summary
from workflows.clear_text import ClearText

PAUSE = timedelta(minutes=10)
"""How long a moment is waited for, elapsed, that has come before and of which nothing came. Waiting for it as for any
other would tell the journey again and again that it has come, without end.
"""
WAKES_EACH = timedelta(seconds=5)
"""A journey is woken at multiples of this, elapsed, never before its moment; at once for what is due already. So
moments that lie close together come in one go: after the first, the timer for the next would ring while the journey
is still busy, and Temporal's virtual time can leave such a timer out (https://github.com/temporalio/temporal/pull/11373).
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = structlog.get_logger(__name__)


class DeadlineTimer:
    """Waits for one moment at a time.

    Attributes:
        fault: The error that prevented setting it: a bug in this release.
    """

    def __init__(
        self, wait_until: Callable[[Instant, timedelta], Awaitable[None]], rang: Callable[[Instant], object]
    ) -> None:
        """`wait_until` returns at a moment, and not before a pause is over; then `rang` is told of it."""
        self._wait_until = wait_until
        self._rang = rang
        self._due: Instant | None = None
        self._last_rung: Instant | None = None
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
        await self._wait_until(due, PAUSE if due == self._last_rung else timedelta(0))
        self._task = self._due = None
        self._last_rung = due
        self._rang(due)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.fault = self.fault or task.exception()


async def sleep_until(state: JourneyState, due: Instant, pause: timedelta) -> None:
    """Returns once `due` has come and `pause` is over; the timer in the Temporal UI says what falls due then."""
    if pause and not workflow.unsafe.is_replaying():
        log.error("a due time came and nothing followed from it", journey=state.journey_id, due=due.isoformat())
    now = workflow.now()
    rest = max(wakes_at(due) - now if due > now else timedelta(0), pause)
    if rest > timedelta(0):
        await workflow.sleep(rest, summary=ClearText(timer_summary(state, due)))


def wakes_at(due: Instant) -> Instant:
    """When a journey is woken for `due`."""
    return due + (_EPOCH - due) % WAKES_EACH


def time_passed(state: JourneyState, due: Instant) -> TimePassed:
    """What the journey is told when the moment `due` has come."""
    return TimePassed(id=f"time/{state.version}/{due.isoformat()}")
