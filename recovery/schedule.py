"""The Temporal Schedule that compares record and workflows every ten minutes, and the activity it leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zlib import crc32

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
from domain.values import Instant
from recovery.paging import page_for
from recovery.reconcile import Reconciler
from workflows.client import JourneysUnreachable
from workflows.messages import RECONCILE, TASK_QUEUE

log = structlog.get_logger(__name__)

SCHEDULE = "reconcile"
EVERY = timedelta(minutes=10)
ASKED_EACH_TIME = 300
"""Journeys asked for their state in one scheduled run: asking one that no worker remembers replays its history."""


async def ensure_schedule(client: Client) -> None:
    """Makes the Schedule, or makes it as this release wants it. Whether somebody paused it stays as it is.

    Raises:
        JourneysUnreachable: Temporal did not answer.
    """
    try:
        await client.create_schedule(SCHEDULE, _schedule())
    except ScheduleAlreadyRunningError:
        await _renew(client)
    except RPCError as error:
        raise JourneysUnreachable(f"Temporal did not take the schedule ({error.status.name.lower()})") from None


async def _renew(client: Client) -> None:
    def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        wanted = _schedule()
        wanted.state = found.description.schedule.state
        return ScheduleUpdate(wanted)

    try:
        await client.get_schedule_handle(SCHEDULE).update(renewed)
    except RPCError as error:
        raise JourneysUnreachable(f"Temporal did not take the schedule ({error.status.name.lower()})") from None


def _schedule() -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILE,
            id=SCHEDULE,
            task_queue=TASK_QUEUE,
            execution_timeout=timedelta(hours=1),  # else a run that no worker takes would hold up all later ones
            static_summary="Record and running journeys compared",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        # One missed run is not made up for: the next one sees all that it would have seen.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=EVERY),
    )


class ScheduledComparison:
    """`throughline reconcile --fix` as an activity, with a page for what is left."""

    def __init__(self, reconciler: Reconciler, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._reconciler = reconciler
        self._clock = clock

    @activity.defn(name=signatures.RECONCILE)
    async def reconcile(self) -> signatures.Reconciled:
        """Compares, sets right what may be, and pages for the rest.

        Every journey's workflow is looked for each time; in a large centre each is asked for its state only in
        every so many runs. One that cannot record, or whose workflow task fails, is asked each time.
        """
        now = self._clock()
        its_turn = in_turn(now, await self._reconciler.count())
        running = self._reconciler.running
        troubled = {*await running.not_recorded(), *await running.failing()}
        comparison = await self._reconciler.compare(
            _beat, asked=lambda journey_id: journey_id in troubled or its_turn(journey_id)
        )
        mended = await self._reconciler.mend(comparison, _beat)
        notice = page_for(mended, now)
        paged = notice is not None and await running.page(notice)
        found = Counter(each.difference.kind.value for each in mended)
        if mended:
            log.error("record-and-workflows-differed", journeys=comparison.journeys, paged=paged, **_named(found))
        return signatures.Reconciled(
            journeys=comparison.journeys,
            found=dict(found),
            mended=sum(not each.is_for_a_person for each in mended),
            paged=paged,
            of_another_schema=comparison.of_another_schema,
        )


def in_turn(now: Instant, journeys: int) -> Callable[[str], bool]:
    """Whose turn it is to be asked in the run at `now`: a share of all, the next run the next share."""
    shares = -(-journeys // ASKED_EACH_TIME) or 1
    turn = int(now.timestamp() // EVERY.total_seconds()) % shares
    return lambda journey_id: crc32(journey_id.encode()) % shares == turn


def _named(found: Counter[str]) -> dict[str, int]:
    return {kind.replace(" ", "_"): number for kind, number in found.items()}


def _beat(done: int, of: int) -> None:
    if activity.in_activity():
        activity.heartbeat(done, of)
