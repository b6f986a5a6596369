"""Histories as they would be if nothing were encrypted, for tests that look at what is in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

Kind = type[Message]


async def decrypted(history: WorkflowHistory, converter: DataConverter) -> WorkflowHistory:
    """The same history with readable payloads, and failures with their messages and stack traces."""
    codec = converter.payload_codec
    assert codec is not None

    async def decode(payload: Any) -> None:
        [plain] = await codec.decode([payload])
        payload.CopyFrom(plain)

    async def restore(failure: Any) -> None:
        if failure.HasField("encoded_attributes"):
            [said] = converter.payload_converter.from_payloads([failure.encoded_attributes])
            failure.message, failure.stack_trace = said["message"], said["stack_trace"]
            failure.ClearField("encoded_attributes")

    events = []
    for event in history.events:
        copy = HistoryEvent()
        copy.CopyFrom(event)
        await _each(copy, Payload, decode)
        await _each(copy, Failure, restore)
        events.append(copy)
    return WorkflowHistory(history.workflow_id, events)


async def _each(message: Message, kind: Kind, change: Callable[[Any], Awaitable[None]]) -> None:
    """Changes every message of `kind` within `message`, however deep."""
    if isinstance(message, kind):
        await change(message)
    for part in list(_parts(message)):
        await _each(part, kind, change)


def _parts(message: Message) -> Iterator[Message]:
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        assert field.message_type is not None
        if field.message_type.GetOptions().map_entry:
            yield from (each for each in value.values() if isinstance(each, Message))
        elif isinstance(value, Message):
            yield value
        else:
            yield from value
