"""What can go wrong with the record, and what to do then. No message holds an event's content."""

from __future__ import annotations

from collections.abc import Iterable

from eventstore.events import StoredEvent


class EventStoreError(Exception):
    """The record did not do what was asked."""


class InvalidRequest(EventStoreError):
    """The call itself is wrong; it will never work as it stands."""


class VersionConflict(EventStoreError):
    """The stream is not where the writer thought: others wrote first.

    Attributes:
        stream: The stream.
        expected: The version the writer expected.
        actual: The version the stream had.
        held: The events after `expected`; empty if the stream has not come that far.
    """

    def __init__(self, stream: str, expected: int, actual: int, held: tuple[StoredEvent, ...]) -> None:
        super().__init__(
            f"stream {stream} is at version {actual}, not {expected}: fold the held events, then decide again"
        )
        self.stream = stream
        self.expected = expected
        self.actual = actual
        self.held = held


class KeyReused(EventStoreError):
    """The key has recorded other events in this stream.

    Attributes:
        stream: The stream.
        key: The idempotency key.
        held: The events recorded under it.
    """

    def __init__(self, stream: str, key: str, held: tuple[StoredEvent, ...]) -> None:
        super().__init__(
            f"key {key} has recorded other events in stream {stream}: "
            "if it is the same step decided again, the held events are its outcome; else use another key"
        )
        self.stream = stream
        self.key = key
        self.held = held


class StreamClosed(EventStoreError):
    """The stream takes no more events. `version` is its last."""

    def __init__(self, stream: str, version: int) -> None:
        super().__init__(
            f"stream {stream} was closed at version {version}: read it; what still matters goes in a new one"
        )
        self.stream = stream
        self.version = version


class StoreUnavailable(EventStoreError):
    """The database did not answer. An append may or may not have happened: retry with the same key."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the event store is unavailable ({cause}): try again with the same key")


class SchemaMissing(EventStoreError):
    """The database lacks the record's tables or functions, or this role may not use them."""

    def __init__(self) -> None:
        super().__init__("the record's schema is missing, old or not granted: run the migrations, check the role")


class RecordDamaged(EventStoreError):
    """Positions are missing from the record, which the store itself never does.

    Attributes:
        after: The last position before the hole.
        found: The next position that is there.
    """

    def __init__(self, after: int, found: int) -> None:
        super().__init__(
            f"events are missing between positions {after} and {found}: "
            "stop all that follows the record and restore it from a backup"
        )
        self.after = after
        self.found = found


class Fenced(EventStoreError):
    """Somebody else moved a checkpoint, or its generation was retired: start over from where it stands now."""

    def __init__(self, consumers: Iterable[str]) -> None:
        super().__init__(
            f"the checkpoint of {', '.join(sorted(consumers))} is not where it was left: "
            "nothing of this batch was kept; read the checkpoint again and go on from there"
        )


class UnreadableEvent(Exception):
    """A recorded event that this release cannot read: deploy the release that wrote it, or newer.

    The store raises it nowhere: who reads an event's data does. Its text names no content and is shown at the
    checkpoint of a consumer that it stops.
    """
