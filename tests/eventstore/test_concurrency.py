"""What holds when writers overlap. Every interleaving is made on purpose: one side waits for the other, by a lock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg import AsyncConnection

from eventstore import (
    KeyReused,
    PostgresEventStore,
    StoreUnavailable,
    StreamClosed,
    VersionConflict,
    open_store,
)
from eventstore.postgres import CHANNEL, batch_text
from eventstore.request import AppendRequest
from tests.eventstore.facts import fact, numbers, record
from tests.locks import until_blocked_by

Answer = TypeVar("Answer")


class SlowWriter:
    """A writer that has appended and not yet committed, so it holds the latch."""

    def __init__(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        self.connection = connection

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    async def append(self, stream: str, expected: int, key: str, number: int, *, close: bool = False) -> None:
        request = AppendRequest(stream, expected, key, (fact(number),), close)
        await self.connection.execute("select from es.append_many(%s)", [batch_text([request])])

    async def commit(self) -> None:
        await self.connection.commit()


@asynccontextmanager
async def slow_writer(url: str) -> AsyncIterator[SlowWriter]:
    async with await AsyncConnection.connect(url) as connection:
        yield SlowWriter(connection)


async def test_a_reader_never_passes_an_append_that_is_not_committed(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("slow", 0, "k", 1)
        fast = asyncio.create_task(record(postgres_store, "fast", 2))
        await until_blocked_by(database_url, slow.pid)

        assert await postgres_store.read_all() == ()
        await slow.commit()
        await fast
    assert [(e.position, e.stream) for e in await postgres_store.read_all()] == [(1, "slow"), (2, "fast")]


async def test_an_append_that_is_rolled_back_leaves_no_hole(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("a", 0, "k", 1)
        fast = asyncio.create_task(record(postgres_store, "b", 2))
        await until_blocked_by(database_url, slow.pid)
        await slow.connection.rollback()
        await fast
    assert [(e.position, e.stream) for e in await postgres_store.read_all()] == [(1, "b")]
    assert await postgres_store.head("a") is None


async def test_a_killed_session_leaves_nothing_and_frees_the_latch(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("a", 0, "k", 1)
        fast = asyncio.create_task(record(postgres_store, "b", 2))
        await until_blocked_by(database_url, slow.pid)
        async with await AsyncConnection.connect(database_url, autocommit=True) as other:
            await other.execute("select pg_terminate_backend(%s)", [slow.pid])
        await fast
        with pytest.raises(psycopg.OperationalError):
            await slow.commit()
            await slow.connection.execute("select 1")
    assert numbers(await postgres_store.read_all()) == [2]
    again = await postgres_store.append("a", expected_version=0, key="k", events=[fact(1)])
    assert (again.position, again.replayed) == (2, False)


async def test_of_two_writers_at_once_the_second_is_given_the_first_ones_events(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("a", 0, "first", 1)
        second = asyncio.create_task(postgres_store.append("a", expected_version=0, key="second", events=[fact(2)]))
        await until_blocked_by(database_url, slow.pid)
        await slow.commit()
        with pytest.raises(VersionConflict) as refused:
            await second
    assert (refused.value.actual, numbers(refused.value.held)) == (1, [1])


async def test_a_retry_that_overtakes_the_first_attempt_waits_and_gets_its_answer(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("a", 0, "k", 1)
        retry = asyncio.create_task(postgres_store.append("a", expected_version=0, key="k", events=[fact(1)]))
        await until_blocked_by(database_url, slow.pid)
        await slow.commit()
        answer = await retry
    assert answer.replayed
    assert answer.events == await postgres_store.read("a")


async def test_a_key_taken_and_a_stream_closed_while_waiting_are_noticed(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("a", 0, "k", 1, close=True)
        reused = asyncio.create_task(postgres_store.append("a", expected_version=0, key="k", events=[fact(2)]))
        closed = asyncio.create_task(postgres_store.append("a", expected_version=1, key="x", events=[fact(3)]))
        await until_blocked_by(database_url, slow.pid)
        await slow.commit()
        with pytest.raises(KeyReused):
            await reused
        with pytest.raises(StreamClosed):
            await closed


async def test_a_known_answer_does_not_wait_for_the_latch(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    first = await postgres_store.append("a", expected_version=0, key="k", events=[fact(1)])
    async with slow_writer(database_url) as slow:
        await slow.append("b", 0, "k", 2)
        again = await postgres_store.append("a", expected_version=0, key="k", events=[fact(1)])
        with pytest.raises(VersionConflict):  # were it to wait, it would be StoreUnavailable in the end
            await postgres_store.append("a", expected_version=0, key="new", events=[fact(3)])
    assert again.events == first.events


async def test_a_latch_that_is_never_freed_is_reported_as_unavailable(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with await AsyncConnection.connect(database_url, autocommit=True) as owner:
        await owner.execute("alter function es.append_many set lock_timeout = '50ms'")
    async with slow_writer(database_url) as slow:
        await slow.append("b", 0, "k", 1)
        with pytest.raises(StoreUnavailable, match="same key"):
            await postgres_store.append("a", expected_version=0, key="k", events=[fact(2)])
    assert await postgres_store.head("a") is None


async def cut_all_others(url: str) -> None:
    async with await AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


async def until_available(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    async with asyncio.timeout(20):
        while True:
            try:
                return await ask()
            except StoreUnavailable:
                continue


async def test_connections_that_were_cut_are_replaced(database_url: str, postgres_store: PostgresEventStore) -> None:
    await record(postgres_store, "a", 1)
    await cut_all_others(database_url)
    await until_available(
        lambda: postgres_store.append("a", expected_version=1, key="k", events=[fact(2)]),
    )
    assert numbers(await until_available(postgres_store.read_all)) == [1, 2]


async def test_appends_that_wait_while_their_connection_is_cut_fail_and_are_not_recorded(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with slow_writer(database_url) as slow:
        await slow.append("slow", 0, "k", 1)
        waiting = [asyncio.create_task(record(postgres_store, name, 2)) for name in ("a", "b", "c")]
        await until_blocked_by(database_url, slow.pid)
        async with await AsyncConnection.connect(database_url, autocommit=True) as other:
            await other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where %s = any(pg_blocking_pids(pid))",
                [slow.pid],
            )
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in failed] == [StoreUnavailable] * 3
        await slow.commit()
    await record(postgres_store, "a", 3)
    assert numbers(await postgres_store.read_all()) == [1, 3]


async def test_every_append_announces_from_where_there_is_more_to_read(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with await AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute(f"listen {CHANNEL}".encode())
        await postgres_store.append("a", expected_version=0, key="k", events=[fact(1), fact(2)])
        await postgres_store.append("a", expected_version=0, key="k", events=[fact(1), fact(2)])
        await record(postgres_store, "b", 3)
        heard = [notice.payload async for notice in listener.notifies(timeout=20, stop_after=2)]
    assert heard == ["0", "2"]


async def write(store: PostgresEventStore, writer: int, streams: int, appends: int) -> None:
    """Appends with conflicts and every answer asked for twice, until all of its own are recorded."""
    for step in range(appends):
        stream, key = f"s{(writer + step) % streams}", f"w{writer}-{step}"
        event = fact(writer * 1000 + step)
        head = await store.head(stream)
        version = head.version if head else 0
        while True:
            try:
                first = await store.append(stream, expected_version=version, key=key, events=[event])
                break
            except VersionConflict as conflict:
                version = conflict.actual
        again = await store.append(stream, expected_version=version, key=key, events=[event])
        assert again.events == first.events


async def tail(store: PostgresEventStore, total: int) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    async with asyncio.timeout(120):
        while len(seen) < total:
            page = await store.read_all(after_position=len(seen), limit=7)
            seen += [(event.position, event.data["number"]) for event in page]
    return seen


async def test_a_reader_beside_eight_writers_sees_every_event_once_in_order(database_url: str) -> None:
    writers, appends = 8, 15
    total = writers * appends
    async with open_store(database_url, max_size=writers + 1) as store, asyncio.TaskGroup() as group:
        reader = group.create_task(tail(store, total))
        for writer in range(writers):
            group.create_task(write(store, writer, streams=3, appends=appends))
    seen = reader.result()
    assert [position for position, _ in seen] == list(range(1, total + 1))
    assert {number for _, number in seen} == {w * 1000 + s for w in range(writers) for s in range(appends)}


async def test_without_the_latch_the_same_reader_would_pass_an_event(database_url: str) -> None:
    """The tests above can fail: this is the record as most stores keep it, numbered at INSERT."""
    async with (
        await AsyncConnection.connect(database_url) as slow,
        await AsyncConnection.connect(database_url, autocommit=True) as fast,
    ):
        await fast.execute("create table plain (position bigserial primary key, who text)")
        await slow.execute("insert into plain (who) values ('slow')")
        await fast.execute("insert into plain (who) values ('fast')")
        seen = await (await fast.execute("select position, who from plain order by position")).fetchall()
        await slow.commit()
    assert seen == [(2, "fast")]
