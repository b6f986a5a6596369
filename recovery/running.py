"""The running workflows: lists them, asks them for their state, and sends them commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.history.v1 import WorkflowTaskFailedEventAttributes
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    GetWorkflowExecutionHistoryReverseRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.client import WorkflowExecution as TemporalExecution
from temporalio.service import RPCError, RPCStatusCode

from activities.ports import Notice
from recovery.differences import Running
from workflows.card import NOT_RECORDED, RECORD_HEAD
from workflows.client import (
    JourneyNotRunning,
    Journeys,
    JourneysUnreachable,
    journey_of,
    send_page,
    unreachable,
    workflow_id,
)
from workflows.messages import TASK_QUEUE, WORKFLOW, JourneyStart, JourneyStatus
from workflows.newer_state import NewerState
from workflows.record_head import RecordHead, read_record_head

_PATIENCE = timedelta(seconds=10)
_REPORTED_PROBLEMS = "TemporalReportedProblems"
"""Set by Temporal while a workflow's task keeps failing."""
_LAST_EVENTS = 50
"""How far back to look in a history for the failed workflow task: later events come after it."""
_LONGEST_POLL = timedelta(seconds=75)
_LISTED_AT_ONCE = 1_000
_ALL = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"


def _named(failed: WorkflowTaskFailedEventAttributes) -> str:
    kind = failed.failure.application_failure_info.type
    return failed.failure.message if kind == NewerState.__name__ else kind or "the worker's log says why"


def _head_of(listed: WorkflowExecutionInfo) -> RecordHead | None:
    shown = listed.search_attributes.indexed_fields
    return read_record_head(json.loads(shown[RECORD_HEAD.name].data)) if RECORD_HEAD.name in shown else None


class RunningJourneys:
    """The journeys' workflows on one Temporal namespace. Every call may raise `JourneysUnreachable`."""

    def __init__(self, client: Client, *, patience: timedelta = _PATIENCE) -> None:
        """`patience` is how long one workflow may take to answer; elapsed time."""
        self._client = client
        self._patience = patience
        self._journeys = Journeys(client, patience=patience)

    async def listed(self) -> AsyncIterator[tuple[str, RecordHead | None]]:
        """The journeys that Temporal lists as running, each with up to where it knew its record as it last showed that.

        None: it showed nothing yet. The list may be seconds old. Of many thousands only the head is decoded.
        """
        request = ListWorkflowExecutionsRequest(namespace=self._client.namespace, query=_ALL, page_size=_LISTED_AT_ONCE)
        while True:
            try:
                page = await self._client.workflow_service.list_workflow_executions(request, timeout=self._patience)
            except RPCError as error:
                raise unreachable(error) from None
            for each in page.executions:
                yield journey_of(each.execution.workflow_id), _head_of(each)
            if not page.next_page_token:
                return
            request.next_page_token = page.next_page_token

    async def not_recorded(self) -> dict[str, str]:
        """The journeys whose decisions cannot be recorded, each with the cause. The list may be seconds old."""
        found = self._matching(f"{_ALL} AND {NOT_RECORDED.name} IS NOT NULL")
        return {journey_of(each.id): each.typed_search_attributes.get(NOT_RECORDED, "unknown") async for each in found}

    async def failing(self) -> set[str]:
        """The journeys whose workflow task failed several times in a row. The list may be seconds old."""
        return {journey_of(each.id) async for each in self._matching(f"{_ALL} AND {_REPORTED_PROBLEMS} IS NOT NULL")}

    async def _matching(self, query: str) -> AsyncIterator[TemporalExecution]:
        try:
            async for each in self._client.list_workflows(query, rpc_timeout=self._patience):
                yield each
        except RPCError as error:
            raise unreachable(error) from None

    async def find(self, journey_id: str) -> Running | None:
        """The journey's workflow with its own status, or None if none runs."""
        try:
            description = await self._journeys.handle(journey_id).describe(rpc_timeout=self._patience)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and "namespace" not in error.message.lower():
                return None
            raise unreachable(error) from None
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return None
        try:
            return Running(snapshot=await self._journeys.snapshot(journey_id))
        except JourneyNotRunning:
            return None
        except JourneysUnreachable:
            return Running(snapshot=None, failure=await self._task_failure(journey_id))

    async def _task_failure(self, journey_id: str) -> str | None:
        """Why the workflow's task failed last, if it has not succeeded since.

        Only our own texts are passed on. Any other error may quote data, so only its type is given.
        """
        request = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id(journey_id)),
            maximum_page_size=_LAST_EVENTS,
        )
        try:
            answer = await self._client.workflow_service.get_workflow_execution_history_reverse(
                request, timeout=self._patience
            )
        except RPCError as error:
            raise unreachable(error) from None
        for event in answer.history.events:
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                return None
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                return _named(event.workflow_task_failed_event_attributes)
        return None

    async def are_worked(self) -> bool:
        """Whether any worker polls. A killed worker still counts for a minute."""
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=TASK_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        try:
            answer = await self._client.workflow_service.describe_task_queue(request, timeout=self._patience)
        except RPCError as error:
            raise unreachable(error) from None
        since = datetime.now(UTC) - _LONGEST_POLL
        return any(poller.last_access_time.ToDatetime(UTC) > since for poller in answer.pollers)

    async def start(self, start: JourneyStart) -> None:
        """Starts a journey's workflow in the state that `start` gives. A running one is left alone."""
        await self._journeys.resume(start)

    async def catch_up(self, journey_id: str) -> None:
        """Makes the workflow compare itself with the record and check its calls again."""
        await self._signal(journey_id, "catch-up")

    async def stand_still(self, journey_id: str, code: str) -> None:
        """Makes the workflow stand still: it takes no more decisions."""
        await self._signal(journey_id, "stand-still", code)

    async def look_again(self, journey_id: str) -> JourneyStatus:
        """Makes a journey that stands still continue if it agrees with its record. Raises as `Journeys.look_again`."""
        return await self._journeys.look_again(journey_id)

    async def page(self, notice: Notice) -> bool:
        """Sends `notice` once for its key; False if it was sent before."""
        return await send_page(self._client, notice, patience=self._patience)

    async def _signal(self, journey_id: str, name: str, *args: str) -> None:
        try:
            await self._journeys.handle(journey_id).signal(name, args=args, rpc_timeout=self._patience)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it ended meanwhile, so there is nothing to tell
                raise unreachable(error) from None
