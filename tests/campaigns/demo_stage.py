"""What the demonstration's player has around it in a campaign: intake and the telling of sessions as the real service
runs them, the clinic's control address, and journeys whose clocks begin with their admission.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client as Temporal
from temporalio.testing import TimeSkipper

import worker
from attendance.telling import run_attendance
from cli.demo.calendar import Calendar
from cli.demo.narrator import Narrator
from cli.demo.outside import ClinicDoor, Registration, SessionDoor
from cli.demo.play import Play
from cli.demo.script import Client
from cli.intake_limits import intake_settings
from deploy.settings import Settings
from domain.commands import BaseCommand, Decision
from domain.pathway.admission import OpenJourney
from domain.plans import Actor
from domain.values import Role
from eventstore import EventStore
from intake.registry import Registry
from intake.service import IntakePorts, intake_pool, run_intake
from intake.temporal_gate import TemporalGate
from tests.campaigns.compared import Living
from tests.campaigns.noted_journeys import NotedJourneys
from tests.recovery.drill import Clocks
from tests.workflows.house import Case, Person
from workflows.client import CommandRefused
from workflows.messages import JourneyStatus

_HERE = "127.0.0.1"
_NOW_AND_THEN = 0.15


class _DemoJourneys(NotedJourneys):
    """Journeys whose clocks begin when their client is admitted, on whatever day that is.

    Now and then somebody tries a decision first who may not take it, or a decision is sent twice.
    """

    def __init__(self, client: Temporal, skipper: TimeSkipper, clocks: Clocks, dice: random.Random) -> None:
        super().__init__(client, skipper)
        self._clocks, self._dice = clocks, dice

    async def open(self, opening: OpenJourney) -> None:
        self._clocks.moments[opening.journey_id] = opening.admitted_at
        await super().open(opening)

    async def tell(self, journey_id: str, command: BaseCommand) -> JourneyStatus:
        if not isinstance(command, Decision):
            return await super().tell(journey_id, command)
        others = [role for role in Role if role not in command.declared.by]
        if others and self._dice.random() < _NOW_AND_THEN:
            tries = Actor(id="s-100", role=self._dice.choice(others))
            with suppress(CommandRefused):
                await super().tell(journey_id, command.changed(id=f"{command.id}/tried", by=tries))
        status = await super().tell(journey_id, command)
        return await super().tell(journey_id, command) if self._dice.random() < _NOW_AND_THEN else status


class DemoHouse(Living):
    """A house in which the demonstration's clients are admitted by messages."""

    def __init__(self, seed: int, client: Temporal, *parts: Any) -> None:
        clocks, config = Clocks(), client.config()
        config["interceptors"] = [*config["interceptors"], clocks]
        super().__init__(Temporal(**config), *parts)
        dice = random.Random(f"{seed}/journeys")
        self.journeys = self.noted = _DemoJourneys(self.client, self.skipper, clocks, dice)

    def case_of(self, play: Play) -> Case:
        """The case of the only client of `play`, whose journey intake opened."""
        [player] = play.players
        told = self.noted.told[player.journey_id].commands.values()
        opened = [each.client_ref for each in told if isinstance(each, OpenJourney)]
        assert len(opened) == 1, f"{len(opened)} journeys were opened"
        case = self.make_case(self.journeys, player.journey_id, Person(opened[0], player.mrn, f"M{player.mrn}"))
        self.keep(case)
        return case


class OwnNarrator(Narrator):
    """Reads the journeys of its own play and no others of the record. It prints nothing."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store, quiet=True)

    def name(self, journey_id: str, name: str) -> None:
        super().name(journey_id, name)
        self.events[journey_id] = []

    async def catch_up(self) -> None:
        for journey_id, known in self.events.items():
            known += await self._store.read(journey_id, after_version=len(known))


@dataclass(frozen=True)
class Doors:
    """The ways in from outside."""

    mllp_port: int
    registry: Registry
    clinic: ClinicDoor
    sessions: SessionDoor

    def play(self, house: DemoHouse, client: Client, calendar: Calendar) -> Play:
        """A play of this client alone, on a calendar of its own."""
        registration, narrator = Registration(_HERE, self.mllp_port), OwnNarrator(house.store)
        outside = registration, self.clinic, self.sessions
        return Play(house.journeys, self.registry, *outside, calendar, narrator, (client,))


@asynccontextmanager
async def doors(settings: Settings, house: DemoHouse) -> AsyncIterator[Doors]:
    """Intake, and what tells journeys of sessions, until the block ends."""
    clinic, url = ClinicDoor(settings.require_clinic_url()), settings.require_database_url()
    try:
        async with worker.keyring(settings) as keys, intake_pool(url) as pool, asyncio.TaskGroup() as tasks:
            gate, started = TemporalGate(house.journeys, house.store), asyncio.Future[IntakePorts]()
            intake = run_intake(
                *(url, keys, gate, _HERE, 0, _HERE, 0),
                settings=intake_settings(settings),
                on_started=started.set_result,
            )
            running = [tasks.create_task(each) for each in (intake, run_attendance(url, gate))]
            yield Doors((await started).mllp, Registry(pool, keys), clinic, SessionDoor(house.store, pool))
            for each in running:
                each.cancel()
    finally:
        await clinic.aclose()
