"""How long words about a client are kept: calendar years, and minors until well after they came of age."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import policy_named
from domain.retention import kept_until
from domain.sites import site_named

POLICY = policy_named("us-generic-1")
CALENDAR = site_named("main").calendar


@pytest.mark.parametrize(
    ("last", "born", "until"),
    [
        (datetime(2026, 3, 16, 17, tzinfo=UTC), date(1987, 6, 11), date(2036, 3, 16)),
        (datetime(2026, 3, 16, 5, tzinfo=UTC), date(1987, 6, 11), date(2036, 3, 15)),  # still the 15th at the site
        (datetime(2028, 2, 29, 17, tzinfo=UTC), date(1987, 6, 11), date(2038, 3, 1)),
        (datetime(2026, 3, 16, 17, tzinfo=UTC), date(2010, 6, 11), date(2038, 6, 11)),  # a minor: 18, then 10
        (datetime(2026, 3, 16, 17, tzinfo=UTC), date(2008, 2, 29), date(2036, 3, 16)),
        (datetime(2026, 3, 16, 17, tzinfo=UTC), None, date(2054, 3, 16)),  # could have been born that day
    ],
)
def test_the_day_on_which_words_may_go(last: datetime, born: date | None, until: date) -> None:
    assert kept_until(last, born, POLICY, CALENDAR) == until


@given(
    st.integers(0, 4_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC)), st.dates(date(1900, 1, 1))
)
def test_not_knowing_when_somebody_was_born_never_lets_words_go_earlier(last: datetime, born: date) -> None:
    born = min(born, CALENDAR.local_date(last))
    assert kept_until(last, None, POLICY, CALENDAR) >= kept_until(last, born, POLICY, CALENDAR)
