"""What lists and timelines show is folded from the record alone."""

from __future__ import annotations

from datetime import timedelta

from dashboard.reading import all_events, path, read_journey, row, state_of, urgency
from domain.values import Stage
from tests.dashboard.keeping import keep, named
from tests.domain import walk
from tests.domain.walk import MONDAY
from tests.eventstore.memory import MemoryEventStore


async def test_a_journey_is_read_back_whole() -> None:
    store, walked = MemoryEventStore(), walk.enrolled("IOP")
    await keep(store, "j-1", walked)
    stored = await read_journey(store, "j-1")
    assert len(stored) == len(walked.record)
    assert state_of(stored) == named(walked.state, "j-1")
    assert await read_journey(store, "j-2") == ()


def test_the_list_puts_what_is_urgent_first_then_clinical_work_then_what_is_due_next_and_the_ended_last() -> None:
    walks = {
        "ended": walk.closed(),
        "enrolled": walk.enrolled(),
        "opened": walk.opened(),
        "answered": walk.answered(),
        "moving-up": walk.stepping_up(),
    }
    states = [named(walked.state, name) for name, walked in walks.items()]
    rows = sorted((row(state, MONDAY) for state in states), key=urgency)
    assert rows[0].journey_id == "moving-up"
    assert rows[-1].journey_id == "ended"
    assert [each.journey_id for each in rows[1:4]] == ["enrolled", "answered", "opened"]
    assert [each.priority for each in rows[:4]] == ["safety", "clinical", "clinical", "coverage"]
    due = [each.next_due for each in rows[1:4] if each.next_due]
    assert due[2] < due[1], "a benefit check that is due first comes after clinical work"


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


async def test_an_empty_record_has_no_events() -> None:
    assert [each async for each in all_events(MemoryEventStore())] == []


def test_the_path_keeps_each_stage_and_level_in_order() -> None:
    been = path(walk.returning().record)
    assert been.stages[:3] == (Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT)
    assert Stage.EXTERNAL in been.stages
    assert len(been.levels) >= 2
    assert been.levels[1] in ("PHP", "INPATIENT")
    assert path(()).stages == (Stage.REFERRED,)
