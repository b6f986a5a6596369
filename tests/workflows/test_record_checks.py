"""When a journey may decide: comparisons with the record, and standing still, without Temporal."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from workflows.journey_record import CannotRecord
from workflows.record_checks import RecordChecks


class Record:
    """Answers each comparison as the script says, and counts how often the journey stood still."""

    def __init__(self, checks: RecordChecks, *answers: str | CannotRecord | None) -> None:
        self.checks = checks
        self.answers = deque(answers)
        self.stood_still = 0
        self.asked_again = asyncio.Event()

    async def compare(self) -> str | None:
        answer = self.answers.popleft()
        if isinstance(answer, CannotRecord):
            raise answer
        return answer

    async def stand_still(self) -> None:
        self.stood_still += 1
        await self.asked_again.wait()
        self.asked_again.clear()

    async def clear(self) -> None:
        await self.checks.clear(self.compare, self.stand_still)


async def test_where_nothing_was_asked_nothing_is_awaited() -> None:
    record = Record(checks := RecordChecks(at_once=False))
    cleared = record.clear()
    with pytest.raises(StopIteration):
        cleared.send(None)
    assert checks.all_failed and checks.refusal() is None


async def test_a_journey_with_a_record_reads_it_first() -> None:
    record = Record(checks := RecordChecks(at_once=True), None)
    assert len(checks) == 1 and not checks.all_failed
    await record.clear()
    assert not checks and not record.answers


async def test_each_that_was_asked_is_compared() -> None:
    record = Record(checks := RecordChecks(at_once=False), None, None)
    first, second = checks.ask(), checks.ask()
    await record.clear()
    assert first.done and second.done and not record.answers


async def test_a_record_that_cannot_be_read_fails_all_and_loses_none() -> None:
    record = Record(checks := RecordChecks(at_once=False), CannotRecord("away", is_of_the_decision=False), None, None)
    first, second = checks.ask(), checks.ask()
    with pytest.raises(CannotRecord):
        await record.clear()
    assert checks.all_failed and len(checks) == 2 and first.failed and not second.done
    await record.clear()
    assert (first.done, first.failed, second.done) == (True, False, True)


async def test_a_contradiction_stands_until_a_person_mended_the_record() -> None:
    record = Record(checks := RecordChecks(at_once=False), "differs", None, "differs", None)
    checks.ask()
    waiting = asyncio.create_task(record.clear())
    await asyncio.sleep(0)
    assert (checks.stopped, record.stood_still, waiting.done()) == ("differs", 1, False)
    refusal, told = checks.refusal(), checks.still_stopped()
    assert refusal is not None and (refusal.code, "(differs)" in refusal.sentence) == ("standing-still", True)
    assert told is not None and told.code == "differs"

    checks.ask()  # by the schedule: no contradiction is found, and nobody says that the record is in order
    checks.ask(mended=True)  # by a person, too early
    record.asked_again.set()
    await asyncio.sleep(0)
    assert (checks.stopped, record.stood_still, waiting.done()) == ("differs", 2, False)

    checks.ask(mended=True)
    record.asked_again.set()
    await waiting
    assert checks.stopped is None and not record.answers


async def test_the_first_cause_stays() -> None:
    checks = RecordChecks(at_once=False)
    checks.stand_still("ahead")
    checks.stand_still("differs")
    assert checks.stopped == "ahead"
