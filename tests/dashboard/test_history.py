"""A journey as it stood, by each of the four ways to say when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dashboard.history import AsOf
from dashboard.reading import state_of
from domain.evolve import fold
from domain.values import Stage
from eventstore import StoredEvent
from record.codec import to_record
from tests.domain import walk
from tests.domain.walk import Walk
from tests.eventstore.memory import MemoryEventStore

OUTAGE = timedelta(hours=3)


@pytest.fixture
async def journey() -> tuple[Walk, tuple[StoredEvent, ...]]:
    """A whole episode, each event recorded three hours after it happened, with another client's events between."""
    walked, clock = walk.closed(), [walk.MONDAY]
    store = MemoryEventStore(lambda: clock[0])
    for version, event in enumerate(walked.record):
        clock[0] = event.at + OUTAGE
        stranger = to_record(event)
        await store.append("other", expected_version=version, key=f"k{version}", events=[stranger])
        await store.append("j-1", expected_version=version, key=f"k{version}", events=[to_record(event)])
    return walked, await store.read("j-1")


def moments(walked: Walk) -> list[datetime]:
    return sorted({event.at for event in walked.record})


async def test_every_version_is_the_fold_of_so_many_events(journey: tuple[Walk, tuple[StoredEvent, ...]]) -> None:
    walked, stored = journey
    for version in range(1, len(stored) + 1):
        assert state_of(AsOf(version=version).of(stored)) == fold(walked.record[:version])


async def test_a_position_counts_everybodys_events(journey: tuple[Walk, tuple[StoredEvent, ...]]) -> None:
    _, stored = journey
    assert [each.position for each in AsOf(position=7).of(stored)] == [2, 4, 6]


async def test_as_true_at_a_time_is_what_had_happened(journey: tuple[Walk, tuple[StoredEvent, ...]]) -> None:
    walked, stored = journey
    for moment in moments(walked):
        happened = [event for event in walked.record if event.at <= moment]
        assert state_of(AsOf(true_at=moment).of(stored)) == fold(happened)
        assert len(AsOf(true_at=moment - timedelta(microseconds=1)).of(stored)) < len(happened)


async def test_what_was_true_may_not_have_been_known_yet(journey: tuple[Walk, tuple[StoredEvent, ...]]) -> None:
    walked, stored = journey
    left = next(event.at for event in walked.record if event.type == "client.discharged")
    true = state_of(AsOf(true_at=left).of(stored))
    assert true.stage is Stage.DISCHARGED
    assert AsOf(known_at=left).of(stored) == AsOf(true_at=left, known_at=left).of(stored) == ()
    assert state_of(AsOf(known_at=left + OUTAGE).of(stored)) == true


async def test_without_a_question_it_is_now(journey: tuple[Walk, tuple[StoredEvent, ...]]) -> None:
    walked, stored = journey
    assert AsOf().is_now
    assert AsOf().of(stored) == stored
    assert state_of(stored) == walked.state
    assert not AsOf(version=1).is_now
