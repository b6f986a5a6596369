"""The projector: keeps the live generation of every read model up to date with the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

import structlog

from dashboard.projections import READ_MODELS
from dashboard.projections.generations import by_consumer, fits
from dashboard.projections.model import ReadModel
from dashboard.projections.read_model_batch import ReadModelBatch
from eventstore.errors import EventStoreError, Fenced
from eventstore.following.bulk import BulkEvent, Session, open_session, read_page
from eventstore.following.checkpoints import Checkpoint, live_checkpoints, raise_alarm
from eventstore.following.subscription import POLL_SECONDS, become_active, follow, listening, start_over_until_damaged

log = structlog.get_logger(__name__)

NAME = "projector"
PAGE = 2_000


class Projector:
    """Follows the record for all read models in one pass. You can run it in several processes; one is active.

    Args:
        database_url: `postgresql://...`, to the server itself and not to a pooler.
        models: The read models to keep up to date.
        page: The most events in one transaction.
        poll_seconds: How often to check without a notification, elapsed.
    """

    def __init__(
        self,
        database_url: str,
        models: Sequence[ReadModel] = READ_MODELS,
        *,
        page: int = PAGE,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._url, self._models, self._page, self._poll_seconds = database_url, models, page, poll_seconds

    async def run(self, on_started: Callable[[], None] = lambda: None) -> None:
        """Follows until cancelled. `on_started` is called whenever it starts to follow or to stand by.

        If a rebuild has retired a generation, its checkpoint shows that, and the new generation continues from its own
        checkpoint.

        Raises:
            RecordDamaged: Positions are missing. Nothing is skipped: the checkpoints stay before the gap.
            UnreadableEvent: An event is newer than this release.
            EventStoreError: The database refuses a statement; see `SchemaMissing`.
        """

        async def follow_on() -> None:
            await self._follow(on_started)

        consumers = [model.consumer for model in self._models]
        await start_over_until_damaged(NAME, follow_on, self._url, consumers)

    async def _follow(self, on_started: Callable[[], None]) -> None:
        async with (
            await open_session(self._url, NAME) as writing,
            await open_session(self._url, f"{NAME} reading") as reading,
            listening(self._url) as news,
        ):
            await become_active(writing, NAME, self._poll_seconds, on_started)
            on_started()
            taking = ReadModelBatch(writing, reading, self._models)
            await taking.prepare()
            checkpoints, outdated = await self._checkpoints(writing)

            async def read(after: int, limit: int) -> Sequence[BulkEvent]:
                return await read_page(reading, after, limit)

            after = min(each.position for each in checkpoints)
            pages = follow(read, news, after=after, page=self._page, poll_seconds=self._poll_seconds)
            async with aclosing(pages):
                async for rows in pages:
                    checkpoints = await taking.take(checkpoints, rows)
                    await _require_still_live(writing, outdated)

    async def _checkpoints(self, session: Session) -> tuple[list[Checkpoint], list[Checkpoint]]:
        """The generations to keep up to date, and those that are older than this release."""
        models = by_consumer(self._models)
        found = await live_checkpoints(session, list(models))
        outdated = [each for each in found if not await fits(session, models[each.consumer], each.generation)]
        for each in outdated:
            name = models[each.consumer].name
            log.error("outdated", read_model=name, advice=f"run: throughline projections rebuild {name}")
            await raise_alarm(session, [each.consumer], "its table is older than this release: rebuild it")
        if len(outdated) == len(found):
            raise EventStoreError("every read model is older than this release: run `throughline projections rebuild`")
        return [each for each in found if each not in outdated], outdated


async def _require_still_live(session: Session, outdated: Sequence[Checkpoint]) -> None:
    """Raises `Fenced` once one of these was rebuilt, so that its successor is kept up to date too."""
    if outdated:
        consumers = [each.consumer for each in outdated]
        rebuilt = {each.consumer for each in await live_checkpoints(session, consumers) if each not in outdated}
        if rebuilt:
            raise Fenced(rebuilt)
