"""The record in PostgreSQL. The rules of an append are in the database: `es.append_many`, one call for a batch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed
from psycopg_pool import AsyncConnectionPool

from eventstore.appending.batches import AppendAnswer, AppendBatches
from eventstore.appending.pipeline import Connect, Pipeline
from eventstore.errors import (
    EventStoreError,
    KeyReused,
    SchemaMissing,
    StoreUnavailable,
    StreamClosed,
    VersionConflict,
)
from eventstore.events import Appended, NewEvent, OpenStream, StoredEvent, StreamEntry, StreamHead
from eventstore.request import AppendRequest, require_dense, require_name, require_number

RecordPool = AsyncConnectionPool[AsyncConnection[dict[str, Any]]]

CONNECTION: dict[str, Any] = {
    "autocommit": True,
    "client_encoding": "utf8",
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
"""How everybody connects to the record; libpq's names. Text is UTF-8, also where the client is set to another. A server
that ends without a word is noticed within some 20 s."""

CHANNEL = "es_appended"
"""Every commit of appends notifies this channel of the last position before it, as decimal text."""

# Columns by name, not `*`: a later migration may add one while this version still runs.
_COLUMNS = SQL(
    "position, stream, version, event_id, type, schema_version, data, meta, occurred_at, recorded_at, sealed, key_id"
)
APPEND: LiteralString = (
    "select stream, outcome, version, first_position, last_position, recorded_at from es.append_many($1)"
)
"""How everybody appends who may append to every stream. `$1` is the batch, as JSON."""
_READ = SQL("select {columns} from es.events where stream = %s and version > %s order by version limit %s").format(
    columns=_COLUMNS
)
_READ_ALL = SQL("select {columns} from es.events where position > %s order by position limit %s").format(
    columns=_COLUMNS
)
_READ_RANGE = SQL("select {columns} from es.events where position between %s and %s order by position").format(
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
# Each last event is looked up by the index: events are many times as many as open streams.
_OPEN_STREAMS = SQL(
    "select s.stream, s.version, e.event_id, e.recorded_at from es.streams s left join lateral"
    " (select event_id, recorded_at from es.events where stream = s.stream and version = s.version limit 1) e on true"
    " where s.closed_at is null"
)
_OPEN_STREAMS_AT_ONCE = 5_000

_RETRYABLE = (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction)
NO_SCHEMA = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)
"""What a database raises that holds no record, or whose record this role may not use."""


class PostgresEventStore:
    """An `EventStore` made by `open_store`; any number of tasks may share it.

    Args:
        pool: The connections to read by.
        connect: Opens the one connection that appends.
        patience: Elapsed seconds to wait for it.
        append: The statement that appends; see `APPEND`.
    """

    def __init__(self, pool: RecordPool, connect: Connect, *, patience: float, append: LiteralString = APPEND) -> None:
        self._pool = pool
        self._appends = Pipeline(connect, append, "json", patience=patience)
        self._batches = AppendBatches(self._send)

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        """See `EventStore.append`. A caller that stops waiting for the answer does not take the append back."""
        request = AppendRequest(stream, expected_version, key, tuple(events), close)
        outcome = await self._batches.submit(request)
        match outcome.code:
            case "recorded":
                stored, replayed = _as_recorded(request, outcome), False
            case "replayed":
                stored = await self._events(_READ_RANGE, outcome.first_position, outcome.last_position)
                replayed = True
            case _:
                raise await self._refusal(request, outcome)
        last = stored[-1]
        return Appended.vouched_for(
            {"version": last.version, "position": last.position, "events": stored, "replayed": replayed}
        )

    async def close(self) -> None:
        """Returns once no append is under way; there can be none afterwards."""
        try:
            await self._batches.drain()
        finally:
            self._appends.close()

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
            rows = await self._rows(_HEAD, [stream])
        except psycopg.Error as error:
            raise translated(error) from None
        return StreamHead(**rows[0]) if rows else None

    async def streams(self, *, after: str = "", limit: int = 500, open_only: bool = False) -> tuple[StreamEntry, ...]:
        """See `EventStore.streams`."""
        require_number("limit", limit, least=1)
        try:
            rows = await self._rows(_STREAMS, [after, open_only, limit])
        except psycopg.Error as error:
            raise translated(error) from None
        return tuple(StreamEntry(**row) for row in rows)

    async def open_streams(self) -> AsyncIterator[OpenStream]:
        """See `EventStore.open_streams`. Holds a connection until the last was taken."""
        try:
            async with (
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor(name="open_streams") as cursor,
            ):
                cursor.itersize = _OPEN_STREAMS_AT_ONCE
                await cursor.execute(_OPEN_STREAMS)
                async for row in cursor:
                    yield OpenStream.vouched_for(row)
        except psycopg.Error as error:
            raise translated(error) from None

    async def _send(self, requests: Sequence[AppendRequest]) -> list[AppendAnswer]:
        try:
            rows = await self._appends.ask(batch_text(requests))
        except psycopg.Error as error:
            raise translated(error) from None
        outcomes = {stream: AppendAnswer(*rest) for stream, *rest in rows}
        return [outcomes[request.stream] for request in requests]

    async def _refusal(self, request: AppendRequest, outcome: AppendAnswer) -> EventStoreError:
        stream, expected, key = request.stream, request.expected_version, request.key
        match outcome.code:
            case "TL001":
                held = await self._events(_READ, stream, expected, None)
                actual = held[-1].version if held else outcome.version
                return VersionConflict(stream, expected, actual, held)
            case "TL002":
                return KeyReused(stream, key, await self._events(_READ_KEY, stream, key))
            case "TL003":
                return StreamClosed(stream, outcome.version)
        raise AssertionError(f"the database answered {outcome.code}: the code and its schema are not one release")

    async def _events(self, query: SQL | Composed, *arguments: object) -> tuple[StoredEvent, ...]:
        try:
            rows = await self._rows(query, arguments)
        except psycopg.Error as error:
            raise translated(error) from None
        return tuple(StoredEvent.vouched_for(row) for row in rows)

    async def _rows(self, query: LiteralString | SQL | Composed, arguments: Sequence[object]) -> list[dict[str, Any]]:
        async with self._pool.connection() as connection:
            return await (await connection.execute(query, arguments)).fetchall()


@asynccontextmanager
async def open_store(
    database_url: str,
    *,
    min_size: int = 1,
    max_size: int = 8,
    timeout: float = 10.0,
    append: LiteralString = APPEND,
) -> AsyncIterator[PostgresEventStore]:
    """A store with its own pool of connections, closed on leaving.

    Args:
        database_url: `postgresql://...`, migrated before (see `migrate`).
        min_size: Connections kept open.
        max_size: Connections at most; more callers wait.
        timeout: Elapsed seconds to wait for a connection.
        append: The statement that appends, for a role that may append to some streams only.

    Raises:
        StoreUnavailable: No connection within `timeout`.
    """
    pool: RecordPool = AsyncConnectionPool(
        database_url,
        kwargs={"row_factory": dict_row, **CONNECTION},
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
        raise translated(error) from None
    else:
        store = PostgresEventStore(pool, partial(_connect_to_append, database_url), patience=timeout, append=append)
        try:
            yield store
        finally:
            await store.close()
    finally:
        await pool.close()


_SETTINGS: LiteralString = (
    "select set_config('TimeZone', 'UTC', false), set_config('default_transaction_isolation', 'read committed', false)"
)


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(_SETTINGS)
    # A plan prepared while the tables were empty would be kept as they grow.
    await connection.execute("set plan_cache_mode to force_custom_plan")


async def _connect_to_append(database_url: str) -> AsyncConnection[Any]:
    connection = await AsyncConnection.connect(database_url, application_name="throughline appends", **CONNECTION)
    try:
        await connection.execute(_SETTINGS)
    except BaseException:
        await connection.close()
        raise
    return connection


def translated(error: psycopg.Error) -> EventStoreError:
    """What an error of the database means for the record's caller; without a word of what was sent."""
    if isinstance(error, _RETRYABLE):
        return StoreUnavailable(type(error).__name__)
    if isinstance(error, NO_SCHEMA):
        return SchemaMissing()
    return EventStoreError(f"the database refused the call (SQLSTATE {error.sqlstate}): see the server's log")


def batch_text(requests: Iterable[AppendRequest]) -> str:
    """A batch as `es.append_many` takes it."""
    return f"[{','.join([request.as_json() for request in requests])}]"


def _as_recorded(request: AppendRequest, outcome: AppendAnswer) -> tuple[StoredEvent, ...]:
    assert outcome.first_position is not None and outcome.recorded_at is not None
    return tuple(
        StoredEvent.vouched_for(
            {
                **event.__dict__,
                "position": outcome.first_position + index,
                "stream": request.stream,
                "version": request.expected_version + 1 + index,
                "event_id": request.event_ids[index],
                "recorded_at": outcome.recorded_at,
            }
        )
        for index, event in enumerate(request.events)
    )
