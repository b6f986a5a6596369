"""What several people look at in the same moment is read once: each change has every open page look again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from dashboard.queries.moment import Moment

T = TypeVar("T")
_MOST = 32


class _Read(NamedTuple):
    value: Any


class SharedReads:
    """Keeps the last reads, by what they are of. A key must name all that a read depends on."""

    def __init__(self) -> None:
        self._reads: dict[Hashable, asyncio.Future[_Read | None]] = {}

    async def in_moment(self, moment: Moment, what: str, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` gives in this moment, or gave as of the same event, for the same sites, at most 2 s before."""
        key = (what, moment.as_of, moment.sites, int(moment.now.timestamp() // 2))
        return await self.get(key, read)

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` gives, or gave to another who asked for the same. Who waits for a read that fails reads anew."""
        if (under_way := self._reads.get(key)) is not None:
            found = await asyncio.shield(under_way)
            if found is not None:
                value: T = found.value
                return value
            return await read()
        return await self._read(key, read)

    async def _read(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        future = self._reads[key] = asyncio.get_running_loop().create_future()
        while len(self._reads) > _MOST:
            del self._reads[next(iter(self._reads))]
        try:
            value = await read()
        except BaseException:
            self._reads.pop(key, None)
            future.set_result(None)
            raise
        future.set_result(_Read(value))
        return value
