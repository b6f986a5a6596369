"""Two releases whose states have different shapes: both at once, one after the other, and back again.

The worker in the test's own process knows the first schema; the second runs in a process of its own
(`second_schema.py`). Whatever happens, each journey's record holds what was asked, once.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

import worker
from activities.marks import mark_of_last
from deploy.settings import Settings
from deploy.values import HostPort
from domain.commands import BaseCommand
from domain.evolve import fold
from domain.pathway.admission import RepeatAdmission
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.placement import DecidePlacement
from domain.state import STATE_SCHEMA, JourneyState
from migrations import migrate_keys
from recovery.differences import Kind
from recovery.reconcile import Comparison, Reconciler
from recovery.running import RunningJourneys
from recovery.schedule import ScheduledComparison
from tests.campaigns.racing import ShortTasks
from tests.clinic.process import ROOT, ClinicProcess
from tests.recovery.second_schema import SCHEMA
from tests.recovery.test_heads import nobody
from tests.workflows.house import Case, House, Person, until
from tests.workflows.paths import IOP, OP, OUT_OF_CARE, PHP, enrol
from workflows.client import Journeys, JourneysUnreachable
from workflows.messages import JourneySnapshot, JourneyStart, JourneyStatus
from workflows.record_head import RecordHead

pytestmark = pytest.mark.stack

NEWER = f"this journey's state has schema {SCHEMA}, this worker knows {STATE_SCHEMA}: run the newer release"


class AskedCase(Case):
    """A case that looks at the record, which both releases read, and notes what was asked."""

    def __init__(self, house: House, journeys: Journeys, journey_id: str, person: Person) -> None:
        super().__init__(house, journeys, journey_id, person)
        self.asked: list[str] = []

    def command(self, kind: type[BaseCommand], **fields: object) -> BaseCommand:
        made = super().command(kind, **fields)
        self.asked.append(made.cause)
        return made

    async def state(self) -> JourneyState:
        return fold(await self.record())

    async def settled(self) -> JourneyState:
        async def nothing_is_pending() -> bool:
            state = await self.state()
            return state.version > 0 and not state.pending()

        await until(nothing_is_pending, "no call is pending")
        return await self.state()

    async def repeat(self) -> JourneyStatus:
        return await self.tell_until_answered(self.command(RepeatAdmission, message="again"))

    async def tell_until_answered(self, command: BaseCommand) -> JourneyStatus:
        """As intake does: again under the same id, while no worker that may take it is there."""
        answers: list[JourneyStatus] = []

        async def is_answered() -> bool:
            with suppress(JourneysUnreachable):
                answers.append(await self.journeys.tell(self.id, command))
            return bool(answers)

        await until(is_answered, "the command is answered")
        return answers[0]

    async def snapshot(self) -> JourneySnapshot | None:
        with suppress(JourneysUnreachable):
            return await self.journeys.snapshot(self.id)
        return None

    async def schema(self) -> int | None:
        """Of the worker that answers."""
        snapshot = await self.snapshot()
        return None if snapshot is None or snapshot.is_reading else snapshot.state.state_schema

    async def task_failures(self) -> list[str]:
        """Why tasks failed, over all runs."""
        failed = await self.happened("workflow_task_failed")
        return [each.workflow_task_failed_event_attributes.failure.message for each in failed]

    async def schemas(self) -> list[int]:
        """Under which each run but the first was begun."""
        inputs = [run.events[0].workflow_execution_started_event_attributes.input for run in await self.histories()]
        decode = self.house.client.data_converter.decode
        starts = [(await decode(each.payloads, [JourneyStart]))[0] for each in inputs]
        return [each.carried.state_schema for each in starts if each.carried]

    async def assert_holds_what_was_asked(self) -> None:
        causes = Counter(event.cause for event in await self.record())
        assert [cause for cause in self.asked if cause not in causes] == []
        keys = Counter(str(each.meta["command_id"]) for each in await self.house.store.read(self.id))
        assert set(self.asked) <= set(keys)
        decided = Counter((event.cause, event.type) for event in await self.record() if event.cause in self.asked)
        assert [each for each, times in decided.items() if each[1] == "admission.repeated" and times > 1] == []


class AskedHouse(House):
    def make_case(self, journeys: Journeys, journey_id: str, person: Person) -> AskedCase:
        return AskedCase(self, journeys, journey_id, person)

    async def admit_asked(self) -> AskedCase:
        case = await self.admit()
        assert isinstance(case, AskedCase)
        return case


@dataclass
class Releases:
    """A house in which either release may work, or both."""

    house: AskedHouse
    settings: Settings
    log: Path
    cases: dict[str, AskedCase] = field(default_factory=dict)

    @asynccontextmanager
    async def old(self) -> AsyncIterator[None]:
        """A worker of the first schema."""
        async with self.house.working():
            yield

    @asynccontextmanager
    async def new(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A worker of the second schema, which a test may kill."""
        process = await self._process("work")
        assert process.stdout is not None and process.stdin is not None
        assert await process.stdout.readline() == b"working\n"
        try:
            yield process
        finally:
            process.stdin.close()
            assert await process.wait() in (0, -signal.SIGKILL)

    async def compared_by_new(self) -> Comparison:
        """What a command of the second schema finds."""
        process = await self._process("compare")
        output, _ = await process.communicate()
        assert process.returncode == 0
        return Comparison.model_validate(json.loads(output))

    async def _process(self, what: str) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.recovery.second_schema", what),
                cwd=ROOT,
                env={**os.environ, **self.settings.as_env()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )

    def reconciler(self) -> Reconciler:
        running = RunningJourneys(self.house.client, patience=timedelta(seconds=5))
        return Reconciler(self.house.store, running, moment=timedelta(milliseconds=300))

    async def begin(self) -> None:
        """Journeys at four stages; one of them owes the EHR a call that fails."""
        placed, cared_for, moving, leaving = [await self.house.admit_asked() for _ in range(4)]
        await enrol(cared_for)
        await enrol(moving, IOP)
        await enrol(leaving)
        for step in OUT_OF_CARE[:3]:
            await step(leaving)
        self.house.clinic.script(moving.person.mrn, ehr_failures=100_000)
        await moving.do(RequestStepUp, to=PHP, reason="worse")
        await placed.screened()
        self.cases = {"placement": placed, "in care": cared_for, "moving": moving, "discharged": leaving}

    async def all(self, work: Callable[[AskedCase], Awaitable[object]]) -> None:
        await asyncio.gather(*map(work, self.cases.values()))

    async def listed(self) -> None:
        ids = {case.id for case in self.cases.values()}

        async def all_are() -> bool:
            return ids <= {each async for each, _ in RunningJourneys(self.house.client).listed()}

        await until(all_are, "Temporal lists the journeys")

    async def assert_nothing_was_lost(self) -> None:
        self.house.clinic.script(self.cases["moving"].person.mrn, ehr_failures=0)
        await self.all(lambda case: case.settled())
        await self.all(lambda case: case.assert_holds_what_was_asked())


async def shown_in(releases: Releases, schema: int) -> bool:
    """Whether Temporal lists each journey with the head of its record, under that schema."""
    shown = {each: head async for each, head in RunningJourneys(releases.house.client).listed()}
    for case in releases.cases.values():
        last, head = (await releases.house.store.read(case.id))[-1], shown.get(case.id)
        if head != RecordHead(state_schema=schema, version=last.version, mark=mark_of_last([last])):
            return False
    return True


async def in_schema(case: AskedCase, schema: int) -> None:
    async def is_in() -> bool:
        return await case.schema() == schema

    await until(is_in, f"a worker of schema {schema} answers for the journey")


@pytest.fixture
async def releases(
    session_home: Path,
    temporal_address: str,
    payload_keys_file: Path,
    own_database: str,
    database_url_factory: Callable[[], str],
    clinic: ClinicProcess,
    tmp_path: Path,
) -> AsyncIterator[Releases]:
    clinic.reset()
    keys_url, kek = database_url_factory(), tmp_path / "kek"
    migrate_keys(keys_url)
    kek.write_bytes(base64.b64encode(os.urandom(32)))
    kek.chmod(0o600)
    settings = Settings(home=session_home / "recovery").changed(
        database_url=own_database,
        keys_url=keys_url,
        kek_file=kek,
        temporal_address=temporal_address,
        payload_keys=payload_keys_file,
        clinic_url=clinic.url,
        smtp=HostPort("127.0.0.1", clinic.smtp_port),
    )
    config = (await worker.temporal_client(settings.changed(virtual_time=True))).config()
    config["interceptors"] = [*config["interceptors"], ShortTasks()]  # a failed task is tried again sooner
    client = Client(**config)
    async with (
        worker.record(settings) as store,
        worker.keyring(settings) as keys,
        worker.clinic(settings, keys) as calls,
    ):
        house = AskedHouse(client, store, clinic, calls, own_database, keys)
        yield Releases(house, settings, tmp_path / "second-schema.log")
        await house.close()


async def test_a_running_journey_changes_hands_in_the_middle_of_a_run(releases: Releases) -> None:
    """Either release replays what the other began, whether or not the run began by reading the record."""
    async with releases.old():
        await releases.begin()
        await releases.cases["in care"].roll_over()
        await releases.cases["moving"].roll_over()
        await releases.all(lambda case: case.repeat())
    async with releases.new():
        await releases.all(lambda case: in_schema(case, SCHEMA))
        await releases.all(lambda case: case.repeat())
        await releases.cases["in care"].later(hours=30)
        await releases.listed()
        mine, theirs = await releases.reconciler().compare(), await releases.compared_by_new()
        assert (mine.differences, mine.of_another_schema) == ((), 4)
        assert (theirs.differences, theirs.of_another_schema) == ((), 0)
        await until(lambda: shown_in(releases, SCHEMA), "the journeys show their heads under the second schema")
        by_heads = await releases.reconciler().compare(asked=nobody)  # the schema is no reason to ask
        assert (by_heads.journeys, by_heads.asked, by_heads.differences) == (4, 0, ())
    async with releases.old():
        await releases.all(lambda case: in_schema(case, STATE_SCHEMA))
        await releases.all(lambda case: case.repeat())
        await releases.cases["discharged"].later(days=2)
        mine, theirs = await releases.reconciler().compare(), await releases.compared_by_new()
        assert (mine.differences, mine.of_another_schema) == ((), 0)
        assert (theirs.differences, theirs.of_another_schema) == ((), 4)
        await releases.assert_nothing_was_lost()
    for case in releases.cases.values():
        assert await case.task_failures() == []


async def test_a_rolling_deployment(releases: Releases) -> None:
    """Both releases work at once, journeys begin new runs under either, and decisions come in all the time."""
    async with releases.old():
        await releases.begin()
        async with releases.new():
            for _ in range(2):
                await releases.all(_decided_around_a_new_run)
        async with releases.new() as dying:
            await releases.all(lambda case: case.repeat())
            under_way = asyncio.create_task(releases.all(_decided_around_a_new_run))
            await releases.cases["placement"].repeat()
            dying.kill()
            await dying.wait()
            async with releases.new():
                await under_way
        async with releases.new():
            await releases.listed()
            for found in (await releases.reconciler().compare(), await releases.compared_by_new()):
                assert [each for each in found.differences if each.kind not in (Kind.SILENT, Kind.WAITING)] == []
            await releases.all(_rolled_over)
        # The new worker is gone before the last journeys are: what it began waits for it, nothing else does.
    async with releases.new():
        await releases.all(_rolled_over)
        await releases.all(lambda case: in_schema(case, SCHEMA))
        await releases.all(lambda case: case.repeat())
        await releases.cases["placement"].tell_until_answered(
            releases.cases["placement"].command(DecidePlacement, recommended=OP, actual=OP)
        )
        await releases.assert_nothing_was_lost()
        assert (await releases.compared_by_new()).differences == ()
        mine = await releases.reconciler().compare()
        assert (mine.differences, mine.of_another_schema) == ((), 4)
    for case in releases.cases.values():
        schemas = await case.schemas()
        assert (schemas[0], schemas[-1], len(schemas)) == (STATE_SCHEMA, SCHEMA, 5)
        assert schemas == sorted(schemas)  # the older release begins no run after the newer one
        assert set(await case.task_failures()) <= {NEWER}


async def _decided_around_a_new_run(case: AskedCase) -> None:
    async with asyncio.TaskGroup() as together:
        for _ in range(3):
            together.create_task(case.repeat())
        together.create_task(_rolled_over(case))
        for _ in range(3):
            together.create_task(case.repeat())


async def _rolled_over(case: AskedCase) -> None:
    """Asked once: while a worker that may not take the run holds its task, the signal waits with the journey."""
    before = await case.run_id()
    await case.handle.signal("roll-over")
    await case.continued_from(before)


async def test_a_release_is_taken_back(releases: Releases) -> None:
    """What the newer release began fails its tasks under the older one, is named and paged, and goes on later."""
    house = releases.house
    async with releases.new():
        await releases.begin()
        for name in ("in care", "moving"):
            await releases.cases[name].roll_over()
            await in_schema(releases.cases[name], SCHEMA)
        await releases.listed()
    begun_by_new = [releases.cases[name] for name in ("in care", "moving")]
    others = [releases.cases[name] for name in ("placement", "discharged")]
    async with releases.old():
        for case in others:
            await in_schema(case, STATE_SCHEMA)
            await case.repeat()
            await case.roll_over()
            await case.repeat()
            await in_schema(case, STATE_SCHEMA)
        waiting = [asyncio.create_task(case.repeat()) for case in begun_by_new]
        for case in begun_by_new:
            await until(lambda case=case: _fails(case), "the workflow task fails")  # type: ignore[misc]
        found = {each.journey_id: each for each in (await releases.reconciler().compare()).differences}
        assert {case.id for case in begun_by_new} == found.keys()
        assert {each.kind for each in found.values()} == {Kind.SILENT}
        assert all(NEWER in each.sentence for each in found.values())

        async def are_reported() -> bool:
            return {case.id for case in begun_by_new} <= await RunningJourneys(house.client).failing()

        await until(are_reported, "Temporal reports the journeys whose tasks fail")
        scheduled = ScheduledComparison(releases.reconciler())
        came_to = await scheduled.reconcile()
        assert (came_to.found, came_to.paged) == ({"silent": 2}, True)

        async def is_paged() -> bool:
            pages = [each["body"] for each in house.clinic.get("/mailbox") if "need an engineer" in each["subject"]]
            return any(NEWER in body and all(case.id in body for case in begun_by_new) for body in pages)

        await until(is_paged, "operations are paged with the cause")
        for case in begun_by_new:
            assert (await case.handle.describe()).status is WorkflowExecutionStatus.RUNNING
            assert not any(each.done() for each in waiting)
    async with releases.new():
        await asyncio.gather(*waiting)
        await releases.all(lambda case: case.repeat())
        await releases.all(lambda case: in_schema(case, SCHEMA))
        await releases.assert_nothing_was_lost()
        assert (await releases.compared_by_new()).differences == ()
    assert {failure for case in begun_by_new for failure in await case.task_failures()} == {NEWER}
    # One that something arrived with is tried again: Temporal calls that a failure too.
    failures = {failure for case in others for failure in await case.task_failures()}
    assert failures <= {"UnhandledCommand"}


async def _fails(case: AskedCase) -> bool:
    return NEWER in await case.task_failures()
