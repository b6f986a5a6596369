"""Journeys in a race: every decision is told by several callers at once, with signals and messages in between."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Interceptor as ClientInterceptor
from temporalio.client import OutboundInterceptor, StartWorkflowInput, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from domain.commands import BaseCommand
from domain.evolve import fold
from domain.pathway.admission import RepeatAdmission
from domain.pathway.death import CorrectDeath, RecordDeath, ReviewDeath
from domain.pathway.discharge import Discharge, ReportDischarge
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.return_to_care import DECIDE_RETURN
from domain.pathway.withdrawal import CheckWithdrawal, RecordWithdrawal
from domain.state import JourneyState
from record.codec import from_record
from tests.workflows.house import Case, House, Person
from workflows.client import CommandRefused, JourneyNotRunning, Journeys, JourneysUnreachable
from workflows.deadline_timer import WAKES_EACH
from workflows.messages import JourneyStatus

_ASK_AGAIN_SECONDS = 0.2
_LEFT_OUT_AFTER_SECONDS = 15.0
"""A journey whose end is overdue for so long, elapsed, waits for a timer that virtual time has left out: one that a
worker set while the clock was moved on. Moving it on again finds the timer. In real time there is no such thing.
"""
_TASK = timedelta(seconds=3)
"""After this the task of a dead worker is given to another one."""


_ENDS = (RecordWithdrawal, CheckWithdrawal, RecordDeath, CorrectDeath, ReviewDeath)
"""An admission beside one of these asks a person who it is about. Rightly the journey stays open until they know."""


class _ShortTasks(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        input.task_timeout = _TASK
        return await super().start_workflow(input)


class ShortTasks(ClientInterceptor):
    """Journeys opened with this client are given to another worker soon."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _ShortTasks(next)


@dataclass
class Told:
    """What callers said to one journey, by cause.

    Attributes:
        decided: The decisions of its path, which must all be on record.
        heard: Messages that were answered, which must be on record too.
        refused: Messages that came too late, which must not be.
    """

    decided: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


class RacingCase(Case):
    """A case that says everything more than once, and other things at the same time.

    Attributes:
        told: What was said.
        chance: Draws who says what at once.
        patience: Elapsed seconds that it waits for anything to come true.
    """

    def __init__(self, house: House, journeys: Journeys, journey_id: str, person: Person) -> None:
        super().__init__(house, journeys, journey_id, person)
        self.told = Told()
        self.chance = random.Random(0)
        self.patience = 0.0
        self._asking = Journeys(house.client, patience=timedelta(seconds=5))

    async def do(self, kind: type[BaseCommand], **fields: Any) -> JourneyStatus:
        """Tells a new command by one to three callers while signals and messages race with it."""
        command = self.command(kind, **fields)
        self.told.decided.add(command.cause)
        racing: list[Awaitable[JourneyStatus | None]] = [self._say(command) for _ in range(self.chance.randint(1, 3))]
        racing += [self._hear(message) for message in self._messages(kind)]
        racing += [self._roll_over_soon() for _ in range(self.chance.choice((0, 0, 1)))]
        self.chance.shuffle(racing)
        answers = await asyncio.gather(*racing)
        return next((each for each in answers if each is not None), None) or await self._standing()

    async def state(self) -> JourneyState:
        """The state as the record has it: a query would have a worker replay the journey."""
        return await self._grown(JourneyState())

    async def settled(self) -> JourneyState:
        """The state once record and workflow agree that no call is left to make."""
        state = JourneyState()
        try:
            async with asyncio.timeout(self.patience):
                while True:
                    state = await self._grown(state)
                    if state.version and not state.pending() and await self._workflow_is_at(state.version):
                        return state
                    await asyncio.sleep(_ASK_AGAIN_SECONDS)
        except TimeoutError:
            doing = f"{state.stage}, version {state.version}, with {[*state.pending()]} to do"
            raise AssertionError(f"it never came to rest: {doing}; Temporal: {await self._at_temporal()}") from None

    async def _grown(self, state: JourneyState) -> JourneyState:
        stored = await self.house.store.read(self.id, after_version=state.version)
        return fold((from_record(each) for each in stored), state)

    async def ended(self) -> Any:
        """What the workflow returns, within the patience, once nobody has an admission left to find out about."""
        try:
            async with asyncio.timeout(self.patience):
                for owed in (await self.settled()).open_of(DECIDE_RETURN.kind):
                    found = self.command(CompleteObligation, obligation=owed.id, note="the same admission again")
                    self.told.decided.add(found.cause)
                    await self._say(found)
                due = (await self.settled()).closing.correctable_until
                while due is not None and not await self._ends_soon_after(due):
                    pass
                return await self.handle.result()
        except TimeoutError:
            state = await self.state()
            doing = f"{state.stage}, version {state.version}, finished: {state.is_finished}"
            raise AssertionError(f"the workflow never ended: {doing}; Temporal: {await self._at_temporal()}") from None

    async def _ends_soon_after(self, due: datetime) -> bool:
        """Moves the clock on past the moment from which the end stands, and says whether the workflow ends then."""
        left = max(due - await self.now(), timedelta(0))
        try:
            await self.house.skipper.fast_forward(self.handle, left + WAKES_EACH)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it may have ended meanwhile
                raise
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEFT_OUT_AFTER_SECONDS):
                await self.handle.result()
                return True
        return False

    async def _at_temporal(self) -> str:
        """What Temporal waits for, what was wrong with the last failed task, and what the workflow says of itself."""
        now = (await self.handle.describe()).raw_description
        calls = [f"{each.activity_type.name} attempt {each.attempt}" for each in now.pending_activities]
        failed = [each.workflow_task_failed_event_attributes for each in await self.happened("workflow_task_failed")]
        why = failed[-1].failure.message[:300] if failed else "none failed"
        with suppress(JourneysUnreachable):
            said = await self._asking.snapshot(self.id)
            why += f"; the workflow: version {said.state.version}, reading {said.is_reading}, {said.waiting} waiting, "
            why += f"calls {said.calls}, stopped {said.stopped}, not recorded {said.not_recorded}"
        timers = [f"{when:%d %H:%M:%S} for {long}" for when, long in await self._open_timers()]
        clock = f"{await self.now():%d %H:%M:%S}"
        task = now.pending_workflow_task.attempt
        return f"{calls}, at {clock} timers {timers}, workflow task attempt {task}, failed: {why}"

    async def _open_timers(self) -> list[tuple[datetime, timedelta]]:
        """When each was set, on the journey's clock, and for how long."""
        found: dict[int, tuple[datetime, timedelta]] = {}
        for event in (await self.histories())[-1].events:
            if event.HasField("timer_started_event_attributes"):
                long = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
                found[event.event_id] = (event.event_time.ToDatetime(), long)
            elif event.HasField("timer_fired_event_attributes"):
                found.pop(event.timer_fired_event_attributes.started_event_id)
            elif event.HasField("timer_canceled_event_attributes"):
                found.pop(event.timer_canceled_event_attributes.started_event_id)
        return list(found.values())

    async def _workflow_is_at(self, version: int) -> bool:
        try:
            return (await self._asking.status(self.id)).version == version
        except JourneysUnreachable:
            return False

    def _messages(self, kind: type[BaseCommand]) -> list[BaseCommand]:
        repeats = self.chance.choice((0, 1, 1, 2)) if kind not in _ENDS else 0
        messages = [self.command(RepeatAdmission, message="again") for _ in range(repeats)]
        if kind is Discharge or kind is DecidePlacement:
            messages.append(self.command(ReportDischarge, message="left"))
        return messages

    async def _say(self, command: BaseCommand) -> JourneyStatus | None:
        """Tells a decision until it is answered. That the journey has ended meanwhile is an answer too."""
        reasons = Counter[str]()
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            try:
                return await self.journeys.tell(self.id, command)
            except JourneysUnreachable as unreachable:
                reasons[str(unreachable)] += 1
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
            except JourneyNotRunning:
                return None
        raise AssertionError(f"{command.cause} was never answered: {dict(reasons)}")

    async def _hear(self, message: BaseCommand) -> JourneyStatus | None:
        try:
            status = await self._say(message)
        except CommandRefused:
            self.told.refused.add(message.cause)
            return None
        if status is not None:
            self.told.heard.add(message.cause)
        return None

    async def _roll_over_soon(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        try:
            await self.handle.signal("roll-over")
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it may have ended meanwhile
                raise

    async def _standing(self) -> JourneyStatus:
        return await self._asking.status(self.id)


class RacingHouse(House):
    """A house of racing cases."""

    async def admit_racing(self, chance: random.Random, patience: float, **script: Any) -> RacingCase:
        """As `admit`, with what the case is to race by."""
        case = await self.admit(**script)
        assert isinstance(case, RacingCase)
        case.chance, case.patience = chance, patience
        return case

    def make_case(self, journeys: Journeys, journey_id: str, person: Person) -> RacingCase:
        return RacingCase(self, journeys, journey_id, person)
