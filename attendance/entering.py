"""Entering what was planned and what came of it: checked, and kept in the record once for each entry's id."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Literal, LiteralString, NamedTuple
from weakref import WeakValueDictionary

from attendance.codec import from_record, stream_of, to_record
from attendance.standing import Standing
from domain.refusal import Refused, UnknownHere
from domain.sessions.facts import Entry, SessionOutcome
from domain.sites import site_named
from eventstore.errors import InvalidRequest, KeyReused, StreamClosed, VersionConflict
from eventstore.port import EventStore
from eventstore.postgres import open_store
from record.codec import is_journey

_YEAR = timedelta(days=366)
_TRIES = 60
_LONGEST_PAUSE_MS = 20
_REMEMBERED = 10_000
_BEFORE_IT_BEGINS = (
    *(SessionOutcome.PLANNED, SessionOutcome.CANCELLED, SessionOutcome.CALLED_OFF),
    *(SessionOutcome.ENTERED_IN_ERROR, SessionOutcome.LATE_CANCEL),
)


_APPEND: LiteralString = (
    "select stream, outcome, version, first_position, last_position, recorded_at from attendance.append($1)"
)


def open_session_store(database_url: str, *, max_size: int = 8) -> AbstractAsyncContextManager[EventStore]:
    """The record, for those who may append entries about sessions and nothing else."""
    return open_store(database_url, max_size=max_size, append=_APPEND)


class Entered(NamedTuple):
    """What became of an entry.

    Attributes:
        outcome: `known` if the same was entered before, under the same id.
        entries: How many entries there are about the client's sessions.
    """

    outcome: Literal["entered", "known"]
    entries: int


class SessionEntry:
    """Enters facts about sessions. Any number of tasks may share it.

    Args:
        store: The record.
        via: The way in: `board`, `api`, `cli` or `file`. It is kept beside each entry.
    """

    def __init__(self, store: EventStore, via: str) -> None:
        self._store = store
        self._via = via
        self._versions: OrderedDict[str, int] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def enter(self, journey_id: str, entry: Entry, now: datetime, standing: Standing | None = None) -> Entered:
        """Keeps the entry. The journey is told of it afterwards, if anything must be decided.

        Args:
            standing: Of the journey, as read just now; left out, it is read here, once for each journey.

        Raises:
            Refused: It cannot be true, or its id stands for another entry. Nothing was kept.
            EventStoreError: The record does not answer; enter it again with the same id.
        """
        _require_plausible(entry, now)
        _require_site(entry)
        if standing is not None:
            self._know(journey_id, standing)
        elif journey_id not in self._versions:
            await self._require_open(journey_id)
        turn = self._turns.setdefault(journey_id, asyncio.Lock())
        try:
            async with turn:
                return await self._append(journey_id, entry)
        except StreamClosed:
            raise _ended() from None

    async def _append(self, journey_id: str, entry: Entry) -> Entered:
        expected, event = self._versions.get(journey_id, 0), to_record(entry, self._via)
        for _ in range(_TRIES):
            try:
                done = await self._store.append(
                    stream_of(journey_id), expected_version=expected, key=entry.entry, events=[event]
                )
            except VersionConflict as conflict:
                expected = conflict.actual
                await asyncio.sleep(secrets.randbelow(_LONGEST_PAUSE_MS) / 1000)
                continue
            except KeyReused as reused:
                return _known(entry, reused)
            self._remember(journey_id, done.version)
            return Entered("known" if done.replayed else "entered", done.version)
        raise Refused("too-many-at-once", "Too many entries about this client's sessions at once. Enter it again.")

    def _know(self, journey_id: str, standing: Standing) -> None:
        if standing.ended:
            raise _ended()
        self._remember(journey_id, max(standing.entries, self._versions.get(journey_id, 0)))

    async def _require_open(self, journey_id: str) -> None:
        try:
            head = await self._store.head(journey_id) if is_journey(journey_id) else None
        except InvalidRequest:
            head = None
        if head is None:
            raise no_such_journey()
        if head.closed:
            raise _ended()

    def _remember(self, journey_id: str, version: int) -> None:
        self._versions[journey_id] = version
        self._versions.move_to_end(journey_id)
        while len(self._versions) > _REMEMBERED:
            self._versions.popitem(last=False)


def no_such_journey() -> Refused:
    """The refusal where there is none, or none for this person."""
    return Refused("no-such-journey", "There is no such journey. Check its id or its reference.")


def _known(entry: Entry, reused: KeyReused) -> Entered:
    """The same entry at another moment is the same; another entry needs an id of its own."""
    held = from_record(reused.held[0])
    if (held.said, held.by) == (entry.said, entry.by):
        return Entered("known", reused.held[0].version)
    raise Refused("entry-reused", "Another entry has this id. Give each entry an id of its own.")


def _ended() -> Refused:
    return Refused("journey-ended", "This journey has ended. Enter the session on the client's new journey.")


def _require_plausible(entry: Entry, now: datetime) -> None:
    said = entry.said
    if said.outcome not in _BEFORE_IT_BEGINS and said.starts_at > now:
        raise Refused("not-yet", "That session has not begun yet. Enter it as planned, and what came of it afterwards.")
    if abs(said.starts_at - now) > _YEAR:
        raise Refused("far-away", "That session is more than a year away from today. Check its date.")


def _require_site(entry: Entry) -> None:
    try:
        site_named(entry.said.site)
    except UnknownHere:
        raise Refused("no-such-site", "No site has that id. See `throughline sites`.") from None
