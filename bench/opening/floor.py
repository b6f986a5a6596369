"""The floor beside the journeys: bare workflows on the same server, each with one activity that does nothing."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

_QUEUE = "bench-opening-floor"


@activity.defn
async def record_nothing() -> None:
    """Stands where the append to the record would."""


@workflow.defn(sandboxed=False)
class BareOpening:
    """Does what opening a journey must do at the least."""

    @workflow.run
    async def run(self) -> None:
        """One activity, then the end."""
        await workflow.execute_activity(record_nothing, start_to_close_timeout=timedelta(seconds=5))


async def bare_workflows_per_second(client: Client, count: int, starters: int) -> float:
    """Starts `count` bare workflows, `starters` at a time, each after the last has ended; how many end per second."""
    async with Worker(client, task_queue=_QUEUE, workflows=[BareOpening], activities=[record_nothing]):
        began = time.monotonic()
        await asyncio.gather(*(_start(client, range(first, count, starters)) for first in range(starters)))
        return count / (time.monotonic() - began)


async def _start(client: Client, numbers: range) -> None:
    for _ in numbers:
        await client.execute_workflow(BareOpening.run, id=f"floor-{uuid.uuid4()}", task_queue=_QUEUE)
