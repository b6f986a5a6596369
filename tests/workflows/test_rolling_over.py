"""A journey continues as new at any point and nobody can tell: same state, same deadlines, nothing done twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from domain.comparing import comparable
from domain.pathway.admission import AdmissionRepeated, CancelAdmission, RepeatAdmission
from domain.pathway.calls import EffectSettled
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.pathway.placement import DecidePlacement
from domain.values import Stage
from tests.workflows.house import Case, House, until
from tests.workflows.paths import IOP, OP, PATHS, PHP, WholePath, enrol
from workflows.client import CommandRefused, Journeys

pytestmark = pytest.mark.stack

_CLOSE = timedelta(minutes=1)
"""How much later than planned a timer may fire: what passes between a task's start and its end."""


async def timer_set_for(case: Case) -> datetime | None:
    """When the last timer of the current run fires."""
    current = (await case.histories())[-1]
    timers = [event for event in current.events if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED]
    if not timers:
        return None
    waits = timers[-1].timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
    return timers[-1].event_time.ToDatetime(UTC) + waits


def doubles(case: Case) -> list[tuple[str, ...]]:
    """What the clinic did more than once under one key on one target."""
    keys = Counter(
        (entry["system"], entry["kind"], entry["key"], str(entry.get("target")))
        for entry in case.house.clinic.ledger()
        if case.id in (entry.get("journey"), entry["key"].split("/")[0]) or entry["client"] == case.person.member_id
    )
    return [key for key, times in keys.items() if times > 1]


async def roll_over_unseen(case: Case) -> None:
    """Continues as new and demands that nothing else changed."""
    before = await case.settled()
    await case.roll_over()
    after = await case.settled()
    assert comparable(after) == comparable(before)  # words stay in the record, which seals them
    due, fires = after.next_deadline(), await timer_set_for(case)
    assert due is not None and fires is not None
    assert timedelta(0) <= fires - due < _CLOSE


async def walk_rolling_over(house: House, path: WholePath) -> None:
    case = await house.admit(**path.clinic)
    for step in path.steps:
        await roll_over_unseen(case)
        await step(case)
    await case.ended()
    been = await case.path()
    assert (been.stages, been.levels) == (path.stages, path.levels)
    assert len(await case.histories()) == len(path.steps) + 1
    assert doubles(case) == []


async def test_after_every_decision_of_a_path(house: House) -> None:
    """Half of the paths, others each time, at once: Temporal holds each new run back a second."""
    names = random.sample([*PATHS], len(PATHS) // 2)
    print(f"paths: {names}")  # noqa: T201
    async with asyncio.TaskGroup() as walking:
        for name in names:
            walking.create_task(walk_rolling_over(house, PATHS[name]))


async def test_whenever_a_run_has_grown_long(house: House) -> None:
    path = PATHS["up-and-back"]
    case = await house.admit(journeys=Journeys(house.client, roll_over_after=50), **path.clinic)
    for step in path.steps:
        await case.settled()
        await step(case)
    await case.ended()
    been = await case.path()
    assert (been.stages, been.levels) == (path.stages, path.levels)
    runs = await case.histories()
    assert len(runs) >= 4
    assert all(len(run.events) < 90 for run in runs)
    assert doubles(case) == []


@pytest.mark.parametrize(
    "script",
    [
        {"eligibility_delay": 0.8},
        {"eligibility_failures": 2},
        {"ehr_delay": 0.4},
        {"ehr_failures": 2},
    ],
    ids=str,
)
async def test_while_the_clinic_is_slow_or_failing(house: House, script: dict[str, Any]) -> None:
    case = await house.admit(**script)

    async def began() -> bool:
        return (await case.state()).version > 0

    await until(began, "the admission is on record")
    assert (await case.state()).pending()
    await case.roll_over()
    await case.roll_over()
    house.clinic.script(case.person.mrn, eligibility_delay=0, ehr_delay=0)
    state = await case.settled()
    assert state.stage is Stage.PLACEMENT
    settled = [event.key for event in await case.record() if isinstance(event, EffectSettled)]
    assert len(settled) == len(set(settled))
    assert_one_of_each_in_the_ehr(case)


def assert_one_of_each_in_the_ehr(case: Case) -> None:
    marks = Counter(
        identifier["value"]
        for kind in ("EpisodeOfCare", "Task")
        for resource in case.house.clinic.fhir(kind)
        for identifier in resource["identifier"]
    )
    ours = {mark: number for mark, number in marks.items() if case.id in mark}
    assert case.id in ours
    assert set(ours.values()) == {1}


async def test_updates_that_race_with_it_are_each_answered_once(house: House) -> None:
    case = await house.admit()
    await enrol(case)
    for _ in range(3):
        before = await case.run_id()
        repeats = [case.command(RepeatAdmission, message="again") for _ in range(6)]
        async with asyncio.TaskGroup() as racing:
            told = [racing.create_task(case.journeys.tell(case.id, each)) for each in repeats[:3]]
            racing.create_task(case.handle.signal("roll-over"))
            told += [racing.create_task(case.journeys.tell(case.id, each)) for each in repeats[3:]]
        assert all(each.result().stage is Stage.ACTIVE for each in told)
        await case.continued_from(before)
    causes = Counter(event.cause for event in await case.record() if isinstance(event, AdmissionRepeated))
    assert len(causes) == 18
    assert set(causes.values()) == {1}


async def test_an_update_that_ends_the_journey_races_with_it(house: House) -> None:
    case = await house.admit()
    await case.settled()
    async with asyncio.TaskGroup() as racing:
        racing.create_task(case.handle.signal("roll-over"))
        racing.create_task(case.do(CancelAdmission, message="message-2"))
    assert (await case.ended())["stage"] == Stage.CANCELLED
    head = await house.store.head(case.id)
    assert head is not None and head.closed


async def test_a_command_answered_before_it_stays_answered(house: House) -> None:
    case = await house.admit()
    await case.screened()
    placement = case.command(DecidePlacement, recommended=OP, actual=OP)
    first = await case.journeys.tell(case.id, placement)
    await case.settled()
    await case.roll_over()
    recorded = await case.record()
    again = await case.journeys.tell(case.id, placement)
    assert again.model_copy(update={"version": first.version}) == first
    assert await case.record() == recorded


async def test_a_refusal_is_the_same_on_both_sides_of_it(house: House) -> None:
    case = await house.admit()
    await case.settled()
    wrong = case.command(ConfirmArrival)
    codes = []
    for _ in range(2):
        with pytest.raises(CommandRefused) as refused:
            await case.journeys.tell(case.id, wrong)
        codes.append(refused.value.code)
        await case.roll_over()
    assert codes == ["wrong-stage", "wrong-stage"]


async def test_a_journey_between_two_runs_can_be_asked_where_it_stands(house: House) -> None:
    """Temporal refuses queries until a new run's first task, a second later; the client waits that long."""
    case = await house.admit()
    before = await case.settled()
    await case.roll_over()
    assert (await case.journeys.status(case.id)).version == before.version


async def test_while_a_place_is_searched_for(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    house.clinic.script("*", ehr_delay=0.3)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.roll_over()
    house.clinic.script("*", ehr_delay=0)
    state = await case.settled()
    assert state.moves.current is not None and state.moves.current.place is not None

    async def one_place_is_held() -> bool:  # the call left behind may still be giving its own back
        held = house.clinic.fhir("Slot", status="busy-tentative")
        return sum(case.id in str(slot["identifier"]) for slot in held) == 1

    await until(one_place_is_held, "exactly one place is held")
