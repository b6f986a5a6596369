"""Plays the demonstration: sends admissions, takes decisions, moves the calendar on and checks the outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cli.demo.calendar import Calendar
from cli.demo.narrator import Narrator
from cli.demo.outcome import ClientOutcome, Cost, cost_of, differences
from cli.demo.outside import AUTHORITY, ClinicDoor, Registration, SessionDoor
from cli.demo.script import Client, ClinicChange, Message, ScriptStep, Silence, Visit, Withdrawal
from dashboard.reading import path
from domain.plans import Actor
from domain.sessions.facts import Entry
from domain.values import Role
from intake.facts import RecordNumber
from intake.mllp_client import MllpError
from intake.registry import Registry
from record.codec import from_record
from workflows.client import CommandRefused, JourneyNotRunning, Journeys, JourneysUnreachable

_NOT_YET = ("wrong-stage", "no-place-yet", "no-place-held", "authorisation-open")
_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.05
_PAST_THE_HOUR = timedelta(minutes=20)
_STAFF = {role: f"s-{101 + number}" for number, role in enumerate(Role)}


@dataclass
class Player:
    """One client being played."""

    number: int
    client: Client
    mrn: str
    journey_id: str = ""
    ended: bool = False
    problems: list[str] = field(default_factory=list)


Action = Message | Silence | ClinicChange | Withdrawal | Visit | ScriptStep


class Play:
    """One run over all scripted clients."""

    def __init__(
        self,
        journeys: Journeys,
        registry: Registry,
        registration: Registration,
        clinic: ClinicDoor,
        sessions: SessionDoor,
        calendar: Calendar,
        narrator: Narrator,
        clients: tuple[Client, ...],
    ) -> None:
        self._journeys = journeys
        self._registry = registry
        self._registration = registration
        self._clinic = clinic
        self._sessions = sessions
        self._calendar = calendar
        self._narrator = narrator
        self.players = [Player(n, each, registration.mrn(n)) for n, each in enumerate(clients, 1)]

    async def run(self) -> None:
        """Plays the whole script, in the order of its calendar."""
        for player in self.players:
            aliases = [self._registration.member(player.number)]
            await self._clinic.tell(player.mrn, {**player.client.clinic, "aliases": aliases})
        for at, actions in self._agenda():
            await self._calendar.move_on([p.journey_id for p in self.players if p.journey_id and not p.ended], at)
            await asyncio.gather(*(self._act(player, todo) for player, todo in actions))
            await self._narrator.catch_up()

    def _agenda(self) -> Iterator[tuple[timedelta, list[tuple[Player, list[Action]]]]]:
        times = sorted({action.at for player in self.players for action in _actions(player.client)})
        for at in times:
            due = [(p, [a for a in _actions(p.client) if a.at == at]) for p in self.players]
            yield at, [(player, actions) for player, actions in due if actions]

    async def _act(self, player: Player, actions: list[Action]) -> None:
        try:
            for action in actions:
                await self._do(player, action)
        except (MllpError, JourneysUnreachable, TimeoutError) as error:
            player.problems.append(str(error))

    async def _do(self, player: Player, action: Action) -> None:
        if isinstance(action, Message):
            await self._send(player, action)
        elif isinstance(action, Silence):
            await self._clinic.tell(player.mrn, {"staff": {action.role: False}})
        elif isinstance(action, ClinicChange):
            await self._clinic.tell(player.mrn, action.script)
        elif isinstance(action, Withdrawal):
            await self._clinic.withdraw_places(player.journey_id)
        elif isinstance(action, Visit) and player.journey_id:
            await self._enter(player, action)
        elif isinstance(action, ScriptStep) and player.journey_id:
            await self._decide(player, action)

    async def _send(self, player: Player, message: Message) -> None:
        moment = self._calendar.start + message.at
        answers = await self._registration.send(
            message.event, player.number, moment, message.times, at_hospital=message.at_hospital
        )
        if answers != ["AA"] * message.times:
            player.problems.append(f"{message.event} was answered {answers}")
        if not player.journey_id:
            player.journey_id = await self._journey_of(player)
            self._narrator.name(player.journey_id, player.client.name)
        if message.event == "A11":
            await self._until_ended(player)

    async def _journey_of(self, player: Player) -> str:
        key = RecordNumber(authority=AUTHORITY, mrn=player.mrn)
        for _ in _patiently():
            found = await self._registry.open_journey(key)
            if found is not None and found.started_at is not None:
                return str(found.journey_id)
            await asyncio.sleep(_PAUSE_SECONDS)
        raise TimeoutError(f"the admission of {player.client.name} opened no journey")

    async def _until_ended(self, player: Player) -> None:
        for _ in _patiently():
            if (await self._journeys.state(player.journey_id)).stage.is_end:
                player.ended = True
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _enter(self, player: Player, visit: Visit) -> None:
        """Enters a session, and waits until the journey has been told of it."""
        by = Actor(id=_STAFF[Role.CASE_MANAGER], role=Role.CASE_MANAGER)
        now, said = self._calendar.start + visit.at, visit.said(self._calendar.start)
        entry = Entry(entry=f"demo/{said.session}", entered_at=now, by=by, said=said)
        entered = await self._sessions.enter(player.journey_id, entry, now)
        for _ in _patiently():
            if await self._sessions.is_told(player.journey_id, entered.entries):
                return
            await asyncio.sleep(_PAUSE_SECONDS)
        raise TimeoutError(f"the journey of {player.client.name} was not told of its sessions")

    async def _decide(self, player: Player, step: ScriptStep) -> None:
        if not await self._clinic.answers(player.mrn, step.role):
            return
        command_id = f"demo/{player.journey_id}/{int(step.at.total_seconds())}/{step.role}"
        by = Actor(id=_STAFF[step.role], role=step.role)
        refused = "the journey did not answer"
        for _ in _patiently():  # an answer of a clinic system may still be on its way
            state = await self._journeys.state(player.journey_id)
            command = step.build(state, command_id, by)
            try:
                status = await self._journeys.tell(player.journey_id, command)
            except CommandRefused as refusal:
                refused = f"{type(command).__name__} was refused: {refusal.code}"
                if refusal.code not in _NOT_YET or not state.pending():
                    break
                await asyncio.sleep(_PAUSE_SECONDS)
            except JourneyNotRunning:
                break
            else:
                player.ended = status.stage.is_end
                return
        player.problems.append(refused)

    async def outcomes(self) -> list[ClientOutcome]:
        """The outcome for each client."""
        await self._narrator.catch_up()
        openings: dict[str, int] = {}
        for events in self._narrator.events.values():
            ref = str(events[0].data.get("client_ref"))
            openings[ref] = openings.get(ref, 0) + 1
        return [await self._outcome(player, openings) for player in self.players]

    async def _outcome(self, player: Player, openings: dict[str, int]) -> ClientOutcome:
        stored = self._narrator.events.get(player.journey_id, [])
        cost = await cost_of(self._journeys.handle(player.journey_id)) if player.journey_id else Cost()
        been = path(from_record(each) for each in stored)
        told = self._narrator.told_roles(player.journey_id, player.client.about)
        found = [*player.problems, *differences(player.client, been, (each.type for each in stored), told)]
        if stored and openings[str(stored[0].data.get("client_ref"))] != 1:
            found.append("more than one journey was opened")
        return ClientOutcome(
            client=player.client.name,
            title=player.client.title,
            journey_id=player.journey_id,
            stages=been.stages,
            levels_of_care=been.levels,
            events=len(stored),
            history_events=cost.events,
            virtual_time_events=cost.of_virtual_time,
            history_bytes=cost.bytes,
            workflow_tasks=cost.workflow_tasks,
            as_scripted=not found,
            differences=tuple(found),
        )


def _actions(client: Client) -> tuple[Action, ...]:
    return (*client.messages, *client.silences, *client.changes, *client.withdrawals, *client.steps)


def _patiently() -> Iterator[None]:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        yield None


def beginning(now: datetime) -> datetime:
    """When a demonstration that starts `now` begins on its calendar: at the last twenty past.

    Facilities open places on the full hour. So each step comes as long before a place starts as in any other run.
    """
    return (now - _PAST_THE_HOUR).replace(minute=0, second=0, microsecond=0) + _PAST_THE_HOUR
