"""Between the journey's events and the record's: nothing is lost either way.

`at` becomes `occurred_at`, `cause` becomes `meta.command_id`, and the type and schema version stand in the
envelope; what is left is the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from domain.events import BaseEvent
from domain.pathway import Event
from eventstore.errors import UnreadableEvent
from eventstore.events import NewEvent, StoredEvent
from eventstore.following.bulk import BulkEvent
from record.upcasting import Chain, NotLifted, Shape

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])
_CHAIN = Chain()  # here, so that no program that reads events can start with a broken one


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
    return type(event).type_name()


def from_record(stored: StoredEvent) -> Event:
    """The event behind a stored one, from its open data, lifted to the version this release reads.

    Sealed words read as the mask; `record.sealing` puts them back.

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
        raise _unfit(stored.position, shape) from None


def decode(rows: Sequence[BulkEvent]) -> list[Event]:
    """The events behind rows of journeys, lifted like those of `from_record` and read in one go.

    Raises:
        UnreadableEvent: As `from_record`; it names the first such row.
    """
    current = _CHAIN.current
    texts = [row.text if current.get(row.type) == row.schema_version else _lifted(row) for row in rows]
    try:
        return _EVENTS.validate_json(f"[{','.join(texts)}]")
    except ValidationError:
        return [_decode_one(row, text) for row, text in zip(rows, texts, strict=True)]


def _lifted(row: BulkEvent) -> str:
    data: dict[str, Any] = json.loads(row.text)
    envelope = {name: data.pop(name) for name in ("type", "at", "cause")}
    try:
        envelope["type"], data = _CHAIN.lift(Shape(row.type, row.schema_version), data)
    except NotLifted as error:
        raise UnreadableEvent(f"event {row.position}: {error}") from None
    return json.dumps(data | envelope)


def _decode_one(row: BulkEvent, text: str) -> Event:
    try:
        return _EVENT.validate_json(text)
    except ValidationError:
        raise _unfit(row.position, Shape(row.type, row.schema_version)) from None


def _unfit(position: int, shape: Shape) -> UnreadableEvent:
    return UnreadableEvent(
        f"event {position}: its data is not of {shape} as this release knows it: "
        "deploy the release that wrote it, or newer"
    )
