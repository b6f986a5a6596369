"""A relay ends when it is told to, whatever the database does just then."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

from intake.handling import Handler
from intake.queue import Lane, Queue, QueuedMessage
from intake.relay import Relay, RelayRules


class LosesItsConnection:
    """A queue whose connection breaks as the relay lets go of it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def claim(self, lane: Lane, most: int, *, newest: bool) -> list[QueuedMessage]:
        try:
            self.asked.set()
            await asyncio.Event().wait()
            return []
        except asyncio.CancelledError:
            raise ConnectionError("lost while it was let go") from None


async def test_a_relay_that_is_cancelled_ends_although_its_connection_fails_at_that_moment() -> None:
    queue = LosesItsConnection()
    rules = RelayRules(poll=timedelta(hours=1))
    relay = asyncio.create_task(Relay("openings", cast(Queue, queue), cast(Handler, None), rules).run())
    await queue.asked.wait()
    relay.cancel()
    done, _ = await asyncio.wait({relay}, timeout=10)  # only so that a fault fails this test rather than hang it
    relay.cancel()
    assert done
    assert relay.cancelled()
