"""A journey is opened once, no matter who asks and how often; and the gate through which intake speaks to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import pytest

from domain.pathway.admission import (
    AdmissionCancelled,
    AdmissionRepeated,
    CancelAdmission,
    JourneyOpened,
    RepeatAdmission,
)
from domain.pathway.crisis import CrisisPlace
from domain.pathway.discharge import Discharge, DischargeReported
from domain.plans import DischargeReason
from domain.values import Stage
from intake.facts import AdmissionKind, CancelReason
from intake.gate import GateUnavailable, JourneyEnded, OpeningAdmission
from intake.temporal_gate import TemporalGate
from tests.workflows.house import Case, House
from tests.workflows.paths import enrol
from tests.workflows.stores import Away
from workflows.client import JourneyNotRunning, Journeys, JourneysUnreachable, connect

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)


def every_call(gate: TemporalGate, case: Case) -> list[Awaitable[object]]:
    opening = OpeningAdmission(message_key="message-9", site="main", kind=next(iter(AdmissionKind)), occurred_at=NOW)
    return [gate.open(case.id, case.person.client_ref, opening), *every_fact(gate, case)]


def every_fact(gate: TemporalGate, case: Case) -> list[Awaitable[object]]:
    return [
        gate.repeat_admission(case.id, "message-9", next(iter(AdmissionKind)), NOW),
        gate.report_discharge(case.id, "message-9", NOW),
        gate.cancel_admission(case.id, "message-9", NOW, next(iter(CancelReason))),
        gate.take_back_discharge(case.id, "message-9", NOW),
        gate.report_hospital_visit(case.id, "message-9", "visit-2", CrisisPlace.INPATIENT, NOW),
        gate.report_hospital_discharge(case.id, "message-9", "visit-2", NOW),
        gate.take_back_hospital_discharge(case.id, "message-9", "visit-2", NOW),
    ]


async def ended(house: House) -> Case:
    case = await house.admit()
    await case.settled()
    await case.do(CancelAdmission, message="message-2")
    await case.handle.result()
    return case


async def test_opened_ten_times_at_once_it_begins_once(house: House) -> None:
    case = await house.admit()
    await asyncio.gather(*(case.open() for _ in range(10)))
    await case.settled()
    assert sum(isinstance(event, JourneyOpened) for event in await case.record()) == 1
    listed = house.client.list_workflows(f"WorkflowId = '{case.handle.id}'")
    assert len([each async for each in listed]) <= 1
    assert len(await case.histories()) == 1


async def test_opened_again_while_it_runs_nothing_changes(house: House) -> None:
    case = await house.admit()
    await case.settled()
    recorded, length = await case.record(), (await case.handle.describe()).history_length
    await case.open()
    assert await case.record() == recorded
    assert (await case.handle.describe()).history_length == length


async def test_opened_after_its_end_it_stays_ended(house: House) -> None:
    case = await ended(house)
    with pytest.raises(JourneyNotRunning):
        await case.open()
    with pytest.raises(JourneyNotRunning):
        await case.do(RepeatAdmission, message="again")
    assert (await case.journeys.status(case.id)).stage is Stage.CANCELLED


async def test_the_gate_passes_each_fact_on_once_however_often_it_is_told(house: House) -> None:
    case, gate = await house.admit(), TemporalGate(house.journeys, house.store)
    opening = OpeningAdmission(message_key="message-1", site="main", kind=next(iter(AdmissionKind)), occurred_at=NOW)
    await enrol(case)
    for _ in range(2):
        await gate.open(case.id, case.person.client_ref, opening)
        await gate.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
        await gate.report_discharge(case.id, "message-3", NOW)
        await gate.cancel_admission(case.id, "message-4", NOW, next(iter(CancelReason)))
    state = await case.settled()
    told = [type(event) for event in await case.record() if event.cause.endswith(("-2", "-3", "-4"))]
    for kind in (AdmissionRepeated, DischargeReported, AdmissionCancelled):
        assert told.count(kind) == 1
    assert state.stage is Stage.ACTIVE
    assert {"complete-discharge-1", "resolve-cancellation-1"} <= set(state.obligations.open)


async def test_the_gate_passes_on_a_hospital_visit_and_what_is_taken_back(house: House) -> None:
    case, gate = await house.admit(), TemporalGate(house.journeys, house.store)
    await enrol(case)
    for _ in range(2):
        await gate.report_hospital_visit(case.id, "message-2", "visit-2", CrisisPlace.EMERGENCY_DEPARTMENT, NOW)
        await gate.report_hospital_discharge(case.id, "message-3", "visit-2", NOW)
        await gate.report_discharge(case.id, "message-4", NOW)
    owed = set((await case.settled()).obligations.open)
    assert {"ask-about-hospital-visit-1", "see-after-hospital-visit-1", "complete-discharge-1"} <= owed
    for _ in range(2):
        await gate.take_back_hospital_discharge(case.id, "message-5", "visit-2", NOW)
        await gate.take_back_discharge(case.id, "message-6", NOW)
    owed = set((await case.settled()).obligations.open)
    assert "ask-about-hospital-visit-1" in owed
    assert not owed & {"see-after-hospital-visit-1", "complete-discharge-1"}


async def test_the_gate_says_when_a_journey_has_ended(house: House) -> None:
    case, gate = await ended(house), TemporalGate(house.journeys, house.store)
    for outcome in await asyncio.gather(*every_call(gate, case), return_exceptions=True):
        assert isinstance(outcome, JourneyEnded)


async def test_the_gate_is_unavailable_while_nobody_works(idle_house: House) -> None:
    case = await idle_house.admit()
    gate = TemporalGate(Journeys(idle_house.client, patience=timedelta(milliseconds=400)), idle_house.store)
    with pytest.raises(GateUnavailable):
        await gate.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
    async with idle_house.working():
        again = TemporalGate(idle_house.journeys, idle_house.store)
        await again.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
        await case.settled()
    assert sum(isinstance(event, AdmissionRepeated) for event in await case.record()) == 1


async def test_a_journey_whose_workflow_was_terminated_has_not_ended(house: House) -> None:
    """Only the record says that a journey is over: the messages wait, and no second journey begins."""
    case, gate = await house.admit(), TemporalGate(house.journeys, house.store)
    await enrol(case)
    await case.handle.terminate("by mistake")
    recorded = await case.record()
    for outcome in await asyncio.gather(*every_call(gate, case), return_exceptions=True):
        assert isinstance(outcome, GateUnavailable)
    assert await case.record() == recorded
    assert len(await case.histories()) == 1


async def test_a_journey_that_temporal_never_knew_has_not_ended(house: House) -> None:
    case, gate = await house.admit(), TemporalGate(house.journeys, house.store)
    await case.settled()
    lost = house.make_case(house.journeys, f"{case.id}-lost", case.person)
    for outcome in await asyncio.gather(*every_fact(gate, lost), return_exceptions=True):
        assert isinstance(outcome, GateUnavailable)


async def test_whether_a_journey_has_ended_waits_for_the_record(house: House) -> None:
    case, store = await ended(house), Away(house.store)
    gate = TemporalGate(house.journeys, store)
    store.is_away = True
    for outcome in await asyncio.gather(*every_call(gate, case), return_exceptions=True):
        assert isinstance(outcome, GateUnavailable)
    store.is_away = False
    for outcome in await asyncio.gather(*every_call(gate, case), return_exceptions=True):
        assert isinstance(outcome, JourneyEnded)


async def test_a_namespace_that_does_not_exist_ends_no_journey(house: House, temporal_address: str) -> None:
    case = await ended(house)
    elsewhere = Journeys(await connect(temporal_address, "no-such-namespace", [bytes(32)]))
    for asked in (
        elsewhere.open(case.opening()),
        elsewhere.tell(case.id, RepeatAdmission(id="repeat/1", message="message-1")),
        elsewhere.status(case.id),
        elsewhere.state(case.id),
    ):
        with pytest.raises(JourneysUnreachable, match="namespace"):
            await asked
    gate = TemporalGate(elsewhere, house.store)
    for outcome in await asyncio.gather(*every_call(gate, case), return_exceptions=True):
        assert isinstance(outcome, GateUnavailable)


async def test_what_intake_reports_is_on_record_with_its_own_time(house: House) -> None:
    case, gate = await house.admit(), TemporalGate(house.journeys, house.store)
    await enrol(case)
    await gate.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
    await gate.report_discharge(case.id, "message-3", NOW)
    reported = [e for e in await case.record() if isinstance(e, AdmissionRepeated | DischargeReported)]
    assert [(event.message, event.occurred_at) for event in reported] == [("message-2", NOW), ("message-3", NOW)]
    assert all(event.at > NOW for event in reported)


async def test_the_gate_says_whether_an_admission_came_after_the_discharge(house: House) -> None:
    case, gate = await house.admit(), TemporalGate(house.journeys, house.store)
    await enrol(case)
    assert not await gate.repeat_admission(case.id, "message-2", next(iter(AdmissionKind)), NOW)
    await case.do(Discharge, reason=DischargeReason.GOALS_MET)
    assert await gate.repeat_admission(case.id, "message-3", next(iter(AdmissionKind)), NOW)
