"""Two small workflows beside the journeys: looking after the record, and a page that goes out once."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import signatures
    from activities.ports import Notice
    from workflows.messages import PAGE, RECONCILE


@workflow.defn(name=RECONCILE)
class ReconcileWorkflow:
    """Started by a Schedule; what it does is two activities, and neither keeps the other from being done."""

    @workflow.run
    async def run(self) -> signatures.Reconciled:
        """Compares every open journey with its workflow, sets right what may be, and pages for the rest.

        Meanwhile the record's head is signed. Where it cannot be, the run fails, which the Temporal UI shows.
        """
        signing = workflow.start_activity(
            signatures.SIGN_HEAD,
            result_type=signatures.HeadSigned,
            start_to_close_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(maximum_attempts=3),
            summary="Sign where the record's hash chain stands",
        )
        done: signatures.Reconciled = await workflow.execute_activity(
            signatures.RECONCILE,
            result_type=signatures.Reconciled,
            start_to_close_timeout=timedelta(minutes=20),
            heartbeat_timeout=timedelta(minutes=1),
            retry_policy=RetryPolicy(maximum_attempts=3),
            summary="Compare the record with the running journeys",
        )
        await signing
        return done


@workflow.defn(name=PAGE)
class PageWorkflow:
    """A page to operations. Its workflow id is the page's key, so it goes out once, whoever asks and how often."""

    @workflow.run
    async def run(self, notice: Notice) -> signatures.Answered:
        """Sends it, however long the mail server is away."""
        sent: signatures.Answered = await workflow.execute_activity(
            signatures.NOTIFY,
            notice,
            result_type=signatures.Answered,
            start_to_close_timeout=timedelta(seconds=30),
            schedule_to_close_timeout=timedelta(hours=24),
            summary=notice.subject,
        )
        return sent
