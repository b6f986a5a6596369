"""Servers and a clinic of one's own, for a campaign."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from temporalio.client import Client

import worker
from deploy.settings import Settings
from deploy.stack import Stack
from deploy.values import HostPort
from migrations import migrate, migrate_keys
from tests.campaigns.racing import ShortTasks
from tests.clinic.process import ClinicProcess
from tests.workflows.house import House

AnyHouse = TypeVar("AnyHouse", bound=House)


@asynccontextmanager
async def ground(home: Path, kind: Callable[..., AnyHouse]) -> AsyncIterator[tuple[Settings, AnyHouse]]:
    """PostgreSQL, Temporal and the clinic, and a house of this kind on them in which nobody works yet."""
    clinic = ClinicProcess("--places", "500")
    try:
        async with Stack(Settings(home=home), ports="free", ui=False, progress=lambda _: None) as stack:
            settings = stack.settings.changed(
                clinic_url=clinic.url, smtp=HostPort("127.0.0.1", clinic.smtp_port), ui_url=None
            )
            migrate(stack.database_url)
            migrate_keys(settings.require_keys_url())
            client = await worker.temporal_client(settings.changed(virtual_time=True))
            config = client.config()
            config["interceptors"] = [*config["interceptors"], ShortTasks()]
            async with (
                worker.record(settings) as store,
                worker.keyring(settings) as keys,
                worker.clinic(settings, keys) as calls,
            ):
                yield settings, kind(Client(**config), store, clinic, calls, stack.database_url, keys)
    finally:
        clinic.stop()
