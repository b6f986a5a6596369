"""The drill: Temporal dies and its disk with it while journeys are everywhere; the record shows no trace of it."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import worker
from activities.calls import ClinicCalls
from clientkeys.keys import Keyring
from deploy.settings import Settings
from deploy.values import HostPort
from domain.comparing import fingerprint
from domain.evolve import fold
from domain.pathway.move_decisions import DeclineTransition, RequestStepUp
from domain.pathway.reviews import CompleteReview
from domain.plans import ReviewOutcome
from domain.state import JourneyState
from eventstore import EventStore
from record.sealing import Sealer
from recovery.reconcile import Reconciler
from recovery.running import RunningJourneys
from tests.clientkeys.memory import MemoryKeyring
from tests.clinic.process import ClinicProcess
from tests.recovery.drill import Cluster, InOrder, Told, cluster, lose, reached, told
from tests.workflows.house import Case, House, Person, until
from tests.workflows.paths import IOP, OP, OUT_OF_CARE, PATHS, Step, decide, into_care, later
from workflows.client import JourneysUnreachable
from workflows.messages import JourneyStart

pytestmark = pytest.mark.stack

_REVIEW = decide(CompleteReview, outcome=ReviewOutcome.CONTINUE, rationale="progress")
SCRIPTS: dict[str, tuple[tuple[Step, ...], dict[str, Any]]] = {
    **{name: (path.steps, path.clinic) for name, path in PATHS.items()},
    "nobody-reviews": ((*into_care(IOP), later(days=47), _REVIEW, later(days=4), _REVIEW, *OUT_OF_CARE), {}),
    "declined": (
        (
            *into_care(OP),
            decide(RequestStepUp, to=IOP, reason="worse"),
            later(hours=3),
            decide(DeclineTransition, reason="wants to stay", safety_plan_reviewed=True),
            later(days=2),
            _REVIEW,
            *OUT_OF_CARE,
        ),
        {},
    ),
}

JOURNEYS = int(os.environ.get("LOST_JOURNEYS") or 7)
"""How many are everywhere when it happens, by scripts that the seed draws; `make campaign` takes all, and more."""


def is_leap(step: Step) -> bool:
    return step.__qualname__.startswith("later")


class Patient(Case):
    """A case that looks into the record to see whether calls are answered: dozens of cases that ask their workflows
    many times a second leave the worker no time for the journeys.
    """

    async def settled(self) -> JourneyState:
        async def on_record() -> JourneyState:
            return fold(await self.record())

        async def nothing_is_pending() -> bool:
            state = await on_record()
            return state.version > 0 and not state.pending()

        async def the_workflow_knows() -> bool:
            with suppress(JourneysUnreachable):
                return (await self.state()).version == (await on_record()).version
            return False

        await until(nothing_is_pending, "no call is pending")
        await until(the_workflow_knows, "the workflow has folded the record")
        return await on_record()


async def few_at_once(work: Iterable[Awaitable[object]]) -> None:
    """Two cores carry a handful of journeys in motion; more at once only wait for each other."""
    turns = asyncio.Semaphore(8)

    async def in_turn(each: Awaitable[object]) -> None:
        async with turns:
            await each

    await asyncio.gather(*(in_turn(each) for each in work))


@dataclass
class Player:
    """One client, and how far along their script they are."""

    case: Case
    script: str
    done: int = 0
    answered: int = 0
    """Commands that were answered; one that was not is told again under its own number."""

    @property
    def steps(self) -> tuple[Step, ...]:
        return SCRIPTS[self.script][0]

    async def step(self) -> None:
        """The next step. After a failure it may be tried again: its commands keep their ids."""
        self.case._numbers = itertools.count(self.answered + 1)
        await self.steps[self.done](self.case)
        self.answered = next(self.case._numbers) - 1
        self.done += 1

    async def play(self, until_step: int | None = None) -> None:
        for _ in range(self.done, len(self.steps) if until_step is None else until_step):
            await self.case.settled()
            await self.step()


@dataclass
class Ground:
    store: EventStore
    calls: ClinicCalls
    clinic: ClinicProcess
    database_url: str
    keys: Keyring

    def house(self, there: Cluster) -> House:
        calls = InOrder(self.calls, self.store).as_calls()
        house = House(there.client, self.store, self.clinic, calls, self.database_url, self.keys)
        house.skipper = there.skipper
        return house


@pytest.fixture
async def ground(session_home: Path, own_database: str, clinic: ClinicProcess) -> AsyncIterator[Ground]:
    clinic.reset()
    settings = Settings(home=session_home / "drill").changed(
        database_url=own_database,
        clinic_url=clinic.url,
        smtp=HostPort("127.0.0.1", clinic.smtp_port),
    )
    keys = MemoryKeyring()
    async with worker.record(settings) as store, worker.clinic(settings, keys) as calls:
        yield Ground(store, calls, clinic, own_database, keys)


@pytest.fixture
def home() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="throughline-drill-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def seed() -> int:
    """Another each time; `THROUGHLINE_DRILL_SEED` has one again."""
    chosen = int(os.environ.get("THROUGHLINE_DRILL_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed {chosen}")  # noqa: T201
    return chosen


async def begin(house: House, there: Cluster, script: str, at: datetime) -> Player:
    """Opens a journey at `at` on its own calendar."""
    case = Patient(house, house.journeys, str(random.SystemRandom().getrandbits(128)), Person.new())
    await house._register(case.person)
    house.clinic.script(case.person.mrn, aliases=[case.person.member_id, case.id], **SCRIPTS[script][1])
    there.clocks.moments[case.id] = at
    await case.open()
    await reached(there.skipper, case.handle, at)
    return Player(case, script)


async def before_the_loss(player: Player, dice: random.Random) -> None:
    """To a random point of the script. For half of them the EHR fails from then on, so that calls are left open."""
    await player.play(dice.randrange(len(player.steps)))
    await player.case.settled()
    if dice.random() < 0.5 and not is_leap(player.steps[player.done]):
        player.case.house.clinic.script(player.case.person.mrn, ehr_failures=100_000)
        await player.step()


async def interrupted(player: Player) -> None:
    """The next decision, under way when the server dies; nobody is told whether it was taken."""
    with suppress(JourneysUnreachable):
        await player.step()


async def on_the_way(players: Sequence[Player], dice: random.Random) -> list[asyncio.Task[None]]:
    """A dozen decisions just sent; returns as soon as one is answered, and the others may be anywhere."""
    midway = [each for each in players if each.done < len(each.steps) - 1 and not is_leap(each.steps[each.done])]
    ready = [each for each in midway if not (await each.case.state()).pending()]
    sent = [asyncio.create_task(interrupted(each)) for each in dice.sample(ready, min(12, len(ready)))]
    await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
    return sent


async def input_of(house: House, case: Case) -> JourneyStart:
    """What the journey's workflow was started with, as Temporal has it."""
    [first, *_] = (await house.journeys.handle(case.id).fetch_history()).events
    given = first.workflow_execution_started_event_attributes.input.payloads
    [start] = await house.client.data_converter.decode(given, [JourneyStart])
    assert isinstance(start, JourneyStart)
    return start


async def states_of(ground: Ground, players: Sequence[Player]) -> dict[str, JourneyState]:
    sealer = Sealer(ground.keys)
    return {each.case.id: fold(await sealer.open(await ground.store.read(each.case.id))) for each in players}


def done_twice(ground: Ground, players: Sequence[Player]) -> list[object]:
    """What the EHR and the places did more than once under one key, and notices that reached a mailbox twice."""
    ids = {each.case.id for each in players}
    ledger = [e for e in ground.clinic.ledger() if e["system"] in ("ehr", "places") and e["key"].split("/")[0] in ids]
    assert len(ledger) > 10 * len(ids)
    times = Counter((e["system"], e["kind"], e["key"], str(e["target"])) for e in ledger)
    arrived = Counter(mail["id"] for mail in ground.clinic.get("/mailbox"))
    return [key for key, number in (*times.items(), *arrived.items()) if number > 1]


def assert_same(found: list[Told], expected: list[Told], within: timedelta) -> None:
    """Event by event the same, and every moment in them as close as the two runs were.

    Both begin at one moment of the virtual calendar, and a journey's clock runs on with real time between two leaps.
    So a run that was interrupted lags by no more real time than the whole drill took: a minute or two, where the
    shortest deadline is counted in hours and one counted anew from the recovery would be hours or days off.
    """
    assert within < timedelta(hours=1)
    for mine, theirs in zip(found, expected, strict=False):
        assert mine == theirs
        assert [m for m, t in zip(mine.moments, theirs.moments, strict=True) if abs(m - t) > within] == []
    assert len(found) == len(expected)


async def test_every_journey_goes_on_as_if_nothing_had_been_lost(ground: Ground, home: Path, seed: int) -> None:
    began, dice = time.monotonic(), random.Random(seed)
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=17, minute=0, second=0)
    names = list(itertools.islice(itertools.cycle(dice.sample([*SCRIPTS], len(SCRIPTS))), JOURNEYS))
    async with cluster(home) as first:
        house = ground.house(first)
        async with house.working():
            control = await asyncio.gather(*(begin(house, first, name, start) for name in dict.fromkeys(names)))
            players = await asyncio.gather(*(begin(house, first, name, start) for name in names))
            before = [before_the_loss(player, random.Random(dice.random())) for player in players]
            await few_at_once([*before, *(player.play() for player in control)])
            await asyncio.gather(*(each.case.ended() for each in control))
            clocks = {each.case.id: await each.case.now() for each in players}
            sent = await on_the_way(players, dice)
            lose(first, home)
        await asyncio.gather(*sent)

    left = await states_of(ground, players)
    assert sum(bool(state.pending()) for state in left.values()) >= JOURNEYS // 7
    async with cluster(home) as second:
        second.clocks.moments.update(clocks)
        house = ground.house(second)
        reconciler = Reconciler(ground.store, RunningJourneys(second.client))
        open_ones = [each for each in players if not left[each.case.id].is_finished]
        recovered = await reconciler.mend(await reconciler.missing())
        assert {each.difference.journey_id for each in recovered} == {each.case.id for each in open_ones}
        assert not any(each.is_for_a_person for each in recovered)
        for player in open_ones:
            assert (await input_of(house, player.case)).carried == fingerprint(left[player.case.id])
        for player in players:
            player.case.house, player.case.journeys = house, house.journeys
            ground.clinic.script(player.case.person.mrn, ehr_failures=0)
        await asyncio.gather(*(reached(second.skipper, each.case.handle, clocks[each.case.id]) for each in open_ones))
        async with house.working():
            await few_at_once(each.play() for each in open_ones)
            await asyncio.gather(*(each.case.ended() for each in open_ones))

    within = timedelta(seconds=time.monotonic() - began + 60)
    expected = {each.script: told(await ground.store.read(each.case.id)) for each in control}
    for player in players:
        head = await ground.store.head(player.case.id)
        assert head is not None and head.closed
        assert_same(told(await ground.store.read(player.case.id)), expected[player.script], within)
    assert done_twice(ground, [*players, *control]) == []
