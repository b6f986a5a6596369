"""Many open journeys that wait for a person: on record, in intake's register, and each with its running workflow."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection
from temporalio.client import Client

from bench.journeys import fill, opened
from domain.commands import BaseCommand
from eventstore.port import EventStore
from record.codec import from_record
from recovery.recover import resumption
from workflows.client import Journeys
from workflows.messages import WORKFLOW

_AT_ONCE = 32
_BEFORE = timedelta(minutes=30)
"""The admissions: long enough ago for the answers, and before anything falls due."""
_LONGEST_WAIT_SECONDS = 1800.0
_HAVE_SHOWN = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running' AND RecordHead IS NOT NULL"


async def put_on_record(database_url: str, number: int, decisions: Sequence[BaseCommand] = ()) -> list[str]:
    """Decides and records `number` journeys, each for itself, as far as `decisions` lead; their ids."""
    at = datetime.now(UTC) - _BEFORE
    ids = [(str(uuid.uuid4()), str(uuid.uuid4())) for _ in range(number)]
    walks = (
        opened(journey, client, at, variant=place, decisions=decisions) for place, (journey, client) in enumerate(ids)
    )
    await fill(database_url, (step for walk in walks for step in walk))
    await _register(database_url, ids, at)
    return [journey for journey, _ in ids]


async def _register(database_url: str, ids: Sequence[tuple[str, str]], at: datetime) -> None:
    """As intake leaves them, without the persons: the comparison reads who was handed over, and no more."""
    async with await AsyncConnection.connect(database_url) as connection, connection.cursor() as cursor:
        await cursor.executemany(
            "insert into intake.clients (client_ref, identity_as_of) values (%s, %s)",
            [(client, at) for _, client in ids],
        )
        await cursor.executemany(
            "insert into intake.journeys (journey_id, client_ref, opened_by, site, admitted_at, started_at)"
            " values (%s, %s, %s, 'main', %s, %s)",
            [(journey, client, uuid.uuid4(), at, at) for journey, client in ids],
        )


async def start_all(client: Client, store: EventStore, ids: Sequence[str]) -> None:
    """Gives each its workflow as `throughline recover` does, and returns once each has read its record.

    Raises:
        RuntimeError: Some had not after a long time.
    """
    journeys, turns = Journeys(client), asyncio.Semaphore(_AT_ONCE)

    async def start(journey_id: str) -> None:
        async with turns:
            await journeys.resume(resumption([from_record(each) for each in await store.read(journey_id)]))

    async def have_shown() -> bool:
        return (await client.count_workflows(_HAVE_SHOWN)).count >= len(ids)

    await asyncio.gather(*map(start, ids))
    await _until(have_shown)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while not await condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all journeys had read their records after {_LONGEST_WAIT_SECONDS:.0f} s")
        await asyncio.sleep(1)
