"""Turns rows of the record into changes of journeys. Each event is decoded and folded once for all read models."""

from __future__ import annotations

import asyncio
import gc
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dashboard.projections.model import Change
from domain.evolve import evolve
from domain.state import JourneyState
from eventstore.following.bulk import BulkEvent, Session, read_earlier
from record.codec import decode, is_journey

REMEMBERED_JOURNEYS = 20_000
_AT_ONCE = 500
_UNBORN = JourneyState()


class Folding:
    """Folds journeys in the order of the record.

    The most recently folded states are kept in memory. Others are folded again from their journeys' own streams, so
    forgetting a state loses nothing, and folding the same rows twice is safe.
    """

    def __init__(self, session: Session, remembered: int = REMEMBERED_JOURNEYS) -> None:
        self._session = session
        self._remembered = remembered
        self._states: OrderedDict[str, JourneyState] = OrderedDict()

    async def changes(self, rows: Sequence[BulkEvent]) -> list[Change]:
        """The changes that these consecutive rows make. Rows that belong to no journey are left out."""
        ours = [row for row in rows if is_journey(row.stream)]
        await self._recall(ours)
        changes: list[Change] = []
        for start in range(0, len(ours), _AT_ONCE):
            changes += self._folded(ours[start : start + _AT_ONCE])
            await asyncio.sleep(0)  # so that the database connection is served meanwhile
        while len(self._states) > self._remembered:
            self._states.popitem(last=False)
        return changes

    async def _recall(self, rows: Sequence[BulkEvent]) -> None:
        first = {row.stream: row.version for row in reversed(rows)}
        unknown = {stream: version for stream, version in first.items() if self._version_of(stream) != version - 1}
        for stream in unknown:
            self._states.pop(stream, None)
        missing = {stream: version for stream, version in unknown.items() if version > 1}
        if missing:
            earlier = await read_earlier(self._session, missing)
            for row, event in zip(earlier, decode(earlier), strict=True):
                self._states[row.stream] = evolve(self._states.get(row.stream, _UNBORN), event)

    def _version_of(self, stream: str) -> int:
        state = self._states.get(stream)
        return state.version if state else 0

    def _folded(self, rows: Sequence[BulkEvent]) -> Iterator[Change]:
        states = self._states
        for row, event in zip(rows, decode(rows), strict=True):
            before = states.pop(row.stream, _UNBORN)
            after = evolve(before, event)
            states[row.stream] = after  # moved to the end; the oldest states are at the start
            yield Change(row, event, before, after)


@contextmanager
def no_pauses() -> Iterator[None]:
    """Turns the garbage collector off, which would scan all states again and again. Events have no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
