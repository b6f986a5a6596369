"""A workflow through which a text can go to Temporal in every way that the SDK has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NoReturn

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "every-way"
_ONCE = RetryPolicy(maximum_attempts=1)
_SOON = timedelta(seconds=30)


@activity.defn
async def repeat(text: str) -> str:
    """Answers with its argument."""
    return text


@activity.defn
async def fail(text: str) -> NoReturn:
    """Fails with its argument, as message, as cause and as detail."""
    try:
        raise ValueError(text)
    except ValueError as error:
        raise ApplicationError(text, {"said": text}, type="refused") from error


@activity.defn
async def stall(text: str) -> None:
    """Sends its argument as a heartbeat until it is cancelled; fails with it first."""
    activity.heartbeat({"said": text})
    if activity.info().attempt == 1:
        raise RuntimeError(text)
    while True:
        activity.heartbeat({"said": text})
        await asyncio.sleep(0.05)


@workflow.defn
class EveryWay:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    @workflow.run
    async def run(self, text: str) -> str:
        """Ends once it is told to, by failing."""
        self.told.append(await workflow.execute_activity(repeat, text, start_to_close_timeout=_SOON))
        try:
            await workflow.execute_activity(fail, text, start_to_close_timeout=_SOON, retry_policy=_ONCE)
        except ActivityError as error:
            assert isinstance(error.cause, ApplicationError) and error.cause.message == text
        stalling = workflow.start_activity(
            stall, text, start_to_close_timeout=timedelta(minutes=5), heartbeat_timeout=timedelta(minutes=1)
        )
        await workflow.wait_condition(lambda: "end" in self.told)
        stalling.cancel()
        await workflow.sleep(0.01, summary=text)
        if not workflow.info().continued_run_id:
            workflow.continue_as_new(text)
        raise ApplicationError(text, text, type="over")

    @workflow.signal
    def tell(self, text: str) -> None:
        """Is kept."""
        self.told.append(text)

    @workflow.query
    def said(self) -> list[str]:
        """All of it."""
        return self.told

    @workflow.update
    async def ask(self, text: str) -> str:
        """Is repeated, or refused after it was accepted."""
        self.told.append(text)
        if text.startswith("refuse"):
            raise ApplicationError(text, text, type="refused")
        return text


@asynccontextmanager
async def working(client: Client) -> AsyncIterator[None]:
    """A worker for it until the block ends."""
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[EveryWay],
        activities=[repeat, fail, stall],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield
