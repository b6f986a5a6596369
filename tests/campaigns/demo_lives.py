"""The demonstration's own clients on the real server, each many times: as scripted, and as the pure core decides.

Each client is one of `cli.demo`, played by the demonstration's own player, with an admission on a day and at an hour
drawn from the seed, within a week, and with every step up to four minutes late. The admissions messages go over MLLP
to the real intake, the sessions into the record, from which the real service tells them to the journey; the clinic is
scripted by its control address. Roles that are silent leave out their steps. Now and then somebody tries a decision
first who may not take it, or a decision is sent twice, which must change nothing. Afterwards each client's path must be
the one of the script, and the pure core must come to the same events, refusals and wakings (`compared.py`). Longer:

    python -m tests.campaigns.demo_lives --clients 115 --minutes 20 --seed 7

It differs from `throughline demo` in three ways: decisions are not signed, since other tests see to that; workflows
run outside the sandbox; each client has a calendar of their own, which stands still at the same moment of it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import structlog

from cli.demo.calendar import Calendar
from cli.demo.open_clients import END, EVERYBODY
from cli.demo.outcome import ClientOutcome
from cli.demo.play import beginning
from cli.demo.script import Client
from domain.commands import Decision
from domain.pathway.attendance import NoteAttendance
from domain.people import use_staff
from tests import colleagues
from tests.campaigns.compared import AT_ONCE, UNSANDBOXED, Lived, compared
from tests.campaigns.demo_stage import DemoHouse, Doors, doors
from tests.campaigns.ground import ground
from tests.campaigns.pure_core import Told
from tests.campaigns.report import Report, arguments, own_home, tell

_SOON, _WITHIN = timedelta(hours=2), timedelta(weeks=1)
_SCRIPT = ("messages", "silences", "changes", "withdrawals", "steps")
_LATEST_SECONDS = 240
"""Less than there is between two steps of a script, so that their order stays."""


@dataclass(frozen=True)
class Life:
    """One client's part.

    Attributes:
        client: One of the demonstration's, with every step as late as drawn.
        ahead: How long after the campaign's turn to them they are admitted, on their calendar.
    """

    number: int
    client: Client
    ahead: timedelta


def lives(seed: int, clients: int) -> Iterator[Life]:
    """So many: all of the demonstration's clients in an order that is drawn, then all of them again."""
    dice, waiting = random.Random(seed), list[Client]()
    for number in range(clients):
        waiting = waiting or dice.sample(EVERYBODY, len(EVERYBODY))
        ahead = _SOON + dice.random() * _WITHIN
        yield Life(number, late(waiting.pop(), dice), ahead)


def late(client: Client, dice: random.Random) -> Client:
    """The client with each moment of the script but the admission a little later."""
    script: dict[str, tuple[Any, ...]] = {part: getattr(client, part) for part in _SCRIPT}
    moments = sorted({each.at for part in script.values() for each in part})
    lateness = {at: timedelta(seconds=dice.randrange(_LATEST_SECONDS)) for at in moments[1:]}
    later: dict[str, Any] = {
        name: tuple(replace(each, at=each.at + lateness.get(each.at, timedelta(0))) for each in part)
        for name, part in script.items()
    }
    return replace(client, **later)


async def campaign(seed: int, *, clients: int, minutes: int) -> Report:
    """So many clients; none begins after `minutes` of ours."""
    lived = await live_all(lives(seed, clients), seed, minutes)
    return lived.report(f"python -m tests.campaigns.demo_lives --seed {seed} --clients {clients} --minutes {minutes}")


async def live_all(parts: Iterable[Life], seed: int, minutes: int) -> Lived:
    """Lives all of them, as far as they begin within so many minutes of ours."""
    lived = Lived()
    with own_home() as home:
        async with (
            ground(home, partial(DemoHouse, seed)) as (settings, house),
            house.working(workflow_runner=UNSANDBOXED),
            doors(settings, house) as ways_in,
        ):
            turns = asyncio.Semaphore(AT_ONCE)

            async def one(life: Life) -> None:
                async with turns:
                    if lived.is_within(minutes):
                        await _live(house, ways_in, life, lived)

            await asyncio.gather(*(one(life) for life in parts))
            lived.faults += await _opened_twice(settings.require_database_url())
            await house.close()
    return lived


async def _live(house: DemoHouse, ways_in: Doors, life: Life, lived: Lived) -> None:
    calendar = Calendar(house.skipper, house.journeys, beginning(datetime.now(UTC) + life.ahead))
    play = ways_in.play(house, life.client, calendar)
    await play.run()
    await calendar.move_on([each.journey_id for each in play.players if each.journey_id and not each.ended], END)
    try:
        faults = await compared(house, house.case_of(play), lived)
    except AssertionError as failure:
        faults = [str(failure)]
    [outcome] = await play.outcomes()
    _count(outcome, house.noted.told[outcome.journey_id], lived)
    name = f"client {life.number}, {life.client.name}, admitted {calendar.start:%a %H:%M}"
    lived.faults += [f"{name}: {each}" for each in (*faults, *outcome.differences)]


def _count(outcome: ClientOutcome, told: Told, lived: Lived) -> None:
    lived.counts["clients"] += 1
    lived.counts["as scripted"] += outcome.as_scripted
    lived.counts["decisions"] += sum(isinstance(each, Decision) for each in told.commands.values())
    lived.counts["told of sessions"] += sum(isinstance(each, NoteAttendance) for each in told.commands.values())


async def _opened_twice(database_url: str) -> list[str]:
    """Clients for whom more than one journey was opened, in words."""
    several = "select count(*) from intake.journeys group by client_ref having count(*) > 1"
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        found = await (await connection.execute(several)).fetchall()
    return [f"{number} journeys were opened for one client" for (number,) in found]


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("temporalio.activity").setLevel(logging.CRITICAL)  # the records refuse what they are scripted to
    use_staff(colleagues.find)
    given = arguments(__doc__, clients=115, minutes=20)
    sys.exit(tell(asyncio.run(campaign(given.pop("seed"), **given))))
