"""Followers of the record: nothing twice, nothing skipped, one at a time, whatever is cut, killed or restarted."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from structlog.testing import capture_logs

from deploy.settings import Settings
from deploy.stack import Stack
from eventstore import PostgresEventStore, RecordDamaged, open_store
from eventstore.errors import Fenced
from eventstore.following.bulk import BulkEvent, Session, open_session, read_page
from eventstore.following.checkpoints import Checkpoint, advance, live_checkpoints
from eventstore.following.subscription import Consumer, News, catch_up, follow, listening
from migrations import migrate
from tests.eventstore.facts import record
from tests.locks import until_blocked_by

NEVER = 3600.0
"""A poll that no test lives to see: what arrives was heard."""


@asynccontextmanager
async def session(url: str) -> AsyncIterator[Session]:
    async with await open_session(url, "test") as opened:
        yield opened


@asynccontextmanager
async def running(consumer: Consumer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(consumer.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def terminate(url: str, purpose: str) -> int:
    """Cuts the sessions of that purpose; how many there were."""
    async with await AsyncConnection.connect(url, autocommit=True) as other:
        cursor = await other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = %s and datname = current_database()",
            [f"throughline {purpose}"],
        )
        return cursor.rowcount


async def _cut(url: str, purpose: str) -> None:
    """As `terminate`, once there is something to cut."""
    while True:
        if await terminate(url, purpose):
            return
        await asyncio.sleep(0.01)


async def checkpoint(url: str, name: str) -> tuple[int, str | None]:
    async with session(url) as opened:
        cursor = await opened.execute("select position, alarm from es.checkpoints where consumer = %s", [name])
        row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


class Ledger:
    """Keeps what a consumer handled in a table that takes nothing twice, in the consumer's own transaction."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def make(self) -> None:
        async with session(self.url) as opened:
            await opened.execute("create table taken (position bigint primary key, stream text not null)")

    async def handle(self, writing: Session, rows: Sequence[BulkEvent]) -> None:
        for row in rows:
            await writing.execute("insert into taken values (%s, %s)", [row.position, row.stream])

    async def reaches(self, position: int) -> None:
        """Returns once that event has been taken in for good."""
        async with asyncio.timeout(60), session(self.url) as opened:
            while True:
                row = await (await opened.execute("select coalesce(max(position), 0) from taken")).fetchone()
                if row and row[0] >= position:
                    return
                await asyncio.sleep(0.005)

    async def kept(self) -> list[int]:
        async with session(self.url) as opened:
            return [row[0] async for row in await opened.execute("select position from taken order by position")]


@pytest.fixture
async def ledger(database_url: str) -> Ledger:
    made = Ledger(database_url)
    await made.make()
    return made


async def test_what_is_there_comes_in_pages_from_a_position_on(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    await record(postgres_store, "a", *range(7))
    async with session(database_url) as opened:
        pages = [
            [row.position for row in page]
            async for page in catch_up(lambda after, limit: read_page(opened, after, limit), after=2, page=2)
        ]
    assert pages == [[3, 4], [5, 6], [7]]


async def test_at_most_one_page_is_read_ahead_of_the_one_being_handled(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    await record(postgres_store, "a", *range(10))
    asked: list[int] = []
    async with session(database_url) as opened:

        async def read(after: int, limit: int) -> Sequence[BulkEvent]:
            asked.append(after)
            return await read_page(opened, after, limit)

        pages = catch_up(read, after=0, page=2)
        await anext(pages)
        for _ in range(50):  # handling takes its time
            await opened.execute("select 1")
        assert asked == [0, 2]
        await anext(pages)
        assert asked == [0, 2, 4]
        await pages.aclose()


async def test_an_append_is_heard_without_a_poll(database_url: str, postgres_store: PostgresEventStore) -> None:
    async with session(database_url) as opened, listening(database_url) as news:
        pages = follow(lambda a, n: read_page(opened, a, n), news, after=0, poll_seconds=NEVER)
        for number in range(3):
            waiting = asyncio.ensure_future(anext(pages))
            await record(postgres_store, "a", number)
            async with asyncio.timeout(20):
                assert [row.position for row in await waiting] == [number + 1]
        await pages.aclose()


async def test_an_append_is_found_by_the_poll_where_nothing_is_heard(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with session(database_url) as opened:
        pages = follow(lambda a, n: read_page(opened, a, n), News(), after=0, poll_seconds=0.01)
        waiting = asyncio.ensure_future(anext(pages))
        await record(postgres_store, "a", 1)
        async with asyncio.timeout(20):
            assert [row.position for row in await waiting] == [1]
        await pages.aclose()


async def test_a_listener_that_is_cut_listens_again_and_misses_nothing(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    async with session(database_url) as opened, listening(database_url) as news:
        pages = follow(lambda a, n: read_page(opened, a, n), news, after=0, poll_seconds=NEVER)
        waiting = asyncio.ensure_future(anext(pages))
        async with asyncio.timeout(20):
            await _cut(database_url, "listener")
            await record(postgres_store, "a", 1)  # nobody may be listening just now
            assert [row.position for row in await waiting] == [1]
        await pages.aclose()


async def test_a_consumer_keeps_what_it_does_and_its_checkpoint_together(
    database_url: str, postgres_store: PostgresEventStore, ledger: Ledger
) -> None:
    await record(postgres_store, "a", *range(25))
    async with running(Consumer(database_url, "ledger", ledger.handle, page=4, poll_seconds=NEVER)):
        await ledger.reaches(25)
        await record(postgres_store, "b", *range(5))
        await ledger.reaches(30)
    async with running(Consumer(database_url, "ledger", ledger.handle, page=4, poll_seconds=NEVER)):
        await record(postgres_store, "c", 1)
        await ledger.reaches(31)
    assert await ledger.kept() == list(range(1, 32))
    assert await checkpoint(database_url, "ledger") == (31, None)


async def test_a_batch_that_fails_leaves_nothing_and_is_an_alarm(
    database_url: str, postgres_store: PostgresEventStore, ledger: Ledger
) -> None:
    await record(postgres_store, "a", *range(6))

    async def stumble(writing: Session, rows: Sequence[BulkEvent]) -> None:
        await ledger.handle(writing, rows)
        if rows[-1].position > 4:
            raise ValueError("Quillfeather")

    with capture_logs() as logs, pytest.raises(ValueError, match="Quillfeather"):
        await Consumer(database_url, "ledger", stumble, page=2).run()
    assert await ledger.kept() == [1, 2, 3, 4]
    position, alarm = await checkpoint(database_url, "ledger")
    assert position == 4
    assert alarm is not None
    assert alarm.startswith("ValueError")
    assert "Quillfeather" not in alarm + str(logs)
    assert [each["log_level"] for each in logs if each["event"] == "stopped"] == ["error"]
    async with running(Consumer(database_url, "ledger", ledger.handle, page=2)):
        await ledger.reaches(6)
    assert await checkpoint(database_url, "ledger") == (6, None)


async def test_a_consumer_cut_off_again_and_again_takes_everything_once(
    database_url: str, postgres_store: PostgresEventStore, ledger: Ledger
) -> None:
    async with running(Consumer(database_url, "ledger", ledger.handle, page=3, poll_seconds=0.05)) as task:
        for number in range(4):
            await record(postgres_store, f"s{number}", *range(10))
            await ledger.reaches(number * 10 + 1)
            for purpose in ("consumer ledger", "reader ledger", "listener"):
                await terminate(database_url, purpose)
        await ledger.reaches(40)
        assert not task.done()
    assert await ledger.kept() == list(range(1, 41))


async def test_a_hole_stops_the_consumer_before_it_and_is_an_alarm(
    database_url: str, postgres_store: PostgresEventStore, ledger: Ledger
) -> None:
    await record(postgres_store, "a", *range(9))
    async with session(database_url) as opened:
        await opened.execute("alter table es.events disable trigger append_only")
        await opened.execute("delete from es.events where position in (6, 7)")
    with capture_logs() as logs, pytest.raises(RecordDamaged) as damaged:
        await Consumer(database_url, "ledger", ledger.handle, page=5).run()
    assert (damaged.value.after, damaged.value.found) == (5, 8)
    assert await ledger.kept() == [1, 2, 3, 4, 5]
    position, alarm = await checkpoint(database_url, "ledger")
    assert position == 5
    assert alarm is not None
    assert "between positions 5 and 8" in alarm
    assert [each["error"] for each in logs if each["event"] == "stopped"] == ["RecordDamaged"]


async def test_of_two_movers_the_second_waits_and_is_fenced(database_url: str) -> None:
    async with session(database_url) as first, session(database_url) as second:
        (start,) = await live_checkpoints(first, ["c"])
        async with first.transaction():
            assert await advance(first, [start], 5) == [Checkpoint("c", 1, 5)]
            losing = asyncio.create_task(_advance_alone(second, start, 7))
            await until_blocked_by(database_url, first.info.backend_pid)
        with pytest.raises(Fenced, match="c is not where it was left"):
            await losing
    assert (await checkpoint(database_url, "c"))[0] == 5


async def test_a_mover_whose_rival_gives_up_is_not_fenced(database_url: str) -> None:
    async with session(database_url) as first, session(database_url) as second:
        (start,) = await live_checkpoints(first, ["c"])
        with suppress(ZeroDivisionError):
            async with first.transaction():
                await advance(first, [start], 5)
                winning = asyncio.create_task(_advance_alone(second, start, 7))
                await until_blocked_by(database_url, first.info.backend_pid)
                raise ZeroDivisionError
        await winning
    assert (await checkpoint(database_url, "c"))[0] == 7


async def test_if_one_of_several_checkpoints_was_moved_none_moves(database_url: str) -> None:
    async with session(database_url) as opened:
        both = await live_checkpoints(opened, ["a", "b"])
        await advance(opened, [each for each in both if each.consumer == "b"], 3)
        with pytest.raises(Fenced, match="of b is not"):
            async with opened.transaction():
                await advance(opened, both, 4)
    assert (await checkpoint(database_url, "a"))[0] == 0


async def test_a_retired_generation_does_not_move(database_url: str) -> None:
    async with session(database_url) as opened:
        (start,) = await live_checkpoints(opened, ["c"])
        await opened.execute("update es.checkpoints set status = 'retired'")
        with pytest.raises(Fenced):
            await advance(opened, [start], 5)


async def test_one_consumer_of_a_name_is_active_and_another_takes_over(
    database_url: str, postgres_store: PostgresEventStore, ledger: Ledger
) -> None:
    handled: dict[str, int] = {}

    def named(name: str) -> Consumer:
        async def handle(writing: Session, rows: Sequence[BulkEvent]) -> None:
            await ledger.handle(writing, rows)
            handled[name] = handled.get(name, 0) + len(rows)

        return Consumer(database_url, "ledger", handle, page=2, poll_seconds=0.02)

    async with running(named("first")) as first:
        await record(postgres_store, "a", 1)
        await ledger.reaches(1)
        async with running(named("second")):
            await record(postgres_store, "a", *range(8))
            await ledger.reaches(9)
            assert handled == {"first": 9}
            first.cancel()
            await record(postgres_store, "a", *range(4))
            await ledger.reaches(13)
    assert handled == {"first": 9, "second": 4}
    assert await ledger.kept() == list(range(1, 14))


async def test_a_consumer_outlives_a_restart_of_postgresql() -> None:
    home = Path(tempfile.mkdtemp(prefix="throughline-restart-"))
    try:
        async with _postgres(home) as url:
            migrate(url)
            ledger = Ledger(url)
            await ledger.make()
            async with open_store(url) as store:
                await record(store, "a", *range(3))
            task = asyncio.create_task(Consumer(url, "ledger", ledger.handle, poll_seconds=0.05).run())
            await ledger.reaches(3)
        async with _postgres(home) as again:
            assert again == url
            async with open_store(url) as store:
                await record(store, "b", *range(3))
            await ledger.reaches(6)
            assert await ledger.kept() == [1, 2, 3, 4, 5, 6]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def _postgres(home: Path) -> AsyncIterator[str]:
    async with Stack(Settings(home=home), ports="free", temporal=False) as stack:
        yield stack.database_url


async def _advance_alone(mover: Session, start: Checkpoint, position: int) -> None:
    async with mover.transaction():
        await advance(mover, [start], position)
