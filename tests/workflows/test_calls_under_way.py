"""Calls under way and the one timer, without Temporal."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.effects import CheckBenefits, Effect, SyncEhr
from domain.pathway.calls import Answer, Done
from domain.values import Instant
from workflows.calls_under_way import CallsUnderWay
from workflows.deadline_timer import PAUSE, DeadlineTimer

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OLDER, NEWER = SyncEhr(key="ehr-1", revision=1), SyncEhr(key="ehr-2", revision=2)
BENEFITS = CheckBenefits(number=1, key="benefits-1", service_date=NOW.date())


class Clinic:
    """Answers each call when told to, or fails it."""

    def __init__(self) -> None:
        self.asked: list[Effect] = []
        self.answers: dict[str, asyncio.Future[Answer]] = {}
        self.told: list[tuple[str, Answer]] = []

    async def carry_out(self, effect: Effect) -> Answer:
        self.asked.append(effect)
        return await self.answers.setdefault(effect.key, asyncio.get_running_loop().create_future())

    def answered(self, effect: Effect, answer: Answer) -> None:
        self.told.append((effect.key, answer))


async def settle() -> None:
    """Lets every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


async def test_one_call_at_a_time_for_each_key(clinic: Clinic) -> None:
    calls = CallsUnderWay(clinic.carry_out, clinic.answered)
    calls.begin([OLDER, NEWER, BENEFITS], busy=())
    calls.begin([NEWER, BENEFITS], busy=())
    await settle()
    assert clinic.asked == [OLDER, BENEFITS]
    assert calls.keys() == {OLDER.concurrency_key, BENEFITS.concurrency_key}
    clinic.answers["ehr-1"].set_result(Done(reference="1"))
    await settle()
    assert clinic.told == [("ehr-1", Done(reference="1"))]
    assert calls.keys() == {BENEFITS.concurrency_key}
    calls.begin([NEWER], busy={NEWER.concurrency_key})  # its answer is not on record yet
    await settle()
    assert clinic.asked == [OLDER, BENEFITS]
    calls.begin([NEWER], busy=())
    await settle()
    assert clinic.asked == [OLDER, BENEFITS, NEWER]
    for each in ("benefits-1", "ehr-2"):
        clinic.answers[each].set_result(Done(reference=each))
    await settle()


async def test_a_call_that_cannot_be_asked_for_is_a_fault(clinic: Clinic) -> None:
    calls = CallsUnderWay(clinic.carry_out, clinic.answered)
    calls.begin([BENEFITS], busy=())
    await settle()
    clinic.answers["benefits-1"].set_exception(NotImplementedError("no call"))
    await settle()
    assert isinstance(calls.fault, NotImplementedError)
    assert clinic.told == []


async def test_the_timer_waits_for_one_moment(clinic: Clinic) -> None:
    waits: dict[Instant, asyncio.Future[None]] = {}
    rang: list[Instant] = []

    async def wait_until(due: Instant, pause: timedelta) -> None:
        await waits.setdefault(due, asyncio.get_running_loop().create_future())

    timer = DeadlineTimer(wait_until, rang.append)
    timer.set(NOW)
    timer.set(NOW)
    await settle()
    timer.set(NOW + timedelta(hours=1))
    await settle()
    assert waits[NOW].cancelled() and len(waits) == 2
    waits[NOW + timedelta(hours=1)].set_result(None)
    await settle()
    assert rang == [NOW + timedelta(hours=1)]
    timer.set(None)
    await settle()
    assert timer.fault is None and len(waits) == 2


async def test_a_timer_that_cannot_be_set_is_a_fault() -> None:
    async def wait_until(due: Instant, pause: timedelta) -> None:
        raise ValueError(f"no timer until {due}")

    timer = DeadlineTimer(wait_until, lambda due: None)
    timer.set(NOW)
    await settle()
    assert isinstance(timer.fault, ValueError)


async def test_a_moment_of_which_nothing_came_is_waited_for_with_a_pause() -> None:
    waited: list[tuple[Instant, timedelta]] = []

    async def wait_until(due: Instant, pause: timedelta) -> None:
        waited.append((due, pause))

    rang: list[Instant] = []
    timer = DeadlineTimer(wait_until, rang.append)
    for due in (NOW, NOW, NOW, NOW + timedelta(hours=1), NOW):
        timer.set(due)
        await settle()
    none = timedelta(0)
    later = NOW + timedelta(hours=1)
    assert waited == [(NOW, none), (NOW, PAUSE), (NOW, PAUSE), (later, none), (NOW, none)]
    assert rang == [due for due, _ in waited]
