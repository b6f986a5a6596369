"""What the board asks of the read models: each list is what plain Python selects, in one order, page by page."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from psycopg_pool import AsyncConnectionPool

from dashboard.open_obligations import OpenObligation, open_obligations
from dashboard.queries import duties, journeys, today
from dashboard.queries.duties import why_stuck
from dashboard.queries.filters import Due, DutyFilter, JourneyFilter, Standing
from dashboard.queries.moment import Pool, moment
from dashboard.queries.paging import CursorUnreadable
from domain.obligation_terms import Priority
from domain.sites import site_named
from domain.values import Role, Stage
from eventstore import EventStore
from tests.dashboard.keeping import keep, projecting, reached
from tests.dashboard.test_read_models import WALKS
from tests.domain.walk import MONDAY, Walk

pytestmark = pytest.mark.stack
NOW = MONDAY + timedelta(days=3, hours=5)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with AsyncConnectionPool(database_url, min_size=1, kwargs={"autocommit": True}, open=False) as opened:
        yield opened


@pytest.fixture
async def walks(database_url: str, store: EventStore) -> dict[str, Walk]:
    made = {name: make() for name, make in WALKS.items()}
    for name, walked in made.items():
        await keep(store, name, walked)
    async with projecting(database_url):
        await reached(database_url, sum(len(walked.record) for walked in made.values()))
    return made


def _today(duty: OpenObligation) -> bool:
    calendar = site_named(duty.site).calendar
    return NOW <= duty.due_at <= calendar.day_ends(calendar.local_date(NOW))


DUTY_FILTERS: dict[str, tuple[DutyFilter, Callable[[OpenObligation], bool]]] = {
    "all": (DutyFilter(), lambda _: True),
    "overdue": (DutyFilter(due=Due.OVERDUE), lambda duty: duty.is_overdue(NOW)),
    "today": (DutyFilter(due=Due.TODAY), lambda duty: duty.waived_until is None and _today(duty)),
    "week": (
        DutyFilter(due=Due.WEEK),
        lambda duty: duty.waived_until is None and NOW <= duty.due_at < NOW + timedelta(days=7),
    ),
    "stuck": (DutyFilter(stuck=True), lambda duty: why_stuck(duty, NOW) is not None),
    "role": (DutyFilter(owner=Role.CLINICIAN), lambda duty: duty.owner is Role.CLINICIAN),
    "person": (DutyFilter(person="s-105"), lambda duty: duty.assignee == "s-105"),
    "kind": (DutyFilter(kind="review"), lambda duty: duty.kind == "review"),
    "safety": (DutyFilter(priority=Priority.SAFETY), lambda duty: duty.priority is Priority.SAFETY),
    "elsewhere": (DutyFilter(site="north"), lambda duty: duty.site == "north"),
}


async def test_duties_are_selected_ordered_counted_and_paged_as_plain_python_says(
    pool: Pool, walks: dict[str, Walk], database_url: str
) -> None:
    every = (await open_obligations(database_url)).rows
    for name, (wanted, fits) in DUTY_FILTERS.items():
        await _require_duties(pool, name, wanted, [each for each in every if fits(each)])


async def test_the_counts_of_the_first_page_are_the_lengths_of_their_lists(pool: Pool, walks: dict[str, Walk]) -> None:
    async with moment(pool, NOW, None) as opened:
        told = await duties.counts(opened)
        for name in ("all", "overdue", "today", "stuck"):
            listed = await duties.duties(opened, DUTY_FILTERS[name][0], size=200)
            assert getattr(told, name) == listed.total == len(listed.rows) > 0, name


async def _require_duties(pool: Pool, name: str, wanted: DutyFilter, every: list[OpenObligation]) -> None:
    expected = sorted(every, key=lambda each: (each.order(NOW)[:3], each.journey_id, each.id))
    async with moment(pool, NOW, None) as opened:
        found: list[OpenObligation] = []
        after = None
        while True:
            page = await duties.duties(opened, wanted, size=3, after=after)
            assert page.total == len(expected)
            found += page.rows
            after = page.next
            if after is None:
                break
    assert [(each.journey_id, each.id) for each in found] == [(each.journey_id, each.id) for each in expected]
    assert [each.model_copy(update={"number": None}) for each in found] == expected
    assert name == "elsewhere" or expected, "nothing of that kind: the test shows nothing"


JOURNEY_FILTERS: dict[str, tuple[JourneyFilter, Callable[[Walk], bool]]] = {
    "open": (JourneyFilter(), lambda walk: not walk.state.stage.is_end or bool(walk.state.obligations.open)),
    "ended": (JourneyFilter(standing=Standing.ENDED), lambda walk: walk.state.ended_at is not None),
    "step-up": (
        JourneyFilter(standing=Standing.STEP_UP),
        lambda walk: walk.state.moves.current is not None and walk.state.moves.current.direction == "up",
    ),
    "urgent": (JourneyFilter(standing=Standing.URGENT), lambda walk: walk.state.is_urgent(NOW)),
    "stage": (JourneyFilter(stage=Stage.ACTIVE), lambda walk: walk.state.stage is Stage.ACTIVE),
    "level": (
        JourneyFilter(level="IOP"),
        lambda walk: walk.state.level == "IOP" and not walk.state.stage.is_end,
    ),
    "waiting": (JourneyFilter(waiting_for=Role.CLINICIAN), lambda walk: walk.state.waiting_for() is Role.CLINICIAN),
}


async def test_journeys_are_selected_counted_and_paged_as_their_states_say(pool: Pool, walks: dict[str, Walk]) -> None:
    for wanted, fits in JOURNEY_FILTERS.values():
        await _require_journeys(pool, wanted, {each for each, walked in walks.items() if fits(walked)})


async def _require_journeys(pool: Pool, wanted: JourneyFilter, expected: set[str]) -> None:
    async with moment(pool, NOW, None) as opened:
        found: list[str] = []
        after = None
        while True:
            page = await journeys.journeys(opened, wanted, size=2, after=after)
            assert page.total == await journeys.count(opened, wanted)
            found += [each.journey_id for each in page.rows]
            after = page.next
            if after is None:
                break
    assert set(found) == expected and len(found) == len(expected) and expected


async def test_nobody_is_shown_what_is_at_another_site(pool: Pool, walks: dict[str, Walk]) -> None:
    async with moment(pool, NOW, ["north"]) as opened:
        assert (await duties.duties(opened, DutyFilter())).rows == ()
        assert (await journeys.journeys(opened, JourneyFilter())).total == 0
        assert [*await today.step_ups(opened), *await today.census(opened), *await today.changes(opened)] == []


async def test_step_ups_and_census_say_what_the_states_say(pool: Pool, walks: dict[str, Walk]) -> None:
    async with moment(pool, NOW, None) as opened:
        moves, cells, changed = await today.step_ups(opened), await today.census(opened), await today.changes(opened)
    up = {n: w.state.moves.current for n, w in walks.items() if w.state.moves.current}
    expected = {
        name: move for name, move in up.items() if move.direction == "up" and not walks[name].state.stage.is_end
    }
    assert {each.journey_id: (each.moving_to, each.move_due, each.move_place) for each in moves} == {
        name: (move.target, move.due_at, move.place) for name, move in expected.items()
    }
    assert [each.move_due for each in moves] == sorted(each.move_due for each in moves)
    present = [w.state for w in walks.values() if w.state.level and not w.state.stage.is_end]
    assert {each.level: each.count for each in cells if each.count} == {
        level: sum(state.level == level for state in present) for level in {str(state.level) for state in present}
    }
    assert changed and [each.position for each in changed] == sorted((e.position for e in changed), reverse=True)


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "x" * 700, "W251bGwsMSwxLCJhIiwiYiJd"])
async def test_a_cursor_that_no_page_gave_is_refused(pool: Pool, cursor: str, database_url: str) -> None:
    async with moment(pool, NOW, None) as opened:
        with pytest.raises(CursorUnreadable):
            await duties.duties(opened, DutyFilter(), after=cursor)


async def test_paging_shows_no_duty_twice_while_the_list_changes(
    pool: Pool, walks: dict[str, Walk], store: EventStore, database_url: str
) -> None:
    dice = random.Random(7)
    seen: list[tuple[str, str]] = []
    after: str | None = None
    async with projecting(database_url):
        for number in range(200):
            async with moment(pool, NOW, None) as opened:
                page = await duties.duties(opened, DutyFilter(), size=2, after=after)
            seen += [(each.journey_id, each.id) for each in page.rows]
            after = page.next
            if after is None:
                break
            if number < 5:
                position = await _another(store, dice, number)
                await reached(database_url, position)
    assert after is None and len(seen) == len(set(seen))


async def _another(store: EventStore, dice: random.Random, number: int) -> int:
    name = dice.choice(sorted(WALKS))
    walked = WALKS[name]()
    await keep(store, f"{name}-{number}", walked)
    return await _head(store)


async def _head(store: EventStore) -> int:
    position = 0
    while batch := await store.read_all(after_position=position):
        position = batch[-1].position
    return position


async def test_what_one_has_seen_is_waited_for(pool: Pool, store: EventStore, database_url: str) -> None:
    await keep(store, "enrolled", WALKS["enrolled"]())
    head = await _head(store)
    async with moment(pool, NOW, None, seen=head, patience_seconds=0) as opened:
        assert (opened.as_of, opened.head, opened.behind) == (0, head, head)
    async with projecting(database_url), moment(pool, NOW, None, seen=head, patience_seconds=60) as opened:
        assert opened.as_of == head and opened.behind == 0
