"""A whole house for journeys: real Temporal, record and clinic, and a worker on whatever store a test chooses.

Each journey has its own virtual clock, moved on by `Case.later`. Nothing here sleeps to wait for something: what
is awaited is asked for until it is so, and a test fails if it never is.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.workflow import NondeterminismError

from access.signatures import Authors
from activities.calls import ClinicCalls
from clientkeys.keys import Keyring
from dashboard.reading import Path, path
from domain.commands import BaseCommand, Decision
from domain.pathway import Event
from domain.pathway.admission import OpenJourney
from domain.pathway.cost import AcceptCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.funding import ResolveFunding
from domain.pathway.screening import CompleteScreening
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import Role
from eventstore.port import EventStore
from intake import person as intake_person
from intake.facts import RecordNumber
from intake.privacy import Privacy
from record.sealing import Sealer
from tests.clinic.process import ClinicProcess
from tests.unchecked import Unchecked
from worker import journey_replayer, journey_worker
from workflows.client import MAX_SKIPS, CommandRefused, Journeys, JourneysUnreachable
from workflows.journey import JourneyWorkflow
from workflows.messages import JourneyStatus

CLINICIAN = Actor(id="clinician-1", role=Role.CLINICIAN)
ADMISSIONS = Actor(id="admissions-1", role=Role.ADMISSIONS)
SCREENED: dict[str, Any] = {"urgency": "routine", "risk": "low", "consents": {"treatment": "given"}}
_AT_THE_DESK = (RecordBenefits, ResolveFunding, AcceptCost, ConfirmEnrolment)
_PATIENCE_SECONDS = 240.0
"""Long: a task handed to a worker that has just gone is given out again only when its attempt ends, 90 s later."""


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Returns once `condition` is so; fails the test if it never is."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - the condition is in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never came true: {what}") from None


@dataclass(frozen=True)
class Person:
    """An invented client, as intake keeps one. None of these words may ever reach Temporal."""

    client_ref: str
    mrn: str
    member_id: str
    family_name: str = "Quillfeather"
    given_name: str = "Bartolomea"
    birth_date: date = date(1981, 9, 27)

    @staticmethod
    def new() -> Person:
        number = uuid.uuid4().hex[:10].upper()
        return Person(client_ref=str(uuid.uuid4()), mrn=f"MRN{number}", member_id=f"MEM{number}")

    def registered(self) -> intake_person.Person:
        """As the register has them."""
        return intake_person.Person(
            key=RecordNumber(authority="TEST", mrn=self.mrn),
            family_name=self.family_name,
            given_name=self.given_name,
            birth_date=self.birth_date,
            sex="F",
            member_id=self.member_id,
            payer_id="PAYER1",
        )


class House:
    """Opens journeys and keeps them until the test ends.

    Attributes:
        replays: Whether every journey is replayed then.
    """

    replays = True

    def __init__(
        self,
        client: Client,
        store: EventStore,
        clinic: ClinicProcess,
        calls: ClinicCalls,
        database_url: str,
        keys: Keyring,
    ) -> None:
        self.client = client
        self.store = store
        self.clinic = clinic
        self.calls = calls
        self.journeys = Journeys(client)
        self.skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=MAX_SKIPS))
        self.sealer = Sealer(keys)
        self._privacy = Privacy(keys)
        self._database_url = database_url
        self._cases: list[Case] = []

    @asynccontextmanager
    async def working(
        self,
        store: EventStore | None = None,
        workflow: type = JourneyWorkflow,
        sealer: Sealer | None = None,
        authors: Authors | None = None,
        **options: Any,
    ) -> AsyncIterator[None]:
        """A worker until the block ends, on `store` and `sealer` if given; `options` are those of `journey_worker`.

        Without `authors`, every command is believed.
        """
        self.replays = self.replays and workflow is JourneyWorkflow
        parts = store or self.store, sealer or self.sealer, authors or Unchecked()
        async with journey_worker(self.client, *parts, self.calls, workflow, **options):
            yield

    async def admit(
        self,
        *,
        journeys: Journeys | None = None,
        site: str = "main",
        admitted_at: datetime | None = None,
        **script: Any,
    ) -> Case:
        """Registers an invented client, tells the clinic their script, and opens their journey; by default now."""
        person = Person.new()
        case = self.make_case(journeys or self.journeys, str(uuid.uuid4()), person)
        case.site, case.admitted_at = site, admitted_at
        self.keep(case)
        await self._register(person)
        self.clinic.script(person.mrn, aliases=[person.member_id, case.id], **script)
        await case.open()
        return case

    def make_case(self, journeys: Journeys, journey_id: str, person: Person) -> Case:
        """The case of a journey that is about to be opened."""
        return Case(self, journeys, journey_id, person)

    def keep(self, case: Case) -> None:
        """Keeps a case until the test ends."""
        self._cases.append(case)

    async def close(self) -> None:
        """Ends whatever still runs, so that the next test's worker has nothing to do with it.

        Replays every journey first: in whatever order things came in, a worker that takes over must come to the same.
        """
        if self.replays:
            await self._replay_all()
        for case in self._cases:
            try:
                await case.handle.terminate("the test is over")
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended by itself, or never began
                    raise

    async def _replay_all(self) -> None:
        replayer = journey_replayer(self.client.data_converter)
        for case in self._cases:
            for history in await case.histories():
                if not any(event.HasField("workflow_task_completed_event_attributes") for event in history.events):
                    continue  # a run that has only begun; the replayer waits for it without end
                replayed = await replayer.replay_workflow(history, raise_on_replay_failure=False)
                if isinstance(replayed.replay_failure, NondeterminismError):  # not where a test's own policy is gone
                    raise replayed.replay_failure

    async def _register(self, person: Person) -> None:
        reference = uuid.UUID(person.client_ref)
        sealed = await self._privacy.seal_person(person.registered(), reference)
        async with await psycopg.AsyncConnection.connect(self._database_url) as connection:
            await connection.execute(
                "insert into intake.clients (client_ref, sealed, key_id, identity_as_of) values (%s, %s, %s, now())",
                (reference, *sealed),
            )


class Case:
    """One client's journey in a test. Decisions are by a clinician, at the desk by admissions."""

    def __init__(self, house: House, journeys: Journeys, journey_id: str, person: Person) -> None:
        self.house = house
        self.journeys = journeys
        self.id = journey_id
        self.person = person
        self.site = "main"
        self.admitted_at: datetime | None = None
        self._numbers = itertools.count(1)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.journeys.handle(self.id)

    def opening(self) -> OpenJourney:
        return OpenJourney(
            id="open/message-1",
            journey_id=self.id,
            client_ref=self.person.client_ref,
            site=self.site,
            message="message-1",
            admitted_at=self.admitted_at or datetime.now(UTC),
        )

    async def open(self) -> None:
        await self.journeys.open(self.opening())

    def command(self, kind: type[BaseCommand], **fields: Any) -> BaseCommand:
        """A new command with the next id."""
        if issubclass(kind, Decision):
            fields.setdefault("by", ADMISSIONS if kind in _AT_THE_DESK else CLINICIAN)
        fields.setdefault("id", f"command-{next(self._numbers)}")
        return kind(**fields)

    async def do(self, kind: type[BaseCommand], **fields: Any) -> JourneyStatus:
        """Carries a new command to the journey; a refusal fails the test."""
        return await self.journeys.tell(self.id, self.command(kind, **fields))

    async def refused(self, kind: type[BaseCommand], **fields: Any) -> CommandRefused:
        """Demands a refusal."""
        try:
            status = await self.do(kind, **fields)
        except CommandRefused as refused:
            return refused
        raise AssertionError(f"{kind.__name__} was not refused but led to {status}")

    async def state(self) -> JourneyState:
        return await self.journeys.state(self.id)

    async def screened(self) -> JourneyState:
        """The state once the client was screened at admission and nothing else is left to make."""
        await self.settled()
        await self.do(CompleteScreening, **SCREENED)
        return await self.settled()

    async def settled(self) -> JourneyState:
        """The state once the journey has begun and no call to the clinic is left to make."""

        # Temporal may lose a query that meets a failing workflow task: it is asked again rather than waited for.
        asked = Journeys(self.house.client, patience=timedelta(seconds=2))

        async def nothing_is_pending() -> bool:
            try:
                state = await asked.state(self.id)
            except JourneysUnreachable:
                return False
            return state.version > 0 and not state.pending()

        await until(nothing_is_pending, "no call is pending")
        return await self.state()

    async def later(self, **span: float) -> JourneyState:
        """Moves this journey's clock on, with all its timers, and lets what they lead to settle."""
        await self.house.skipper.fast_forward(self.handle, timedelta(**span))
        return await self.settled()

    async def ended(self) -> Any:
        """What the workflow returns, once the journey's end can no longer be taken back."""
        until = (await self.settled()).closing.correctable_until
        if until is not None:
            await self.later(seconds=(until - await self.now()).total_seconds())
        return await self.handle.result()

    async def now(self) -> datetime:
        """The time on this journey's clock."""
        return await self.house.skipper.get_current_time(self.handle)

    async def run_id(self) -> str:
        return (await self.handle.describe()).run_id or ""

    async def roll_over(self) -> None:
        """Has the journey continue as new and returns once it has."""
        before = await self.run_id()
        await self.handle.signal("roll-over")
        await self.continued_from(before)

    async def continued_from(self, run_id: str) -> None:
        """Returns once the journey runs in another run than `run_id`."""

        async def has_a_new_run() -> bool:
            return await self.run_id() != run_id

        await until(has_a_new_run, "the journey continued as new")

    async def histories(self) -> list[WorkflowHistory]:
        """One history for each run, the first run first."""
        runs, run_id = [], await self.run_id()
        while run_id:
            handle = self.house.client.get_workflow_handle(self.handle.id, run_id=run_id)
            runs.append(await handle.fetch_history())
            run_id = runs[-1].events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        return runs[::-1]

    async def happened(self, kind: str) -> list[HistoryEvent]:
        """What Temporal noted of one kind, e.g. `timer_started`, over all runs."""
        noted = [event for history in await self.histories() for event in history.events]
        return [event for event in noted if event.HasField(f"{kind}_event_attributes")]  # type: ignore[arg-type]

    async def record(self) -> list[Event]:
        """The journey's events, as the record has them, words included."""
        return list(await self.house.sealer.open(await self.house.store.read(self.id)))

    async def path(self) -> Path:
        """The stages and levels that the record tells of."""
        return path(await self.record())

    def mail(self) -> list[dict[str, Any]]:
        """The notices about this journey that arrived, each once."""
        return [each for each in self.house.clinic.get("/mailbox") if self.id in each["body"]]
