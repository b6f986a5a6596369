"""The record as CloudEvents 1.0 in JSON, a line for each event, and back into an empty record.

A line holds all that the record knows of an event: `sequence` is its position, `subject` its stream, `appendkey` the
key that recorded it, `hash` its link of the chain. `data` stands letter for letter as it is hashed, and what is sealed
stays sealed. So an export can be checked by itself, and what is restored from it has the same positions and hashes.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from eventstore.connection import one_moment, whole_job
from eventstore.errors import EventStoreError, InvalidRequest
from eventstore.jsontext import canonical, require_storable
from eventstore.request import content_digest, event_id, require_name
from eventstore.verification.anchors import Anchor
from eventstore.verification.chain import ChainedEvent, Entry, read_entries, read_rows
from eventstore.verification.verify import Verification, as_events, verify_rows

SOURCE = "/throughline/record"
_DATA = ',"data":'  # cannot stand inside a JSON string, where a quotation mark has a backslash before it
_HOLD_WRITERS = "select pg_advisory_xact_lock(es.latch())"
_HOLDS_EVENTS = "select exists (select from es.events)"
_COPY_EVENTS = (
    "copy es.events (position, version, occurred_at, recorded_at, event_id, schema_version, closes, stream, type, data,"
    " meta, key_id, sealed, hash) from stdin"
)
_COPY_APPENDS = (
    "copy es.appends (first_position, last_position, last_version, recorded_at, closes, stream, append_key, digest)"
    " from stdin"
)
_COPY_STREAMS = "copy es.streams (stream, version, closed_at) from stdin"


class ExportRefused(EventStoreError):
    """The record cannot be exported as it is."""


class ImportRefused(EventStoreError):
    """What was to be imported cannot be, and nothing was."""


def export_lines(database_url: str) -> Iterator[str]:
    """The whole record as it stands at one moment, a line without its end for each event, oldest first.

    Raises:
        ExportRefused: Events and ledger do not fit together.
        StoreUnavailable: The database did not answer.
        SchemaMissing: It holds no record, or the role may not read it.
    """
    with one_moment(database_url) as connection:
        rows = read_rows(connection)
        for entry in read_entries(connection):
            for position in range(entry.first_position, entry.last_position + 1):
                row = next(rows, None)
                if row is None or row.position != position:
                    raise _unfit(position)
                yield _line(row, entry)
        for row in rows:
            raise _unfit(row.position)


def _unfit(position: int) -> ExportRefused:
    return ExportRefused(f"events and ledger do not fit at position {position}: run `throughline events verify`")


def check_lines(lines: Iterable[str], anchors: Iterable[Anchor] = ()) -> Verification:
    """Whether an export is sound: its numbering, its chain, its keys, and signed heads if there are any.

    Raises:
        ImportRefused: A line cannot be read, or names a key that did not record it.
    """
    return verify_rows((row for append in _appends(lines) for row in append.rows), anchors)


def import_lines(database_url: str, lines: Iterable[str], *, progress: Callable[[int], None] = lambda n: None) -> int:
    """Restores an export into an empty record, with the same positions, times and hashes; returns how many events.

    All or nothing. The role must own the record (`throughline_owner`): it is what a restore is done with.

    Raises:
        ImportRefused: The record is not empty, or the lines are not a sound export.
        StoreUnavailable: The database did not answer.
        SchemaMissing: The record's schema is missing or the role may not write to it.
    """
    with whole_job(database_url) as connection:
        connection.execute(_HOLD_WRITERS)
        if connection.execute(_HOLDS_EVENTS).fetchone() != (False,):
            raise ImportRefused("the record already holds events: import into an empty one")
        importing = _Import(connection, progress)
        try:
            verdict = verify_rows(importing.copied(lines))
            if verdict.fault is not None:
                raise ImportRefused(f"not a sound export: {verdict.fault.sentence}; export it again from the source")
            importing.finish()
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise ImportRefused(f"the database takes no such record (SQLSTATE {error.sqlstate})") from None
        connection.commit()
    return verdict.events


@dataclass(frozen=True)
class _Append:
    """What one append recorded, as its lines say."""

    key: str
    rows: list[ChainedEvent]

    def entry(self) -> Entry:
        """The append's row of the ledger: all of it follows from the events and the key."""
        first, last = self.rows[0], self.rows[-1]
        return Entry(
            first_position=first.position,
            last_position=last.position,
            last_version=last.version,
            recorded_at=last.recorded_at,
            closes=last.closes,
            stream=last.stream,
            append_key=self.key,
            digest=content_digest(as_events(self.rows), close=last.closes),
        )


class _Import:
    def __init__(self, connection: Connection[Any], progress: Callable[[int], None]) -> None:
        self._connection = connection
        self._progress = progress
        self._entries: list[Entry] = []

    def copied(self, lines: Iterable[str]) -> Iterator[ChainedEvent]:
        """Writes each row as it passes through."""
        with self._connection.cursor() as cursor, cursor.copy(_COPY_EVENTS) as copy:
            for append in _appends(lines):
                for row in append.rows:
                    copy.write_row(_as_tuple(row))
                    yield row
                self._entries.append(append.entry())
                self._progress(append.rows[-1].position)

    def finish(self) -> None:
        """The ledger and the heads of the streams."""
        heads = {each.stream: (each.last_version, each.recorded_at if each.closes else None) for each in self._entries}
        with self._connection.cursor() as cursor:
            with cursor.copy(_COPY_APPENDS) as copy:
                for each in self._entries:
                    copy.write_row(_as_tuple(each))
            with cursor.copy(_COPY_STREAMS) as copy:
                for stream, head in heads.items():
                    copy.write_row((stream, *head))


def _as_tuple(row: ChainedEvent | Entry) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in row.__slots__)


def _line(row: ChainedEvent, entry: Entry) -> str:
    attributes: dict[str, object] = {
        "specversion": "1.0",
        "id": str(row.event_id),
        "source": SOURCE,
        "type": row.type,
        "subject": row.stream,
        "time": _moment(row.occurred_at),
        "datacontenttype": "application/json",
        "schemaversion": row.schema_version,
        "sequence": str(row.position),
        "streamversion": str(row.version),
        "recordedtime": _moment(row.recorded_at),
        "appendkey": entry.append_key,
        "closes": row.closes,
        "meta": row.meta,
        "hash": row.hash.hex(),
    }
    if row.key_id is not None and row.sealed is not None:
        attributes |= {"keyid": str(row.key_id), "sealed": b64encode(row.sealed).decode()}
    return f"{canonical(attributes)[:-1]}{_DATA}{row.data}}}"


def _appends(lines: Iterable[str]) -> Iterator[_Append]:
    for (stream, key), group in groupby(_parsed(lines), key=lambda parsed: (parsed[0].stream, parsed[1])):
        rows = [row for row, _ in group]
        for index, row in enumerate(rows):
            if row.event_id != event_id(stream, key, index):
                raise ImportRefused(f"the event at position {row.position} was recorded under another key than is said")
        yield _Append(key, rows)


def _parsed(lines: Iterable[str]) -> Iterator[tuple[ChainedEvent, str]]:
    for number, line in enumerate(lines, 1):
        try:
            yield _row(json.loads(line), line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidRequest):
            raise ImportRefused(f"line {number} is not an event of a Throughline export") from None


def _data_text(said: dict[str, Any], line: str) -> str:
    """The data letter for letter, unless another program has written the line anew."""
    text = line.partition(_DATA)[2].rstrip().removesuffix("}")
    try:
        return text if json.loads(text) == said["data"] else canonical(said["data"])
    except ValueError:
        return canonical(said["data"])


def _row(said: dict[str, Any], line: str) -> tuple[ChainedEvent, str]:
    require_storable(said)
    row = ChainedEvent(
        position=_count(said["sequence"]),
        version=_count(said["streamversion"]),
        occurred_at=_utc(said["time"]),
        recorded_at=_utc(said["recordedtime"]),
        event_id=UUID(said["id"]),
        schema_version=_count(said["schemaversion"], most=2**31 - 1),
        closes=said["closes"] is True,
        stream=str(said["subject"]),
        type=str(said["type"]),
        data=_data_text(said, line),
        meta=str(said["meta"]),
        key_id=UUID(said["keyid"]) if "keyid" in said else None,
        sealed=b64decode(said["sealed"], validate=True) if "sealed" in said else None,
        hash=bytes.fromhex(said["hash"]),
    )
    require_name("stream", row.stream)
    require_name("key", said["appendkey"])
    return row, said["appendkey"]


def _count(said: object, *, most: int = 2**62) -> int:
    number = int(str(said))
    if not 1 <= number <= most:
        raise ValueError("out of range")
    return number


def _utc(said: str) -> datetime:
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
