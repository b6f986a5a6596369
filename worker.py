"""The Temporal worker process: wires workflows to activities, nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.worker import (
    FixedSizeSlotSupplier,
    Replayer,
    ResourceBasedSlotConfig,
    ResourceBasedSlotSupplier,
    ResourceBasedTunerConfig,
    Worker,
    WorkerTuner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from access.signatures import Authors, TrustedKeys
from access.trusted_keys import KeyFileError, read_trusted_keys
from activities.calls import ClinicCalls
from activities.ehr import FhirEhr
from activities.eligibility import X12Eligibility
from activities.fhir import FhirClient
from activities.mail import SmtpMessenger
from activities.places import FhirPlaces
from activities.recorder import Recorder
from centre.adoption import adopt_calendars, adopt_policies
from centre.files import centre_folder
from centre.loading import Loaded, load
from centre.sites import ending_calendars
from centre.staff_file import StaffFile, site_ids
from centre.systems import Systems, read_systems
from clientkeys import open_keyring
from clientkeys.keys import Keyring
from dashboard.digest_activities import DigestSender, ensure_digests
from deploy.errors import SettingsError
from deploy.limits import Limits
from deploy.payload_keys import read_payload_keys
from deploy.settings import Settings
from deploy.values import HostPort
from domain.people import use_staff
from eventstore.port import EventStore
from eventstore.postgres import open_store
from intake.admitted import HandedOver
from intake.registry import Registry
from intake.service import intake_pool
from record.sealing import Sealer
from recovery.reconcile import Reconciler
from recovery.recover import Admitted, NobodyAdmitted
from recovery.running import RunningJourneys
from recovery.schedule import ScheduledComparison, ensure_schedule
from recovery.signing import HeadSigner
from recovery.turns import Turns
from workflows.client import connect
from workflows.digests import DigestsWorkflow
from workflows.evicting_runner import EvictingRunner
from workflows.journey import JourneyWorkflow
from workflows.messages import CALLS_QUEUE, NOTICES_QUEUE, TASK_QUEUE
from workflows.reconciling import PageWorkflow, ReconcileWorkflow

log = structlog.get_logger(__name__)

_OUR_PACKAGES = ("domain", "workflows", "activities", "pydantic", "pydantic_core", "annotated_types")
_HEARTBEAT = timedelta(milliseconds=100)
"""How soon Temporal learns what an attempt has created, so that the next attempt knows it."""
_NOTICES_PER_CALL = 5
"""On a busy machine. Notices are quick to send, and a person is waiting for them."""
_USUAL = Limits()


async def run(settings: Settings, on_started: Callable[[], None] = lambda: None) -> None:
    """Runs until SIGTERM or Ctrl-C, then gives tasks under way some time to finish (`worker_stopping_seconds`).

    `on_started` is called once the worker polls.

    Raises:
        CentreFileError: A file of the centre cannot be used, or differs from what the record says was in use.
        SettingsError: An address is missing, or the payload keys or the trusted keys cannot be read.
        JourneysUnreachable: Temporal does not answer.
    """
    async with record(settings) as store:
        await _adopt(store, load(settings.centre))
    client, authors = await temporal_client(settings), trusted_keys(settings)
    admitted, staff = HandedOver(settings.require_database_url()), staff_file(settings)
    use_staff(staff.colleague)
    async with (
        record(settings) as store,
        keyring(settings) as keys,
        clinic(settings, keys, staff) as calls,
        journey_worker(
            client,
            store,
            Sealer(keys),
            authors,
            calls,
            admitted=admitted,
            signer=_signer(settings),
            digests=DigestSender(
                client, settings.require_database_url(), staff.current, folded=settings.dashboard_folded_events
            ),
            limits=settings,
        ),
    ):
        await ensure_schedule(client, turns(settings).every)
        await ensure_digests(client)
        log.info("worker started", task_queue=TASK_QUEUE, pid=os.getpid())
        on_started()
        await _stopped()
    log.info("worker stopped")


@asynccontextmanager
async def journey_worker(
    client: Client,
    store: EventStore,
    sealer: Sealer,
    authors: Authors,
    calls: ClinicCalls,
    workflow: type = JourneyWorkflow,
    admitted: Admitted | None = None,
    signer: HeadSigner | None = None,
    digests: DigestSender | None = None,
    limits: Limits = _USUAL,
    **options: Any,
) -> AsyncIterator[None]:
    """Runs journeys until the block ends, with any record and clinic. `authors` says which commands are believed. Tests
    pass their own `workflow`.

    Calls to clinic systems and notices to staff have their own task queues and slots, so a system that hangs never
    delays the recording of a decision or a page to staff. `options` are passed to temporalio's Worker for the journeys'
    queue, and override ours.
    """
    recorder = Recorder(store, sealer, authors)
    reconciler = Reconciler(store, RunningJourneys(client), admitted or NobodyAdmitted())
    comparison = ScheduledComparison(reconciler, turns(limits))
    ours: dict[str, Any] = {
        "workflow_runner": EvictingRunner(_sandbox()),
        "max_cached_workflows": limits.worker_cached_journeys,
        "max_concurrent_workflow_tasks": limits.worker_journeys_at_once,
        "max_concurrent_activities": limits.worker_journeys_at_once,
        "graceful_shutdown_timeout": timedelta(seconds=limits.worker_stopping_seconds),
    }
    journeys = Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[workflow, ReconcileWorkflow, PageWorkflow, DigestsWorkflow],
        activities=[
            *(recorder.record, recorder.check, comparison.reconcile, (signer or HeadSigner()).sign),
            *(digests.activities() if digests else ()),
        ],
        **{**ours, **options},
    )
    fewest = limits.worker_fewest_calls
    fewest_notices = min(_NOTICES_PER_CALL * fewest, limits.worker_most_calls)
    to_systems = _call_worker(client, CALLS_QUEUE, calls.to_systems(), limits, fewest)
    to_staff = _call_worker(client, NOTICES_QUEUE, calls.to_staff(), limits, fewest_notices)
    async with journeys, to_systems, to_staff:
        try:
            yield
        finally:  # together, because each waits for its tasks to finish
            await asyncio.gather(*(each.shutdown() for each in (journeys, to_systems, to_staff)))


def turns(limits: Limits) -> Turns:
    """How often record and journeys are compared, and how many are asked, as `limits` say."""
    return Turns(
        every=timedelta(minutes=limits.reconcile_minutes),
        asked_within=timedelta(hours=limits.reconcile_asked_within_hours),
        fewest=limits.reconcile_fewest_asked,
    )


def _call_worker(
    client: Client, queue: str, activities: Sequence[Callable[..., object]], limits: Limits, fewest: int
) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        tuner=_call_slots(limits, fewest),
        graceful_shutdown_timeout=timedelta(seconds=limits.worker_stopping_seconds),
        default_heartbeat_throttle_interval=_HEARTBEAT,
        max_heartbeat_throttle_interval=_HEARTBEAT,
    )


def _call_slots(limits: Limits, fewest: int) -> WorkerTuner:
    """How many calls are made at once: `fewest` on a busy machine, where decisions go before calls to clinic systems.

    When many clients are admitted at once, their journeys are opened first, and the calls that follow are made as the
    processor has time. Calls that wait for a slow clinic system use no processor, so more are started meanwhile, except
    on a machine that is busy with something else.
    """
    room = ResourceBasedTunerConfig(target_memory_usage=limits.worker_memory, target_cpu_usage=limits.worker_cpu)
    calls = ResourceBasedSlotConfig(
        minimum_slots=fewest,
        maximum_slots=limits.worker_most_calls,
        ramp_throttle=timedelta(milliseconds=50),
    )
    none = FixedSizeSlotSupplier(1)
    return WorkerTuner.create_composite(
        workflow_supplier=none,
        activity_supplier=ResourceBasedSlotSupplier(calls, room),
        local_activity_supplier=none,
        nexus_supplier=none,
    )


def journey_replayer(converter: DataConverter, workflow: type = JourneyWorkflow) -> Replayer:
    """Replays recorded histories against `workflow`, set up as in the worker. `converter` is the client's."""
    return Replayer(workflows=[workflow], workflow_runner=_sandbox(), data_converter=converter)


def _sandbox() -> SandboxedWorkflowRunner:
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*_OUR_PACKAGES))


async def temporal_client(settings: Settings) -> Client:
    """The client of Temporal for `settings`, which encrypts what it sends."""
    return await connect(
        settings.require_temporal_address(),
        settings.temporal_namespace,
        read_payload_keys(settings.require_payload_keys()),
        virtual_time=settings.virtual_time,
    )


@asynccontextmanager
async def record(settings: Settings) -> AsyncIterator[EventStore]:
    """The event store for `settings`."""
    async with open_store(settings.require_database_url(), max_size=settings.record_connections) as store:
        yield store


def trusted_keys(settings: Settings) -> TrustedKeys:
    """The keys whose signatures are believed. Raises SettingsError where there are none."""
    file = settings.require_trusted_keys()
    try:
        return read_trusted_keys(file)
    except KeyFileError as error:
        raise SettingsError(f"THROUGHLINE_TRUSTED_KEYS: {error}") from None


@asynccontextmanager
async def keyring(settings: Settings) -> AsyncIterator[Keyring]:
    """The clients' keys for `settings`."""
    keys_url, kek_file = settings.require_keys_url(), settings.require_kek_file()
    async with open_keyring(keys_url, kek_file, max_size=settings.keys_connections) as keys:
        yield keys


@asynccontextmanager
async def clinic(settings: Settings, keys: Keyring, staff: StaffFile | None = None) -> AsyncIterator[ClinicCalls]:
    """The clinic's systems for `settings`. Notices go to those in `staff`, or in the centre's file."""
    base, smtp, folder = settings.require_clinic_url(), settings.require_smtp(), _centre(settings)
    systems, staff = read_systems(folder / "centre.toml"), staff or staff_file(settings)
    async with AsyncExitStack() as opened:
        pool = intake_pool(settings.require_database_url(), settings.worker_directory_connections)
        await opened.enter_async_context(pool)
        directory = Registry(pool, keys)
        eligibility = X12Eligibility(f"{base}/x12", directory, systems.submitter)
        opened.push_async_callback(eligibility.aclose)
        ehr = FhirEhr(FhirClient(f"{base}/fhir", "ehr", headers=systems.fhir_headers), directory)
        opened.push_async_callback(ehr.aclose)
        places = FhirPlaces(
            FhirClient(f"{base}/fhir", "places", headers=systems.fhir_headers), schedules=systems.schedules
        )
        opened.push_async_callback(places.aclose)
        messenger = _messenger(smtp, systems, staff)
        opened.push_async_callback(messenger.aclose)
        yield ClinicCalls(eligibility, ehr, places, messenger)


def staff_file(settings: Settings) -> StaffFile:
    """The centre's list of staff, followed as it changes."""
    return StaffFile(centre_folder(settings.centre) / "staff.toml", sites=site_ids())


async def _adopt(store: EventStore, centre: Loaded) -> None:
    """Records the centre's data before any journey uses it, and logs what will soon be missing."""
    now = datetime.now(UTC)
    await adopt_policies(store, centre.policies, now)
    await adopt_calendars(store, centre.sites, now)
    for told in ending_calendars(centre.sites, now.date()):
        log.warning("calendar-ends-soon", advice=told)


def _signer(settings: Settings) -> HeadSigner:
    return HeadSigner(settings.database_url, settings.signing_key, settings.anchors)


def _centre(settings: Settings) -> Path:
    if settings.centre is None:
        log.warning("centre-is-an-example", advice="set THROUGHLINE_CENTRE to the centre's folder before real clients")
    return centre_folder(settings.centre)


def _messenger(smtp: HostPort, systems: Systems, staff: StaffFile) -> SmtpMessenger:
    mail = systems.mail
    return SmtpMessenger(
        smtp.host,
        smtp.port,
        staff,
        sender=mail.sender,
        start_tls=mail.start_tls,
        username=mail.username,
        password=mail.password(),
    )


async def _stopped() -> None:
    stopping = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    await stopping.wait()


if __name__ == "__main__":
    asyncio.run(run(Settings.load()))
