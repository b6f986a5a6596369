"""Two records, one truth, with many real deaths in between; and checks that would notice if it were not so.

`make campaign` kills a thousand.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from domain.pathway.admission import RepeatAdmission
from domain.pathway.placement import DecidePlacement
from eventstore import Appended, EventStore, NewEvent, StoreUnavailable, VersionConflict
from tests.campaigns.agreement import decided_twice, unlike_what_was_said
from tests.campaigns.dual_write import Deaths, Walk, campaign, faults_in, walk
from tests.campaigns.fate import Window
from tests.campaigns.ground import ground
from tests.campaigns.mistaken import TakesAnyAnswer, TrustsItself
from tests.campaigns.racing import RacingHouse
from tests.campaigns.report import any_seed, own_home
from tests.workflows.house import until
from tests.workflows.paths import OP, PATHS
from tests.workflows.stores import Around
from tests.workflows.test_dual_write import written_by_another

pytestmark = pytest.mark.stack


async def test_workflow_and_record_agree_after_many_deaths(
    record_property: Callable[[str, object], None],
) -> None:
    report = await campaign(any_seed(), kills=8, journeys=3)
    record_property("campaign", str(report))
    assert report.faults == [], str(report)
    assert report.counts["workers killed"] >= 8, str(report)
    assert report.counts[Window.AFTER] >= 1, str(report)


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[RacingHouse]:
    """A house of its own in which nobody works yet."""
    with own_home() as home:
        async with ground(home, RacingHouse) as (_, racing):
            yield racing
            await racing.close()


async def walked(house: RacingHouse) -> Walk:
    script = PATHS["cancelled"]
    case = await house.admit_racing(random.Random(1), 60, **script.clinic)
    await walk(started := Walk(case, script))
    return started


class AppendsAgain(Around):
    """Loses every first answer. The retry has a key of its own, as one made of attempts would be, and what it finds in
    its way is no reason not to append.
    """

    def __init__(self, inner: EventStore) -> None:
        super().__init__(inner)
        self._attempts = 0
        self._lost: set[tuple[str, str]] = set()

    async def append(
        self, stream: str, *, expected_version: int, key: str, events: Sequence[NewEvent], close: bool = False
    ) -> Appended:
        self._attempts += 1
        own_key = f"{key}/{self._attempts}"
        try:
            appended = await self.inner.append(
                stream, expected_version=expected_version, key=own_key, events=events, close=close
            )
        except VersionConflict as conflict:
            appended = await self.inner.append(
                stream, expected_version=conflict.actual, key=own_key, events=events, close=close
            )
        if (stream, key) not in self._lost:
            self._lost.add((stream, key))
            raise StoreUnavailable("the connection was lost")
        return appended


async def test_an_append_under_a_key_of_each_attempt_is_found_out(house: RacingHouse) -> None:
    async with house.working(AppendsAgain(house.store)):
        case = await house.admit_racing(random.Random(1), 60)

        async def is_found_out() -> bool:
            return "open/message-1 was recorded 2 times" in decided_twice(await house.store.read(case.id))

        await until(is_found_out, "the check says that the opening is there twice")


async def test_a_workflow_that_trusts_itself_is_found_out(house: RacingHouse) -> None:
    """The record moved on without it: it takes what it decided for recorded, and answers so."""
    async with house.working(workflow=TrustsItself):
        case = await house.admit_racing(random.Random(1), 60)
        await case.settled()
        await written_by_another(case, house.store, case.command(RepeatAdmission, message="unseen"))
        await case.do(RepeatAdmission, message="again")
        found = [*unlike_what_was_said(case.told, await case.record())]
    assert any(fault.endswith("was answered and is not on record") for fault in found), found


async def test_a_workflow_that_takes_any_answer_is_found_out(house: RacingHouse) -> None:
    """The record moved on without it, as it does when a worker dies: what it decides then is lost."""
    async with house.working(workflow=TakesAnyAnswer):
        case = await house.admit_racing(random.Random(1), 60)
        await case.screened()
        await written_by_another(case, house.store, case.command(RepeatAdmission, message="unseen"))
        await case.do(DecidePlacement, recommended=OP, actual=OP)
        found = [*unlike_what_was_said(case.told, await case.record())]
    assert any(fault.endswith("was answered and is not on record") for fault in found), found


async def test_a_sound_worker_is_found_sound(house: RacingHouse) -> None:
    async with house.working():
        assert [fault async for fault in faults_in(house, [await walked(house)])] == []


DIES = {"what": "dies", "window": "after the append", "stream": "j-1"}


@pytest.mark.parametrize("how", ["meets", "reads"])
def test_what_a_dead_worker_appended_is_met_after_its_death_and_not_before(how: str) -> None:
    met, elsewhere = {"what": how, "stream": "j-1"}, {"what": how, "stream": "j-2"}
    assert list(Deaths([DIES, met]).faults()) == []
    for diary in ([DIES], [met, DIES], [DIES, elsewhere], [DIES, met, DIES]):
        assert list(Deaths(diary).faults()) == ["no task met what a dead worker appended to j-1"]
