"""How the board says times: the site's, also when its clocks change, with UTC beside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from dashboard.board import words

SITE = "main"  # America/Los_Angeles
NOW = datetime(2026, 11, 1, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (datetime(2026, 11, 1, 8, 30, tzinfo=UTC), "01:30 PDT"),
        (datetime(2026, 11, 1, 9, 30, tzinfo=UTC), "01:30 PST"),
        (datetime(2026, 11, 3, 17, 0, tzinfo=UTC), "Tue 09:00 PST"),
        (datetime(2026, 10, 30, 16, 0, tzinfo=UTC), "Fri 30 Oct 09:00 PDT"),
        (datetime(2027, 1, 4, 17, 0, tzinfo=UTC), "4 Jan 2027 09:00 PST"),
    ],
)
def test_a_moment_is_said_at_the_site_with_its_zone_and_never_twice_the_same(at: datetime, said: str) -> None:
    shown = words.clock(at, SITE, NOW)
    assert shown.striptags() == said and f'title="{at:%Y-%m-%d %H:%M} UTC"' in shown


def test_what_is_due_as_a_day_begins_is_due_at_the_end_of_the_day_before() -> None:
    assert words.deadline(datetime(2026, 11, 3, 8, tzinfo=UTC), SITE, NOW).striptags() == "at the end of Mon"
    assert words.deadline(datetime(2026, 11, 2, 8, tzinfo=UTC), SITE, NOW).striptags() == "at the end of today"


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_time_left_is_never_negative_and_never_zero_of_a_unit(span: timedelta) -> None:
    for said in (words.time_left(NOW + span, NOW), words.time_left(NOW - span - timedelta(seconds=1), NOW)):
        assert "-" not in said and not said.startswith(("0", "in 0"))
    assert words.pressure(NOW + span, NOW) != "late" and words.pressure(NOW - timedelta(seconds=1), NOW) == "late"


def test_moments_in_a_sentence_are_said_at_the_site_and_the_rest_is_escaped() -> None:
    shown = words.at_site("<b>due 2026-11-01 09:30Z</b> & 2026-11-03 17:00 UTC", SITE, NOW)
    assert isinstance(shown, Markup) and "<b>" not in shown and "&lt;b&gt;due" in shown
    assert shown.striptags() == "<b>due 01:30 PST</b> & Tue 09:00 PST"


@pytest.mark.parametrize(
    "odd", ["2026-02-30 10:00 UTC", "0000-00-00 00:00Z", "0001-01-01 00:00 UTC", "2026-01-01 25:10Z"]
)
def test_what_looks_like_a_moment_and_is_none_stays_as_it_is(odd: str) -> None:
    assert words.at_site(f"St Mary's, {odd}", SITE, NOW).striptags() == f"St Mary's, {odd}"


def test_a_site_that_is_not_known_has_the_zone_of_the_first() -> None:
    assert words.zone_of("nowhere") == words.zone_of(None) == words.zone_of(SITE)
