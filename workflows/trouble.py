"""Tells people that a journey cannot record its decisions, and when it can again, in the log and by pages."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from temporalio import workflow

from domain.refusal import Refusal
from domain.values import Instant
from workflows.not_recorded import NotRecorded, failed, page, page_when_over, page_when_refused
from workflows.paging import page_once
from workflows.pending import PendingCommand

log = structlog.get_logger(__name__)


class Trouble:
    """Why one journey's decisions cannot be recorded now.

    Attributes:
        now: The value after the last attempt; None: everything is recorded.
    """

    def __init__(self, journey_id: str, before: NotRecorded | None) -> None:
        """`before` is the value from the run before."""
        self._journey_id = journey_id
        self.now = before

    @property
    def known(self) -> NotRecorded | None:
        """The same, once it has lasted long enough to tell people."""
        return self.now if self.now and self.now.known else None

    @property
    def is_starting(self) -> bool:
        """Whether it is too new to tell people."""
        return self.now is not None and not self.now.known

    async def attempted(
        self, code: str | None, began: Instant, waiting: Sequence[str], *, stands_still: bool = False
    ) -> None:
        """Logs and pages the result of an attempt to record everything that waits, if it is new or due again.

        Args:
            code: The cause of the first failure; None where there was none.
            began: When the attempt started.
            waiting: The kinds of the waiting commands.
            stands_still: Whether the journey takes no decisions until a person acts.
        """
        before = self.now
        if code is None:
            self.now = None
            if before is not None:
                await self._is_over(before, waiting)
            return
        self.now = trouble = failed(before, code, began, workflow.now(), stands_still=stands_still)
        if trouble.is_news_after(before):
            self._log("journey-stands-still" if stands_still else "decision-not-recorded", trouble, waiting)
        if trouble.page_is_due(workflow.now()):
            self.now = trouble.model_copy(update={"paged_at": workflow.now()})
            await page_once(page(trouble, self._journey_id, waiting, workflow.now()))

    async def _is_over(self, trouble: NotRecorded, waiting: Sequence[str]) -> None:
        if trouble.known:
            self._log("recorded-again", trouble, waiting)
        if trouble.paged_at is not None:
            await page_once(page_when_over(trouble, self._journey_id, workflow.now()))

    async def refused(self, pending: PendingCommand, refusal: Refusal) -> None:
        """Tells operations that a kept decision was refused, because no caller waits for it."""
        if not workflow.unsafe.is_replaying():
            log.error("kept-decision-refused", journey=self._journey_id, kind=pending.kind, code=refusal.code)
        await page_once(page_when_refused(self._journey_id, pending.command.cause, pending.kind, refusal.code))

    def _log(self, event: str, trouble: NotRecorded, waiting: Sequence[str]) -> None:
        if workflow.unsafe.is_replaying():
            return
        tell = log.error if trouble is self.now else log.warning
        tell(
            event,
            journey=self._journey_id,
            cause=trouble.code,
            since=trouble.since.isoformat(),
            advice=trouble.sentence,
            waiting=list(waiting),
        )
