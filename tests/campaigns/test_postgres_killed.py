"""0 lost, 0 duplicated, whatever the database dies of; and a check that would notice if it were otherwise."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from eventstore import Appended, EventStore, NewEvent, StoreUnavailable
from tests.campaigns.postgres_killed import Books, Writer, campaign, faults_in, follow, whole
from tests.campaigns.report import any_seed
from tests.eventstore.memory import MemoryEventStore
from tests.workflows.stores import Around


@pytest.mark.stack
async def test_nothing_is_lost_or_doubled_when_postgresql_is_killed(
    record_property: Callable[[str, object], None],
) -> None:
    report = await campaign(any_seed(), kills=3, appends=1200)
    record_property("campaign", str(report))
    assert report.faults == [], str(report)
    assert report.counts["kills"] == 3
    assert report.counts["appends"] >= 1200
    assert report.counts["retries"] >= 3, str(report)  # every kill was felt


class NewKeyEachTime(Writer):
    """The mistake that keys are there to prevent."""

    def key_for(self, key: str, attempt: int) -> str:
        return f"{key}/{attempt}"


class LosesAnswers(Around):
    """Records everything, and the answer to every third append is lost."""

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self._calls = 0

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        self._calls += 1
        appended = await super().append(stream, expected_version=expected_version, key=key, events=events, close=close)
        if self._calls % 3 == 0:
            raise StoreUnavailable("the connection was lost")
        return appended


class Forgetful(LosesAnswers):
    """The first attempt is answered from memory that is gone with the crash, as without fsync."""

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        self._calls += 1
        kept = self.inner if self._calls > 1 else MemoryEventStore()
        return await kept.append(stream, expected_version=expected_version, key=key, events=events, close=close)


async def found_out(store: EventStore, writer: type[Writer] = Writer) -> str:
    """What the campaign's own check says of thirty appends to `store`."""
    books = Books()
    writing = writer(store, books, 0, random.Random(1))
    for _ in range(30):
        await writing.write_one()
    record = [each async for each in whole(store)]
    await follow(store, books, lambda position: position >= len(record))
    return "\n".join(faults_in(books, record))


async def test_a_sound_store_is_found_sound() -> None:
    assert await found_out(MemoryEventStore()) == ""
    assert await found_out(LosesAnswers(MemoryEventStore())) == ""


async def test_a_retry_under_a_new_key_is_found_out() -> None:
    assert "is there 2 times" in await found_out(LosesAnswers(MemoryEventStore()), NewKeyEachTime)


async def test_an_acknowledged_append_that_is_gone_is_found_out() -> None:
    assert "is not where it was acknowledged" in await found_out(Forgetful(MemoryEventStore()))


@pytest.mark.parametrize("misread", ["missed", "twice", "out of order"])
async def test_a_reader_that_saw_something_else_is_found_out(misread: str) -> None:
    books, store = Books(), MemoryEventStore()
    writing = Writer(store, books, 0, random.Random(1))
    for _ in range(5):
        await writing.write_one()
    record = [each async for each in whole(store)]
    books.seen = {
        "missed": record[:2] + record[3:],
        "twice": record[:2] + record[1:],
        "out of order": record[1::-1] + record[2:],
    }[misread]
    assert len(faults_in(books, record)) == 1
