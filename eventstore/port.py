"""What the rest of the system may ask of the record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from eventstore.events import Appended, NewEvent, OpenStream, StoredEvent, StreamEntry, StreamHead


class EventStore(Protocol):
    """An append-only record of events, in streams and in one global order.

    A reader that goes on from the last position seen gets every event exactly once, however many writers there
    are. Every call may raise `StoreUnavailable`, `SchemaMissing` or `InvalidRequest`.
    """

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        """Records `events` at the end of `stream`: all of them or none.

        Args:
            stream: Made by its first append.
            expected_version: The version the stream must have now; 0 for a new stream.
            key: Names this step of this stream. Derive it from what the step is, never from a run or attempt.
            events: At least one.
            close: Whether the stream takes no more events after these.

        Returns:
            What was recorded. If the key has already recorded the same content in this stream, the first
            answer again, also with another `expected_version` and even if the stream was closed since. Content is
            the events' type, schema version, data and `occurred_at` in order, and `close`; not their `meta`.

        Raises:
            KeyReused: The key has recorded other content.
            StreamClosed: The stream takes no more events.
            VersionConflict: The stream is not at `expected_version`.
        """

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        """The stream's events after `after_version`, oldest first; empty if there are none."""

    async def read_all(self, *, after_position: int = 0, limit: int = 500) -> tuple[StoredEvent, ...]:
        """The record's events after `after_position`, oldest first; empty if there are none.

        Raises:
            RecordDamaged: Positions are missing.
        """

    async def head(self, stream: str) -> StreamHead | None:
        """Where the stream stands, or None if nothing was ever recorded in it."""

    async def streams(self, *, after: str = "", limit: int = 500, open_only: bool = False) -> tuple[StreamEntry, ...]:
        """The streams whose names come after `after` in byte order, `limit` of them at most.

        Args:
            after: The last name of the page before; empty for the first page.
            limit: The longest page wanted.
            open_only: Whether to leave out streams that take no more events.
        """

    def open_streams(self) -> AsyncIterator[OpenStream]:
        """Every stream that takes more events, as all of them stood at one moment, in no particular order."""
