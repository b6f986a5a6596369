from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import worker
from deploy.settings import Settings
from deploy.values import HostPort
from tests.clientkeys.memory import MemoryKeyring
from tests.clinic.process import ClinicProcess
from tests.workflows.house import House
from workflows.client import connect


@pytest.fixture(scope="package")
def clinic() -> Iterator[ClinicProcess]:
    running = ClinicProcess("--places", "200")
    yield running
    running.stop()


@pytest.fixture
def own_database(migrated_url_factory: Callable[[], str]) -> str:
    """A record of the test's own: what other tests left on theirs is no difference here."""
    return migrated_url_factory()


@pytest.fixture
async def idle_house(
    session_home: Path, temporal_address: str, payload_keys: list[bytes], own_database: str, clinic: ClinicProcess
) -> AsyncIterator[House]:
    """A house where nobody works yet, on a record of its own."""
    clinic.reset()
    settings = Settings(home=session_home / "recovery").changed(
        database_url=own_database,
        temporal_address=temporal_address,
        clinic_url=clinic.url,
        smtp=HostPort("127.0.0.1", clinic.smtp_port),
    )
    client = await connect(temporal_address, settings.temporal_namespace, payload_keys, virtual_time=True)
    keys = MemoryKeyring()
    async with worker.record(settings) as store, worker.clinic(settings, keys) as calls:
        house = House(client, store, clinic, calls, own_database, keys)
        yield house
        await house.close()


@pytest.fixture
async def house(idle_house: House) -> AsyncIterator[House]:
    """A house with a worker."""
    async with idle_house.working():
        yield idle_house
