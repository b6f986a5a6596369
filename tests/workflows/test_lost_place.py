"""A place that falls through, on the real parts: noticed or reported, given back, and found again elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from clinic.slots import OTHER_FACILITIES
from domain.pathway.lost_place import PlaceLost, ReportPlaceLost
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.pathway.moves import INTERIM_CONTACT
from domain.pathway.obligation_events import ObligationEscalated
from domain.plans import Actor, FacilityAnswer, Transition
from domain.values import Role, Stage
from tests.workflows.house import Case, House
from tests.workflows.paths import IOP, PHP, enrol

pytestmark = pytest.mark.stack

HARBOUR, HILLSIDE = "Harbour Day Hospital", OTHER_FACILITIES["PHP"]
CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)


def open_place(house: House, start: datetime, facility: str = HARBOUR) -> str:
    slot = {
        "resourceType": "Slot",
        "serviceType": [{"coding": [{"system": "urn:throughline:level-of-care", "code": PHP}]}],
        "schedule": {"reference": "Schedule/php", "display": facility},
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=3)).isoformat(),
    }
    made = house.clinic.post("/fhir/Slot", json=slot).raise_for_status().json()
    return str(made["id"])


async def moving_up(house: House, *hours: int) -> Case:
    """A client moves up to PHP, weeks after any other place at the clinic; one place for each of `hours` is free."""
    case = await house.admit()
    await enrol(case, IOP)
    await case.later(weeks=5)
    now = await case.now()
    for each in hours:
        open_place(house, now + timedelta(hours=each))
    await case.do(RequestStepUp, to=PHP, reason="worse")
    await case.settled()
    return case


async def move_of(case: Case) -> Transition:
    move = (await case.state()).moves.current
    assert move is not None
    return move


def held_for(house: House, case: Case) -> list[dict[str, Any]]:
    found = house.clinic.fhir("Slot", identifier=case.id)
    return [slot for slot in found if slot["status"] == "busy-tentative"]


async def test_a_place_that_its_facility_withdraws_is_noticed_and_found_again_elsewhere_after_rolling_over(
    house: House,
) -> None:
    case = await moving_up(house, 20)
    first = await move_of(case)
    assert first.place == HARBOUR
    assert house.clinic.post(f"/places/{case.id}/withdraw").json() == {"withdrawn": 1}
    await case.roll_over()
    await case.later(hours=5)
    move = await move_of(case)
    assert (move.place, move.due_at) == (HILLSIDE, first.due_at)
    [lost] = [event for event in await case.record() if isinstance(event, PlaceLost)]
    assert (lost.facility, lost.by, lost.replaced) == (HARBOUR, None, True)
    assert (await case.state()).open_of(INTERIM_CONTACT.kind), "the client is told where to go instead"
    [held] = held_for(house, case)
    assert held["schedule"]["display"] == HILLSIDE
    await case.do(ConfirmArrival)
    assert (await case.settled()).stage is Stage.EXTERNAL


async def test_a_place_that_staff_report_as_lost_is_not_held_again_though_the_facility_still_shows_it(
    house: House,
) -> None:
    case = await moving_up(house, 3, 6)
    first = await move_of(case)
    await case.do(ReportPlaceLost, reason="their group is full after all", by=CASE_MANAGER)
    await case.settled()
    move = await move_of(case)
    assert move.place_id is not None and move.place_id != first.place_id and move.lost == (first.place_id,)
    [held] = held_for(house, case)
    assert held["id"] == move.place_id
    [given_back] = house.clinic.fhir("Slot", _id=str(first.place_id))
    assert given_back["status"] == "free" and "identifier" not in given_back
    told = [event for event in await case.record() if isinstance(event, ObligationEscalated)]
    assert (Role.CASE_MANAGER, "interim-contact-1") in {(each.to, each.obligation) for each in told}


async def test_a_place_that_is_still_there_is_asked_about_and_kept(house: House) -> None:
    case = await moving_up(house, 20)
    before = await move_of(case)
    assert (HARBOUR, FacilityAnswer.FREE) in {(each.facility, each.answer) for each in before.facilities}
    await case.later(hours=9)
    after = await move_of(case)
    assert after.checks == 2 and (after.place, after.place_id) == (before.place, before.place_id)
    assert len(held_for(house, case)) == 1
