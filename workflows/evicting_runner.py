"""Keeps a query from changing the order in which a journey's history is read.

With the SDK up to 1.35, a query can reach a worker that does not have the workflow in its cache while results or
signals wait for a task that nobody has taken yet. The worker reads the whole history for the query, and the workflow
goes on with those results. When the task comes, with Updates, the workflow takes in the Updates after the results. On
replay it gets both together, the Updates first: its commands come in another order, and no other worker can go on.

So a workflow that a query has carried beyond its last task fails the task that comes next. Temporal gives it out again
at once, and the workflow is read from its first event, with results and Updates together. See docs/decisions/023.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker._command_aware_visitor import CommandInfo
from temporalio.workflow import Info, _Definition

_QUERY_OUTSIDE_A_TASK = "legacy_query"
"""The id that the SDK gives to a query that does not come with a task."""
log = structlog.get_logger(__name__)


class EvictingRunner(WorkflowRunner):
    """Runs workflows as `runner` does, and evicts one that a query has carried beyond its last task."""

    def __init__(self, runner: WorkflowRunner) -> None:
        self._runner = runner

    def prepare_workflow(self, defn: _Definition) -> None:
        """See `WorkflowRunner`."""
        self._runner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """See `WorkflowRunner`."""
        return _Instance(self._runner.create_instance(det))

    def set_worker_level_failure_exception_types(self, types: Sequence[type[BaseException]]) -> None:
        """See `WorkflowRunner`."""
        self._runner.set_worker_level_failure_exception_types(types)


class _Instance(WorkflowInstance):
    """One run in a worker's cache.

    A task moves the clock of the workflow. Events that were read without moving it were read for a query.
    """

    def __init__(self, inner: WorkflowInstance) -> None:
        self._inner = inner
        self._at = ""
        self._events = 0
        self._read_without_a_task = False
        self._beyond_its_task = False

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Hands an activation on, unless it is a task's and the workflow is beyond it."""
        if any(job.HasField("remove_from_cache") for job in act.jobs):
            return self._inner.activate(act)
        if all(job.HasField("query_workflow") for job in act.jobs):
            outside = any(job.query_workflow.query_id == _QUERY_OUTSIDE_A_TASK for job in act.jobs)
            self._beyond_its_task = self._beyond_its_task or (outside and self._read_without_a_task)
            return self._inner.activate(act)
        if self._beyond_its_task:
            log.info("journey-read-again", run=act.run_id, history_length=act.history_length)
            return _failed(act.run_id)
        at = act.timestamp.ToJsonString()
        self._read_without_a_task = at == self._at and act.history_length > self._events
        self._at, self._events = at, act.history_length
        return self._inner.activate(act)

    def get_serialization_context(self, command_info: CommandInfo | None) -> SerializationContext | None:
        """See `WorkflowInstance`."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: CommandInfo | None) -> StorageDriverStoreContext:
        """See `WorkflowInstance`."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """See `WorkflowInstance`."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """See `WorkflowInstance`."""
        return self._inner.get_thread_id()


def _failed(run_id: str) -> WorkflowActivationCompletion:
    """A task that fails. Its worker forgets the workflow, and the next attempt reads it from its first event."""
    completion = WorkflowActivationCompletion(run_id=run_id)
    completion.failed.failure.message = "a query came before this task: the workflow is read again from its first event"
    completion.failed.force_cause = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE
    return completion
