"""Commands that wait for the record: kept in order, each once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.commands import BaseCommand
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.calls import Done, SettleEffect
from domain.pathway.deadlines import TimePassed
from workflows.pending import PendingCommands

FIRST, SECOND = RepeatAdmission(id="first", message="m-1"), CancelAdmission(id="second", message="m-2")
RANG = TimePassed(id=f"time/3/{datetime(2026, 3, 2, tzinfo=UTC).isoformat()}")
ANSWER = SettleEffect(id="settle/ehr-4", key="ehr-4", answer=Done(reference="EpisodeOfCare/1"), revision=4)


def commands(waiting: PendingCommands) -> list[BaseCommand]:
    return [each.command for each in waiting]


def test_they_keep_their_order_and_stand_there_once() -> None:
    waiting = PendingCommands([FIRST])
    assert waiting.put(SECOND) is waiting.put(SECOND)
    assert commands(waiting) == [FIRST, SECOND] == list(waiting.commands())
    waiting.put(RANG, first=True)
    assert waiting.kinds() == ["time-passed", "repeat-admission", "cancel-admission"]
    assert len(waiting) == 3


def test_what_failed_and_is_put_again_is_to_be_tried() -> None:
    waiting = PendingCommands([FIRST, SECOND])
    assert not waiting.all_failed
    waiting.fail_all()
    assert waiting.all_failed
    assert not waiting.put(FIRST).failed
    assert not waiting.all_failed
    waiting.fail_all()
    waiting.try_all_again()
    assert not any(each.failed for each in waiting)


def test_one_that_is_taken_out_is_answered() -> None:
    waiting = PendingCommands([FIRST, SECOND])
    kept = waiting[0]
    assert waiting.take_out(0) is kept and kept.answered
    assert commands(waiting) == [SECOND]
    assert waiting.find(FIRST) is None


@pytest.mark.parametrize(("command", "expected"), [(RANG, (True, set())), (ANSWER, (False, {ANSWER.concurrency_key}))])
def test_what_the_journey_gave_itself_is_known(command: BaseCommand, expected: tuple[bool, set[str]]) -> None:
    waiting = PendingCommands([FIRST])
    assert (waiting.has_time_passed, waiting.answered_calls()) == (False, set())
    waiting.put(command)
    assert (waiting.has_time_passed, waiting.answered_calls()) == expected


def test_callers_that_wait_are_seen() -> None:
    waiting = PendingCommands([FIRST])
    assert not waiting.has_callers
    waiting[0].callers_waiting += 1
    assert waiting.has_callers
