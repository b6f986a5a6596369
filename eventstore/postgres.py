"""The record in PostgreSQL. The rules of an append are in the database: one call of `es.append` each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from eventstore.errors import (
    EventStoreError,
    KeyReused,
    SchemaMissing,
    StoreUnavailable,
    StreamClosed,
    VersionConflict,
)
from eventstore.events import Appended, NewEvent, StoredEvent, StreamEntry, StreamHead
from eventstore.jsontext import canonical
from eventstore.request import AppendRequest, require_dense, require_name, require_number

Pool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]]

CHANNEL = "es_appended"
"""Every append notifies this channel of its last position, as decimal text."""

# Columns by name, not `*`: a later migration may add one while this version still runs.
_COLUMNS = SQL("position, stream, version, event_id, type, schema_version, data, meta, occurred_at, recorded_at")
_APPEND = SQL(
    "with a as (select replayed, (event).* from es.append(%s, %s::bigint, %s, %s, %s, %s))"
    " select replayed, {columns} from a order by position"
).format(columns=_COLUMNS)
_READ = SQL("select {columns} from es.events where stream = %s and version > %s order by version limit %s").format(
    columns=_COLUMNS
)
_READ_ALL = SQL("select {columns} from es.events where position > %s order by position limit %s").format(
    columns=_COLUMNS
)
_READ_KEY = SQL(
    "with a as (select first_position, last_position from es.appends where stream = %s and append_key = %s)"
    " select {columns} from es.events join a on position between first_position and last_position"
    " order by position"
).format(columns=_COLUMNS)
_HEAD = SQL("select version, closed_at is not null as closed from es.streams where stream = %s")
_STREAMS = SQL(
    "select stream, version, closed_at is not null as closed from es.streams"
    ' where stream collate "C" > %s and not (%s and closed_at is not null) order by stream collate "C" limit %s'
)

_RETRYABLE = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)
_NO_SCHEMA = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)


class PostgresEventStore:
    """An `EventStore` over a pool of connections made by `open_store`; any number of tasks may share it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        """See `EventStore.append`."""
        request = AppendRequest(stream, expected_version, key, tuple(events), close)
        try:
            rows = await self._rows(_APPEND, *append_arguments(request))
        except psycopg.Error as error:
            raise await self._refusal(request, error) from None
        replayed = [bool(row.pop("replayed")) for row in rows]
        stored = tuple(StoredEvent.model_validate(row) for row in rows)
        return Appended(version=stored[-1].version, position=stored[-1].position, events=stored, replayed=replayed[-1])

    async def read(self, stream: str, *, after_version: int = 0, limit: int | None = None) -> tuple[StoredEvent, ...]:
        """See `EventStore.read`."""
        require_name("stream", stream)
        require_number("after_version", after_version, least=0)
        if limit is not None:
            require_number("limit", limit, least=1)
        return await self._events(_READ, stream, after_version, limit)

    async def read_all(self, *, after_position: int = 0, limit: int = 500) -> tuple[StoredEvent, ...]:
        """See `EventStore.read_all`."""
        require_number("after_position", after_position, least=0)
        require_number("limit", limit, least=1)
        events = await self._events(_READ_ALL, after_position, limit)
        require_dense(events, after_position=after_position)
        return events

    async def head(self, stream: str) -> StreamHead | None:
        """See `EventStore.head`."""
        require_name("stream", stream)
        try:
            rows = await self._rows(_HEAD, stream)
        except psycopg.Error as error:
            raise _translated(error) from None
        return StreamHead(**rows[0]) if rows else None

    async def streams(self, *, after: str = "", limit: int = 500, open_only: bool = False) -> tuple[StreamEntry, ...]:
        """See `EventStore.streams`."""
        require_number("limit", limit, least=1)
        try:
            rows = await self._rows(_STREAMS, after, open_only, limit)
        except psycopg.Error as error:
            raise _translated(error) from None
        return tuple(StreamEntry(**row) for row in rows)

    async def _refusal(self, request: AppendRequest, error: psycopg.Error) -> EventStoreError:
        stream, expected, key = request.stream, request.expected_version, request.key
        match error.sqlstate:
            case "TL001":
                held = await self._events(_READ, stream, expected, None)
                actual = held[-1].version if held else _version_in(error)
                return VersionConflict(stream, expected, actual, held)
            case "TL002":
                return KeyReused(stream, key, await self._events(_READ_KEY, stream, key))
            case "TL003":
                return StreamClosed(stream, _version_in(error))
        return _translated(error)

    async def _events(self, query: SQL | Composed, *arguments: object) -> tuple[StoredEvent, ...]:
        try:
            rows = await self._rows(query, *arguments)
        except psycopg.Error as error:
            raise _translated(error) from None
        return tuple(StoredEvent.model_validate(row) for row in rows)

    async def _rows(self, query: SQL | Composed, *arguments: object) -> list[dict[str, Any]]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, arguments)).fetchall()


@asynccontextmanager
async def open_store(
    database_url: str, *, min_size: int = 1, max_size: int = 8, timeout: float = 10.0
) -> AsyncIterator[PostgresEventStore]:
    """A store with its own pool of connections, closed on leaving.

    Args:
        database_url: `postgresql://...`, migrated before (see `migrate`).
        min_size: Connections kept open.
        max_size: Connections at most; more callers wait.
        timeout: Elapsed seconds to wait for a connection.

    Raises:
        StoreUnavailable: No connection within `timeout`.
    """
    pool: Pool = AsyncConnectionPool(
        database_url,
        kwargs={"autocommit": True, "row_factory": dict_row},
        min_size=min_size,
        max_size=max_size,
        timeout=timeout,
        configure=_configure,
        open=False,
        name="eventstore",
    )
    try:
        await pool.open(wait=True, timeout=timeout)
    except psycopg.Error as error:
        raise _translated(error) from None
    else:
        yield PostgresEventStore(pool)
    finally:
        await pool.close()


async def _configure(connection: AsyncConnection[Any]) -> None:
    # A plan prepared while the tables were empty would be kept as they grow.
    await connection.execute(
        "select set_config('TimeZone', 'UTC', false),"
        " set_config('plan_cache_mode', 'force_custom_plan', false),"
        " set_config('default_transaction_isolation', 'read committed', false)"
    )


def _translated(error: psycopg.Error) -> EventStoreError:
    if isinstance(error, _RETRYABLE):
        return StoreUnavailable(type(error).__name__)
    if isinstance(error, _NO_SCHEMA):
        return SchemaMissing()
    return EventStoreError(f"the database refused the call (SQLSTATE {error.sqlstate}): see the server's log")


def _version_in(error: psycopg.Error) -> int:
    return int(error.diag.message_detail or 0)


def append_arguments(request: AppendRequest) -> tuple[object, ...]:
    """What `es.append` takes, in its order."""
    listed = [
        event.model_dump(mode="json") | {"event_id": str(event_id)}
        for event, event_id in zip(request.events, request.event_ids(), strict=True)
    ]
    return (
        request.stream,
        request.expected_version,
        request.key,
        request.digest(),
        request.close,
        Jsonb(listed, dumps=canonical),
    )
