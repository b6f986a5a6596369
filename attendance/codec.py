"""Between entries about sessions and the record. A journey's entries are a stream of their own beside its events."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from domain.sessions.facts import Entry
from eventstore.errors import UnreadableEvent
from eventstore.events import NewEvent, StoredEvent
from eventstore.following.bulk import BulkEvent

TYPE = "session.entered"
_VERSION = 1
_SUFFIX = "/sessions"


def stream_of(journey_id: str) -> str:
    """The stream of a journey's entries."""
    return f"{journey_id}{_SUFFIX}"


def journey_of(stream: str) -> str | None:
    """The journey whose entries the stream holds; None of any other stream."""
    return stream.removesuffix(_SUFFIX) if stream.endswith(_SUFFIX) else None


def to_record(entry: Entry, via: str) -> NewEvent:
    """The entry as the record keeps it; nothing in it needs sealing."""
    return NewEvent(
        type=TYPE,
        schema_version=_VERSION,
        data=entry.model_dump(mode="json", exclude={"entered_at"}),
        occurred_at=entry.entered_at,
        meta={"command_id": entry.entry, "via": via},
    )


def from_record(stored: StoredEvent) -> Entry:
    """The entry behind a stored event.

    Raises:
        UnreadableEvent: This release does not know it.
    """
    return _read(stored.position, stored.type, stored.schema_version, {**stored.data, "entered_at": stored.occurred_at})


def from_row(row: BulkEvent) -> Entry:
    """The same from a row of the record. Raises `UnreadableEvent`."""
    data: dict[str, Any] = json.loads(row.text)
    data["entered_at"] = data.pop("at")
    del data["type"], data["cause"]
    return _read(row.position, row.type, row.schema_version, data)


def _read(position: int, kind: str, version: int, data: dict[str, Any]) -> Entry:
    if (kind, version) != (TYPE, _VERSION):
        raise UnreadableEvent(f"event {position}: no {kind} v{version} is known to this release of the sessions")
    try:
        return Entry.model_validate(data)
    except ValidationError:
        raise UnreadableEvent(f"event {position}: its data is no entry about a session") from None
