"""The Temporal worker process: wires workflows to activities, nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.calls import ClinicCalls
from activities.ehr import FhirEhr
from activities.eligibility import X12Eligibility
from activities.fhir import FhirClient
from activities.mail import Roster, SmtpMessenger
from activities.places import FhirPlaces
from activities.recorder import Recorder
from activities.x12.inquiry import Submitter
from deploy.settings import Settings
from domain.values import Role
from eventstore.port import EventStore
from eventstore.postgres import open_store
from intake.registry import Registry
from intake.service import intake_pool
from workflows.client import connect
from workflows.journey import JourneyWorkflow
from workflows.messages import TASK_QUEUE

log = structlog.get_logger(__name__)

_OUR_PACKAGES = ("domain", "workflows", "activities", "pydantic", "pydantic_core", "annotated_types", "holidays")
_GRACE = timedelta(seconds=10)
_CACHED_JOURNEYS = 500


async def run(settings: Settings, on_started: Callable[[], None] = lambda: None) -> None:
    """Works until SIGTERM or Ctrl-C, then lets what is under way finish for up to ten seconds.

    `on_started` is told once the worker polls.

    Raises:
        SettingsError: An address is missing.
        JourneysUnreachable: Temporal does not answer.
    """
    client = await connect(
        settings.require_temporal_address(), settings.temporal_namespace, virtual_time=settings.virtual_time
    )
    async with record(settings) as store, clinic(settings) as calls, journey_worker(client, store, calls):
        log.info("worker started", task_queue=TASK_QUEUE, pid=os.getpid())
        on_started()
        await _stopped()
    log.info("worker stopped")


def journey_worker(client: Client, store: EventStore, calls: ClinicCalls, task_queue: str = TASK_QUEUE) -> Worker:
    """A worker for journeys, on any record and any clinic."""
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[JourneyWorkflow],
        activities=[Recorder(store).record, *calls.all()],
        workflow_runner=_sandbox(),
        max_cached_workflows=_CACHED_JOURNEYS,
        graceful_shutdown_timeout=_GRACE,
    )


def journey_replayer(workflow: type = JourneyWorkflow) -> Replayer:
    """Replays recorded histories against `workflow`, run as the worker runs it."""
    return Replayer(workflows=[workflow], workflow_runner=_sandbox(), data_converter=pydantic_data_converter)


def _sandbox() -> SandboxedWorkflowRunner:
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*_OUR_PACKAGES))


@asynccontextmanager
async def record(settings: Settings) -> AsyncIterator[EventStore]:
    """The event store behind `settings`."""
    async with open_store(settings.require_database_url()) as store:
        yield store


@asynccontextmanager
async def clinic(settings: Settings) -> AsyncIterator[ClinicCalls]:
    """The clinic's systems behind `settings`."""
    base, smtp = settings.require_clinic_url(), settings.require_smtp()
    async with AsyncExitStack() as opened:
        pool = intake_pool(settings.require_database_url())
        await opened.enter_async_context(pool)
        directory = Registry(pool)
        eligibility = X12Eligibility(f"{base}/x12", directory, _SUBMITTER)
        opened.push_async_callback(eligibility.aclose)
        ehr = FhirEhr(FhirClient(f"{base}/fhir", system="ehr"), directory)
        opened.push_async_callback(ehr.aclose)
        places = FhirPlaces(FhirClient(f"{base}/fhir", system="places"))
        opened.push_async_callback(places.aclose)
        messenger = SmtpMessenger(smtp.host, smtp.port, _ROSTER, sender="throughline@clinic.example")
        opened.push_async_callback(messenger.aclose)
        yield ClinicCalls(eligibility, ehr, places, messenger)


_SUBMITTER = Submitter(
    sender_id="THROUGHLINE",
    receiver_id="CLEARINGHOUSE",
    name="THROUGHLINE CENTRE",
    npi="1999999984",
    company_id="9THROUGHLN",
    usage="T",
)
_ROSTER = Roster(
    mail={role: f"{role}@clinic.example" for role in Role},
    page={role: f"{role}@pager.clinic.example" for role in Role},
)


async def _stopped() -> None:
    stopping = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    await stopping.wait()


if __name__ == "__main__":
    asyncio.run(run(Settings.load()))
