"""What a policy says is put on record once; a file that says something else later is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from centre.adoption import PolicyFileDiffers, adopt_policies
from centre.files import EXAMPLE
from centre.policies import read_policies, read_policy
from domain.policy import CURRENT
from eventstore import EventStore, migrate, open_store
from tests.policies import variant, write_php

pytestmark = pytest.mark.stack
NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
OURS = read_policies(EXAMPLE / "policies")


@pytest.fixture
async def store(database_url_factory: Callable[[], str]) -> AsyncIterator[EventStore]:
    url = database_url_factory()
    migrate(url)
    async with open_store(url) as opened:
        yield opened


async def test_the_record_holds_what_the_policy_says(store: EventStore) -> None:
    await adopt_policies(store, OURS, NOW)
    [stored] = await store.read(f"policy/{CURRENT}")
    assert stored.type == "policy.adopted" and stored.data["digest"] == OURS[0].policy.digest
    assert stored.data["document"]["numbers"]["step_up_hours"]["value"] == 24


async def test_it_is_adopted_once_however_many_workers_start(store: EventStore) -> None:
    later = datetime(2026, 3, 17, tzinfo=UTC)
    await asyncio.gather(*(adopt_policies(store, OURS, now) for now in (NOW, later, NOW, later)))
    assert len(await store.read(f"policy/{CURRENT}")) == 1


async def test_a_file_that_differs_from_the_record_is_refused_by_name(store: EventStore, tmp_path: Path) -> None:
    await adopt_policies(store, OURS, NOW)
    changed = read_policy(
        variant(tmp_path, CURRENT, ("[numbers.leave_days]\nvalue = 14", "[numbers.leave_days]\nvalue = 15"))
    )
    with pytest.raises(PolicyFileDiffers, match=CURRENT):
        await adopt_policies(store, [changed], NOW)


async def test_a_policy_whose_file_is_gone_is_refused_by_name(store: EventStore, tmp_path: Path) -> None:
    await adopt_policies(store, [*OURS, read_policy(write_php(tmp_path))], NOW)
    with pytest.raises(PolicyFileDiffers, match="us-php-1 is on record, and no file here has it"):
        await adopt_policies(store, OURS, NOW)
