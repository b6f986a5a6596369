"""The Temporal Schedule that compares record and workflows every ten minutes, and its activity."""

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
"""Journeys asked for their state in one scheduled run. Asking one that is not in a worker's cache replays it."""


async def ensure_schedule(client: Client) -> None:
    """Creates the Schedule, or updates it to this release's version. If it is paused, it stays paused.

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
            execution_timeout=timedelta(hours=1),  # otherwise a run that no worker takes would block all later ones
            static_summary="Record and running journeys compared",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        # A missed run is not repeated: the next one sees everything that it would have seen.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=EVERY),
    )


class ScheduledComparison:
    """`throughline reconcile --fix` as an activity, with a page for what is left."""

    def __init__(self, reconciler: Reconciler, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._reconciler = reconciler
        self._clock = clock

    @activity.defn(name=signatures.RECONCILE)
    async def reconcile(self) -> signatures.Reconciled:
        """Compares, fixes what can be fixed safely, and pages for the rest.

        Every run checks that each journey has a workflow. In a large centre, each run asks only some of them for their
        state, in rotation. One that cannot record, or whose workflow task fails, is asked every time.
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
    """Which journeys to ask in the run at `now`: a share of all, and the next share in the next run."""
    shares = -(-journeys // ASKED_EACH_TIME) or 1
    turn = int(now.timestamp() // EVERY.total_seconds()) % shares
    return lambda journey_id: crc32(journey_id.encode()) % shares == turn


def _named(found: Counter[str]) -> dict[str, int]:
    return {kind.replace(" ", "_"): number for kind, number in found.items()}


def _beat(done: int, of: int) -> None:
    if activity.in_activity():
        activity.heartbeat(done, of)
