"""A step-down on the real parts: handed off, its first visit booked and kept, tapered; and one that nobody keeps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.move_words import move_words
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.handoff import HandoffPackage, HandoffRecorded, RecordHandoff
from domain.pathway.move_decisions import ConfirmArrival, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.plans import Actor
from domain.values import Role
from tests.workflows.house import Case, House
from tests.workflows.paths import IOP, OP, enrol

pytestmark = pytest.mark.stack

CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)
RECEIVER = "Dr Quince, outpatient team"
WHOLE = HandoffPackage(medication_list=True, risk_and_safety_plan=True, reason_for_the_move=True, contacts=True)


async def stepping_down(house: House) -> Case:
    """A client moves from IOP to OP and will taper off in two weeks."""
    case = await house.admit()
    await enrol(case, IOP)
    until = (await case.now() + timedelta(days=14)).date()
    await case.do(StartStepDown, to=OP, reason="steady", taper_until=until)
    return case


def told(case: Case, obligation: str) -> list[str]:
    return [each["body"] for each in case.mail() if f"Obligation {obligation}-" in each["body"]]


async def noon_of_an_open_day(case: Case) -> datetime:
    """Two days from now, or as soon after that as the site is open."""
    calendar = (await case.state()).calendar
    day = calendar.local_date(await case.now()) + timedelta(days=2)
    while not calendar.is_open(day):
        day += timedelta(days=1)
    return calendar.day_begins(day) + timedelta(hours=12)


async def test_a_step_down_is_handed_off_booked_and_tapered_over_a_roll_over(house: House) -> None:
    case = await stepping_down(house)
    await case.do(RecordHandoff, to=RECEIVER, how="phone", package=WHOLE, by=CASE_MANAGER)
    await case.roll_over()
    assert move_words(await case.settled())["Handoff"] == "to OP, not read back"
    await case.do(RecordHandoff, to=RECEIVER, how="video", read_back=True, by=CASE_MANAGER)
    visit_at = await noon_of_an_open_day(case)
    await case.do(BookFirstVisit, first_visit_at=visit_at, by=CASE_MANAGER)
    state = await case.later(seconds=(visit_at - await case.now()).total_seconds())
    assert {each.kind for each in state.obligations.open.values()} >= {"first-visit", "end-taper", "complete-step-down"}
    assert not state.open_of("handoff", "book-first-visit")
    assert told(case, "first-visit"), "the case manager is reminded on the day"
    await case.do(ConfirmArrival, by=CASE_MANAGER)
    state = await case.later(days=12)
    assert state.level == OP and not state.open_of("first-visit") and told(case, "end-taper")
    await case.do(CompleteObligation, obligation="end-taper-1", note="the client is ready", by=CASE_MANAGER)
    assert move_words(await case.settled()) == {}
    handoffs = [each for each in await case.record() if isinstance(each, HandoffRecorded)]
    assert [(each.to, each.read_back) for each in handoffs] == [(RECEIVER, False), (RECEIVER, True)]
    stored = b"".join(repr(each.data).encode() for each in await house.store.read(case.id))
    assert RECEIVER.encode() not in stored, "the record seals who took it"


async def test_a_first_visit_that_nobody_keeps_after_the_arrival_is_noticed_within_days(house: House) -> None:
    case = await stepping_down(house)
    await case.do(ConfirmArrival, by=CASE_MANAGER)
    state = await case.later(days=6)
    assert state.open_of("first-visit") and not told(case, "first-visit")
    state = await case.later(days=7)
    assert state.open_of("first-visit")[0].is_overdue(await case.now()) and told(case, "first-visit")
    assert state.open_of("handoff"), "and so is the handoff that was never made"
