"""Is the record still what was recorded? Names the first row that was altered, taken out or put in.

Checked are the hash of every row, the ledger (which key recorded what, and its digest), the heads of the streams, and
signed heads that were kept out of reach of those who can write to the database. Without them, the person who owns the
database could recompute the chain from some row on, or cut off its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection

from eventstore.connection import one_moment
from eventstore.events import NewEvent
from eventstore.request import content_digest, event_id
from eventstore.verification.anchors import Anchor
from eventstore.verification.chain import NO_HASH, ChainedEvent, Entry, link, read_entries, read_rows

ReportCount = Callable[[int, int], None]
"""Told how much is done, of how much: now and then, and at the end."""
_TOTAL = "select coalesce(max(position), 0) from es.events"
_HEADS = "select stream, version, closed_at from es.streams"
_TOLD_EVERY = 5_000
_LOOK_AHEAD = 1_000  # of an append, to tell what moved up; an altered ledger may say it has any number of events


class FaultKind(StrEnum):
    """What is wrong at a position."""

    ALTERED = "altered"
    MISSING = "missing"
    INSERTED = "inserted"
    LEDGER = "ledger"  #: the ledger does not say what the events say
    STREAM_HEAD = "stream-head"  #: a stream's head is not that of its events
    ANCHOR = "anchor"  #: a signed head says otherwise


@dataclass(frozen=True)
class Fault:
    """The first thing that is wrong. `sentence` says what, without a word of an event's content."""

    kind: FaultKind
    position: int
    sentence: str


@dataclass
class Verification:
    """What a check came to.

    Attributes:
        events: How many events were checked and found sound.
        hash: The hash of the last of them.
        anchors: How many signed heads were found to agree.
        fault: The first fault, or None.
    """

    events: int = 0
    hash: bytes = NO_HASH
    anchors: int = 0
    fault: Fault | None = None

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault is None


class _Wrong(Exception):
    def __init__(self, kind: FaultKind, position: int, text: str) -> None:
        super().__init__(kind)
        self.fault = Fault(kind, position, text.format(position))


def verify(
    database_url: str, anchors: Iterable[Anchor] = (), *, progress: ReportCount = lambda done, of: None
) -> Verification:
    """Checks the whole record as it stands at one moment; writers go on meanwhile.

    Args:
        database_url: With a role that may read `es`: `throughline_auditor`.
        anchors: Signed heads whose signatures were checked; see `eventstore.verification.anchors`.
        progress: Told how far it is.

    Raises:
        StoreUnavailable: The database did not answer.
        SchemaMissing: It holds no record, or the role may not read it.
    """
    with one_moment(database_url) as connection:
        return _verify(connection, list(anchors), progress)


def verify_rows(rows: Iterable[ChainedEvent], anchors: Iterable[Anchor] = ()) -> Verification:
    """Checks rows that come from elsewhere, such as an export: their numbering, their chain, and signed heads."""
    check = _Check(list(anchors), lambda events: None)
    try:
        for row in rows:
            check.row(row)
        check.anchors_beyond()
    except _Wrong as wrong:
        check.verdict.fault = wrong.fault
    return check.verdict


def _verify(connection: Connection[Any], anchors: list[Anchor], progress: ReportCount) -> Verification:
    row = connection.execute(_TOTAL).fetchone()
    total = row[0] if row else 0
    check = _Check(anchors, lambda events: progress(events, total))
    try:
        _Ledger(read_entries(connection), check).follow(read_rows(connection))
        progress(total, total)
        check.anchors_beyond()
        _check_heads(connection, check)
    except _Wrong as wrong:
        check.verdict.fault = wrong.fault
    return check.verdict


@dataclass
class _Check:
    """Follows the rows one by one."""

    anchors: list[Anchor]
    progress: Callable[[int], None]
    verdict: Verification = field(default_factory=Verification)
    versions: dict[str, int] = field(default_factory=dict)
    closed: dict[str, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._signed: dict[int, list[bytes]] = {}
        for anchor in self.anchors:
            self._signed.setdefault(anchor.position, []).append(anchor.hash)

    def row(self, row: ChainedEvent) -> None:
        position = self.verdict.events + 1
        if row.position != position:
            raise _Wrong(FaultKind.MISSING, position, "the event at position {} is not there")
        if not self.follows(row):
            raise _Wrong(FaultKind.ALTERED, position, "the event at position {} was altered: its hash does not follow")
        if row.version != self.versions.get(row.stream, 0) + 1:
            raise _Wrong(FaultKind.ALTERED, position, "the event at position {} does not follow its stream's last one")
        if row.stream in self.closed:
            raise _Wrong(FaultKind.ALTERED, position, "the event at position {} is in a stream that was closed before")
        self.versions[row.stream] = row.version
        if row.closes:
            self.closed[row.stream] = row.recorded_at
        self.verdict.events, self.verdict.hash = position, row.hash
        self._compare_anchor(row)
        if position % _TOLD_EVERY == 0:
            self.progress(position)

    def follows(self, row: ChainedEvent) -> bool:
        return link(self.verdict.hash, row) == row.hash

    def _compare_anchor(self, row: ChainedEvent) -> None:
        signed = self._signed.get(row.position, [])
        if any(hash != row.hash for hash in signed):
            raise _Wrong(
                FaultKind.ANCHOR,
                row.position,
                "at position {} the chain is not the one that was signed: something up to there was altered, and the "
                "chain computed anew",
            )
        self.verdict.anchors += len(signed)

    def anchors_beyond(self) -> None:
        beyond = [anchor.position for anchor in self.anchors if anchor.position > self.verdict.events]
        if beyond:
            text = f"events from position {{}} on are not there, although a head at position {max(beyond)} was signed"
            raise _Wrong(FaultKind.MISSING, self.verdict.events + 1, text)


class _Ledger:
    """The ledger beside the rows: every row is covered by one entry, and every entry says what its rows say."""

    def __init__(self, entries: Iterator[Entry], check: _Check) -> None:
        self._entries = entries
        self._check = check

    def follow(self, rows: Iterator[ChainedEvent]) -> None:
        before = 0
        entry = next(self._entries, None)
        while entry is not None:
            if entry.first_position != before + 1:
                raise _Wrong(FaultKind.LEDGER, before + 1, "the ledger has no entry for the append at position {}")
            after = next(self._entries, None)
            self._check_entry(entry, [self._next(rows, entry, index, after) for index in range(_size(entry))])
            before, entry = entry.last_position, after
        for row in rows:
            raise _Wrong(
                FaultKind.INSERTED, row.position, "the event at position {} was inserted: no append recorded it"
            )

    def _next(self, rows: Iterator[ChainedEvent], entry: Entry, index: int, after: Entry | None) -> ChainedEvent:
        """The next row, which must be the one that `entry` recorded as its `index`-th; `after` is the next entry."""
        position = self._check.verdict.events + 1
        row = next(rows, None)
        if row is None:
            raise _Wrong(FaultKind.MISSING, position, "the event at position {} is not there")
        is_own = row.event_id == event_id(entry.stream, entry.append_key, index)
        if row.position == position and not is_own and not self._check.follows(row):
            if _is_later(row, entry, index) or (after is not None and _is_later(row, after, -1)):
                raise _Wrong(FaultKind.MISSING, position, "the event at position {} is not there: later ones moved up")
            raise _Wrong(
                FaultKind.INSERTED, position, "the event at position {} was inserted: its append did not record it"
            )
        self._check.row(row)
        if not is_own:
            raise _Wrong(FaultKind.LEDGER, position, "the ledger's entry for position {} is not that of its event")
        return row

    def _check_entry(self, entry: Entry, rows: list[ChainedEvent]) -> None:
        last = rows[-1]
        digest = content_digest(as_events(rows), close=entry.closes)
        said = (entry.stream, entry.last_version, entry.recorded_at, entry.closes, entry.digest)
        if said != (last.stream, last.version, last.recorded_at, last.closes, digest):
            raise _Wrong(FaultKind.LEDGER, entry.first_position, "the ledger's entry for position {} was altered")


def _check_heads(connection: Connection[Any], check: _Check) -> None:
    rows = connection.execute(_HEADS).fetchall()
    heads = {stream: (version, closed_at) for stream, version, closed_at in rows}
    sound = {stream: (version, check.closed.get(stream)) for stream, version in check.versions.items()}
    differing = [stream for stream in {*heads, *sound} if heads.get(stream) != sound.get(stream)]
    if differing:
        text = f"the heads of {len(differing)} streams are not those of their events, among them {min(differing)}"
        raise _Wrong(FaultKind.STREAM_HEAD, check.verdict.events, text)


def _is_later(row: ChainedEvent, entry: Entry, index: int) -> bool:
    """Whether `row` is one of those that `entry` recorded after its `index`-th."""
    later = range(index + 1, min(_size(entry), index + 1 + _LOOK_AHEAD))
    return any(row.event_id == event_id(entry.stream, entry.append_key, each) for each in later)


def _size(entry: Entry) -> int:
    return entry.last_position - entry.first_position + 1


def as_events(rows: Iterable[ChainedEvent]) -> Iterator[tuple[NewEvent, str]]:
    """What the digest of an append is made of."""
    for row in rows:
        event = NewEvent.model_construct(
            type=row.type,
            schema_version=row.schema_version,
            data={},  # its text goes beside it
            occurred_at=row.occurred_at,
            sealed=row.sealed,
            key_id=row.key_id,
        )
        yield event, row.data
