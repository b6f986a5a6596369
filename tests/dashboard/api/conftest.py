from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.dashboard.api.served import Served, serving
from tests.dashboard.test_read_models import WALKS


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    """The application with an empty record."""
    async with serving(migrated_database) as made:
        yield made


@pytest.fixture
async def filled(served: Served) -> Served:
    """The application with a journey of each kind."""
    await served.keep({name: make() for name, make in WALKS.items()})
    return served
