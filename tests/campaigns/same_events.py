"""The lives of simulated clients on the real server: the same events as the pure core decides for the same commands.

Each life is drawn from the seed (`lives.py`): what staff ask and when. A real workflow, record and clinic live it in
virtual time. Then the pure core decides every command anew: those that were told, the clinic's answers and the moments
that came, each at the time at which the workflow had it, as Temporal's history tells (`server_inputs.py`). It must come
to the same events in the same order, with the same times and due times, to the same refusals, and be woken for the same
moments (`pure_core.py`). And the same facts about sessions must come to the same journey, however often and in
whatever order they are entered (`session_orders.py`). Longer, by hand:

    python -m tests.campaigns.same_events --clients 100 --weeks 8 --minutes 15 --seed 7
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from temporalio.client import Client
from temporalio.converter import PayloadCodec
from temporalio.worker import UnsandboxedWorkflowRunner

from domain.commands import SignedCommand
from domain.comparing import comparable
from domain.pathway import Event
from domain.state import JourneyState
from tests.campaigns.ground import ground
from tests.campaigns.lives import Life, life
from tests.campaigns.pure_core import PureCore, Refused, Told
from tests.campaigns.report import Report, arguments, own_home, tell
from tests.campaigns.server_inputs import ServerInputs
from tests.campaigns.session_orders import other_journeys
from tests.workflows.house import Case, House
from workflows.client import CommandRefused, JourneyNotRunning
from workflows.evicting_runner import EvictingRunner

_AT_ONCE = 8
_UNSANDBOXED = EvictingRunner(UnsandboxedWorkflowRunner())
"""A sandbox for each of a hundred journeys would take most of the time; other tests run them in it."""


class Living(House):
    """A house whose journeys are decided anew instead of being replayed."""

    replays = False


@dataclass
class Lived:
    """What came of the lives.

    Attributes:
        stages: Where each journey stood at its end.
        latest: The latest waking of all.
    """

    counts: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    latest: timedelta = timedelta(0)


async def campaign(seed: int, *, clients: int, weeks: int, minutes: int, orders: int = 4) -> Report:
    """So many clients for so many weeks of their time; none begins after `minutes` of ours.

    Args:
        orders: In how many orders the same facts about sessions are entered.
    """
    again = f"python -m tests.campaigns.same_events --seed {seed} --clients {clients} --weeks {weeks}"
    began, lived = time.monotonic(), Lived()
    with own_home() as home:
        async with ground(home, Living) as (settings, house), house.working(workflow_runner=_UNSANDBOXED):
            turns = asyncio.Semaphore(_AT_ONCE)

            async def one(number: int) -> None:
                async with turns:
                    if time.monotonic() - began < minutes * 60:
                        await _live(house, seed, number, weeks, lived)

            await asyncio.gather(*(one(number) for number in range(clients)))
            lived.faults += [
                each async for each in other_journeys(house, settings.require_database_url(), seed, orders)
            ]
            lived.counts["orders of the same sessions"] = orders
            await house.close()
    lived.counts["seconds"] = int(time.monotonic() - began)
    lived.counts["seconds of the latest waking"] = int(lived.latest.total_seconds())
    return Report(f"{again} --minutes {minutes}", {**lived.counts, **lived.stages}, lived.faults)


async def _live(house: House, seed: int, number: int, weeks: int, lived: Lived) -> None:
    drawn = life(seed, number, datetime.now(UTC), weeks)
    case = await house.admit(admitted_at=drawn.admitted, **drawn.clinic)
    told = Told({"open/message-1": case.opening()})
    try:
        await _ask_all(case, drawn, told)
        faults = await _compared(case, told, lived)
    except AssertionError as failure:
        faults = [str(failure)]
    lived.faults += [f"client {number}: {each}" for each in faults]
    lived.counts["clients"] += 1
    lived.counts["commands of staff"] += len(drawn.script)
    lived.counts["events in the simulation"] += drawn.events


async def _ask_all(case: Case, drawn: Life, told: Told) -> None:
    """Tells the journey everything in its time, then lets the rest of the time pass."""
    for at, command in drawn.script:
        await _at(case, at)
        if not await _ask(case, command, told):
            return
    await _at(case, drawn.until)


async def _at(case: Case, at: datetime) -> None:
    state, now = await case.settled(), await case.now()
    if at > now and not state.is_finished:
        await case.later(seconds=(at - now).total_seconds())


async def _ask(case: Case, command: SignedCommand, told: Told) -> bool:
    """Whether there is still a journey to ask."""
    before, now = (await case.state()).version, await case.now()
    try:
        after = (await case.journeys.tell(case.id, command)).version
    except JourneyNotRunning:
        return False
    except CommandRefused as refused:
        if (await case.state()).version == before:
            told.refused.append(Refused(command, before, now, refused.code))
    else:
        if after == before:
            told.refused.append(Refused(command, before, now, None))
        told.commands[command.cause] = command
    return True


async def _compared(case: Case, told: Told, lived: Lived) -> list[str]:
    """Where the server and the core differ."""
    state, now, record = await _at_rest(case)
    core = PureCore(told, await ServerInputs.read(await case.histories(), _codec(case.house.client)))
    faults = [*core.differences(record, now if not state.is_finished else record[-1].at)]
    if not faults and comparable(core.state) != comparable(state):
        faults.append("the workflow is in another state than the core")
    lived.latest = max(lived.latest, core.latest)
    lived.counts.update(_counted(record, core, told))
    lived.stages[f"at {state.stage}"] += 1
    return faults


async def _at_rest(case: Case) -> tuple[JourneyState, datetime, list[Event]]:
    """State, clock and record of the same version: its clock goes on while it is looked at."""
    while True:
        state, record = await case.settled(), await case.record()
        if state.version == len(record):
            return state, await case.now(), record


def _counted(record: list[Event], core: PureCore, told: Told) -> dict[str, int]:
    return {"events": len(record), "commands with events": core.decided, "refused or empty": len(told.refused)}


def _codec(client: Client) -> PayloadCodec:
    codec = client.data_converter.payload_codec
    assert codec is not None, "payloads are encrypted"
    return codec


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    given = arguments(__doc__, clients=100, weeks=8, minutes=15)
    sys.exit(tell(asyncio.run(campaign(given.pop("seed"), **given))))
