"""Makes a Temporal server ready for journeys: the namespace, and the search attributes that journeys carry."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    ListWorkflowExecutionsRequest,
    RegisterNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from deploy.errors import StackError

RETENTION: Final = timedelta(days=30)
"""How long (elapsed) the server keeps a closed workflow; the event store keeps everything."""

SEARCH_ATTRIBUTES: Final[Mapping[str, IndexedValueType.ValueType]] = {
    "Programme": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Stage": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Site": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "NextDeadline": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
    "Urgent": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "NotRecorded": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "RecordHead": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
}

_RPC_TIMEOUT: Final = timedelta(seconds=10)
_POLL_SECONDS: Final = 0.1
_USABLE_SECONDS: Final = 60.0


async def answers(address: str) -> bool:
    """Whether a Temporal server answers there now."""
    try:
        await Client.connect(address)
    except (RPCError, RuntimeError):
        return False
    return True


async def prepare_temporal(address: str, namespace: str) -> None:
    """Creates the namespace and the search attributes if they are missing, and waits until they can be used.

    If everything exists, nothing is written, so on a server that others administer, read access is enough.

    Raises:
        StackError: The server refuses, or has an attribute with another type.
    """
    client = await _connect(address, namespace)
    try:
        await ensure_namespace(client, namespace)
        await ensure_search_attributes(client, namespace)
    except RPCError as error:
        raise StackError(
            f"the Temporal server at {address} refused to prepare the namespace {namespace!r}: {error.message}. "
            "Have its administrator create the namespace and the search attributes "
            + ", ".join(f"{name} ({_type_name(kind)})" for name, kind in SEARCH_ATTRIBUTES.items())
        ) from error


async def ensure_namespace(client: Client, namespace: str, retention: timedelta = RETENTION) -> None:
    """Creates the namespace unless it exists. An existing one keeps its retention. Raises RPCError."""
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=_RPC_TIMEOUT
        )
        return
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    keep = Duration()
    keep.FromTimedelta(retention)
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=keep),
            timeout=_RPC_TIMEOUT,
        )
    except RPCError as refusal:
        if refusal.status is not RPCStatusCode.ALREADY_EXISTS:  # someone else was quicker
            raise


async def ensure_search_attributes(client: Client, namespace: str) -> None:
    """Creates the missing search attributes and waits until queries can use them. Raises RPCError or StackError."""
    there = await _known_attributes(client, namespace)
    wrong = [name for name, kind in SEARCH_ATTRIBUTES.items() if there.get(name, kind) != kind]
    if wrong:
        raise StackError(
            f"in namespace {namespace!r} these search attributes have another type: {', '.join(wrong)}; "
            "remove them, or set TEMPORAL_NAMESPACE to another namespace"
        )
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in there}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=namespace, search_attributes=missing), timeout=_RPC_TIMEOUT
        )
    query = " OR ".join(f"{name} IS NOT NULL" for name in SEARCH_ATTRIBUTES)
    request = ListWorkflowExecutionsRequest(namespace=namespace, query=query, page_size=1)
    deadline = time.monotonic() + _USABLE_SECONDS
    while not await _accepted(client, request, final=time.monotonic() > deadline):  # noqa: ASYNC110
        await asyncio.sleep(_POLL_SECONDS)


async def _connect(address: str, namespace: str) -> Client:
    try:
        return await Client.connect(address, namespace=namespace)
    except (RPCError, RuntimeError) as error:
        raise StackError(f"no Temporal server answers at {address}: start it, or unset TEMPORAL_ADDRESS") from error


async def _known_attributes(client: Client, namespace: str) -> Mapping[str, IndexedValueType.ValueType]:
    """The namespace's own attributes. A new namespace is not known everywhere at once."""
    deadline = time.monotonic() + _USABLE_SECONDS
    while True:
        try:
            answer = await client.operator_service.list_search_attributes(
                ListSearchAttributesRequest(namespace=namespace), timeout=_RPC_TIMEOUT
            )
            return answer.custom_attributes
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_POLL_SECONDS)


async def _accepted(client: Client, request: ListWorkflowExecutionsRequest, *, final: bool) -> bool:
    try:
        await client.workflow_service.list_workflow_executions(request, timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if final or error.status not in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.NOT_FOUND):
            raise
        return False
    return True


def _type_name(kind: IndexedValueType.ValueType) -> str:
    return IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").capitalize()
