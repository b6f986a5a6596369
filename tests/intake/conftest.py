"""A real intake over a real PostgreSQL, and a journey gate that writes down what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from clientkeys.keys import Keyring
from domain.pathway.crisis import CrisisPlace
from domain.values import Instant
from intake.facts import AdmissionKind, CancelReason
from intake.gate import GateUnavailable, JourneyEnded, OpeningAdmission
from intake.privacy import Privacy, Sealed
from intake.receiver import ReceivingRules
from intake.relay import RelayRules
from intake.service import IntakePorts, IntakeSettings, run_intake
from tests.clientkeys.memory import MemoryKeyring


@dataclass
class RecordingGate:
    """Keeps each call once, as a journey would, and counts the calls that were made.

    `failures` calls raise *after* having taken effect, as when an answer is lost on the way back.
    """

    opened: dict[str, tuple[str, OpeningAdmission]] = field(default_factory=dict)
    repeated: dict[tuple[str, str], AdmissionKind] = field(default_factory=dict)
    cancelled: dict[tuple[str, str], CancelReason] = field(default_factory=dict)
    discharged: dict[tuple[str, str], Instant] = field(default_factory=dict)
    taken_back: dict[tuple[str, str], Instant] = field(default_factory=dict)
    at_hospital: dict[tuple[str, str], tuple[str, CrisisPlace]] = field(default_factory=dict)
    left_hospital: dict[tuple[str, str], str] = field(default_factory=dict)
    still_at_hospital: dict[tuple[str, str], str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    discharged_clients: set[str] = field(default_factory=set)
    """Journeys whose clients were discharged; an admission may be their return."""
    calls: int = 0
    failures: int = 0
    down: bool = False
    hang: bool = False
    error: type[Exception] = GateUnavailable

    async def open(self, journey_id: str, client_ref: str, admission: OpeningAdmission) -> None:
        self._enter(journey_id)
        self.opened.setdefault(journey_id, (client_ref, admission))
        await self._leave()

    async def repeat_admission(
        self, journey_id: str, message_key: str, kind: AdmissionKind, occurred_at: Instant
    ) -> bool:
        self._enter(journey_id)
        self.repeated.setdefault((journey_id, message_key), kind)
        await self._leave()
        return journey_id in self.discharged_clients

    async def cancel_admission(
        self, journey_id: str, message_key: str, occurred_at: Instant, reason: CancelReason
    ) -> None:
        self._enter(journey_id)
        self.cancelled.setdefault((journey_id, message_key), reason)
        await self._leave()

    async def report_discharge(self, journey_id: str, message_key: str, occurred_at: Instant) -> None:
        self._enter(journey_id)
        self.discharged.setdefault((journey_id, message_key), occurred_at)
        await self._leave()

    async def report_hospital_visit(
        self, journey_id: str, message_key: str, visit: str, place: CrisisPlace, occurred_at: Instant
    ) -> None:
        self._enter(journey_id)
        self.at_hospital.setdefault((journey_id, message_key), (visit, place))
        await self._leave()

    async def report_hospital_discharge(
        self, journey_id: str, message_key: str, visit: str, occurred_at: Instant
    ) -> None:
        self._enter(journey_id)
        self.left_hospital.setdefault((journey_id, message_key), visit)
        await self._leave()

    async def take_back_hospital_discharge(
        self, journey_id: str, message_key: str, visit: str, occurred_at: Instant
    ) -> None:
        self._enter(journey_id)
        self.still_at_hospital.setdefault((journey_id, message_key), visit)
        await self._leave()

    async def take_back_discharge(self, journey_id: str, message_key: str, occurred_at: Instant) -> None:
        self._enter(journey_id)
        self.taken_back.setdefault((journey_id, message_key), occurred_at)
        await self._leave()

    def _enter(self, journey_id: str) -> None:
        self.calls += 1
        if self.down:
            raise GateUnavailable
        if journey_id in self.ended:
            raise JourneyEnded

    async def _leave(self) -> None:
        if self.hang:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise self.error


@dataclass
class RunningIntake:
    """A started intake, its gate and its database."""

    ports: IntakePorts
    gate: RecordingGate
    database_url: str
    keyring: Keyring

    async def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        async with await psycopg.AsyncConnection.connect(self.database_url) as connection:
            return await (await connection.execute(query.encode(), values)).fetchall()

    async def kept(self) -> list[tuple[bytes, str, str]]:
        """What is in quarantine, opened: the bytes, the code of the reason, the reason."""
        privacy = Privacy(self.keyring)
        found = await self.rows("select sealed, key_id, sha256, reason_code, reason from intake.quarantine order by 4")
        return [
            (await privacy.open_message(Sealed(sealed, key_id), hashed), code, reason)
            for sealed, key_id, hashed, code, reason in found
        ]

    async def states(self) -> dict[str, int]:
        """How many messages are in each state."""
        return dict(await self.rows("select state, count(*) from intake.messages group by state"))

    async def settled(self) -> dict[str, int]:
        """The states once no message waits for the relay."""

        async def nothing_waits() -> bool:
            return "received" not in await self.states()

        await until(nothing_waits)
        return await self.states()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for `condition`; fails the test if it does not come true."""
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 - the condition is in a database
            await asyncio.sleep(0.02)


FAST = RelayRules(poll=timedelta(milliseconds=50), first_delay=timedelta(milliseconds=10), attempts=3)


@asynccontextmanager
async def running_intake(
    database_url: str,
    gate: RecordingGate,
    settings: IntakeSettings | None = None,
    *,
    keyring: Keyring | None = None,
) -> AsyncIterator[RunningIntake]:
    """Intake on free ports until the block ends."""
    keys: Keyring = keyring or MemoryKeyring()
    started: asyncio.Future[IntakePorts] = asyncio.get_running_loop().create_future()
    chosen = settings or IntakeSettings(receiving=ReceivingRules(), relaying=FAST)
    task = asyncio.create_task(
        run_intake(database_url, keys, gate, mllp_port=0, http_port=0, settings=chosen, on_started=started.set_result)
    )
    try:
        task.add_done_callback(lambda ended: started.done() or started.cancel())
        await asyncio.wait([started])
        if task.done():
            task.result()
        yield RunningIntake(started.result(), gate, database_url, keys)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def intake_database(migrated_database: str) -> str:
    """An empty database with intake's schema."""
    return migrated_database


@pytest.fixture
def keyring() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def gate() -> RecordingGate:
    return RecordingGate()


@pytest.fixture
async def running(intake_database: str, gate: RecordingGate) -> AsyncIterator[RunningIntake]:
    async with running_intake(intake_database, gate) as started:
        yield started
