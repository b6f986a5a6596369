"""The rules of a call to the record that hold for every store: what is valid, same content, same identity."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from eventstore.errors import InvalidRequest, RecordDamaged
from eventstore.events import NewEvent, StoredEvent
from eventstore.jsontext import canonical, quoted, require_storable

_EVENT_IDS = hashlib.sha1(UUID("5e0c2f6c-3a64-5b0b-9a8e-6f7d1d0b4c11").bytes, usedforsecurity=False)
_LONGEST_NAME = 500
_LARGEST_NUMBER = 2**62


@dataclass(frozen=True)
class AppendRequest:
    """A valid append. Raises `InvalidRequest` when made of anything else.

    Attributes:
        data_texts: Each event's data as the record keeps it.
        event_ids: One per event, derived from stream, key and index: a retry makes the same.
    """

    stream: str
    expected_version: int
    key: str
    events: tuple[NewEvent, ...]
    close: bool
    data_texts: tuple[str, ...] = field(init=False)
    event_ids: tuple[UUID, ...] = field(init=False)

    def __post_init__(self) -> None:
        require_name("stream", self.stream)
        require_name("key", self.key)
        require_number("expected_version", self.expected_version, least=0)
        if not self.events:
            raise InvalidRequest("an append needs at least one event: skip it when nothing was decided")
        ids = tuple([event_id(self.stream, self.key, index) for index in range(len(self.events))])
        object.__setattr__(self, "data_texts", tuple([canonical(event.data) for event in self.events]))
        object.__setattr__(self, "event_ids", ids)

    def digest(self) -> bytes:
        """SHA-256 of the content: what must be equal for two appends under one key to be the same append.

        `meta` is left out because a retry may come from another run, worker or attempt. Of sealed words only the
        ciphertext counts: a plain hash of them could be guessed at.
        """
        return content_digest(zip(self.events, self.data_texts, strict=True), close=self.close)

    def as_json(self) -> str:
        """The append as `es.append_many` takes it: data letter for letter as it is to be kept."""
        events = ",".join(map(_as_json, self.events, self.event_ids, self.data_texts))
        return (
            f'{{"stream":{quoted(self.stream)},"expected":{self.expected_version},"key":{quoted(self.key)},'
            f'"digest":"{self.digest().hex()}","close":{_bool(self.close)},"events":[{events}]}}'
        )


def event_id(stream: str, key: str, index: int) -> UUID:
    """The id of the event that is the `index`-th, from 0, of the append under `key`."""
    name = f"[{quoted(stream)},{quoted(key)},{index}]"
    hashed = _EVENT_IDS.copy()  # as `uuid5` does, which begins with the namespace each time
    hashed.update(name.encode())
    return UUID(bytes=hashed.digest()[:16], version=5)


def content_digest(events: Iterable[tuple[NewEvent, str]], *, close: bool) -> bytes:
    """The digest of an append, from its events and the text of each one's data."""
    listed = ",".join(_content(event, data) for event, data in events)
    return hashlib.sha256(f"[[{listed}],{_bool(close)}]".encode()).digest()


def _content(event: NewEvent, data: str) -> str:
    parts = [f'"{event.type}"', str(event.schema_version), data, f'"{_moment(event)}"']
    if event.sealed is not None:
        parts += [f'"{event.key_id}"', f'"{b64encode(event.sealed).decode()}"']
    return f"[{','.join(parts)}]"


def _as_json(event: NewEvent, event_id: UUID, data: str) -> str:
    seal = f',"key_id":"{event.key_id}","sealed":"{event.sealed.hex()}"' if event.sealed is not None else ""
    return (
        f'{{"event_id":"{event_id}","type":"{event.type}","schema_version":{event.schema_version},'
        f'"occurred_at":"{_moment(event)}","data":{data},"meta":{canonical(event.meta) if event.meta else "{}"}{seal}}}'
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _moment(event: NewEvent) -> str:
    return event.occurred_at.isoformat(timespec="microseconds")


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
