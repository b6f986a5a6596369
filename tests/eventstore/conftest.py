from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from eventstore import EventStore, MemoryEventStore, PostgresEventStore, migrate, open_store


@pytest.fixture
def database_url(fresh_database: str) -> str:
    """An empty record."""
    migrate(fresh_database)
    return fresh_database


@pytest.fixture
async def postgres_store(database_url: str) -> AsyncIterator[PostgresEventStore]:
    async with open_store(database_url, max_size=10) as store:
        yield store


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            yield MemoryEventStore()
        else:
            url: str = request.getfixturevalue("database_url")
            yield await stack.enter_async_context(open_store(url))
