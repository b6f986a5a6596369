"""Carries messages from the inbox to the journeys, in order for each client. Several relays may run at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from eventstore.keys import KeysUnavailable
from intake.gate import GateUnavailable
from intake.handling import Handler
from intake.queue import Claim, Outcome, Queue

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RelayRules:
    """How patient a relay is. All times are elapsed.

    Attributes:
        poll: Between looks at the inbox when nobody rings.
        park_for: How long a message waits for the one it belongs to before it is quarantined.
        first_delay: After a first failure; doubled after each further one.
        longest_delay: The most that a delay grows to.
        attempts: Failures of our own, not the gate's, after which a message is quarantined.
    """

    poll: timedelta = timedelta(seconds=1)
    park_for: timedelta = timedelta(hours=72)
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(minutes=1)
    attempts: int = 10


class Relay:
    """One relay. `ring` wakes it; without it, it looks once in each `poll`."""

    def __init__(self, queue: Queue, handler: Handler, rules: RelayRules | None = None) -> None:
        self._queue = queue
        self._handler = handler
        self._rules = rules or RelayRules()
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Something new is in the inbox."""
        self._bell.set()

    async def run(self) -> None:
        """Relays until cancelled. A failing database is waited for."""
        while True:
            self._bell.clear()
            try:
                await self.drain()
                await self._queue.expire_parked(self._rules.park_for)
            except Exception as error:  # the relay must outlive whatever the database does
                log.error("relay stumbled", error=type(error).__name__)
            if _is_cancelled():  # and a connection that failed while it was let go hid it
                raise asyncio.CancelledError
            with suppress(TimeoutError):
                async with asyncio.timeout(self._rules.poll.total_seconds()):
                    await self._bell.wait()

    async def drain(self) -> int:
        """Handles all that may be handled now; returns how many rows were tried."""
        tried = 0
        while await self.step():
            tried += 1
        return tried

    async def step(self) -> bool:
        """Handles one row; False if there was none."""
        async with self._queue.claim() as claim:
            if claim is None:
                return False
            await self._handle(claim)
            return True

    async def _handle(self, claim: Claim) -> None:
        row = claim.row
        try:
            outcome = await self._handler.handle(row)
        except GateUnavailable:
            log.warning("journeys unreachable", message_id=str(row.message_id), attempts=row.attempts + 1)
            await claim.postpone(self._delay(row.attempts), "gate-unavailable")
        except KeysUnavailable:
            log.warning("keys unavailable", message_id=str(row.message_id), attempts=row.attempts + 1)
            await claim.postpone(self._delay(row.attempts), "keys-unavailable")
        except Exception as error:  # one message that we fail on must not hold up the others
            log.error("message failed", message_id=str(row.message_id), error=type(error).__name__)
            await self._failed(claim)
        else:
            await claim.settle(outcome)
            log.info(
                "message relayed",
                message_id=str(row.message_id),
                event_type=row.event,
                state=outcome.state,
                code=outcome.code,
                journey_id=str(outcome.journey_id) if outcome.journey_id else None,
            )

    async def _failed(self, claim: Claim) -> None:
        if claim.row.attempts + 1 < self._rules.attempts:
            await claim.postpone(self._delay(claim.row.attempts), "failed")
        else:
            advice = f"Failed {self._rules.attempts} times; see the log for this message id, then handle it by hand."
            await claim.settle(Outcome("quarantined", "failed", advice))

    def _delay(self, attempts: int) -> timedelta:
        return min(self._rules.first_delay * (1 << min(attempts, 20)), self._rules.longest_delay)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
