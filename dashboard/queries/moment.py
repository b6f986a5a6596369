"""One moment of the read models: everything read in it is as of the same event of the record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from dashboard.projections import READ_MODELS
from eventstore.errors import StoreUnavailable
from eventstore.postgres import translated

Pool = AsyncConnectionPool[AsyncConnection[Any]]
Row = dict[str, Any]

_PAUSE_SECONDS = 0.02
_AT_ONCE = 500
_WHERE = """
select (select min(position) from es.checkpoints where consumer = any (%(consumers)s) and status = 'live') as as_of,
       (select coalesce(max(position), 0) from es.events) as head
"""
_CONSUMERS = [model.consumer for model in READ_MODELS]


@dataclass(frozen=True, slots=True)
class Moment:
    """The read models as of an event of the record, for one person.

    Attributes:
        now: When it is read; what is overdue is judged by it.
        as_of: The last event that all read models have taken in.
        head: The record's last event.
        sites: The sites that the person may see; None for every site.
    """

    connection: AsyncConnection[Any]
    now: datetime
    as_of: int
    head: int
    sites: tuple[str, ...] | None

    @property
    def behind(self) -> int:
        """How many events are missing."""
        return max(0, self.head - self.as_of)

    async def rows(self, query: LiteralString, values: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of `query`. It may use `now` and `sites`."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query, self._given(values))
            return await cursor.fetchall()

    async def each(self, query: LiteralString, values: Mapping[str, Any] | None = None) -> AsyncIterator[Row]:
        """The same, for more rows than are held in memory at once."""
        async with self.connection.cursor("rows", row_factory=dict_row) as cursor:
            cursor.itersize = _AT_ONCE
            await cursor.execute(query, self._given(values))
            async for row in cursor:
                yield row

    def _given(self, values: Mapping[str, Any] | None) -> dict[str, Any]:
        return {"now": self.now, "sites": list(self.sites) if self.sites is not None else None, **(values or {})}

    async def count(self, query: LiteralString, values: Mapping[str, Any] | None = None) -> int:
        """The number in the column `count` of the only row of `query`."""
        [row] = await self.rows(query, values)
        return int(row["count"])


@asynccontextmanager
async def moment(
    pool: Pool, now: datetime, sites: Sequence[str] | None, *, seen: int = 0, patience_seconds: float = 1.0
) -> AsyncIterator[Moment]:
    """Opens a moment.

    Args:
        now: The time at which to judge what is overdue.
        sites: The sites that the person may see; None for every site.
        seen: A position of the record that the person has seen already, such as that of their own decision. The read
            models get a moment to come to it.
        patience_seconds: How long, elapsed.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    try:
        async with pool.connection() as connection:
            await _wait_for(connection, seen, patience_seconds)
            async with connection.transaction():
                await connection.execute("set transaction isolation level repeatable read, read only")
                as_of, head = await _where(connection)
                yield Moment(connection, now, as_of, head, tuple(sites) if sites is not None else None)
    except PoolTimeout:
        raise StoreUnavailable("no connection was free in time") from None
    except psycopg.Error as error:
        raise translated(error) from None


async def _wait_for(connection: AsyncConnection[Any], seen: int, patience_seconds: float) -> None:
    until = asyncio.get_running_loop().time() + patience_seconds
    while seen:
        as_of, head = await _where(connection)
        if as_of >= seen or seen > head:  # beyond the record there is nothing to wait for
            return
        if asyncio.get_running_loop().time() > until:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _where(connection: AsyncConnection[Any]) -> tuple[int, int]:
    found = await (await connection.execute(_WHERE, {"consumers": _CONSUMERS})).fetchone()
    return (int(found[0] or 0), int(found[1])) if found else (0, 0)
