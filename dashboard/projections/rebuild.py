"""Rebuilds read models from the first event, next to the live ones, and makes the views show the new ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import psycopg
from psycopg import errors

from dashboard.projections.folding import no_pauses
from dashboard.projections.generations import (
    begin,
    by_consumer,
    discard,
    fits,
    of_status,
    set_status,
    show,
    stand_still,
)
from dashboard.projections.model import ReadModel
from dashboard.projections.read_model_batch import ReadModelBatch
from eventstore.errors import EventStoreError
from eventstore.following.bulk import BulkEvent, Session, open_session, read_head, read_page
from eventstore.following.checkpoints import Checkpoint
from eventstore.following.subscription import catch_up
from eventstore.postgres import translated
from eventstore.verification.verify import ReportCount

PAGE = 20_000
_SWITCH_PAGE = 1_000
_LOCK = "select pg_advisory_lock(hashtextextended('throughline rebuild ' || %s, 0))"
_BRIEFLY = "set local lock_timeout = '1s'"
_PATIENCE = "set local lock_timeout = '200ms'"
_ATTEMPTS = 100
_PAUSE_SECONDS = 0.1


class RebuildRefused(EventStoreError):
    """The rebuild cannot start or cannot finish. The live read models are unchanged."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of a rebuild.

    Attributes:
        generations: The generation that is now live, by read model.
        position: Their position at the switch.
        seconds: From start to end, elapsed.
        switch_seconds: How long the projector had to pause. No reader of a view waited longer.
    """

    generations: dict[str, int]
    position: int
    seconds: float
    switch_seconds: float


async def rebuild(
    database_url: str,
    models: Sequence[ReadModel],
    progress: ReportCount = lambda done, total: None,
    *,
    previous: bool = False,
    page: int = PAGE,
) -> Rebuilt:
    """Brings a new generation of each model up to date with the record and switches to all of them at once.

    Appends are never delayed, and the projector only pauses for the switch. The old generation stays until the next
    rebuild. A killed rebuild leaves a generation that the next rebuild drops.

    Args:
        database_url: `postgresql://...`, to the server itself and not to a pooler.
        models: The read models to rebuild.
        progress: Called after every page.
        previous: Go back to the generation before the live one instead of making a new one.
        page: The most events in one transaction.

    Raises:
        RebuildRefused: Another rebuild of one of them is under way, or there is no generation to go back to.
        EventStoreError: As for any subscriber of the record.
    """
    started = time.monotonic()
    try:
        async with (
            await open_session(database_url, "rebuild") as writing,
            await open_session(database_url, "rebuild reading") as reading,
        ):
            await _lock(writing, models)
            make = _previous if previous else _new
            checkpoints = [await make(writing, model) for model in models]
            building = _Building(writing, reading, models, progress, page)
            with no_pauses():
                return await building.finish(checkpoints, started)
    except psycopg.Error as error:
        raise translated(error) from None


class _Building:
    def __init__(
        self, writing: Session, reading: Session, models: Sequence[ReadModel], progress: ReportCount, page: int
    ) -> None:
        self._writing, self._reading, self._models = writing, reading, models
        self._progress, self._page = progress, page
        self._taking = ReadModelBatch(writing, reading, models)

    async def finish(self, checkpoints: Sequence[Checkpoint], started: float) -> Rebuilt:
        await self._taking.prepare()
        for _ in range(_ATTEMPTS):
            checkpoints = await self._catch_up(checkpoints)
            began = time.monotonic()
            switched = await self._try_to_switch(checkpoints)
            if switched is not None:
                now = time.monotonic()
                live = {each.consumer.removeprefix("dash."): each.generation for each in switched}
                return Rebuilt(live, switched[0].position, now - started, now - began)
            await asyncio.sleep(_PAUSE_SECONDS)
        raise RebuildRefused("another session keeps a view of these read models locked: try again when it is done")

    async def _catch_up(self, checkpoints: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        after, total = min(each.position for each in checkpoints), await read_head(self._writing)
        async with aclosing(catch_up(self._read, after=after, page=self._page)) as pages:
            checkpoints = await self._taking.take_all(checkpoints, pages, lambda done: self._progress(done, total))
        self._progress(checkpoints[0].position, max(total, checkpoints[0].position))
        return checkpoints

    async def _read(self, after: int, limit: int) -> Sequence[BulkEvent]:
        return await read_page(self._reading, after, limit)

    async def _try_to_switch(self, checkpoints: Sequence[Checkpoint]) -> Sequence[Checkpoint] | None:
        try:
            async with self._writing.transaction():
                await self._writing.execute(_PATIENCE)
                return await self._switch(checkpoints)
        except (_NotYet, errors.LockNotAvailable):
            return None

    async def _switch(self, checkpoints: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        # The projector is paused from here on, so no view can show less after the switch than before it.
        retiring = await stand_still(self._writing, self._models)
        rest = await self._read(min(each.position for each in checkpoints), _SWITCH_PAGE)
        if len(rest) == _SWITCH_PAGE:
            raise _NotYet
        if rest:
            checkpoints = await self._taking.take(checkpoints, rest)
        for each in retiring:
            await set_status(self._writing, each, "retired")
        models = by_consumer(self._models)
        for each in checkpoints:
            await set_status(self._writing, each, "live")
            await show(self._writing, models[each.consumer], each.generation)
        return checkpoints


class _NotYet(Exception):
    """More events were appended meanwhile than a switch may process."""


async def _lock(session: Session, models: Sequence[ReadModel]) -> None:
    for model in models:
        try:
            async with session.transaction():
                await session.execute(_BRIEFLY)  # a session that has just ended may still be letting go
                await session.execute(_LOCK, [model.name])
        except errors.LockNotAvailable:
            raise RebuildRefused(
                f"{model.name} is already being rebuilt: wait until that is done, or stop it"
            ) from None


async def _new(session: Session, model: ReadModel) -> Checkpoint:
    for left in await of_status(session, model, "building", "retired"):
        await discard(session, model, left.generation)
    return await begin(session, model)


async def _previous(session: Session, model: ReadModel) -> Checkpoint:
    for retired in await of_status(session, model, "retired"):
        if await fits(session, model, retired.generation):
            await set_status(session, retired, "building")
            return retired
    raise RebuildRefused(f"{model.name} has no generation to go back to: rebuild it without --previous")
