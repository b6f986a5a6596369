from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.dashboard.api.served import Served, serving
from tests.dashboard.test_read_models import WALKS


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    """The application with an empty record."""
    async with serving(migrated_database) as made:
        yield made


@pytest.fixture(scope="session")
async def filled(migrated_url_factory: Callable[[], str]) -> AsyncIterator[Served]:
    """The application with a journey of each kind, for tests that only look."""
    async with serving(migrated_url_factory()) as made:
        await made.keep({name: make() for name, make in WALKS.items()})
        yield made
