"""A relay ends when it is told to, whatever the database does just then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

from intake.handling import Handler
from intake.queue import Claim, Queue
from intake.relay import Relay, RelayRules


class LosesItsConnection:
    """A queue whose connection breaks as the relay lets go of it."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[Claim | None]:
        try:
            self.asked.set()
            await asyncio.Event().wait()
            yield None
        except asyncio.CancelledError:
            raise ConnectionError("lost while it was let go") from None


async def test_a_relay_that_is_cancelled_ends_although_its_connection_fails_at_that_moment() -> None:
    queue = LosesItsConnection()
    rules = RelayRules(poll=timedelta(hours=1))
    relay = asyncio.create_task(Relay(cast(Queue, queue), cast(Handler, None), rules).run())
    await queue.asked.wait()
    relay.cancel()
    done, _ = await asyncio.wait({relay}, timeout=10)  # only so that a fault fails this test rather than hang it
    relay.cancel()
    assert done
    assert relay.cancelled()
