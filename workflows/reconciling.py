"""Two small workflows besides the journeys: one compares and signs the record, one sends a notice once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from activities.ports import Notice
    from domain.obligation_terms import Channel
    from domain.values import Role
    from workflows.clear_text import ClearText
    from workflows.messages import NOTICES_QUEUE, PAGE, RECONCILE
    from workflows.paging import page_once

_TRIES = RetryPolicy(maximum_attempts=3)
_PATIENCE = {Channel.PAGE: timedelta(hours=24), Channel.MAIL: timedelta(days=14)}
"""How long a notice is tried while the mail server is down, elapsed."""
_SUBJECTS = {
    signatures.SIGN_HEAD: "The record's head was not signed",
    signatures.RECONCILE: "The record and the running journeys were not compared",
}


@workflow.defn(name=RECONCILE)
class ReconcileWorkflow:
    """Runs two activities, started by a Schedule. A failure of one does not stop the other."""

    @workflow.run
    async def run(self) -> signatures.Reconciled:
        """Compares every open journey with its workflow, fixes what can be fixed safely, and pages for the rest.

        Meanwhile the record's head is signed. If either fails, operations are paged once a day, and the run fails once
        both have ended, which the Temporal UI shows.
        """
        signed, compared = await asyncio.gather(_sign_head(), _compare(), return_exceptions=True)
        failures = [each for each in (signed, compared) if isinstance(each, BaseException)]
        await _page_for([each for each in failures if isinstance(each, ActivityError)])
        if failures:
            raise failures[0]
        assert isinstance(compared, signatures.Reconciled)
        workflow.set_current_details(_in_words(compared))
        return compared


def _in_words(compared: signatures.Reconciled) -> str:
    """What the Temporal UI shows of a run."""
    found = ", ".join(f"{kind}: {number}" for kind, number in compared.found.items()) or "none"
    return (
        f"{compared.journeys} journeys, {compared.asked} asked, {compared.other_heads} of those since their heads "
        f"differed. Differences: {found}; {compared.mended} fixed."
    )


def _sign_head() -> workflow.ActivityHandle[signatures.HeadSigned]:
    return workflow.start_activity(
        signatures.SIGN_HEAD,
        result_type=signatures.HeadSigned,
        start_to_close_timeout=timedelta(minutes=1),
        retry_policy=_TRIES,
        summary=ClearText("Sign where the record's hash chain stands"),
    )


def _compare() -> workflow.ActivityHandle[signatures.Reconciled]:
    return workflow.start_activity(
        signatures.RECONCILE,
        result_type=signatures.Reconciled,
        start_to_close_timeout=timedelta(minutes=20),
        heartbeat_timeout=timedelta(minutes=1),
        retry_policy=_TRIES,
        summary=ClearText("Compare the record with the running journeys"),
    )


async def _page_for(failures: Sequence[ActivityError]) -> None:
    """Starts a page for each, unless the same failed earlier today."""
    for each in failures:
        await page_once(_notice(each))


def _notice(failure: ActivityError) -> Notice:
    cause = failure.cause
    why = cause.type if isinstance(cause, ApplicationError) else type(cause).__name__
    return Notice(
        key=f"{failure.activity_type}-failed/{workflow.now():%Y-%m-%d}",
        channel=Channel.PAGE,
        to=Role.OPERATIONS,
        subject=_SUBJECTS[failure.activity_type],
        body=f"It failed with {why}. The worker's log and the run in the Temporal UI say more. If it goes on failing, "
        "this page comes again tomorrow.\n",
    )


@workflow.defn(name=PAGE)
class PageWorkflow:
    """A page to operations, or a digest. Its workflow id is the notice's key, so it goes out once, however often it is
    asked for.
    """

    @workflow.run
    async def run(self, notice: Notice) -> signatures.Answered:
        """Sends it, even if the mail server is down for a long time."""
        sent: signatures.Answered = await workflow.execute_activity(
            signatures.NOTIFY,
            notice,
            task_queue=NOTICES_QUEUE,
            result_type=signatures.Answered,
            start_to_close_timeout=timedelta(seconds=30),
            schedule_to_close_timeout=_PATIENCE[notice.channel],
            summary=ClearText(notice.subject),
        )
        return sent
