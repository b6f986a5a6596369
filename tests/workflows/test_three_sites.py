"""Three sites in three zones on the real server: each counts its own days, and a closure moves its own deadlines."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.clock import TimeKind
from domain.evolve import fold
from domain.pathway.admission import CancelAdmission
from domain.pathway.calendars import AdoptCalendar, CalendarChanged
from domain.pathway.obligation_events import ObligationMoved
from domain.plans import Actor
from domain.state import JourneyState
from domain.values import Role, Stage
from recovery.calendars import CalendarChanges, Change, Result
from recovery.telling import NoneAnswers
from tests.centres import ZONES, loaded, three_sites
from tests.workflows.house import Case, House
from worker import journey_replayer
from workflows.client import CommandRefused, Journeys

pytestmark = pytest.mark.stack

OPERATIONS = Actor(id="s-31", role=Role.OPERATIONS)
CHANGE = Change(site="mesa", calendar=2, reason="The roof leaks.", by=OPERATIONS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return three_sites(tmp_path)


@pytest.fixture(autouse=True)
def centre(folder: Path) -> Iterator[None]:
    with loaded(folder):
        yield


def last_clock_change() -> tuple[date, int]:
    """The last day, at least three weeks ago, on which New York's clocks changed, and its hours from UTC since."""
    day, local = datetime.now(UTC).date() - timedelta(weeks=3), ZoneInfo(ZONES["harbour"])

    def offset(day: date) -> timedelta:
        return datetime.combine(day, time(12), local).utcoffset() or timedelta(0)

    while offset(day) == offset(day - timedelta(days=1)):
        day -= timedelta(days=1)
    return day, int(offset(day) / timedelta(hours=1))


async def test_one_moment_is_three_different_days_off_over_a_clock_change(house: House) -> None:
    """Admitted in the same minute, on the Friday before the clocks changed in two of the three zones."""
    changed, eastern = last_clock_change()
    friday = datetime.combine(changed - timedelta(days=2), time(16), UTC)
    cases = {site: await house.admit(site=site, admitted_at=friday) for site in ZONES}
    due = {site: (await case.settled()).obligations.open["enrol-1"].due_at for site, case in cases.items()}
    last = friday.date() + timedelta(days=14)  # ten business days
    closing = datetime.combine(last, time(17), UTC)
    assert due == {
        "harbour": closing - timedelta(hours=eastern),
        "mesa": closing + timedelta(hours=7),  # all year
        "pier": closing - timedelta(hours=eastern - 3),
    }
    for site, case in cases.items():
        opened = (await case.state()).admission
        assert (opened.site, opened.calendar) == (site, 1)


async def test_late_in_the_evening_it_is_another_day_further_east(house: House) -> None:
    changed, _ = last_clock_change()
    late = datetime.combine(changed + timedelta(days=3), time(6), UTC)  # Wednesday there, Tuesday 23:00 in Phoenix
    cases = {site: await house.admit(site=site, admitted_at=late) for site in ZONES}
    closing = {}
    for site, case in cases.items():
        due = (await case.settled()).obligations.open["enrol-1"].due_at
        closing[site] = due.astimezone(ZoneInfo(ZONES[site])).replace(tzinfo=None)
    wednesday = datetime.combine(late.date(), time(17))
    assert closing == {
        "harbour": wednesday + timedelta(days=14),
        "mesa": wednesday + timedelta(days=13),
        "pier": wednesday + timedelta(days=13),
    }


class Interrupted(Exception):
    """Ctrl-C half-way."""


async def interrupt(seconds: float) -> None:
    raise Interrupted


async def at_once(seconds: float) -> None:
    assert seconds == 0.1  # 600 a minute


def close_mesa(folder: Path) -> None:
    """Mesa closes for the next seven days, without notice."""
    today = datetime.now(ZoneInfo(ZONES["mesa"])).date()
    first, last = today + timedelta(days=1), today + timedelta(days=7)
    three_sites(folder, closed="mesa", closures=f'{{ first_day = {first}, last_day = {last}, reason = "roof" }}')


@pytest.fixture
async def cases(house: House) -> AsyncIterator[dict[str, list[Case]]]:
    found = {site: [await house.admit(site=site) for _ in range(2)] for site in ZONES}
    for case in (each for several in found.values() for each in several):
        await case.settled()
    yield found


async def behind_among(changes: CalendarChanges, cases: dict[str, list[Case]], site: str) -> list[str]:
    """Those of this test: the record holds other tests' journeys too."""
    ours = {case.id for several in cases.values() for case in several}
    return [each for each in await changes.behind(site, 2) if each in ours]


def due_times(state: JourneyState) -> dict[str, datetime]:
    return {owed.id: owed.due_at for owed in state.obligations.open.values()}


async def test_a_closure_moves_exactly_its_own_deadlines_also_when_it_is_interrupted(
    house: House, cases: dict[str, list[Case]], folder: Path
) -> None:
    mesa = cases["mesa"]
    before = {case.id: await case.state() for several in cases.values() for case in several}
    results: list[Result] = []
    with loaded(folder):
        close_mesa(folder)
    with loaded(folder):
        interrupted = CalendarChanges(house.store, house.journeys, interrupt)
        behind = await behind_among(interrupted, cases, "mesa")
        assert set(behind) == {case.id for case in mesa}
        with pytest.raises(Interrupted):
            await interrupted.carry_out(CHANGE, behind, 600, results.append)
        assert len(results) == 1

        again = CalendarChanges(house.store, house.journeys, at_once)
        left = await behind_among(again, cases, "mesa")
        assert left == [each for each in behind if each != results[0].journey_id]
        await again.carry_out(CHANGE, behind, 600, results.append)  # also the one that was told already
        assert await behind_among(again, cases, "mesa") == []
        assert [each.failed for each in results] == [None] * 3

        for case in mesa:
            record = await case.record()
            assert len([each for each in record if isinstance(each, CalendarChanged)]) == 1
            moved = {each.obligation for each in record if isinstance(each, ObligationMoved)}
            state = await case.state()
            counted = before[case.id].obligations.open.values()
            assert moved == {each.id for each in counted if each.counted.kind is TimeKind.BUSINESS_DAYS}
            assert {each.moved for each in results} == {("screen-client-1", "decide-placement-1", "enrol-1")}
            for owed in state.obligations.open.values():
                assert owed.due_at == owed.counted.due_at(state.calendar) >= due_times(before[case.id])[owed.id]
                assert "is a day off: roof" in state.why_due(owed)
            assert (state.admission.calendar, fold(record)) == (2, state)
            for history in await case.histories():
                await journey_replayer(house.client.data_converter).replay_workflow(history)
    for site in ("harbour", "pier"):
        for case in cases[site]:
            assert await case.state() == before[case.id]
            assert not [each for each in await case.record() if isinstance(each, CalendarChanged)]


async def test_the_new_due_time_is_when_people_are_told(house: House, folder: Path) -> None:
    case = await house.admit(site="mesa", eligibility_answer="999")
    was = (await case.settled()).obligations.open["verify-benefits-1"]
    close_mesa(folder)
    with loaded(folder):
        changes = CalendarChanges(house.store, house.journeys, at_once)
        await changes.carry_out(CHANGE, [case.id], 600, lambda result: None)
        now_due = (await case.state()).obligations.open["verify-benefits-1"].due_at
        assert now_due > was.due_at
        rest = was.due_at - await case.now() + timedelta(hours=1)
        state = await case.later(seconds=rest.total_seconds())
        assert state.obligations.open["verify-benefits-1"].steps_taken == 0
        rest = now_due - await case.now() + timedelta(minutes=1)
        state = await case.later(seconds=rest.total_seconds())
        assert state.obligations.open["verify-benefits-1"].steps_taken == 1


async def test_a_worker_that_lacks_the_calendar_changes_nothing_and_says_what_to_do(house: House) -> None:
    case = await house.admit(site="mesa")
    before = await case.settled()
    with pytest.raises(CommandRefused, match=r"deploy the centre's newer file sites/mesa\.toml\. Nothing has") as told:
        await case.do(AdoptCalendar, calendar=2, reason="The roof leaks.", by=OPERATIONS)
    assert told.value.code == "worker-out-of-date"
    assert await case.state() == before
    results: list[Result] = []
    await CalendarChanges(house.store, house.journeys, at_once).carry_out(CHANGE, [case.id], 600, results.append)
    [result] = results
    assert result.failed is not None and "newer file" in result.failed


async def test_it_stops_where_no_worker_answers(idle_house: House) -> None:
    case = await idle_house.admit(site="mesa")
    impatient = Journeys(idle_house.client, patience=timedelta(milliseconds=200))
    results: list[Result] = []
    changes = CalendarChanges(idle_house.store, impatient, at_once)
    with pytest.raises(NoneAnswers, match="5 journeys in a row did not answer"):
        await changes.carry_out(CHANGE, [case.id] * 9, 600, results.append)
    assert len(results) == 5


async def test_an_ended_journey_keeps_its_calendar(house: House, cases: dict[str, list[Case]]) -> None:
    first, second = cases["pier"]
    await first.do(CancelAdmission, message="message-2")
    await first.handle.result()
    assert (fold(await first.record())).stage is Stage.CANCELLED
    assert await behind_among(CalendarChanges(house.store, house.journeys), cases, "pier") == [second.id]
