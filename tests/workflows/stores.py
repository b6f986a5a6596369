"""Records that fail on purpose, each around the real one."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

from eventstore import (
    Appended,
    EventStore,
    NewEvent,
    OpenStream,
    StoredEvent,
    StoreUnavailable,
    StreamEntry,
    StreamHead,
)
from tests.workflows.deaths import MARKED


class Around:
    """Passes everything on to `inner`, which a test may replace."""

    def __init__(self, inner: EventStore) -> None:
        self.inner = inner

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        return await self.inner.append(stream, expected_version=expected_version, key=key, events=events, close=close)

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        return await self.inner.read(stream, after_version=after_version, limit=limit)

    async def read_all(self, *, after_position: int = 0, limit: int = 500) -> tuple[StoredEvent, ...]:
        return await self.inner.read_all(after_position=after_position, limit=limit)

    async def head(self, stream: str) -> StreamHead | None:
        return await self.inner.head(stream)

    async def streams(self, *, after: str = "", limit: int = 500, open_only: bool = False) -> tuple[StreamEntry, ...]:
        return await self.inner.streams(after=after, limit=limit, open_only=open_only)

    def open_streams(self) -> AsyncIterator[OpenStream]:
        return self.inner.open_streams()


class DiesAfterAppend(Around):
    """The first append under each key is recorded, and then the task of a `Dying` workflow dies with its answer.

    The retried task finds the answer in its history, and asks for nothing again.

    Attributes:
        deaths: The keys after whose append a task died.
    """

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.deaths: set[tuple[str, str]] = set()

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        appended = await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)
        if (stream, key) not in self.deaths:
            self.deaths.add((stream, key))
            await self.before_death(key)
            MARKED.add((stream, key))
        return appended

    async def before_death(self, key: str) -> None:
        """What happens between the append and the death."""


class DiesOnceToldTo(DiesAfterAppend):
    """Dies after the append under one key, and only when `now` is set; `recorded` is set once it is on record."""

    def __init__(self, inner: EventStore, key: str) -> None:
        super().__init__(inner)
        self.recorded = asyncio.Event()
        self.now = asyncio.Event()
        self._key = key

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        if key != self._key:
            self.deaths.add((stream, key))
        return await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)

    async def before_death(self, key: str) -> None:
        self.recorded.set()
        await self.now.wait()


class AnswersGetLost(Around):
    """Every append is recorded, and its first answer lost: the writer hears that the record is unavailable."""

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.lost: set[tuple[str, str]] = set()

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        appended = await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)
        if (stream, key) not in self.lost:
            self.lost.add((stream, key))
            raise StoreUnavailable("the connection was lost")
        return appended


class Away(Around):
    """Neither written nor asked where it stands while `is_away`. `asked` is set by each append that found it so."""

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.is_away = False
        self.asked = asyncio.Event()

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        if self.is_away:
            self.asked.set()
            raise StoreUnavailable("the database is down")
        return await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)

    async def head(self, stream: str) -> StreamHead | None:
        if self.is_away:
            raise StoreUnavailable("the database is down")
        return await super().head(stream)


class Fails(Around):
    """Fails each append to the streams in `failing` with the error that stands there, and counts them.

    Attributes:
        failing: The error of each stream's appends.
        fail_all: The error of every other stream's appends.
        only: Only appends whose key begins so fail.
        tried: How often each stream was appended to, failed appends included.
    """

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.failing: dict[str, Exception] = {}
        self.fail_all: Exception | None = None
        self.only = ""
        self.tried: Counter[str] = Counter()

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        self.tried[stream] += 1
        error = self.failing.get(stream, self.fail_all)
        if error is not None and key.startswith(self.only):
            raise error.with_traceback(None)  # raised many times
        return await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)


class FailsLate(Fails):
    """Fails as what was there when it was asked says, but not before it may."""

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.may_fail = asyncio.Event()
        self.may_fail.set()
        self.only = "decide-placement"
        self._asked = False

    async def is_asked(self) -> bool:
        return self._asked

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        error = self.failing.get(stream)
        if error is not None and key.startswith(self.only) and not self.may_fail.is_set():
            self._asked = True
            await self.may_fail.wait()
            raise error.with_traceback(None)
        return await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)


class Hangs(Around):
    """Neither takes an append nor refuses it while `hangs` is set. `left` counts the ones left without an answer."""

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self.hangs = asyncio.Event()
        self.left = 0

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        if self.hangs.is_set():
            self.left += 1
            await asyncio.Event().wait()
        return await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)
