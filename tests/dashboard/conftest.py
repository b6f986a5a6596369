from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from eventstore import PostgresEventStore, open_store
from migrations import migrate


@pytest.fixture
def database_url(fresh_database: str) -> str:
    """An empty record, and empty read models."""
    migrate(fresh_database)
    return fresh_database


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[PostgresEventStore]:
    async with open_store(database_url, max_size=8) as opened:
        yield opened
