"""`throughline up`, `worker`, `intake` and `status`."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2

import worker as worker_process
from cli.access import load_settings
from cli.house import announce, running_house
from cli.logs import log_to_stderr
from cli.output import Exit, Stop, show_fields, show_json
from deploy.errors import SettingsError, StackError
from deploy.settings import Settings
from deploy.temporal_setup import answers
from domain.policy import CURRENT, policy_named
from eventstore import EventStoreError, pending
from intake.receiver import ReceivingRules
from intake.service import IntakePorts, IntakeSettings, run_intake
from intake.temporal_gate import TemporalGate
from workflows.client import Journeys, JourneysUnreachable, connect


async def up() -> None:
    """Start everything on this machine and stay until Ctrl-C: databases, Temporal, clinic, intake, worker."""
    settings = load_settings()
    try:
        async with running_house(settings, ports="fixed") as house:
            _show_addresses(house.settings)
            await house.stack.run_until_stopped()
    except (StackError, EventStoreError, SettingsError) as error:
        raise Stop(Exit.FAILED, str(error)) from None


async def worker(*, ready_file: Path | None = None) -> None:
    """Run one Temporal worker until SIGTERM or Ctrl-C.

    Parameters
    ----------
    ready_file:
        Written once the worker polls.
    """
    log_to_stderr()
    try:
        await worker_process.run(load_settings(), lambda: announce(ready_file, {"pid": os.getpid()}))
    except (SettingsError, JourneysUnreachable, EventStoreError) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None


async def intake(*, ready_file: Path | None = None) -> None:
    """Take admissions messages over MLLP and HTTP until SIGTERM or Ctrl-C.

    Parameters
    ----------
    ready_file:
        Written, with the ports, once both listeners are up.
    """
    log_to_stderr()
    settings = load_settings()
    try:
        client = await connect(
            settings.require_temporal_address(), settings.temporal_namespace, virtual_time=settings.virtual_time
        )
        url = settings.require_database_url()
    except (SettingsError, JourneysUnreachable) as error:
        raise Stop(Exit.UNREACHABLE, str(error)) from None

    def started(ports: IntakePorts) -> None:
        announce(ready_file, {"mllp_port": ports.mllp, "http_port": ports.http, "pid": os.getpid()})

    serving = asyncio.ensure_future(
        run_intake(
            url,
            TemporalGate(Journeys(client)),
            mllp_port=settings.mllp_port,
            http_port=settings.http_port,
            settings=IntakeSettings(receiving=ReceivingRules(zone=ZoneInfo(policy_named(CURRENT).site.zone))),
            on_started=started,
        )
    )
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, serving.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await serving
    except OSError as error:
        line = f"cannot listen: {error.strerror}; set THROUGHLINE_MLLP_PORT or THROUGHLINE_HTTP_PORT to a free port"
        raise Stop(Exit.FAILED, line) from None


async def status(*, json: bool = False) -> None:
    """Say what answers and what does not. Exit code 5 if anything needed is away.

    Parameters
    ----------
    json:
        Print one JSON object.
    """
    settings = load_settings()
    found = {
        "record": await _record_status(settings),
        "temporal": await _temporal_status(settings),
        "intake": await _intake_status(settings),
        "clinic": await _web_status(settings.clinic_url and f"{settings.clinic_url}/health"),
    }
    if json:
        show_json({**found, "temporal_ui": settings.ui_url})
    else:
        show_fields({**found, "temporal ui": settings.ui_url})
    if any(value != "ok" for value in found.values()):
        away = ", ".join(name for name, value in found.items() if value != "ok")
        raise Stop(Exit.UNREACHABLE, f"not all is well: {away}; `throughline up` starts everything on this machine")


def _show_addresses(settings: Settings) -> None:
    show_fields(
        {
            "Temporal UI": settings.ui_url,
            "Temporal": settings.temporal_address,
            "HL7 over MLLP": f"127.0.0.1:{settings.mllp_port}",
            "HTTP intake": f"http://127.0.0.1:{settings.http_port}",
            "Clinic": settings.clinic_url,
            "Data and logs": settings.home,
        }
    )


async def _record_status(settings: Settings) -> str:
    if settings.database_url is None:
        return "no address"
    try:
        missing = await asyncio.to_thread(pending, settings.database_url)
    except EventStoreError:
        return "does not answer"
    return f"{len(missing)} migrations to run" if missing else "ok"


async def _temporal_status(settings: Settings) -> str:
    if settings.temporal_address is None:
        return "no address"
    return "ok" if await answers(settings.temporal_address) else "does not answer"


async def _intake_status(settings: Settings) -> str:
    return await _web_status(f"http://127.0.0.1:{settings.http_port}/health")


async def _web_status(url: str | None) -> str:
    if url is None:
        return "no address"
    try:
        async with httpx2.AsyncClient(timeout=5) as http:
            response = await http.get(url)
    except httpx2.HTTPError:
        return "does not answer"
    return "ok" if response.is_success else f"answers {response.status_code}"
