"""Who travels with whom: what is sent together, what waits, and whom a fault concerns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from eventstore import EventStoreError, StoreUnavailable
from eventstore.appending.batches import AppendAnswer, AppendBatches
from eventstore.request import AppendRequest
from tests.eventstore.facts import fact


class Database:
    """Takes batches and answers each when it is told to."""

    def __init__(self) -> None:
        self.taken: list[list[str]] = []
        self._answers: list[asyncio.Future[None]] = []
        self._arrived = asyncio.Event()

    async def send(self, requests: Sequence[AppendRequest]) -> list[AppendAnswer]:
        self.taken.append([request.key for request in requests])
        self._answers.append(asyncio.get_running_loop().create_future())
        self._arrived.set()
        await self._answers[-1]
        return [AppendAnswer(request.key, 1, 1, 1, None) for request in requests]

    def answer(self, batch: int) -> None:
        self._answers[batch].set_result(None)

    def fail(self, batch: int, error: Exception) -> None:
        self._answers[batch].set_exception(error)

    async def has(self, batches: int) -> None:
        async with asyncio.timeout(10):
            while len(self.taken) < batches:
                self._arrived.clear()
                await self._arrived.wait()


class Writers:
    """Tasks that append, one for each request; its key is its name."""

    def __init__(self, database: Database) -> None:
        self.batches = AppendBatches(database.send)
        self.tasks: dict[str, asyncio.Task[AppendAnswer]] = {}

    def ask(self, *keys: str, stream: str | None = None) -> None:
        for key in keys:
            request = AppendRequest(stream or f"stream-of-{key}", 0, key, (fact(1),), False)
            self.tasks[key] = asyncio.create_task(self.batches.submit(request))

    async def answered(self, *keys: str) -> None:
        async with asyncio.timeout(10):
            assert [(await self.tasks[key]).code for key in keys] == list(keys)


@pytest.fixture
async def database() -> Database:
    return Database()


@pytest.fixture
async def writers(database: Database) -> Writers:
    return Writers(database)


async def test_a_lone_append_goes_at_once(database: Database, writers: Writers) -> None:
    writers.ask("a")
    await database.has(1)
    database.answer(0)
    await writers.answered("a")
    assert database.taken == [["a"]]


async def test_what_waits_together_goes_in_two_halves_so_that_one_is_made_up_while_the_other_is_judged(
    database: Database, writers: Writers
) -> None:
    writers.ask(*"abcdefg")
    await database.has(2)
    assert database.taken == [[*"abcd"], [*"efg"]]


async def test_what_comes_meanwhile_goes_next_all_of_it(database: Database, writers: Writers) -> None:
    writers.ask("a", "b")
    await database.has(2)
    writers.ask("c", "d", "e")
    database.answer(0)
    await database.has(3)
    assert database.taken == [["a"], ["b"], ["c", "d", "e"]]
    for batch in (2, 1):
        database.answer(batch)
    await writers.answered(*"abcde")


async def test_appends_to_one_stream_go_one_by_one_in_their_order(database: Database, writers: Writers) -> None:
    writers.ask("1", "2", "3", stream="s")
    writers.ask("a", "b")
    await database.has(1)
    assert database.taken == [["1", "a", "b"]]
    writers.ask("c")
    await database.has(2)
    database.answer(0)
    await database.has(3)
    database.answer(2)
    await database.has(4)
    assert database.taken[1:] == [["c"], ["2"], ["3"]]


async def test_an_unavailable_database_concerns_all_that_were_sent_together(
    database: Database, writers: Writers
) -> None:
    writers.ask("a", "b", "c")
    await database.has(2)
    database.fail(0, StoreUnavailable("gone"))
    database.answer(1)
    await writers.answered("c")
    for key in ("a", "b"):
        with pytest.raises(StoreUnavailable):
            await writers.tasks[key]


async def test_what_the_database_refuses_as_a_whole_is_sent_one_by_one_and_only_the_one_at_fault_fails(
    database: Database, writers: Writers
) -> None:
    writers.ask("good", "bad", "other", "last")
    await database.has(2)
    database.fail(0, EventStoreError("refused"))
    await database.has(3)
    database.answer(2)
    await database.has(4)
    database.fail(3, EventStoreError("refused"))
    database.answer(1)
    await writers.answered("good", "other", "last")
    with pytest.raises(EventStoreError, match="refused"):
        await writers.tasks["bad"]
    assert database.taken == [["good", "bad"], ["other", "last"], ["good"], ["bad"]]


async def test_no_fault_leaves_anybody_waiting_also_while_a_batch_is_sent_one_by_one(
    database: Database, writers: Writers
) -> None:
    writers.ask("a", "b", "c", "d")
    await database.has(2)
    database.fail(0, EventStoreError("refused"))
    await database.has(3)
    database.fail(2, KeyError("no answer for this stream"))
    async with asyncio.timeout(10):
        failed = await asyncio.gather(writers.tasks["a"], writers.tasks["b"], return_exceptions=True)
    assert [type(each) for each in failed] == [KeyError] * 2
    database.answer(1)
    await writers.answered("c", "d")


async def test_whoever_stops_waiting_does_not_take_it_back(database: Database, writers: Writers) -> None:
    writers.ask("a", "b", "c", "d")
    await database.has(2)
    writers.tasks["a"].cancel()
    for batch in (0, 1):
        database.answer(batch)
    await writers.answered("b", "c", "d")
    assert writers.tasks["a"].cancelled() and database.taken == [["a", "b"], ["c", "d"]]


async def test_draining_waits_for_what_is_under_way_and_for_what_waits(database: Database, writers: Writers) -> None:
    writers.ask("a", "b", "c")
    await asyncio.sleep(0)  # they have asked, and nothing is sent yet
    drained = asyncio.create_task(writers.batches.drain())
    await database.has(2)
    database.answer(0)
    await writers.answered("a", "b")
    assert not drained.done()
    database.answer(1)
    await drained
    await writers.answered("c")
    await writers.batches.drain()


async def test_an_answer_of_another_length_fails_all_rather_than_answer_one_for_another() -> None:
    async def short(requests: Sequence[AppendRequest]) -> list[AppendAnswer]:
        return [AppendAnswer("recorded", 1, 1, 1, None)]

    batches = AppendBatches(short)
    requests = [AppendRequest(name, 0, "k", (fact(1),), False) for name in "abcd"]
    failed = await asyncio.gather(*map(batches.submit, requests), return_exceptions=True)
    assert all(isinstance(each, ValueError) for each in failed)


def test_nobody_waits_for_ever_when_the_loop_ends() -> None:
    async def end_early() -> asyncio.Task[AppendAnswer]:
        database = Database()
        writers = Writers(database)
        writers.ask("1", "2", stream="s")
        await database.has(1)
        return writers.tasks["2"]

    assert asyncio.run(end_early()).cancelled()
