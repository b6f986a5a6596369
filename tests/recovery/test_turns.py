"""In a scheduled comparison each journey has its turn to be asked, in a large centre as in one that grows."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.turns import Turns

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)


def ids(number: int) -> list[str]:
    return [str(uuid.UUID(int=each)) for each in range(number)]


@given(
    every=st.integers(1, 90).map(lambda minutes: timedelta(minutes=minutes)),
    hours=st.integers(2, 48),
    sizes=st.lists(st.integers(0, 20_000), min_size=1, max_size=9),
    journey=st.uuids(),
)
def test_each_is_asked_within_the_time_however_many_there_are(
    every: timedelta, hours: int, sizes: list[int], journey: uuid.UUID
) -> None:
    turns = Turns(every=every, asked_within=timedelta(hours=hours))
    runs = math.floor(turns.asked_within / every)
    assert any(turns.at(NOW + run * every, sizes[run % len(sizes)])(str(journey)) for run in range(runs))


@pytest.mark.parametrize(("journeys", "about"), [(200, 50), (1_000, 50), (7_200, 50), (10_000, 70), (50_000, 347)])
def test_a_comparison_asks_a_share(journeys: int, about: int) -> None:
    asked = [sum(map(Turns().at(NOW + run * Turns().every, journeys), ids(journeys))) for run in range(5)]
    assert all(0.6 * about < each < 1.4 * about + 10 for each in asked), asked


@pytest.mark.parametrize("journeys", [0, 1, 50])
def test_in_a_small_centre_everyone_is_asked_every_time(journeys: int) -> None:
    assert all(Turns().at(NOW + timedelta(minutes=run), journeys)(str(run)) for run in range(100))
