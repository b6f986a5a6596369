"""The Temporal Schedule that compares record and workflows, and the activity it leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from activities import signatures
from recovery.paging import page_for
from recovery.reconcile import Asked, Comparison, Reconciler
from recovery.turns import Turns
from workflows.clear_text import ClearText
from workflows.client import JourneysUnreachable
from workflows.messages import RECONCILE, TASK_QUEUE

log = structlog.get_logger(__name__)

_USUAL = Turns()

SCHEDULE = "reconcile"


async def ensure_schedule(client: Client, every: timedelta) -> None:
    """Makes the Schedule, or makes it as this release wants it. Whether somebody paused it stays as it is.

    Args:
        client: Of the namespace.
        every: From one comparison to the next; elapsed.

    Raises:
        JourneysUnreachable: Temporal did not answer.
    """
    try:
        await client.create_schedule(SCHEDULE, _schedule(every))
    except ScheduleAlreadyRunningError:
        await _renew(client, every)
    except RPCError as error:
        raise JourneysUnreachable(f"Temporal did not take the schedule ({error.status.name.lower()})") from None


async def _renew(client: Client, every: timedelta) -> None:
    def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted = _schedule(every)
        wanted.state = found.description.schedule.state
        return ScheduleUpdate(wanted)

    try:
        await client.get_schedule_handle(SCHEDULE).update(renewed)
    except RPCError as error:
        raise JourneysUnreachable(f"Temporal did not take the schedule ({error.status.name.lower()})") from None


def _schedule(every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILE,
            id=SCHEDULE,
            task_queue=TASK_QUEUE,
            execution_timeout=timedelta(hours=1),  # otherwise a run that no worker takes would block all later ones
            static_summary=ClearText("Record and running journeys compared"),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        # One missed run is not made up for: the next one sees all that it would have seen.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=every),
    )


class ScheduledComparison:
    """`throughline reconcile --fix` as an activity, with a page for what is left."""

    def __init__(
        self, reconciler: Reconciler, turns: Turns = _USUAL, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._reconciler = reconciler
        self._turns = turns
        self._clock = clock

    @activity.defn(name=signatures.RECONCILE)
    async def reconcile(self) -> signatures.Reconciled:
        """Compares, fixes what can be fixed safely, and pages for the rest.

        Every journey's workflow is looked for each time, and where it stands is compared with the record as Temporal
        lists it. Asked for their states are those whose head is another there, those that cannot record or whose
        workflow task fails, and those whose turn it is.
        """
        now = self._clock()
        comparison = await self._compare(now)
        mended = await self._reconciler.mend(comparison, _beat)
        notice = page_for(mended, now)
        paged = notice is not None and await self._reconciler.running.page(notice)
        found = Counter(each.difference.kind.value for each in mended)
        if mended:
            log.error("record-and-workflows-differed", journeys=comparison.journeys, paged=paged, **_named(found))
        return signatures.Reconciled(
            journeys=comparison.journeys,
            found=dict(found),
            mended=sum(not each.is_for_a_person for each in mended),
            paged=paged,
            of_another_schema=comparison.of_another_schema,
            asked=comparison.asked,
            other_heads=len(comparison.other_heads),
        )

    async def _compare(self, now: datetime) -> Comparison:
        running = self._reconciler.running
        troubled = {*await running.not_recorded(), *await running.failing()}

        def asked(journeys: int) -> Asked:
            its_turn = self._turns.at(now, journeys)
            return lambda journey_id: journey_id in troubled or its_turn(journey_id)

        return await self._reconciler.compare(_beat, asked=asked)


def _named(found: Counter[str]) -> dict[str, int]:
    return {kind.replace(" ", "_"): number for kind, number in found.items()}


def _beat(done: int, of: int) -> None:
    if activity.in_activity():
        activity.heartbeat(done, of)
