"""What lists and timelines show is folded from the record alone."""

from __future__ import annotations

from datetime import timedelta

from dashboard.reading import all_events, path, read_journey, read_rows, row, state_of
from domain.values import LevelOfCare, Stage
from eventstore import MemoryEventStore
from eventstore.codec import to_record
from tests.domain import walk
from tests.domain.walk import MONDAY, Walk


async def keep(store: MemoryEventStore, journey_id: str, walked: Walk) -> None:
    """Puts a walk on record, under a journey id of its own."""
    record = [each.model_copy(update={"journey_id": journey_id}) for each in walked.record[:1]] + walked.record[1:]
    events = [to_record(each) for each in record]
    await store.append(journey_id, expected_version=0, key=f"{journey_id}-1", events=events)


async def test_a_journey_is_read_back_whole() -> None:
    store, walked = MemoryEventStore(), walk.enrolled(LevelOfCare.IOP)
    await keep(store, "j-1", walked)
    stored = await read_journey(store, "j-1")
    assert len(stored) == len(walked.record)
    assert state_of(stored) == walked.state.model_copy(update={"journey_id": "j-1"})
    assert await read_journey(store, "j-2") == ()


async def test_the_list_puts_what_is_urgent_first_then_what_is_due_next_and_the_ended_last() -> None:
    store = MemoryEventStore()
    await keep(store, "ended", walk.closed())
    await keep(store, "enrolled", walk.enrolled())
    await keep(store, "opened", walk.opened())
    await keep(store, "moving-up", walk.stepping_up())
    rows = await read_rows(store, MONDAY)
    assert rows[0].journey_id == "moving-up"
    assert rows[-1].journey_id == "ended"
    assert {each.journey_id for each in rows[1:3]} == {"enrolled", "opened"}
    first, second = rows[1].next_due, rows[2].next_due
    assert first is not None
    assert second is not None
    assert first <= second


async def test_a_row_says_what_is_owed_by_whom_and_whether_it_is_late() -> None:
    state = walk.opened().state
    owed = state.next_due()
    assert owed is not None
    early, late = row(state, MONDAY), row(state, owed.due_at + timedelta(seconds=1))
    assert (early.next_obligation, early.waiting_for, early.next_due) == (owed.id, owed.owner, owed.due_at)
    assert (early.overdue, early.urgent) == (False, False)
    assert (late.overdue, late.urgent) == (True, True)


async def test_a_record_of_several_pages_is_read_to_its_end_and_on_from_a_position() -> None:
    store, numbers = MemoryEventStore(), range(150)
    for number in numbers:
        await keep(store, f"j-{number}", walk.opened())
    positions = [each.position async for each in all_events(store)]
    assert positions == list(range(1, len(positions) + 1))
    assert len(positions) > 500  # more than one page
    assert [each.position async for each in all_events(store, positions[-2])] == positions[-1:]
    assert len(await read_rows(store, MONDAY)) == len(numbers)


async def test_an_empty_record_has_no_rows() -> None:
    assert await read_rows(MemoryEventStore(), MONDAY) == []


def test_the_path_keeps_each_stage_and_level_in_order() -> None:
    been = path(walk.returning().record)
    assert been.stages[:3] == (Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT)
    assert Stage.EXTERNAL in been.stages
    assert len(been.levels) >= 2
    assert been.levels[1] in (LevelOfCare.PHP, LevelOfCare.INPATIENT)
    assert path(()).stages == (Stage.REFERRED,)
