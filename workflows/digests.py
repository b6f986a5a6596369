"""The daily digests of one site: written at each opening and sent once, even if mail or a worker is down then."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from domain.values import Instant
    from workflows.clear_text import ClearText
    from workflows.messages import DIGESTS, DigestStart

_A_RUN = 30
"""Openings in one run. Each adds a timer and two calls to its history, however many digests there are."""
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
        summary=ClearText(f"When {site} opens next"),
    )
    if (rest := opening.at - workflow.now()) > timedelta(0):
        await workflow.sleep(rest, summary=ClearText(f"The digests of {site} are written when it opens"))
    return opening.at


async def _digest(site: str, since: Instant) -> Instant:
    """Has the digests sent. Returns until when they tell what is new: `since` if the site is closed."""
    until = workflow.now()
    sent: signatures.DigestsSent = await workflow.execute_activity(
        signatures.SEND_DIGESTS,
        signatures.DigestRequest(site=site, since=since, until=until),
        result_type=signatures.DigestsSent,
        start_to_close_timeout=timedelta(minutes=5),
        retry_policy=_PATIENT,
        summary=ClearText(f"Send the digests of {site}"),
    )
    return until if sent.made else since
