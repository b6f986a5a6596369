"""The hash chain over the record: each row's hash covers the row and, through the hash before it, all earlier ones.

The database computes it as rows are recorded (`es.content` and `es.link` in its migrations); here the same is said in
Python, so that the person who checks the record need not trust the database that is under suspicion.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

NO_HASH = bytes(32)
"""What comes before the first row's hash."""

_FIXED = struct.Struct(">qqqq16si?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """A row of the record as it is hashed; `data` and `meta` are the texts that were recorded."""

    position: int
    version: int
    occurred_at: datetime
    recorded_at: datetime
    event_id: UUID
    schema_version: int
    closes: bool
    stream: str
    type: str
    data: str
    meta: str
    key_id: UUID | None
    sealed: bytes | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger: which key recorded the events from one position to another."""

    first_position: int
    last_position: int
    last_version: int
    recorded_at: datetime
    closes: bool
    stream: str
    append_key: str
    digest: bytes


def link(before: bytes, row: ChainedEvent) -> bytes:
    """The hash that `row` must have if the row before it has the hash `before`."""
    return hashlib.sha256(before + content(row)).digest()


def content(row: ChainedEvent) -> bytes:
    """What is hashed of a row: fixed widths, so that no two rows read alike."""
    fixed = _FIXED.pack(
        row.position,
        row.version,
        _micros(row.occurred_at),
        _micros(row.recorded_at),
        row.event_id.bytes,
        row.schema_version,
        row.closes,
    )
    texts = b"".join(_sha256(text.encode()) for text in (row.stream, row.type, row.data, row.meta))
    seal = row.key_id.bytes + _sha256(row.sealed) if row.key_id is not None and row.sealed is not None else b""
    return fixed + texts + seal


def read_rows(connection: Connection[Any], *, after_position: int = 0) -> Iterator[ChainedEvent]:
    """The record's rows, oldest first, a page at a time. Read them in one transaction with the ledger."""
    yield from (
        ChainedEvent(*row)
        for row in _pages(
            connection,
            "select position, version, occurred_at, recorded_at, event_id, schema_version, closes, stream, type,"
            " data::text, meta::text, key_id, sealed, hash from es.events where position > %s order by position",
            [after_position],
        )
    )


def read_entries(connection: Connection[Any], *, after_position: int = 0) -> Iterator[Entry]:
    """The ledger's rows, oldest first, a page at a time."""
    yield from (
        Entry(*row)
        for row in _pages(
            connection,
            "select first_position, last_position, last_version, recorded_at, closes, stream, append_key, digest"
            " from es.appends where last_position > %s order by first_position",
            [after_position],
        )
    )


def _pages(connection: Connection[Any], query: str, arguments: Sequence[object]) -> Iterator[tuple[Any, ...]]:
    with connection.cursor(name=f"pages_{hashlib.sha256(query.encode()).hexdigest()[:8]}") as cursor:
        cursor.itersize = _PAGE
        cursor.execute(query.encode(), arguments)
        yield from cursor


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
