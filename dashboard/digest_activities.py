"""The daily digests as activities, and the start of each site's workflow that has them written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from temporalio import activity
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities import signatures
from centre.staff import Staff
from dashboard.digest_writing import write_digests
from dashboard.digests import Span
from domain.refusal import UnknownHere
from domain.sites import Site, all_sites, site_named
from workflows.clear_text import ClearText
from workflows.client import JourneysUnreachable, send_page
from workflows.messages import DIGESTS, TASK_QUEUE, DigestStart

log = structlog.get_logger(__name__)


async def ensure_digests(client: Client) -> None:
    """Starts the workflow of each site's digests, unless it runs already.

    Raises:
        JourneysUnreachable: Temporal did not answer.
    """
    try:
        for site in all_sites():
            await client.start_workflow(
                DIGESTS,
                DigestStart(site=site.id, since=datetime.now(UTC)),
                id=f"digests-{site.id}",
                task_queue=TASK_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=ClearText(f"Daily digests for the staff of {site.id}"),
            )
    except RPCError as error:
        raise JourneysUnreachable(f"Temporal did not start the digests ({error.status.name.lower()})") from None


class DigestSender:
    """Sends digests, each by a workflow of its own."""

    def __init__(self, client: Client, database_url: str, staff: Callable[[], Staff], *, folded: int = 20_000) -> None:
        """`staff` is called for each opening. `folded` is the most events folded here if the projector is behind."""
        self._client = client
        self._database_url = database_url
        self._staff = staff
        self._folded = folded

    @activity.defn(name=signatures.NEXT_OPENING)
    async def next_opening(self, request: signatures.OpeningRequest) -> signatures.Opening:
        """When the site opens next, by its newest calendar."""
        return signatures.Opening(at=_site(request.site).calendar.next_opening(request.after))

    @activity.defn(name=signatures.SEND_DIGESTS)
    async def send(self, request: signatures.DigestRequest) -> signatures.DigestsSent:
        """Sends the digests at the end of the span. None while the site is closed, as it may be if the timer was late.

        An attempt that failed halfway is made again from the start: who was sent a digest gets no other. If the staff
        list changes in between, what moves to such a reader is told the next day, and not as new.

        Raises:
            ApplicationError: The read models are behind the record; it is tried again.
        """
        site = _site(request.site)
        if site.calendar.in_opening_hours(request.until) != request.until:
            return signatures.DigestsSent(made=False)
        span = Span(site, request.since, request.until)
        written = await write_digests(self._database_url, self._staff(), [span], folded=self._folded)
        if written.behind:
            raise ApplicationError("the read models are behind the record: see that a projector runs", type="behind")
        for notice in written.notices:  # not by the site's workflow, whose history would hold every digest
            await send_page(self._client, notice)
        log.info("digests-sent", site=site.id, digests=len(written.notices))
        return signatures.DigestsSent(made=True, digests=len(written.notices))

    def activities(self) -> list[Callable[..., object]]:
        """Both."""
        return [self.next_opening, self.send]


def _site(name: str) -> Site:
    try:
        return site_named(name)
    except UnknownHere as error:
        raise ApplicationError(str(error), type=signatures.SITE_UNKNOWN, non_retryable=True) from None
