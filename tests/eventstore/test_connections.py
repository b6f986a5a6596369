"""What a store does with its connections: how it speaks on them, and that none is left when the store is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from psycopg import AsyncConnection

from eventstore import Appended, StoreUnavailable, open_store
from eventstore.following.bulk import open_session, read_page
from eventstore.verification.verify import verify
from tests.eventstore.facts import fact, record


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
async def test_words_are_kept_letter_for_letter_whatever_encoding_a_client_is_set_to(
    encoding: str, database_url: str
) -> None:
    event = fact(1).model_copy(update={"data": {"number": 1, "name": "Zoë Łukasz 张"}})
    async with open_store(f"{database_url}&client_encoding={encoding}") as store:
        appended = await store.append("é", expected_version=0, key="ü", events=[event])
        assert appended.events == await store.read("é")
    async with open_store(database_url) as store:
        assert (await store.read("é"))[0].data == event.data
    assert verify(f"{database_url}&client_encoding={encoding}").hash == verify(database_url).hash
    async with await open_session(f"{database_url}&client_encoding={encoding}", "test") as session:
        (row,) = await read_page(session, 0, 10)
    assert (row.stream, json.loads(row.text)["name"]) == ("é", event.data["name"])
    assert verify(database_url).fault is None


async def test_a_store_that_was_left_takes_no_append(database_url: str) -> None:
    async with open_store(database_url) as store:
        await record(store, "a", 1)
    with pytest.raises(StoreUnavailable):
        await store.append("a", expected_version=1, key="late", events=[fact(2)])
    async with open_store(database_url) as store:
        assert len(await store.read("a")) == 1


async def test_a_store_whose_leaving_is_cancelled_keeps_neither_connection_nor_anybody_waiting(
    database_url: str,
) -> None:
    appends: list[asyncio.Task[Appended]] = []
    is_leaving = asyncio.Event()

    async def use(holder: AsyncConnection[Any]) -> None:
        async with open_store(database_url) as store:
            append = store.append("a", expected_version=0, key="k", events=[fact(1)])
            appends.append(asyncio.create_task(append))
            await until_there_are(1, holder)
            is_leaving.set()

    async with await AsyncConnection.connect(database_url) as holder:
        await holder.execute("select pg_advisory_xact_lock(es.latch())")
        using = asyncio.create_task(use(holder))
        await is_leaving.wait()
        await asyncio.sleep(0)  # now it waits for the append, which waits for the latch
        using.cancel()
        with pytest.raises(asyncio.CancelledError):
            await using
        with pytest.raises(StoreUnavailable):
            await appends[0]
        await holder.rollback()
        await until_there_are(0, holder)


async def until_there_are(wanted: int, asking: AsyncConnection[Any]) -> None:
    """Returns once so many connections append."""
    count = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and application_name = 'throughline appends'"
    )
    async with asyncio.timeout(20):
        while await (await asking.execute(count)).fetchone() != (wanted,):
            await asking.execute("select pg_stat_clear_snapshot()")
