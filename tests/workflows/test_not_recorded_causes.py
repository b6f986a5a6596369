"""What each cause means, when it is told and to whom; no server needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from activities import signatures as sig
from workflows.not_recorded import CAUSES, NotRecorded, cause, failed, page, page_when_over, told_to_the_caller

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
MAY_PASS = (sig.RECORD_UNREACHABLE, sig.KEYS_UNREACHABLE)


def after(code: str, seconds: float, before: NotRecorded | None = None) -> NotRecorded:
    return failed(before, code, NOW, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("code", [*CAUSES, sig.UNEXPECTED, "something-new"])
def test_each_cause_says_what_to_do(code: str) -> None:
    assert len(cause(code).sentence.split()) > 7 and cause(code).sentence.endswith(".")
    trouble = after(code, 60)
    assert trouble.known and code in told_to_the_caller(trouble) and "Nothing is lost" in told_to_the_caller(trouble)


@pytest.mark.parametrize("code", [*CAUSES, sig.UNEXPECTED])
def test_all_is_told_within_a_minute(code: str) -> None:
    """As the attempts follow each other, each of which takes 12 s at most."""
    at, trouble = timedelta(0), None
    while trouble is None or not trouble.page_is_due(NOW + at):
        at += timedelta(seconds=11.5)
        trouble = failed(trouble, code, NOW, NOW + at)
        if not trouble.page_is_due(NOW + at):
            at += trouble.pause(NOW + at)
    assert at < timedelta(minutes=1)


def test_what_may_pass_by_itself_is_tried_again_first() -> None:
    for code in MAY_PASS:
        assert not after(code, 5).known
        assert after(code, 10).known and not after(code, 10).page_is_due(NOW + timedelta(seconds=10))
        assert after(code, 30).page_is_due(NOW + timedelta(seconds=30))
    assert after(sig.RECORD_SCHEMA, 0).page_is_due(NOW)


def test_another_cause_is_paged_for_anew_and_keeps_the_time() -> None:
    first = after(sig.RECORD_SCHEMA, 0).model_copy(update={"paged_at": NOW})
    second = after(sig.WRONG_KEK, 60, first)
    assert (second.since, second.known, second.paged_at) == (NOW, True, None)
    assert after(sig.RECORD_SCHEMA, 60, first).paged_at == NOW


def test_a_page_is_repeated_every_four_hours() -> None:
    paged = after(sig.RECORD_SCHEMA, 0).model_copy(update={"paged_at": NOW})
    assert not paged.page_is_due(NOW + timedelta(hours=3, minutes=59))
    assert paged.page_is_due(NOW + timedelta(hours=4))


def test_each_repeated_page_is_for_the_next_person_on_call() -> None:
    for stands_still in (False, True):
        trouble = failed(None, sig.RECORD_SCHEMA, NOW, NOW, stands_still=stands_still)
        told = [page(trouble, "j-1", [], NOW + timedelta(hours=hours)).repeat for hours in (0, 0.5, 4.01, 8.02)]
        assert told == [0, 0, 1, 2]


def test_pauses_grow_to_five_minutes() -> None:
    trouble = after(sig.RECORD_SCHEMA, 0)
    pauses = [trouble.pause(NOW + timedelta(seconds=passed)).total_seconds() for passed in (0, 8, 60, 3600, 86400)]
    assert pauses == [1, 2, 15, 300, 300]


@pytest.mark.parametrize("code", [sig.RECORD_SCHEMA, sig.KEY_DESTROYED])
def test_a_cause_that_journeys_share_is_one_page(code: str) -> None:
    trouble, later = after(code, 0), NOW + timedelta(minutes=15)
    is_shared = code == sig.RECORD_SCHEMA
    assert (page(trouble, "one", [], NOW).key == page(trouble, "two", [], NOW).key) is is_shared
    assert (page_when_over(trouble, "one", NOW).key == page_when_over(trouble, "two", NOW).key) is is_shared
    assert page(trouble, "one", [], NOW).key != page(trouble, "one", [], later).key
