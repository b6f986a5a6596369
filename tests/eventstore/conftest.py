from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from eventstore import EventStore, PostgresEventStore, open_store
from tests.eventstore.memory import MemoryEventStore


@pytest.fixture
def database_url(migrated_database: str) -> str:
    """An empty record."""
    return migrated_database


@pytest.fixture
async def postgres_store(database_url: str) -> AsyncIterator[PostgresEventStore]:
    async with open_store(database_url, max_size=10) as store:
        yield store


@pytest.fixture(params=["memory", "postgres"])
def store(request: pytest.FixtureRequest, postgres_store: PostgresEventStore) -> EventStore:
    """Each test runs on both. PostgreSQL is asked for statically: getfixturevalue() cannot wait for async fixtures."""
    return MemoryEventStore() if request.param == "memory" else postgres_store
