"""When a demonstration begins on its calendar, which must not decide what happens in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cli.demo.play import beginning


@pytest.mark.parametrize(
    ("hour", "minute", "begins"),
    [
        (9, 20, (9, 20)),
        (9, 19, (8, 20)),
        (9, 59, (9, 20)),
        (10, 0, (9, 20)),
        (0, 5, (23, 20)),
    ],
)
def test_a_demonstration_begins_at_twenty_past_at_most_an_hour_ago(
    hour: int, minute: int, begins: tuple[int, int]
) -> None:
    now = datetime(2026, 3, 2, hour, minute, 59, 7, tzinfo=UTC)
    found = beginning(now)
    assert (found.hour, found.minute, found.second, found.microsecond) == (*begins, 0, 0)
    assert timedelta(0) <= now - found < timedelta(hours=1)
