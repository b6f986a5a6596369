"""Reading much of the record at once, for programs that follow or fold it: rows as they are, checked for holes alone.

`PostgresEventStore.read_all` makes whole `StoredEvent`s; this reads what a projection needs at a fraction of the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL

from eventstore.errors import RecordDamaged
from eventstore.postgres import CONNECTION, translated

Session = AsyncConnection[tuple[Any, ...]]
"""One connection, in autocommit, that speaks UTC."""


class BulkEvent(NamedTuple):
    """An event of the record as a projection needs it.

    Attributes:
        occurred_at: In UTC, as PostgreSQL writes it, and so is `recorded_at`: it can be handed on as it is.
        text: The event as one JSON object, with its type, time and cause; see `record.codec.decode`.
    """

    position: int
    version: int
    schema_version: int
    stream: str
    type: str
    occurred_at: str
    recorded_at: str
    text: str


_COLUMNS = SQL(
    "position, version, schema_version, stream, type, occurred_at::text, recorded_at::text,"
    """ '{"type":' || to_json(type)::text || ',"at":"' || occurred_at || ':00","cause":'"""
    """ || coalesce((meta -> 'command_id')::text, '""')"""
    " || case data::text when '{}' then '}' else ',' || substr(data::text, 2) end"
)
_PAGE = SQL("select {} from es.events where position > %s order by position limit %s").format(_COLUMNS)
_EARLIER = SQL(
    "select {} from unnest(%s::text[], %s::bigint[]) as wanted (name, below)"
    " join es.events on stream = name and version < below order by stream, version"
).format(_COLUMNS)
_SETTINGS = (
    "select set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
    " set_config('plan_cache_mode', 'force_custom_plan', false)"
)
_HEAD = "select coalesce(max(position), 0) from es.events"


async def open_session(database_url: str, purpose: str) -> Session:
    """A connection of its own, known to the server by its purpose. Raises `StoreUnavailable`."""
    try:
        session = await AsyncConnection.connect(
            database_url, application_name=f"throughline {purpose}", connect_timeout=10, **CONNECTION
        )
        await session.execute(_SETTINGS)
    except psycopg.Error as error:
        raise translated(error) from None
    return session


async def read_page(session: Session, after: int, limit: int) -> list[BulkEvent]:
    """The rows after a position, at most `limit`; empty at the end of the record.

    Raises:
        RecordDamaged: Positions are missing.
        StoreUnavailable: The database did not answer.
    """
    rows = await _rows(session, _PAGE, [after, limit])
    if rows and (rows[0].position != after + 1 or rows[-1].position != after + len(rows)):
        _find_hole(rows, after)
    return rows


async def read_earlier(session: Session, versions: dict[str, int]) -> list[BulkEvent]:
    """All rows of these streams below the version given for each, stream after stream."""
    return await _rows(session, _EARLIER, [list(versions), list(versions.values())])


async def read_head(session: Session) -> int:
    """The last position of the record; 0 while it is empty."""
    try:
        row = await (await session.execute(_HEAD)).fetchone()
    except psycopg.Error as error:
        raise translated(error) from None
    return int(row[0]) if row else 0


async def _rows(session: Session, query: Any, arguments: Sequence[object]) -> list[BulkEvent]:
    try:
        cursor = await session.execute(query, arguments, binary=True)
        return [BulkEvent._make(row) for row in await cursor.fetchall()]
    except psycopg.Error as error:
        raise translated(error) from None


def _find_hole(rows: Sequence[BulkEvent], after: int) -> None:
    for before, row in enumerate(rows, start=after):
        if row.position != before + 1:
            raise RecordDamaged(before, row.position)
