"""A run of a site's digests on a virtual clock of its own, with a worker that can be taken away."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from activities.signatures import SEND_DIGESTS, DigestRequest, DigestsSent
from domain.sites import Closure, all_sites, site_named, use_sites
from tests.workflows.house import until
from workflows.client import MAX_SKIPS
from workflows.messages import DIGESTS, TASK_QUEUE, DigestStart

Working = Callable[[], AbstractAsyncContextManager[None]]
"""A worker that sends digests until the block ends."""


class DigestRun:
    """The digests of the example's first site."""

    def __init__(
        self, client: Client, handle: WorkflowHandle[Any, Any], working: Working, workers: AsyncExitStack
    ) -> None:
        self.handle = handle
        self._skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=MAX_SKIPS))
        self._calendar = site_named("main").calendar
        self._working = working
        self._workers = workers

    async def now(self) -> datetime:
        return await self._skipper.get_current_time(self.handle)

    async def to_the_next_opening(self) -> str:
        """Moves the clock on; the day at the site."""
        opening = self._calendar.next_opening(await self.now())
        await self.waits()
        await self._skipper.fast_forward(self.handle, opening - await self.now() + timedelta(minutes=1))
        await self.waits()
        return f"{self._calendar.local_date(opening)}"

    async def to_the_next_opening_without_a_worker(self) -> str:
        """As above, but a worker comes only after it."""
        opening = self._calendar.next_opening(await self.now())
        await self.waits()
        await self._workers.aclose()
        await self._skipper.fast_forward(self.handle, opening - await self.now())
        await self._workers.enter_async_context(self._working())
        return f"{self._calendar.local_date(opening)}"

    async def to_a_closed_day(self) -> str:
        """As `to_the_next_opening`, but the site was closed for that day while the timer ran."""
        day = self._calendar.local_date(self._calendar.next_opening(await self.now()))
        await self.waits()
        closure = Closure(first_day=day, reason="storm")
        sites = all_sites()
        use_sites(each.changed(calendars=(each.calendar.changed(closures=(closure,)),)) for each in sites)
        try:
            return await self.to_the_next_opening()
        finally:
            use_sites(sites)

    async def waits(self) -> None:
        """Returns once it has nothing more to do than to wait for an opening."""

        async def has_only_a_timer() -> bool:
            described = await self.handle.describe()
            return not described.raw_description.pending_activities and await self._timer_is_set()

        await until(has_only_a_timer, "the digests wait for an opening")

    async def _timer_is_set(self) -> bool:
        history = await self.handle.fetch_history()
        started = sum(event.HasField("timer_started_event_attributes") for event in history.events)
        fired = sum(event.HasField("timer_fired_event_attributes") for event in history.events)
        return started > fired


@asynccontextmanager
async def digest_run(client: Client, working: Working, queue: str = TASK_QUEUE) -> AsyncIterator[DigestRun]:
    """Starts one, with a worker, from a day ago on. It is terminated at the end."""
    async with AsyncExitStack() as workers:
        await workers.enter_async_context(working())
        start = DigestStart(site="main", since=datetime.now(UTC) - timedelta(days=1))
        handle = await client.start_workflow(DIGESTS, start, id=f"digests-{uuid.uuid4()}", task_queue=queue)
        try:
            yield DigestRun(client, handle, working, workers)
        finally:
            await handle.terminate("it is over")


async def told(history: WorkflowHistory, converter: DataConverter) -> list[tuple[DigestRequest, DigestsSent]]:
    """What was asked for at each opening, with the answer."""
    events = {event.event_id: event for event in history.events}
    found = []
    for event in events.values():
        if not event.HasField("activity_task_completed_event_attributes"):
            continue
        done = event.activity_task_completed_event_attributes
        asked = events[done.scheduled_event_id].activity_task_scheduled_event_attributes
        if asked.activity_type.name == SEND_DIGESTS:
            [request] = await converter.decode(asked.input.payloads, [DigestRequest])
            [sent] = await converter.decode(done.result.payloads, [DigestsSent])
            found.append((request, sent))
    return found
