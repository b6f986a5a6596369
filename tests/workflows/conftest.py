from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client

import worker
from activities.calls import ClinicCalls
from clientkeys.keys import Keyring
from deploy.settings import Settings
from deploy.values import HostPort
from eventstore import EventStore
from migrations import migrate, migrate_keys
from tests.clinic.process import ClinicProcess
from tests.workflows.house import House
from workflows.client import connect


@dataclass(frozen=True)
class Ground:
    """What all houses of a session stand on."""

    client: Client
    store: EventStore
    clinic: ClinicProcess
    calls: ClinicCalls
    database_url: str
    keys: Keyring


@pytest.fixture(scope="package")
def big_clinic() -> Iterator[ClinicProcess]:
    clinic = ClinicProcess("--places", "200")
    yield clinic
    clinic.stop()


@pytest.fixture(scope="package")
async def ground(
    session_home: Path,
    temporal_address: str,
    database_url_factory: Callable[[], str],
    payload_keys: list[bytes],
    big_clinic: ClinicProcess,
) -> AsyncIterator[Ground]:
    url, keys_url, kek = database_url_factory(), database_url_factory(), session_home / "kek"
    migrate(url)
    migrate_keys(keys_url)
    kek.write_bytes(base64.b64encode(os.urandom(32)))
    kek.chmod(0o600)
    settings = Settings(home=session_home / "workflows").changed(
        database_url=url,
        keys_url=keys_url,
        kek_file=kek,
        temporal_address=temporal_address,
        clinic_url=big_clinic.url,
        smtp=HostPort("127.0.0.1", big_clinic.smtp_port),
    )
    client = await connect(temporal_address, settings.temporal_namespace, payload_keys, virtual_time=True)
    async with (
        worker.record(settings) as store,
        worker.keyring(settings) as keys,
        worker.clinic(settings, keys) as calls,
    ):
        yield Ground(client, store, big_clinic, calls, url, keys)


@pytest.fixture
async def idle_house(ground: Ground) -> AsyncIterator[House]:
    """A house where nobody works yet."""
    ground.clinic.reset()
    house = House(ground.client, ground.store, ground.clinic, ground.calls, ground.database_url, ground.keys)
    yield house
    await house.close()


@pytest.fixture
async def house(idle_house: House) -> AsyncIterator[House]:
    """A house with a worker."""
    async with idle_house.working():
        yield idle_house
