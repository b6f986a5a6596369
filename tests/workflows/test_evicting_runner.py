"""A query that comes first to a new worker does not make a history that no other worker can replay."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from tests.workflows.house import until
from workflows.evicting_runner import EvictingRunner

pytestmark = pytest.mark.stack

_TRIES = 40
"""Which of the two comes first to the new worker, the query or the task, is up to the server: about one in two each."""
_TOKENS: dict[str, bytes] = {}


@activity.defn(name="answered-later")
async def answered_later() -> str:
    _TOKENS[activity.info().workflow_id or ""] = activity.info().task_token
    activity.raise_complete_async()


@workflow.defn(name="AskedMeanwhile")
class AskedMeanwhile:
    """What its answer leads to goes before what an Update leads to, or after it: both must be as in the history."""

    def __init__(self) -> None:
        self.told = 0

    @workflow.run
    async def run(self, calls: str) -> None:
        await workflow.execute_activity(answered_later, task_queue=calls, schedule_to_close_timeout=timedelta(hours=1))
        workflow.upsert_memo({"answered": True})
        await workflow.wait_condition(lambda: self.told > 0)
        workflow.upsert_memo({"told": True})

    @workflow.update
    async def tell(self) -> int:
        self.told += 1
        return self.told

    @workflow.query
    def has_been_told(self) -> int:
        return self.told


async def asked_first(client: Client, runner: WorkflowRunner, calls: str) -> tuple[bool, WorkflowHistory]:
    """Whether the query came before the task, and the history."""
    queue = f"asked-{uuid.uuid4()}"

    def a_worker() -> Worker:
        return Worker(client, task_queue=queue, workflows=[AskedMeanwhile], workflow_runner=runner)

    async with a_worker():
        handle: WorkflowHandle[AskedMeanwhile, None] = await client.start_workflow(
            AskedMeanwhile.run, calls, id=queue, task_queue=queue
        )

        async def is_called() -> bool:
            return queue in _TOKENS

        await until(is_called, "the call is made")
    asked = asyncio.create_task(handle.query(AskedMeanwhile.has_been_told))
    await handle.describe()  # asked after the query, so the query is on its way while there is no task yet
    await client.get_async_activity_handle(task_token=_TOKENS.pop(queue)).complete("answered")
    told = asyncio.create_task(handle.execute_update(AskedMeanwhile.tell))
    await handle.describe()
    async with a_worker():
        first = await asked == 0
        assert await told == 1
        await handle.result()
    return first, await handle.fetch_history()


async def is_replayed(history: WorkflowHistory) -> bool:
    replayer = Replayer(workflows=[AskedMeanwhile], workflow_runner=UnsandboxedWorkflowRunner())
    return (await replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure is None


async def history_of_one_asked_first(client: Client, runner: WorkflowRunner) -> WorkflowHistory:
    calls = f"calls-{uuid.uuid4()}"
    async with Worker(client, task_queue=calls, activities=[answered_later]):
        for _ in range(_TRIES):
            first, history = await asked_first(client, runner, calls)
            if first:
                return history
    raise AssertionError("no query ever came first")


async def test_a_query_that_comes_before_the_task_does_not_change_the_order(temporal_client: Client) -> None:
    history = await history_of_one_asked_first(temporal_client, EvictingRunner(UnsandboxedWorkflowRunner()))
    assert await is_replayed(history)


async def test_the_sdk_still_needs_this(temporal_client: Client) -> None:
    """If this fails, the SDK is mended: take the runner out."""
    history = await history_of_one_asked_first(temporal_client, UnsandboxedWorkflowRunner())
    assert not await is_replayed(history)
