"""One calendar for all journeys of a demonstration. They move on together, so they share the same "today"."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper
from temporalio.testing import TimeSkippingConfig as Config

from workflows.client import MAX_SKIPS, Journeys


class Calendar:
    """Moves every journey's own virtual clock to the same moment."""

    def __init__(self, skipper: TimeSkipper, journeys: Journeys, start: datetime) -> None:
        self._skipper = skipper
        self._journeys = journeys
        self.start = start

    async def move_on(self, journey_ids: Iterable[str], at: timedelta) -> None:
        """Moves each running journey's clock to `start + at`, firing all its timers on the way."""
        goal = self.start + at
        await asyncio.gather(*(self._move(self._journeys.handle(each), goal) for each in journey_ids))

    async def _move(self, handle: WorkflowHandle[object, object], goal: datetime) -> None:
        rest = goal - await self._skipper.get_current_time(handle)
        if rest <= timedelta(0):
            return
        try:
            await self._skipper.fast_forward(handle, rest)
        except RPCError as error:
            if not is_over(error):
                raise


def is_over(error: RPCError) -> bool:
    """Whether Temporal says that the workflow has ended."""
    return "already completed" in error.message


def skipper_of(client: Client) -> TimeSkipper:
    """A skipper for journeys whose clocks stop until they are moved on."""
    return TimeSkipper(client, config=Config(enabled=False, max_session_skip_count=MAX_SKIPS))
