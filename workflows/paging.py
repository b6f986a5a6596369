"""Sends a page from a workflow, once for each key."""

from __future__ import annotations

from contextlib import suppress

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.ports import Notice
from workflows.clear_text import ClearText
from workflows.messages import PAGE


async def page_once(notice: Notice) -> None:
    """Starts the workflow that sends `notice`, unless the same key was sent before. It needs no record."""
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            PAGE,
            notice,
            id=f"page/{notice.key}",
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=ClearText(notice.subject),
        )
