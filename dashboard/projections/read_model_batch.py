"""Writes a page of the record to several read models at once: their rows and checkpoints, all or nothing."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from dashboard.projections.folding import Folding, no_pauses
from dashboard.projections.generations import by_consumer, table_of
from dashboard.projections.model import Change, ReadModel
from dashboard.projections.writer import prepare, write
from eventstore.following.bulk import BulkEvent, Session
from eventstore.following.checkpoints import Checkpoint, advance

CHANGED = "dash_changed"
"""The channel on which PostgreSQL tells readers that read models have changed, with the position they are at."""


class ReadModelBatch:
    """Read models that are updated together, each from its own checkpoint.

    Args:
        session: Used to write. Nothing else may use it meanwhile.
        reading: Used to read the streams of journeys that are not in memory.
        models: The read models that may be updated.
    """

    def __init__(self, session: Session, reading: Session, models: Sequence[ReadModel]) -> None:
        self._session = session
        self._models: Mapping[str, ReadModel] = by_consumer(models)
        self._folding = Folding(reading)

    async def prepare(self) -> None:
        """Call this once before anything is written."""
        await prepare(self._session, list(self._models.values()))

    async def take(self, checkpoints: Sequence[Checkpoint], rows: Sequence[BulkEvent]) -> list[Checkpoint]:
        """Applies `rows` to each generation that is not past them, in one transaction. Returns the new checkpoints.

        Raises:
            Fenced: Another process moved a checkpoint. Nothing was written.
        """
        with no_pauses():
            return await self.keep(checkpoints, await self.fold(rows), rows[-1].position)

    async def take_all(
        self, checkpoints: Sequence[Checkpoint], pages: AsyncIterator[Sequence[BulkEvent]], told: Callable[[int], None]
    ) -> Sequence[Checkpoint]:
        """Like `take`, for page after page. While one is being written, the next is folded."""
        keeping: asyncio.Task[list[Checkpoint]] | None = None
        try:
            async for rows in pages:
                changes = await self.fold(rows)
                if keeping:
                    checkpoints = await keeping
                    told(checkpoints[0].position)
                keeping = asyncio.create_task(self.keep(checkpoints, changes, rows[-1].position))
            return await keeping if keeping else checkpoints
        finally:
            if keeping and not keeping.done():
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)

    async def fold(self, rows: Sequence[BulkEvent]) -> list[Change]:
        """The changes that `rows` make."""
        return await self._folding.changes(rows)

    async def keep(self, checkpoints: Sequence[Checkpoint], changes: Sequence[Change], upto: int) -> list[Checkpoint]:
        """Writes `changes`, which end at position `upto`, in a transaction; see `take`."""
        behind = [each for each in checkpoints if each.position < upto]
        async with self._session.transaction():
            # The checkpoints first: a second process waits there, and is fenced before it has written anything.
            moved = await advance(self._session, behind, upto)
            for each in behind:
                model = self._models[each.consumer]
                first = bisect_right(changes, each.position, key=lambda change: change.recorded.position)
                rows = model.last_rows(changes[first:])
                await write(self._session, model, table_of(model, each.generation), rows)
            await self._session.execute("select pg_notify(%s, %s)", [CHANGED, str(upto)])
        return [*moved, *(each for each in checkpoints if each.position >= upto)]
