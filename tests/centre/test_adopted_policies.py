"""What a policy says is put on record once; a file that says something else later is refused."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from centre.adoption import AlteredVersion, adopt_policies
from centre.files import EXAMPLE, CentreFileError
from centre.policies import read_policies, read_policy
from eventstore import EventStore, open_store
from migrations import migrate
from tests.policies import variant, write_php

pytestmark = pytest.mark.stack
CURRENT = "us-generic-1"
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
    with pytest.raises(AlteredVersion, match=CURRENT):
        await adopt_policies(store, [changed], NOW)


async def test_a_worker_with_another_file_of_that_version_does_not_start(
    database_url_factory: Callable[[], str], tmp_path: Path
) -> None:
    url, folder = database_url_factory(), tmp_path / "centre"
    migrate(url)
    async with open_store(url) as opened:
        await adopt_policies(opened, OURS, NOW)
    shutil.copytree(EXAMPLE, folder)
    file = folder / "policies" / f"{CURRENT}.toml"
    file.write_text(file.read_text().replace("[numbers.leave_days]\nvalue = 14", "[numbers.leave_days]\nvalue = 15"))
    asked = [sys.executable, "-m", "worker"]
    nowhere = {"TEMPORAL_ADDRESS": "127.0.0.1:9", "THROUGHLINE_HOME": str(tmp_path)}
    settings = {**os.environ, **nowhere, "DATABASE_URL": url, "THROUGHLINE_CENTRE": str(folder)}
    process = await asyncio.create_subprocess_exec(*asked, env=settings, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode != 0
    assert f"policy {CURRENT} was in use with other content" in said.decode()


async def test_a_policy_whose_file_is_gone_is_refused_by_name(store: EventStore, tmp_path: Path) -> None:
    await adopt_policies(store, [*OURS, read_policy(write_php(tmp_path))], NOW)
    with pytest.raises(CentreFileError, match="has no file for us-php-1"):
        await adopt_policies(store, OURS, NOW)
