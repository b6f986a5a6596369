"""The floor beside the comparison: the bare list of Temporal, and one bare query of the record's heads."""

from __future__ import annotations

import time

from psycopg import AsyncConnection
from temporalio.api.workflowservice.v1 import ListWorkflowExecutionsRequest
from temporalio.client import Client

from workflows.messages import WORKFLOW

_LISTED = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
_PAGE = 1000
_HEADS = """
    select s.stream, s.version, e.event_id, e.recorded_at
    from es.streams s join es.events e on e.stream = s.stream and e.version = s.version where s.closed_at is null"""


async def listing_ms(client: Client) -> float:
    """All running journeys listed page by page, and nothing made of the answers."""
    request, began = ListWorkflowExecutionsRequest(namespace=client.namespace, query=_LISTED, page_size=_PAGE), _now()
    while True:
        answer = await client.workflow_service.list_workflow_executions(request)
        if not answer.next_page_token:
            return _now() - began
        request.next_page_token = answer.next_page_token


async def heads_ms(database_url: str) -> float:
    """The last event of every open stream, over a connection that stands."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        began = _now()
        await (await connection.execute(_HEADS)).fetchall()
        return _now() - began


def _now() -> float:
    return time.perf_counter() * 1000
