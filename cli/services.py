"""`throughline up`, `worker`, `intake` and `projector`: the commands that run until they are stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from attendance.telling import run_attendance
from cli.access import load_settings, own_settings, temporal_client
from cli.house import announce, running_house
from cli.intake_limits import intake_settings
from cli.logs import log_to_stderr
from cli.output import Exit, Stop, show_fields, stdout
from cli.signing import intake_signing
from clientkeys import ClientKeysError, open_keyring
from clientkeys.keys import Keyring
from dashboard.projections.projector import Projector
from deploy.errors import SettingsError, StackError
from deploy.settings import Settings
from eventstore import EventStoreError, open_store
from eventstore.errors import UnreadableEvent
from intake.gate import JourneyGate
from intake.service import IntakePorts, run_intake
from intake.temporal_gate import TemporalGate
from migrations import MigrationError
from workflows.client import Journeys, JourneysUnreachable


async def up(*, free_ports: bool = False) -> None:
    """Start everything on this machine and stay until Ctrl-C: databases, Temporal, clinic, intake, worker, projector.

    A process that ends by itself is started again.

    If DATABASE_URL, TEMPORAL_ADDRESS, THROUGHLINE_CLINIC_URL or THROUGHLINE_SMTP is set, that server is used instead.

    Args:
        free_ports: Listen on any free ports instead of the usual ones. Other commands find them through
            THROUGHLINE_HOME.
    """
    try:
        async with running_house(own_settings(), ports="free" if free_ports else "fixed") as house:
            _show_addresses(house.settings)
            stdout.print("\nUp until Ctrl-C. Admit a client with `throughline send FILE`, see `throughline journeys`.")
            await house.run_until_stopped()
    except (StackError, EventStoreError, MigrationError, OSError) as error:
        raise Stop(Exit.FAILED, str(error)) from None


async def worker(*, ready_file: Path | None = None) -> None:
    """Run one Temporal worker until SIGTERM or Ctrl-C.

    Args:
        ready_file: A file to write once the worker polls.
    """
    import worker as worker_process  # here, because it takes half a second to load and no other command needs it

    log_to_stderr()
    try:
        await worker_process.run(load_settings(), lambda: announce(ready_file, {"pid": os.getpid()}))
    except (SettingsError, JourneysUnreachable, EventStoreError, ClientKeysError) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


async def intake(*, ready_file: Path | None = None) -> None:
    """Take admissions messages over MLLP and HTTP until SIGTERM or Ctrl-C.

    Args:
        ready_file: A file to write the ports to, once both listeners are up.
    """
    log_to_stderr()
    settings = load_settings()
    try:
        client = await temporal_client(settings)
        url = settings.require_database_url()
        keys_url, kek_file = settings.require_keys_url(), settings.require_kek_file()
        journeys = Journeys(client, sign=intake_signing(settings))
    except (SettingsError, JourneysUnreachable) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None

    def started(ports: IntakePorts) -> None:
        announce(ready_file, {"mllp_port": ports.mllp, "http_port": ports.http, "pid": os.getpid()})

    try:
        async with (
            open_store(url, max_size=settings.record_connections) as store,
            open_keyring(keys_url, kek_file, max_size=settings.keys_connections) as keys,
        ):
            gate = TemporalGate(journeys, store)
            await _until_stopped(_serving(url, gate, _intake(settings, keys, gate, started)))
    except (EventStoreError, ClientKeysError) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    except OSError as error:
        line = f"cannot listen: {error.strerror}; set THROUGHLINE_MLLP_PORT or THROUGHLINE_HTTP_PORT to a free port"
        raise Stop(Exit.FAILED, line) from None


async def projector(*, ready_file: Path | None = None) -> None:
    """Keep the read models up to date with the record, until SIGTERM or Ctrl-C.

    Several may run: one is active, and another takes over when it ends.

    Args:
        ready_file: A file to write once it follows the record or stands by.
    """
    log_to_stderr()
    try:
        settings = load_settings()
        running = Projector(
            settings.require_database_url(),
            page=settings.projector_page_events,
            poll_seconds=settings.projector_poll_seconds,
        )
        await _until_stopped(running.run(lambda: announce(ready_file, {"pid": os.getpid()})))
    except SettingsError as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None
    except (EventStoreError, UnreadableEvent) as error:
        raise Stop(Exit.FAILED, str(error)) from None


async def _serving(url: str, gate: TemporalGate, intake: Coroutine[Any, Any, None]) -> None:
    """Intake, and beside it what tells journeys of their clients' sessions. If one fails, both end."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(intake)
            tasks.create_task(run_attendance(url, gate))
    except* (EventStoreError, ClientKeysError, OSError) as several:
        raise several.exceptions[0] from None


def _intake(
    settings: Settings, keys: Keyring, gate: JourneyGate, started: Callable[[IntakePorts], None]
) -> Coroutine[Any, Any, None]:
    return run_intake(
        settings.require_database_url(),
        keys,
        gate,
        mllp_port=settings.mllp_port,
        http_port=settings.http_port,
        settings=intake_settings(settings),
        on_started=started,
    )


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    serving = asyncio.ensure_future(work)
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def _show_addresses(settings: Settings) -> None:
    show_fields(
        {
            "Board": settings.board_url,
            "Temporal UI": settings.ui_page,
            "Temporal": settings.temporal_address,
            "HL7 over MLLP": f"127.0.0.1:{settings.mllp_port}",
            "HTTP intake": f"http://127.0.0.1:{settings.http_port}",
            "Clinic": settings.clinic_url,
            "Data and logs": settings.home,
        }
    )
