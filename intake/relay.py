"""Passes messages from the inbox to the journeys, in order for each client. Any number of processes may run it.

There are two lanes, each with its own relay: openings, and messages for open journeys. In a lane, many messages are
handled at once, and one that waits long for its journey's answer gives its place to another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import structlog

from clientkeys.errors import KeysUnavailable
from intake.gate import GateUnavailable
from intake.handling import Handler, OtherLane
from intake.places import LaneRules, Places
from intake.queue import Handling, Lane, Queue, QueuedMessage

log = structlog.get_logger(__name__)
_OPENINGS = LaneRules(at_once=16, time_limit=timedelta(seconds=10), connections=8)
_JOURNEYS = LaneRules(at_once=8, time_limit=timedelta(seconds=20), connections=4)


@dataclass(frozen=True, slots=True)
class RelayRules:
    """How messages are passed to journeys. All times are elapsed.

    Attributes:
        poll: Between checks of the inbox when `ring` was not called.
        park_for: How long a message waits for the one that it belongs to before it is quarantined.
        first_delay: The delay after a first failure; doubled after each further one.
        longest_delay: The longest delay.
        attempts: Failures by our own fault, not of journeys, keys or database, after which a message is quarantined.
        lease: How long a message stays claimed by a process that died. Longer than a lane's `time_limit`.
        openings: The lane for clients who have no open journey yet.
        journeys: The lane for clients who have one.
    """

    poll: timedelta = timedelta(seconds=1)
    park_for: timedelta = timedelta(hours=72)
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=1)
    attempts: int = 10
    lease: timedelta = timedelta(seconds=30)
    openings: LaneRules = _OPENINGS
    journeys: LaneRules = _JOURNEYS

    def __post_init__(self) -> None:
        if max(self.openings.time_limit, self.journeys.time_limit) >= self.lease:
            raise ValueError("make the lease longer than each lane's time limit: a claim in use must not lapse")

    def of(self, lane: Lane) -> LaneRules:
        """The rules of one lane."""
        return self.openings if lane == "openings" else self.journeys


class Relay:
    """Serves one lane in one process.

    Args:
        lane: The lane to serve.
        queue: Where the messages wait.
        handler: Applies the messages.
        rules: Delays and limits.
        ring: Called with the lane in which a message has become due.
    """

    def __init__(
        self,
        lane: Lane,
        queue: Queue,
        handler: Handler,
        rules: RelayRules | None = None,
        ring: Callable[[Lane], None] = lambda lane: None,
    ) -> None:
        self._lane: Lane = lane
        self._queue = queue
        self._handler = handler
        self._rules = rules or RelayRules()
        self._ring_lane = ring
        self._bell = asyncio.Event()
        self._places = Places(self._rules.of(lane), self._place_is_free)
        self._tasks: dict[asyncio.Task[None], QueuedMessage] = {}
        self._more_are_due = True
        self._newest = False

    def ring(self) -> None:
        """Wakes the relay because something new is in the inbox."""
        self._bell.set()

    async def run(self) -> None:
        """Relays until cancelled. If the database fails, it waits and tries again."""
        try:
            while True:
                self._bell.clear()
                try:
                    await self._start_what_is_due()
                except Exception as error:  # the relay must go on when the database fails
                    log.error("relay stumbled", lane=self._lane, error=type(error).__name__)
                if _is_cancelled():  # cancelled, but hidden by a connection that failed while it was released
                    raise asyncio.CancelledError
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._rules.poll.total_seconds()):
                        await self._bell.wait()
        finally:
            await self._let_go()

    async def _start_what_is_due(self) -> None:
        """Fills the free places, half of what is free at a time.

        It alternates between the newest clients, so that a new admission does not wait behind many others that hang,
        and those who have waited longest, so that none is left out.
        """
        self._more_are_due = True
        while free := self._places.free:
            most, self._newest = (free + 1) // 2, not self._newest
            claimed_at = asyncio.get_running_loop().time()
            rows = await self._queue.claim(self._lane, most, newest=self._newest)
            for row in rows:
                self._begin(row, claimed_at)
            if len(rows) < most:
                self._more_are_due = False
                return

    def _begin(self, row: QueuedMessage, claimed_at: float) -> None:
        place = self._places.take()
        task = asyncio.create_task(self._carry(row, claimed_at))
        self._tasks[task] = row

        def ended(task: asyncio.Task[None]) -> None:
            del self._tasks[task]
            self._places.give_back(place)

        task.add_done_callback(ended)

    def _place_is_free(self) -> None:
        if self._more_are_due:
            self._bell.set()

    async def _let_go(self) -> None:
        """Stops what is being handled and gives up its claims, so that another process can take them at once."""
        rows = list(self._tasks.values())
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not rows:
            return
        try:
            async with asyncio.timeout(5):
                await self._queue.release(rows)
        except (psycopg.Error, TimeoutError) as error:
            log.warning("claims not released; they lapse", error=type(error).__name__, claims=len(rows))

    async def _carry(self, row: QueuedMessage, claimed_at: float) -> None:
        try:
            await self._try(row, claimed_at + self._rules.of(self._lane).time_limit.total_seconds())
        except Exception as error:  # the claim lapses, and the message is handled again
            log.error("outcome not written", message_id=str(row.message_id), error=type(error).__name__)

    async def _try(self, row: QueuedMessage, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                outcome = await self._handler.handle(row)
        except OtherLane:
            self._wake(await self._queue.put_back(row))
        except (GateUnavailable, TimeoutError) as error:
            await self._put_off(row, "journeys unreachable", "gate-unavailable", error)
        except KeysUnavailable as error:
            await self._put_off(row, "keys unavailable", "keys-unavailable", error)
        except psycopg.OperationalError as error:
            await self._put_off(row, "database unavailable", "database-unavailable", error)
        except Exception as error:
            log.error("message failed", message_id=str(row.message_id), error=type(error).__name__)
            await self._failed(row)
        else:
            await self._settle(row, outcome)

    async def _settle(self, row: QueuedMessage, outcome: Handling) -> None:
        self._wake(await self._queue.settle(row, outcome))
        log.info(
            "message relayed",
            message_id=str(row.message_id),
            event_type=row.event,
            state=outcome.state,
            code=outcome.code,
            journey_id=str(outcome.journey_id) if outcome.journey_id else None,
        )

    async def _put_off(self, row: QueuedMessage, event: str, code: str, error: Exception) -> None:
        log.warning(event, message_id=str(row.message_id), attempts=row.attempts + 1, error=type(error).__name__)
        await self._queue.postpone(row, self._delay(row.attempts), code)

    async def _failed(self, row: QueuedMessage) -> None:
        if row.attempts + 1 < self._rules.attempts:
            await self._queue.postpone(row, self._delay(row.attempts), "failed")
        else:
            advice = f"Failed {self._rules.attempts} times; see the log for this message id, then handle it by hand."
            await self._settle(row, Handling("quarantined", "failed", advice))

    def _wake(self, lane: Lane | None) -> None:
        if lane == self._lane:
            self._bell.set()
        elif lane is not None:
            self._ring_lane(lane)

    def _delay(self, attempts: int) -> timedelta:
        return min(self._rules.first_delay * (1 << min(attempts, 20)), self._rules.longest_delay)


async def expire_parked(queue: Queue, rules: RelayRules) -> None:
    """Quarantines messages that were parked too long, until cancelled. If the database fails, it tries again."""
    while True:
        try:
            await queue.expire_parked(rules.park_for)
        except Exception as error:  # it must go on when the database fails
            log.error("parked messages not looked at", error=type(error).__name__)
        if _is_cancelled():
            raise asyncio.CancelledError
        await asyncio.sleep(rules.poll.total_seconds())


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
