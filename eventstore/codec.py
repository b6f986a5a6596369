"""Between the journey's events and the record's: nothing is lost either way.

`at` becomes `occurred_at`, `cause` becomes `meta.command_id`, and the type and schema version stand in the
envelope; what is left is the data.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.events import BaseEvent, Event
from eventstore.events import NewEvent, StoredEvent
from eventstore.upcasting import Chain, NotLifted, Shape

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_CHAIN = Chain()  # here, so that whatever reads events cannot start with a broken one


class UnreadableEvent(Exception):
    """A recorded event this release cannot read: deploy the release that wrote it, or newer."""


def is_journey(stream: str) -> bool:
    """Whether a stream of the record is a journey; any other has a `/` in its name."""
    return "/" not in stream


def to_record(event: BaseEvent, meta: dict[str, Any] | None = None) -> NewEvent:
    """`event` as the record keeps it, with nothing sealed; `meta` adds who recorded it."""
    return NewEvent(
        type=event_type(event),
        schema_version=event.schema_version,
        data=event.model_dump(mode="json", exclude={"type", "at", "cause"}),
        occurred_at=event.at,
        meta={**(meta or {}), "command_id": event.cause},
    )


def event_type(event: BaseEvent) -> str:
    """The type under which the record keeps `event`."""
    return str(type(event).model_fields["type"].default)


def from_record(stored: StoredEvent) -> Event:
    """The event behind a stored one, from its open data, lifted to the version this release reads.

    Sealed words read as the mask; `eventstore.sealing` puts them back.

    Raises:
        UnreadableEvent: Its type or version is unknown here, or the data does not fit it.
    """
    shape = Shape(stored.type, stored.schema_version)
    try:
        kind, data = _CHAIN.lift(shape, stored.data)
        return _EVENT.validate_python(
            {**data, "type": kind, "at": stored.occurred_at, "cause": stored.meta.get("command_id", "")}
        )
    except NotLifted as error:
        raise UnreadableEvent(f"event {stored.position}: {error}") from None
    except ValidationError:
        raise UnreadableEvent(
            f"event {stored.position}: its data is not of {shape} as this release knows it: "
            "deploy the release that wrote it, or newer"
        ) from None
