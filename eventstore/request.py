"""The rules of a call to the record that hold for every store: what is valid, same content, same identity."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from eventstore.errors import InvalidRequest, RecordDamaged
from eventstore.events import NewEvent, StoredEvent
from eventstore.jsontext import canonical, require_storable

_EVENT_IDS = UUID("5e0c2f6c-3a64-5b0b-9a8e-6f7d1d0b4c11")
_LONGEST_NAME = 500
_LARGEST_NUMBER = 2**62


@dataclass(frozen=True, slots=True)
class AppendRequest:
    """A valid append. Raises `InvalidRequest` when made of anything else."""

    stream: str
    expected_version: int
    key: str
    events: tuple[NewEvent, ...]
    close: bool

    def __post_init__(self) -> None:
        require_name("stream", self.stream)
        require_name("key", self.key)
        require_number("expected_version", self.expected_version, least=0)
        if not self.events:
            raise InvalidRequest("an append needs at least one event: skip it when nothing was decided")

    def digest(self) -> bytes:
        """SHA-256 of the content: what must be equal for two appends under one key to be the same append.

        `meta` is left out because a retry may come from another run, worker or attempt.
        """
        content = [
            [
                event.type,
                event.schema_version,
                event.data,
                event.occurred_at.isoformat(timespec="microseconds"),
            ]
            for event in self.events
        ]
        return hashlib.sha256(canonical([content, self.close]).encode()).digest()

    def event_ids(self) -> tuple[UUID, ...]:
        """One per event, derived from stream, key and index: a retry makes the same."""
        return tuple(uuid5(_EVENT_IDS, canonical([self.stream, self.key, i])) for i in range(len(self.events)))


def require_name(what: str, name: str) -> None:
    """Raises `InvalidRequest` unless `name` is 1 to 500 characters of text that PostgreSQL can hold."""
    try:
        require_storable(name)
    except ValueError:
        raise InvalidRequest(f"{what} holds characters that cannot be recorded: use printable text") from None
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InvalidRequest(f"{what} must have 1 to {_LONGEST_NAME} characters, not {len(name)}")


def require_number(what: str, number: int, *, least: int) -> None:
    """Raises `InvalidRequest` unless `number` is at least `least` and fits PostgreSQL's bigint."""
    if not least <= number <= _LARGEST_NUMBER:
        raise InvalidRequest(f"{what} must be from {least} to {_LARGEST_NUMBER}, not {number}")


def require_dense(events: Sequence[StoredEvent], *, after_position: int) -> None:
    """Raises `RecordDamaged` unless `events` follow `after_position` without a hole."""
    for before, event in enumerate(events, start=after_position):
        if event.position != before + 1:
            raise RecordDamaged(before, event.position)
