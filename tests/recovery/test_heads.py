"""Where Temporal lists a journey is compared with its record: another head is a reason to ask, never a finding."""

from __future__ import annotations

from uuid import uuid4

import pytest

from activities.marks import mark, mark_of_last
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.calls import Done, SettleEffect
from domain.pathway.placement import DecidePlacement
from eventstore.events import OpenStream
from recovery.differences import Kind
from recovery.heads import is_same_end
from recovery.reconcile import Asked, Comparison, Reconciler
from recovery.running import RunningJourneys
from tests.domain.walk import MONDAY
from tests.recovery.lagging import ShowsOnce
from tests.recovery.records import holding, written_by_another
from tests.recovery.test_reconcile import assert_in_step, listed, on_another_record, reconciler
from tests.workflows.house import Case, House, until
from tests.workflows.paths import OP
from workflows.record_head import RecordHead, read_record_head, record_head


def nobody(journeys: int) -> Asked:
    """Asks none but those whose heads are a reason to."""
    return lambda journey_id: False


async def by_heads(compared: Reconciler) -> Comparison:
    return await compared.compare(asked=nobody)


async def head_of(case: Case) -> RecordHead | None:
    """As Temporal lists it."""
    return {each: head async for each, head in RunningJourneys(case.house.client).listed()}.get(case.id)


async def shows_its_record(case: Case) -> RecordHead:
    """The listed head, once it is that of the record."""
    last = (await case.house.store.read(case.id))[-1]
    expected = record_head(last.version, mark_of_last([last]))

    async def is_listed() -> bool:
        return await head_of(case) == expected

    await until(is_listed, "Temporal lists the journey with the head of its record")
    return expected


@pytest.mark.stack
async def test_a_journey_that_stands_where_it_is_listed_is_not_asked(house: House) -> None:
    case = await house.admit()
    await case.settled()
    await shows_its_record(case)
    await case.do(RepeatAdmission, message="again")  # nothing else that is shown changes
    await shows_its_record(case)
    found = await by_heads(reconciler(house))
    assert (found.journeys, found.asked, found.other_heads, found.differences) == (1, 0, frozenset(), ())


@pytest.mark.stack
async def test_a_journey_whose_listed_head_lags_is_asked_and_not_reported(idle_house: House) -> None:
    async with idle_house.working(workflow=ShowsOnce):
        case = await idle_house.admit()
        await case.settled()
        await listed(idle_house, case)
        found = await by_heads(reconciler(idle_house))
        assert (found.asked, found.other_heads, found.differences) == (1, frozenset({case.id}), ())


@pytest.mark.stack
async def test_a_journey_that_has_not_begun_is_listed_without_a_head(idle_house: House) -> None:
    case = await idle_house.admit()
    await listed(idle_house, case)
    assert await head_of(case) is None


@pytest.mark.stack
async def test_a_workflow_that_lacks_an_event_is_found(house: House) -> None:
    lacking, other = await house.admit(), await house.admit()
    for case in (lacking, other):
        await case.screened()
        await shows_its_record(case)
    await written_by_another(lacking, lacking.command(DecidePlacement, recommended=OP, actual=OP))
    compared = reconciler(house)
    found = await by_heads(compared)
    assert [(each.journey_id, each.kind) for each in found.differences] == [(lacking.id, Kind.BEHIND)]
    assert found.asked == 1
    await compared.mend(found)
    await assert_in_step(lacking, compared)
    await shows_its_record(lacking)


@pytest.mark.stack
async def test_a_record_that_lost_an_event_or_holds_another_is_found(idle_house: House) -> None:
    async with on_another_record(idle_house) as store:
        case = await idle_house.admit()
        await case.settled()
        await shows_its_record(case)
        whole = await idle_house.store.read(case.id)
        store.inner = await holding(case.id, whole[:-1])
        assert [each.kind for each in (await by_heads(reconciler(idle_house, store))).differences] == [Kind.AHEAD]
        first, *rest = whole
        other = first.model_copy(update={"data": {**first.data, "client_ref": "somebody-else"}})
        store.inner = await holding(case.id, [other, *rest])
        found = await by_heads(reconciler(idle_house, store))
        assert [each.kind for each in found.differences] == [Kind.DIFFERS]
        store.inner = await holding(case.id, whole)  # the same story, recorded anew
        found = await by_heads(reconciler(idle_house, store))
        assert (found.other_heads, found.differences) == (frozenset({case.id}), ())


@pytest.mark.stack
async def test_the_missing_and_the_zombies_are_found(house: House) -> None:
    missing, zombie, well = [await house.admit() for _ in range(3)]
    for case in (missing, zombie, well):
        await case.settled()
        await shows_its_record(case)
    await missing.handle.terminate("by mistake")
    cancelled = await written_by_another(zombie, zombie.command(CancelAdmission, message="cancelled"))
    told = [
        SettleEffect(id=f"settle/{key}", key=key, answer=Done(reference="x"), revision=call.told)
        for key, call in cancelled.pending().items()
    ]
    await written_by_another(zombie, *told)
    found = await by_heads(reconciler(house))
    kinds = {each.journey_id: each.kind for each in found.differences}
    assert kinds == {missing.id: Kind.MISSING, zombie.id: Kind.ZOMBIE}
    assert found.asked == 0


@pytest.mark.stack
async def test_a_new_run_shows_the_head_it_read(house: House) -> None:
    case = await house.admit()
    await case.settled()
    before = await shows_its_record(case)
    await case.roll_over()
    await case.settled()
    assert await shows_its_record(case) == before
    await case.do(RepeatAdmission, message="again")
    assert (await shows_its_record(case)).version == before.version + 1
    assert (await by_heads(reconciler(house))).asked == 0


@pytest.mark.parametrize("text", [None, "", "1", "1.2", "1.2.", "a.2.ff", "1.2.zz", "1.2.ff.3"])
def test_what_is_no_head_is_read_as_none(text: str | None) -> None:
    assert read_record_head(text) is None


def test_a_head_is_read_back_as_it_was_written() -> None:
    head = RecordHead(state_schema=3, version=67, mark="00ff")
    assert head.text == "3.67.00ff"
    assert read_record_head(head.text) == head


def test_the_end_is_the_same_under_another_schema_and_never_where_the_record_lost_it() -> None:
    event_id = uuid4()
    on_record = OpenStream(stream="a", version=2, event_id=event_id, recorded_at=MONDAY)
    for schema in (1, 99):
        head = RecordHead(state_schema=schema, version=2, mark=mark(event_id, MONDAY))
        assert is_same_end(on_record, head)
        assert not is_same_end(on_record, head.model_copy(update={"version": 3}))
        assert not is_same_end(on_record, head.model_copy(update={"mark": mark(uuid4(), MONDAY)}))
        assert not is_same_end(on_record.model_copy(update={"event_id": None}), head)
    assert not is_same_end(on_record, None)
