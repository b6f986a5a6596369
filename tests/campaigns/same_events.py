"""The lives of simulated clients on the real server: the same events as the pure core decides for the same commands.

Each life is drawn from the seed (`lives.py`): what staff ask and when. A real workflow, record and clinic live it in
virtual time. Then the pure core decides every command anew: those that were told, the clinic's answers and the moments
that came, each at the time at which the workflow had it, as Temporal's history tells (`server_inputs.py`). It must come
to the same events in the same order, with the same times and due times, to the same refusals, and be woken for the same
moments (`pure_core.py`). And the same facts about sessions must come to the same journey, however often and in
whatever order they are entered (`session_orders.py`). The demonstration's clients are played in `demo_lives.py`.
Longer, by hand:

    python -m tests.campaigns.same_events --clients 100 --weeks 8 --minutes 15 --seed 7
"""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import UTC, datetime

import structlog

from domain.commands import SignedCommand
from tests.campaigns.compared import AT_ONCE, UNSANDBOXED, Lived, Living, compared
from tests.campaigns.ground import ground
from tests.campaigns.lives import Life, life
from tests.campaigns.report import Report, arguments, own_home, tell
from tests.campaigns.session_orders import other_journeys
from tests.workflows.house import Case
from workflows.client import CommandRefused, JourneyNotRunning


async def campaign(seed: int, *, clients: int, weeks: int, minutes: int, orders: int = 4) -> Report:
    """So many clients for so many weeks of their time; none begins after `minutes` of ours.

    Args:
        orders: In how many orders the same facts about sessions are entered.
    """
    again = f"python -m tests.campaigns.same_events --seed {seed} --clients {clients} --weeks {weeks}"
    lived = Lived()
    with own_home() as home:
        async with ground(home, Living) as (settings, house), house.working(workflow_runner=UNSANDBOXED):
            turns = asyncio.Semaphore(AT_ONCE)

            async def one(number: int) -> None:
                async with turns:
                    if lived.is_within(minutes):
                        await _live(house, seed, number, weeks, lived)

            await asyncio.gather(*(one(number) for number in range(clients)))
            lived.faults += [
                each async for each in other_journeys(house, settings.require_database_url(), seed, orders)
            ]
            lived.counts["orders of the same sessions"] = orders
            await house.close()
    return lived.report(f"{again} --minutes {minutes}")


async def _live(house: Living, seed: int, number: int, weeks: int, lived: Lived) -> None:
    drawn = life(seed, number, datetime.now(UTC), weeks)
    case = await house.admit(admitted_at=drawn.admitted, **drawn.clinic)
    try:
        await _ask_all(case, drawn)
        faults = await compared(house, case, lived)
    except AssertionError as failure:
        faults = [str(failure)]
    lived.faults += [f"client {number}: {each}" for each in faults]
    lived.counts["clients"] += 1
    lived.counts["commands of staff"] += len(drawn.script)
    lived.counts["events in the simulation"] += drawn.events


async def _ask_all(case: Case, drawn: Life) -> None:
    """Tells the journey everything in its time, then lets the rest of the time pass."""
    for at, command in drawn.script:
        await _at(case, at)
        if not await _ask(case, command):
            return
    await _at(case, drawn.until)


async def _at(case: Case, at: datetime) -> None:
    state, now = await case.settled(), await case.now()
    if at > now and not state.is_finished:
        await case.later(seconds=(at - now).total_seconds())


async def _ask(case: Case, command: SignedCommand) -> bool:
    """Whether there is still a journey to ask."""
    try:
        await case.journeys.tell(case.id, command)
    except JourneyNotRunning:
        return False
    except CommandRefused:
        pass
    return True


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    given = arguments(__doc__, clients=100, weeks=8, minutes=15)
    sys.exit(tell(asyncio.run(campaign(given.pop("seed"), **given))))
