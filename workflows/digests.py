"""The daily digests of one site: written at each opening and sent once, even if mail or a worker is down then."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain.values import Instant
    from workflows.messages import DIGESTS, DigestStart
    from workflows.paging import page_once

_A_RUN = 30
"""Openings in one run, so that its history stays short."""
_PATIENT = RetryPolicy(maximum_interval=timedelta(minutes=5))
"""Without end: the record's database may be down, or the read models behind."""


@workflow.defn(name=DIGESTS)
class DigestsWorkflow:
    """Passes on from digest to digest until when new obligations were told, so that none is left out.

    If no worker ran at the opening, one digest for all that time is written once a worker runs and the site is open.
    """

    @workflow.run
    async def run(self, start: DigestStart) -> None:
        """Ends only if the centre no longer has the site."""
        since, after = start.since, workflow.now()
        for _ in range(_A_RUN):
            try:
                after = max(await _opening(start.site, after), workflow.now())
                since = await _digest(start.site, since)
            except ActivityError as error:
                if isinstance(error.cause, ApplicationError) and error.cause.type == signatures.SITE_UNKNOWN:
                    return
                raise
        workflow.continue_as_new(DigestStart(site=start.site, since=since))


async def _opening(site: str, after: Instant) -> Instant:
    """Waits for the next opening after `after`; returns it."""
    opening: signatures.Opening = await workflow.execute_activity(
        signatures.NEXT_OPENING,
        signatures.OpeningRequest(site=site, after=after),
        result_type=signatures.Opening,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=_PATIENT,
        summary=f"When {site} opens next",
    )
    if (rest := opening.at - workflow.now()) > timedelta(0):
        await workflow.sleep(rest, summary=f"The digests of {site} are written when it opens")
    return opening.at


async def _digest(site: str, since: Instant) -> Instant:
    """Has the digests written and sent. Returns until when they tell what is new: `since` if the site is closed."""
    until = workflow.now()
    written: signatures.DigestsWritten = await workflow.execute_activity(
        signatures.WRITE_DIGESTS,
        signatures.DigestRequest(site=site, since=since, until=until),
        result_type=signatures.DigestsWritten,
        start_to_close_timeout=timedelta(minutes=5),
        retry_policy=_PATIENT,
        summary=f"Write the digests of {site}",
    )
    for notice in written.notices:
        await page_once(notice)
    return until if written.made else since
