from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from eventstore import PostgresEventStore, open_store


@pytest.fixture
async def postgres_store(migrated_database: str) -> AsyncIterator[PostgresEventStore]:
    """An empty record."""
    async with open_store(migrated_database) as store:
        yield store
