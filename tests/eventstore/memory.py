"""A store without a database, for tests of what is built on it: same contract, gone with the process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice

from eventstore.errors import KeyReused, StreamClosed, VersionConflict
from eventstore.events import Appended, NewEvent, OpenStream, StoredEvent, StreamEntry, StreamHead
from eventstore.request import AppendRequest, require_name, require_number


@dataclass(frozen=True, slots=True)
class _Ledgered:
    digest: bytes
    appended: Appended


class MemoryEventStore:
    """An `EventStore` for one event loop: no call awaits anything, so none can interleave with another.

    Args:
        clock: The store's own time, for `recorded_at`.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._events: list[StoredEvent] = []
        self._streams: dict[str, list[StoredEvent]] = {}
        self._closed: set[str] = set()
        self._ledger: dict[tuple[str, str], _Ledgered] = {}

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        """See `EventStore.append`."""
        request = AppendRequest(stream, expected_version, key, tuple(events), close)
        earlier = self._ledger.get((stream, key))
        if earlier is not None:
            return _answer_again(request, earlier)
        self._require_open_at(stream, expected_version)
        return _copy_of(self._record(request))

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        """See `EventStore.read`."""
        require_name("stream", stream)
        return _page(self._streams.get(stream, []), after_version, limit)

    async def read_all(self, *, after_position: int = 0, limit: int = 500) -> tuple[StoredEvent, ...]:
        """See `EventStore.read_all`."""
        return _page(self._events, after_position, limit)

    async def head(self, stream: str) -> StreamHead | None:
        """See `EventStore.head`."""
        require_name("stream", stream)
        held = self._streams.get(stream)
        return StreamHead(version=len(held), closed=stream in self._closed) if held else None

    async def streams(self, *, after: str = "", limit: int = 500, open_only: bool = False) -> tuple[StreamEntry, ...]:
        """See `EventStore.streams`."""
        require_number("limit", limit, least=1)
        names = sorted((name for name in self._streams if name > after), key=str.encode)
        entries = (
            StreamEntry(stream=name, version=len(self._streams[name]), closed=name in self._closed) for name in names
        )
        return tuple(islice((each for each in entries if not (open_only and each.closed)), limit))

    async def open_streams(self) -> AsyncIterator[OpenStream]:
        """See `EventStore.open_streams`."""
        last = [held[-1] for stream, held in self._streams.items() if stream not in self._closed]
        for each in last:
            yield OpenStream(
                stream=each.stream, version=each.version, event_id=each.event_id, recorded_at=each.recorded_at
            )

    def _require_open_at(self, stream: str, expected_version: int) -> None:
        held = self._streams.get(stream, [])
        if stream in self._closed:
            raise StreamClosed(stream, len(held))
        if len(held) != expected_version:
            raise VersionConflict(stream, expected_version, len(held), _copies(held[expected_version:]))

    def _record(self, request: AppendRequest) -> Appended:
        now = self._clock()
        if self._events:
            now = max(now, self._events[-1].recorded_at)
        numbered = zip(
            request.events,
            request.event_ids,
            count(len(self._events) + 1),
            count(request.expected_version + 1),
            strict=False,
        )
        stored = tuple(
            StoredEvent(
                **event.model_copy(deep=True).__dict__,
                position=position,
                stream=request.stream,
                version=version,
                event_id=event_id,
                recorded_at=now,
            )
            for event, event_id, position, version in numbered
        )
        appended = Appended(version=stored[-1].version, position=stored[-1].position, events=stored, replayed=False)
        self._events.extend(stored)
        self._streams.setdefault(request.stream, []).extend(stored)
        self._ledger[request.stream, request.key] = _Ledgered(request.digest(), appended)
        if request.close:
            self._closed.add(request.stream)
        return appended


def _answer_again(request: AppendRequest, earlier: _Ledgered) -> Appended:
    if request.digest() != earlier.digest:
        raise KeyReused(request.stream, request.key, _copies(earlier.appended.events))
    return _copy_of(earlier.appended).model_copy(update={"replayed": True})


def _page(events: list[StoredEvent], after: int, limit: int | None) -> tuple[StoredEvent, ...]:
    require_number("after", after, least=0)
    if limit is not None:
        require_number("limit", limit, least=1)
    return _copies(islice(events, after, None if limit is None else after + limit))


# A model is frozen but the dicts in it are not: a caller that changes what it read must not change the record.
def _copy_of(appended: Appended) -> Appended:
    return appended.model_copy(deep=True)


def _copies(events: Iterable[StoredEvent]) -> tuple[StoredEvent, ...]:
    return tuple(event.model_copy(deep=True) for event in events)
