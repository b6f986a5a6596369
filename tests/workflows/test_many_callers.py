"""Many callers at one journey while its record hangs: each is told the truth, and the cause is told as for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from activities import signatures as sig
from clientkeys.keys import DataKey
from domain.pathway.admission import AdmissionRepeated, RepeatAdmission
from domain.pathway.placement import DecidePlacement
from record.sealing import Sealer
from tests.clientkeys.memory import MemoryKeyring
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OP
from tests.workflows.stores import Hangs
from tests.workflows.test_not_recorded import marked
from workflows.caller_limit import AT_ONCE
from workflows.client import CommandNotRecorded, Journeys, JourneysUnreachable, TooManyWaiting

pytestmark = pytest.mark.stack


@asynccontextmanager
async def hanging(house: House) -> AsyncIterator[tuple[Case, Hangs, list[EventDict]]]:
    """A journey whose record hangs from now on."""
    store = Hangs(house.store)
    with capture_logs() as logs:
        async with house.working(store):
            case = await house.admit()
            await case.settled()
            store.hangs.set()
            yield case, store, logs


async def answers(case: Case, number: int, journeys: Callable[[], Journeys]) -> list[JourneysUnreachable]:
    """What so many callers, each with another message, are told."""

    async def told(message: str) -> JourneysUnreachable:
        with pytest.raises(JourneysUnreachable) as failed:
            await journeys().tell(case.id, RepeatAdmission(id=f"repeat/{message}", message=message))
        return failed.value

    return await asyncio.gather(*(told(f"message-{each}") for each in range(number)))


def said(logs: Sequence[EventDict], event: str) -> list[str]:
    return [each["cause"] for each in logs if each["event"] == event]


async def all_kept_are_recorded(case: Case, store: Hangs, answered: Sequence[JourneysUnreachable]) -> None:
    """What was kept is recorded, each once, and nothing of what was turned away."""
    store.hangs.clear()
    await case.journeys.look_again(case.id)
    await case.settled()
    repeated = [each for each in await case.record() if isinstance(each, AdmissionRepeated)]
    assert len(repeated) == sum(isinstance(each, CommandNotRecorded) for each in answered)
    assert await marked(case) is None


async def test_a_caller_is_told_after_one_attempt(idle_house: House) -> None:
    async with hanging(idle_house) as (case, store, _):
        [told] = await answers(case, 1, lambda: case.journeys)
        assert isinstance(told, CommandNotRecorded) and told.code == sig.RECORD_UNREACHABLE
        assert "Nothing is lost" in str(told)
        assert len(await case.happened("workflow_execution_update_accepted")) == 1
        [again] = await answers(case, 1, lambda: case.journeys)  # the first answer is old by now: it is tried anew
        assert isinstance(again, CommandNotRecorded)
        assert len(await case.happened("workflow_execution_update_accepted")) == 2
        await all_kept_are_recorded(case, store, [told])


async def test_each_of_many_callers_learns_the_cause(idle_house: House) -> None:
    async with hanging(idle_house) as (case, store, logs):
        told = await answers(case, AT_ONCE + 6, lambda: case.journeys)
        assert {(type(each), getattr(each, "code", "")) for each in told} == {
            (CommandNotRecorded, sig.RECORD_UNREACHABLE)
        }
        assert await marked(case) == sig.RECORD_UNREACHABLE
        assert said(logs, "decision-not-recorded") == [sig.RECORD_UNREACHABLE]
        assert await case.happened("workflow_task_timed_out") == []
        await all_kept_are_recorded(case, store, told)


async def test_those_who_cannot_be_asked_for_are_told_that_nothing_was_recorded(idle_house: House) -> None:
    async with hanging(idle_house) as (case, store, logs):
        told = await answers(case, 4 * AT_ONCE, lambda: case.journeys)
        assert {type(each) for each in told} == {CommandNotRecorded, TooManyWaiting}
        late = next(str(each) for each in told if isinstance(each, TooManyWaiting))
        assert "nothing was recorded" in late and sig.RECORD_UNREACHABLE in late
        assert said(logs, "decision-not-recorded") == [sig.RECORD_UNREACHABLE]
        await all_kept_are_recorded(case, store, told)


async def test_callers_in_processes_of_their_own(idle_house: House) -> None:
    """None knows of the others, so Temporal itself turns some away."""
    async with hanging(idle_house) as (case, _, logs):
        told = await answers(case, 14, lambda: Journeys(idle_house.client))
        assert {type(each) for each in told} <= {CommandNotRecorded, TooManyWaiting}, sorted(map(str, told))
        assert sum(isinstance(each, CommandNotRecorded) for each in told) >= 10

        async def is_said() -> bool:
            return await marked(case) == sig.RECORD_UNREACHABLE and bool(said(logs, "decision-not-recorded"))

        await until(is_said, "the cause is shown and logged")


class HangingKeys(MemoryKeyring):
    """Gives no key, and never says so."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    async def key_of(self, owner: str) -> DataKey:
        self.asked += 1
        await asyncio.Event().wait()
        return await super().key_of(owner)


async def test_keys_that_hang_are_waited_for_once_in_a_round(idle_house: House) -> None:
    keys = HangingKeys()
    async with idle_house.working(sealer=Sealer(keys)):
        case = await idle_house.admit()
        await case.screened()

        async def told(number: int) -> str:
            words = {"recommended": IOP, "actual": OP, "variance": "lives far away"}
            with pytest.raises(CommandNotRecorded) as failed:
                await case.journeys.tell(case.id, case.command(DecidePlacement, id=f"placement-{number}", **words))
            return failed.value.code

        assert set(await asyncio.gather(*map(told, range(AT_ONCE)))) == {sig.KEYS_UNREACHABLE}
        assert (await case.do(RepeatAdmission, message="again")).version > 0
        assert keys.asked <= 6  # two tries in each round, and not for each decision
