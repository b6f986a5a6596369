"""The comparison that runs by itself: scheduled once, sets right what may be, pages for the rest."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, ScheduleActionExecutionStartWorkflow, ScheduleHandle, ScheduleOverlapPolicy

from activities.signatures import Reconciled
from recovery.differences import Difference, Kind
from recovery.reconcile import Comparison, is_a_release_at_fault
from recovery.schedule import SCHEDULE, ensure_schedule
from recovery.turns import Turns
from tests.recovery.records import holding
from tests.recovery.test_reconcile import listed, on_another_record, pages, reconciler, stands_still
from tests.workflows.house import House, until
from workflows.client import Journeys
from workflows.messages import RECONCILE

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
EVERY = timedelta(minutes=7)
SPARED = "so many differ that the release must be the cause: none was stopped"


@pytest.fixture
async def schedule(idle_house: House) -> AsyncIterator[ScheduleHandle]:
    handle = idle_house.client.get_schedule_handle(SCHEDULE)
    await ensure_schedule(idle_house.client, timedelta(minutes=10))
    await handle.pause(note="runs only when a test says so")
    yield handle
    await handle.delete()


@pytest.mark.stack
async def test_it_is_made_once_and_stays_paused_where_somebody_paused_it(
    idle_house: House, schedule: ScheduleHandle
) -> None:
    await ensure_schedule(idle_house.client, EVERY)
    found = (await schedule.describe()).schedule
    assert found.state.paused
    assert [each.every for each in found.spec.intervals] == [EVERY]
    assert (found.policy.overlap, found.policy.catchup_window) == (ScheduleOverlapPolicy.SKIP, EVERY)
    listed = [each.id async for each in await idle_house.client.list_schedules()]
    assert listed.count(SCHEDULE) <= 1


async def run_now(client: Client, schedule: ScheduleHandle) -> Reconciled:
    """Has the schedule run at once, and waits for what that comes to."""
    before = (await schedule.describe()).info.num_actions
    await schedule.trigger()

    async def it_ran() -> bool:
        return (await schedule.describe()).info.num_actions > before

    await until(it_ran, "the schedule started its workflow")
    [*_, action] = (await schedule.describe()).info.recent_actions
    assert isinstance(action.action, ScheduleActionExecutionStartWorkflow)
    started = client.get_workflow_handle(action.action.workflow_id, result_type=Reconciled)
    assert (await started.describe()).workflow_type == RECONCILE
    result: Reconciled = await started.result()
    return result


@pytest.mark.stack
async def test_a_run_starts_what_is_missing_and_stops_and_pages_for_what_is_ahead(
    idle_house: House, schedule: ScheduleHandle
) -> None:
    async with on_another_record(idle_house) as store:
        lost, ahead = await idle_house.admit(), await idle_house.admit()
        before = await lost.settled()
        await ahead.settled()
        for case in (lost, ahead):
            await listed(idle_house, case)
        await lost.handle.terminate("lost")
        backup = await holding(lost.id, await idle_house.store.read(lost.id))
        store.inner = backup
        first = await run_now(idle_house.client, schedule)
        assert (first.journeys, first.found) == (2, {"missing": 1, "ahead": 1})
        assert (first.mended, first.paged) == (1, True)
        assert await Journeys(idle_house.client).state(lost.id) == before
        await stands_still(ahead, "ahead-of-record")

        async def was_paged() -> bool:
            return bool(pages(idle_house, ahead))

        await until(was_paged, "operations were paged")
        assert not pages(idle_house, lost)
        store.inner = idle_house.store
        await ahead.journeys.look_again(ahead.id)
        await listed(idle_house, lost)
        again = await run_now(idle_house.client, schedule)
        assert (again.journeys, again.found, again.paged) == (2, {}, False)


@pytest.mark.stack
async def test_the_tenth_that_is_a_release_s_fault_is_of_the_journeys_that_were_asked(idle_house: House) -> None:
    """Of 5,000 journeys a run asks some 50: if all of those differ, so would all others."""
    journeys = [str(uuid.UUID(int=number)) for number in range(5000)]
    asked = [*filter(Turns().at(NOW, len(journeys)), journeys)]
    assert len(asked) < len(journeys) // 10
    differing = tuple(
        Difference(journey_id=each, kind=Kind.DIFFERS, on_record=3, in_workflow=3, sentence="") for each in asked
    )
    found = Comparison(journeys=len(journeys), asked=len(asked), differences=differing)
    mended = await reconciler(idle_house).mend(found)
    assert {each.failed for each in mended} == {SPARED}
    others = found.model_copy(update={"other_heads": frozenset(asked)})
    assert SPARED not in {each.failed for each in await reconciler(idle_house).mend(others)}  # the record is another


@pytest.mark.parametrize(
    ("differing", "asked", "at_fault"),
    [(10, 10, False), (11, 11, True), (11, 109, True), (11, 110, False), (29, 294, False), (30, 294, True)],
)
def test_more_than_ten_and_more_than_a_tenth_are_a_release_s_fault(differing: int, asked: int, at_fault: bool) -> None:
    assert is_a_release_at_fault(differing, asked) is at_fault
