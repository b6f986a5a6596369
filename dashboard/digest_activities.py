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
from dashboard.digests import Span, digests
from dashboard.open_obligations import open_obligations
from domain.refusal import UnknownHere
from domain.sites import Site, all_sites, site_named
from workflows.client import JourneysUnreachable
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
                static_summary=f"Daily digests for the staff of {site.id}",
            )
    except RPCError as error:
        raise JourneysUnreachable(f"Temporal did not start the digests ({error.status.name.lower()})") from None


class DigestWriter:
    """Writes digests from the read models and the staff file."""

    def __init__(self, database_url: str, staff: Callable[[], Staff], *, folded: int = 20_000) -> None:
        """`staff` is called for each digest. `folded` is the most events folded here if the projector is behind."""
        self._database_url = database_url
        self._staff = staff
        self._folded = folded

    @activity.defn(name=signatures.NEXT_OPENING)
    async def next_opening(self, request: signatures.OpeningRequest) -> signatures.Opening:
        """When the site opens next, by its newest calendar."""
        return signatures.Opening(at=_site(request.site).calendar.next_opening(request.after))

    @activity.defn(name=signatures.WRITE_DIGESTS)
    async def write(self, request: signatures.DigestRequest) -> signatures.DigestsWritten:
        """The digests at the end of the span. None while the site is closed, as it may be if the timer was late.

        Raises:
            ApplicationError: The read models are behind the record; it is tried again.
        """
        site = _site(request.site)
        if site.calendar.in_opening_hours(request.until) != request.until:
            return signatures.DigestsWritten(made=False)
        listing = await open_obligations(self._database_url, since=True, folded=self._folded)
        if listing.behind:
            raise ApplicationError("the read models are behind the record: see that a projector runs", type="behind")
        span = Span(site, request.since, request.until)
        found = digests(listing.rows, listing.recorded_at, self._staff(), all_sites(), span)
        log.info("digests-written", site=site.id, digests=len(found))
        return signatures.DigestsWritten(made=True, notices=tuple(found))

    def activities(self) -> list[Callable[..., object]]:
        """Both."""
        return [self.next_opening, self.write]


def _site(name: str) -> Site:
    try:
        return site_named(name)
    except UnknownHere as error:
        raise ApplicationError(str(error), type=signatures.SITE_UNKNOWN, non_retryable=True) from None
