"""Every way in which record and workflow can differ, made on the real parts, named, and set right or stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import TypedSearchAttributes

import recovery.running
import workflows.journey
from clientkeys.errors import KeyDestroyed
from domain.comparing import comparable, fingerprint
from domain.evolve import fold
from domain.pathway.admission import CancelAdmission, JourneyOpened, RepeatAdmission
from domain.pathway.calls import Done, EffectSettled, SettleEffect
from domain.pathway.discharge import ReportDischarge
from domain.pathway.placement import DecidePlacement
from domain.state import JourneyState
from domain.values import Stage
from eventstore import EventStore, NewEvent
from intake.admitted import HandedOver
from recovery.differences import Difference, Kind
from recovery.paging import page_for
from recovery.reconcile import Mended, Reconciler
from recovery.recover import NobodyAdmitted
from recovery.running import RunningJourneys
from tests.recovery.forgetful import Forgetful
from tests.recovery.records import holding, written_by_another
from tests.workflows.house import Case, House, Person, until
from tests.workflows.paths import IOP, OP, enrol
from tests.workflows.stores import Around, Fails
from workflows.card import URGENT
from workflows.client import CommandNotRecorded, CommandRefused, JourneysUnreachable

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)


def reconciler(house: House, store: EventStore | None = None, admitted: HandedOver | None = None) -> Reconciler:
    running = RunningJourneys(house.client, patience=timedelta(seconds=5))
    return Reconciler(store or house.store, running, admitted or NobodyAdmitted(), moment=timedelta(milliseconds=300))


async def listed(house: House, case: Case) -> None:
    """Returns once Temporal's list of running workflows has the journey."""

    async def is_listed() -> bool:
        return case.id in {each async for each, _ in RunningJourneys(house.client).listed()}

    await until(is_listed, "Temporal lists the journey")


async def the_one(compared: Reconciler) -> Difference:
    found = (await compared.compare()).differences
    assert len(found) == 1, found
    return found[0]


async def set_right(compared: Reconciler) -> tuple[Mended, ...]:
    done = await compared.mend(await compared.compare())
    notice = page_for(done, NOW)
    if notice is not None:
        await compared.running.page(notice)
    return done


async def assert_in_step(case: Case, compared: Reconciler) -> JourneyState:
    """Record and workflow agree once it has heard what it was told, and nothing of it was recorded twice."""

    async def knows_its_record() -> bool:
        return (await case.settled()).version == len(await case.house.store.read(case.id))

    await until(knows_its_record, "the journey knows its record")
    state = await case.settled()
    assert fingerprint(state) == fingerprint(fold(await case.record()))
    assert (await compared.compare()).differences == ()
    settled = [event.key for event in await case.record() if isinstance(event, EffectSettled)]
    assert len(settled) == len(set(settled))
    return state


async def test_journeys_that_move_while_they_are_compared_do_not_differ(house: House) -> None:
    cases = [await house.admit(eligibility_delay=0.2) for _ in range(6)]
    for case in cases:
        await listed(house, case)

    async def busy(case: Case) -> None:
        for _ in range(12):
            await case.do(RepeatAdmission, message="again")

    async with asyncio.TaskGroup() as together:
        moving = [together.create_task(busy(case)) for case in cases]
        compared = [together.create_task(reconciler(house).compare()) for _ in range(4)]
    assert all(task.done() for task in moving)
    assert [task.result().differences for task in compared] == [(), (), (), ()]
    assert {task.result().journeys for task in compared} == {6}
    # Temporal's list may lack journeys for a moment while their search attributes are written: how many is chance.
    assert max(task.result().asked for task in compared) <= 6
    for case in cases:
        await listed(house, case)
    assert (await reconciler(house).compare()).asked == 6
    some = {case.id for case in cases[:2]}
    partly = await reconciler(house).compare(asked=lambda journeys: some.__contains__)
    assert (partly.journeys, partly.asked) == (6, 2)


async def test_a_missing_workflow_is_started_where_its_record_stands(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    before = await case.settled()
    await case.handle.terminate("by mistake")
    compared = reconciler(house)
    found = await the_one(compared)
    assert (found.kind, found.on_record, found.in_workflow) == (Kind.MISSING, before.version, None)
    due = before.next_deadline()
    assert due is not None and f"{due:%Y-%m-%d %H:%M} UTC" in found.sentence
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert len(await case.record()) == before.version
    assert not any(each.is_for_a_person for each in await set_right(compared))
    assert comparable(await case.settled()) == comparable(before)
    await listed(house, case)
    assert comparable(await assert_in_step(case, compared)) == comparable(before)
    await case.do(ReportDischarge, message="left")
    await case.settled()
    timers = await case.happened("timer_started")
    first = timers[0]
    fires = first.event_time.ToDatetime(UTC) + first.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
    assert timedelta(0) <= fires - due < timedelta(seconds=5)


async def test_a_missing_workflow_asks_for_what_is_pending_under_the_same_key(idle_house: House) -> None:
    async with idle_house.working():
        case = await idle_house.admit(eligibility_failures=1000)

        async def asked() -> bool:
            return bool(idle_house.clinic.ledger(system="eligibility", client=case.person.member_id))

        await until(asked, "the payer was asked")
    await case.handle.terminate("by mistake")
    pending = fold(await case.record()).pending()
    assert pending
    idle_house.clinic.script(case.person.mrn, eligibility_failures=0)
    compared = reconciler(idle_house)
    done = await compared.mend(await compared.missing())  # needs no worker
    assert [each.difference.kind for each in done] == [Kind.MISSING]
    async with idle_house.working():
        assert (await case.settled()).stage is Stage.PLACEMENT
        keys = {e["key"] for e in idle_house.clinic.ledger(system="eligibility", client=case.person.member_id)}
        assert len(keys) == 1
        await listed(idle_house, case)
        await assert_in_step(case, compared)


async def test_an_admission_lost_before_anything_was_on_record_is_opened(house: House, own_database: str) -> None:
    """Intake handed it over, the worker had not begun, and Temporal lost its data: no stream, no workflow."""
    person, case = Person.new(), await house.admit()
    await case.settled()
    lost = Case(house, house.journeys, "6a1f0a60-0000-4000-8000-000000000001", person)
    message = "6a1f0a60-0000-4000-8000-0000000000aa"
    await house._register(person)
    async with await psycopg.AsyncConnection.connect(own_database) as connection:
        await connection.execute(
            "insert into intake.journeys (journey_id, client_ref, opened_by, site, admitted_at, started_at)"
            " values (%s, %s, %s, 'main', %s, now())",
            (lost.id, person.client_ref, message, NOW),
        )
    compared = reconciler(house, admitted=HandedOver(own_database))
    await listed(house, case)
    found = await the_one(compared)
    assert (found.journey_id, found.kind, found.on_record) == (lost.id, Kind.MISSING, None)
    await set_right(compared)
    await lost.settled()
    opened = (await lost.record())[0]
    assert isinstance(opened, JourneyOpened)
    assert (opened.cause, opened.client_ref, opened.admitted_at) == (f"open/{message}", person.client_ref, NOW)
    await listed(house, lost)
    await assert_in_step(lost, compared)
    await lost.handle.terminate("the test is over")


async def test_a_workflow_that_outlives_its_journey_is_ended(house: House) -> None:
    case = await house.admit()
    state = await case.settled()
    cancelled = await written_by_another(case, case.command(CancelAdmission, message="cancelled"))
    told = [
        SettleEffect(id=f"settle/{key}", key=key, answer=Done(reference="x"), revision=call.told)
        for key, call in cancelled.pending().items()
    ]
    over = await written_by_another(case, *told)
    assert over.is_finished
    compared = reconciler(house)
    await listed(house, case)
    found = await the_one(compared)
    assert (found.kind, found.in_workflow) == (Kind.ZOMBIE, state.version)
    await set_right(compared)
    assert (await case.handle.result())["stage"] == Stage.CANCELLED
    assert (await compared.compare()).differences == ()


async def test_a_workflow_that_is_behind_takes_in_what_it_lacks(house: House) -> None:
    case = await house.admit()
    before = await case.screened()
    after = await written_by_another(case, case.command(DecidePlacement, recommended=OP, actual=OP))
    compared = reconciler(house)
    await listed(house, case)
    found = await the_one(compared)
    assert (found.kind, found.in_workflow, found.on_record) == (Kind.BEHIND, before.version, after.version)
    await set_right(compared)
    assert (await assert_in_step(case, compared)).placement.level == OP


async def test_a_call_that_nobody_makes_is_made(idle_house: House) -> None:
    async with idle_house.working(workflow=Forgetful):
        case = await idle_house.admit()
        compared = reconciler(idle_house)
        await listed(idle_house, case)

        async def the_ehr_was_told() -> bool:
            state = await case.state()
            return state.version > 0 and state.ehr.synced == state.news

        await until(the_ehr_was_told, "the EHR was told")
        found = await the_one(compared)
        assert found.kind is Kind.ORPHAN and "benefits-1" in found.sentence
        assert not idle_house.clinic.ledger(system="eligibility", client=case.person.member_id)
        await set_right(compared)
        assert (await assert_in_step(case, compared)).stage is Stage.PLACEMENT


@asynccontextmanager
async def on_another_record(house: House) -> AsyncIterator[Around]:
    """A worker whose record a test can replace."""
    store = Around(house.store)
    async with house.working(store):
        yield store


async def shown(case: Case) -> TypedSearchAttributes:
    return (await case.handle.describe()).typed_search_attributes


def pages(house: House, case: Case) -> list[str]:
    return [
        each["body"]
        for each in house.clinic.get("/mailbox")
        if case.id in each["body"] and "ngineer" in each["subject"]
    ]


async def stands_still(case: Case, code: str) -> None:
    async def is_stopped() -> bool:
        return (await case.journeys.snapshot(case.id)).stopped == code

    await until(is_stopped, f"the journey stands still: {code}")


async def test_a_workflow_ahead_of_the_record_stops_and_pages(idle_house: House) -> None:
    """The database came back from yesterday's backup. Nothing is decided until a person says it was mended."""
    async with on_another_record(idle_house) as store:
        case = await idle_house.admit()
        await enrol(case, IOP)
        before = await case.settled()
        whole = await idle_house.store.read(case.id)
        backup = await holding(case.id, whole[:-3])
        store.inner = backup
        compared = reconciler(idle_house, backup)
        await listed(idle_house, case)
        found = await the_one(compared)
        assert (found.kind, found.on_record, found.in_workflow) == (Kind.AHEAD, len(whole) - 3, len(whole))
        assert (await case.journeys.snapshot(case.id)).stopped is None  # looking changes nothing
        for _ in range(2):
            assert all(each.is_for_a_person for each in await set_right(compared))

        async def was_paged() -> bool:
            return bool(pages(idle_house, case))

        await until(was_paged, "operations were paged")
        assert len(pages(idle_house, case)) == 1
        await stands_still(case, "ahead-of-record")
        assert (await shown(case)).get(URGENT) is True
        for kind in (RepeatAdmission, ReportDischarge):
            assert (await case.refused(kind, message="message-2")).code == "standing-still"
        due = before.next_deadline()
        assert due is not None
        span = due - await case.now() + timedelta(days=4)  # a whole escalation passes
        await idle_house.skipper.fast_forward(case.handle, span)
        assert await case.state() == before
        assert len(await backup.read(case.id)) == len(whole) - 3
        await case.handle.signal("catch-up")
        await case.handle.signal("roll-over")
        with pytest.raises(CommandRefused) as refused:
            await case.journeys.look_again(case.id)
        assert refused.value.code == "ahead-of-record"
        store.inner = idle_house.store
        mended = reconciler(idle_house)
        assert (await the_one(mended)).kind is Kind.STOPPED  # also not by itself
        await case.journeys.look_again(case.id)
        state = await assert_in_step(case, mended)
        assert state.version > before.version  # what fell due meanwhile was told
        assert (await case.do(RepeatAdmission, message="message-3")).version > state.version
        assert len(await case.histories()) == 2  # the wish to continue as new was kept


async def test_a_workflow_that_tells_another_story_stops_and_pages(idle_house: House) -> None:
    async with on_another_record(idle_house) as store:
        case = await idle_house.admit()
        before = await case.settled()
        first, *rest = await idle_house.store.read(case.id)
        other = first.model_copy(update={"data": {**first.data, "client_ref": "somebody-else"}})
        store.inner = await holding(case.id, [other, *rest])
        compared = reconciler(idle_house, store.inner)
        await listed(idle_house, case)
        found = await the_one(compared)
        assert (found.kind, found.on_record, found.in_workflow) == (Kind.DIFFERS, before.version, before.version)
        await set_right(compared)
        await stands_still(case, "differs-from-record")
        with pytest.raises(CommandRefused) as refused:
            await case.journeys.look_again(case.id)
        assert refused.value.code == "differs-from-record"
        store.inner = idle_house.store
        await case.journeys.look_again(case.id)
        await assert_in_step(case, reconciler(idle_house))


async def test_a_record_of_a_newer_release_is_named_and_left_alone(house: House) -> None:
    """Somebody went back to an older release, which cannot read an event on record: nothing goes on as if it could."""
    case = await house.admit()
    before = await case.settled()
    last = (await house.store.read(case.id))[-1]
    newer = NewEvent(type=last.type, schema_version=99, data={"unheard": "of"}, occurred_at=last.occurred_at)
    await house.store.append(case.id, expected_version=before.version, key="of-a-newer-release", events=[newer])
    compared = reconciler(house)
    await listed(house, case)
    found = await the_one(compared)
    assert (found.kind, found.on_record) == (Kind.UNREADABLE, before.version + 1)
    assert [each.is_for_a_person for each in await set_right(compared)] == [True]

    async def was_paged() -> bool:
        return bool(pages(house, case))

    await until(was_paged, "operations were paged")
    assert await case.state() == before
    await case.handle.terminate("by mistake")
    assert (await the_one(compared)).kind is Kind.UNREADABLE  # and no workflow is started that would stumble over it
    assert [each.is_for_a_person for each in await set_right(compared)] == [True]
    assert (await case.handle.describe()).status is WorkflowExecutionStatus.TERMINATED
    assert (await house.store.read(case.id))[-1].schema_version == 99


async def test_a_workflow_told_to_catch_up_with_another_story_stops_by_itself(idle_house: House) -> None:
    async with on_another_record(idle_house) as store:
        case = await idle_house.admit()
        await case.settled()
        store.inner = await holding(case.id, (await idle_house.store.read(case.id))[:2])
        await case.handle.signal("catch-up")
        await stands_still(case, "ahead-of-record")


async def test_a_decision_under_way_when_the_journey_is_stopped_waits(idle_house: House) -> None:
    async with on_another_record(idle_house) as store:
        case = await idle_house.admit()
        before = await case.screened()
        store.inner = await holding(case.id, (await idle_house.store.read(case.id))[:1])
        placement = case.command(DecidePlacement, recommended=OP, actual=OP)
        with pytest.raises(CommandNotRecorded) as told:  # the record refused it
            await case.journeys.tell(case.id, placement)
        assert told.value.code == "ahead-of-record"
        await case.handle.signal("stand-still", "ahead-of-record")
        await stands_still(case, "ahead-of-record")
        store.inner = idle_house.store
        assert (await case.refused(ReportDischarge, message="left")).code == "standing-still"
        with pytest.raises(CommandNotRecorded):  # also the one that was taken in before
            await case.journeys.tell(case.id, placement)
        assert await case.state() == before
        await case.journeys.look_again(case.id)
        assert (await case.journeys.tell(case.id, placement)).stage is Stage.COST_REVIEW
        await case.settled()
        assert fold(await case.record()) == await case.state()


async def test_a_workflow_whose_task_fails_is_silent(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("nothing is known of this effect")

    case = await house.admit()
    await case.screened()
    await listed(house, case)
    compared = Reconciler(house.store, RunningJourneys(house.client, patience=timedelta(seconds=2)))
    with monkeypatch.context() as patched:
        patched.setattr(workflows.journey, "carry_out", broken)
        telling = asyncio.create_task(case.do(DecidePlacement, recommended=OP, actual=OP))

        async def it_fails() -> bool:
            return bool(await case.happened("workflow_task_failed"))

        await until(it_fails, "the workflow task failed")
        [mended] = await compared.mend(await compared.compare())
        assert (mended.difference.kind, mended.is_for_a_person) == (Kind.SILENT, True)
    await asyncio.gather(telling, return_exceptions=True)
    await case.settled()
    await set_right(compared)  # the decision may be on record without the task that would have known of it
    assert (await assert_in_step(case, compared)).stage is Stage.COST_REVIEW


async def test_without_a_worker_nobody_is_called_silent(idle_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    case = await idle_house.admit()
    await listed(idle_house, case)
    monkeypatch.setattr(recovery.running, "_LONGEST_POLL", timedelta(0))  # Temporal remembers a poll for minutes
    with pytest.raises(JourneysUnreachable, match="no worker"):
        await reconciler(idle_house).compare()


async def test_a_journey_that_cannot_record_is_named_with_its_cause_and_tried_again_by_fix(idle_house: House) -> None:
    store = Fails(idle_house.store)
    async with idle_house.working(store):
        case = await idle_house.admit()
        before = await case.screened()
        store.failing[case.id] = KeyDestroyed()
        placement = case.command(DecidePlacement, recommended=OP, actual=OP)
        with pytest.raises(CommandNotRecorded):
            await case.journeys.tell(case.id, placement)
        compared = reconciler(idle_house)

        async def is_counted() -> bool:
            return (await compared.running.not_recorded()) == {case.id: "key-destroyed"}

        await until(is_counted, "the list of journeys that cannot record has it")
        found = await the_one(compared)
        assert (found.kind, found.on_record, found.in_workflow) == (Kind.NOT_RECORDED, before.version, before.version)
        trouble = (await case.journeys.snapshot(case.id)).not_recorded
        assert trouble is not None
        assert f"{trouble.since:%Y-%m-%d %H:%M:%S}" in found.sentence and "key-destroyed" in found.sentence
        [tried] = await set_right(compared)
        assert tried.is_for_a_person and tried.failed is not None and "key-destroyed" in tried.failed
        assert page_for([tried], NOW) is None  # the journey has paged by itself
        store.failing.clear()
        [healed] = await set_right(compared)
        assert not healed.is_for_a_person
        assert (await assert_in_step(case, compared)).stage is Stage.COST_REVIEW
        await until(is_not_counted(compared), "the list is empty again")


def is_not_counted(compared: Reconciler) -> Callable[[], Awaitable[bool]]:
    async def none_is() -> bool:
        return not await compared.running.not_recorded()

    return none_is
