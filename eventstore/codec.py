"""Between the journey's events and the record's: nothing is lost either way.

`at` becomes `occurred_at`, `cause` becomes `meta.command_id`, and the type and schema version stand in the
envelope; what is left is the data.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.events import BaseEvent, Event
from eventstore.events import NewEvent, StoredEvent

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class UnreadableEvent(Exception):
    """A recorded event this release cannot read: deploy the release that wrote it, or newer."""


def to_record(event: Event, meta: dict[str, Any] | None = None) -> NewEvent:
    """`event` as the record keeps it; `meta` adds who recorded it."""
    return NewEvent(
        type=event.type,
        schema_version=event.schema_version,
        data=event.model_dump(mode="json", exclude={"type", "at", "cause"}),
        occurred_at=event.at,
        meta={**(meta or {}), "command_id": event.cause},
    )


def from_record(stored: StoredEvent) -> Event:
    """The event behind a stored one.

    Raises:
        UnreadableEvent: The type is unknown here, or the data does not fit it.
    """
    try:
        event = _EVENT.validate_python(
            {**stored.data, "type": stored.type, "at": stored.occurred_at, "cause": stored.meta.get("command_id", "")}
        )
    except ValidationError:
        raise UnreadableEvent(f"event {stored.position} ({stored.type} v{stored.schema_version})") from None
    if not isinstance(event, BaseEvent) or event.schema_version != stored.schema_version:
        raise UnreadableEvent(f"event {stored.position} has schema version {stored.schema_version}")
    return event
