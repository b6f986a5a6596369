"""A search for a place over several facilities: the earliest of all is held, and each says what it has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.calls import ClinicCalls
from activities.places import FhirPlaces
from activities.ports import ClinicUnavailable, PlaceRequest
from domain.pathway.calls import PlaceAnswer
from domain.plans import FacilityAnswer, SearchedFacility
from tests.activities.foreign import ForeignFhir, Resource, slot

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
HARBOUR, HILLSIDE, LAKESIDE = "Harbour Day Hospital", "Hillside Day Hospital", "Lakeside Hospital"
NAMES = {"harbour": HARBOUR, "hillside": HILLSIDE, "lakeside": LAKESIDE}
WANTED = PlaceRequest(
    key="key-1",
    journey_id="journey-1",
    client_ref="client-1",
    level="IOP",
    wanted_from=NOW,
    wanted_by=NOW + 24 * HOUR,
)


def free_at(facility: str, start: datetime) -> Resource:
    return slot(start, schedule={"reference": f"Schedule/{facility}", "display": NAMES[facility]})


def three_facilities(**habits: Any) -> ForeignFhir:
    """Harbour has places in 5 and 9 hours, Hillside in 3, Lakeside in two days."""
    server = ForeignFhir(**habits)
    for id_, name in NAMES.items():
        server.put("Schedule", id_, actor=[{"display": name}], serviceType=slot(NOW)["serviceType"])
    server.put("Slot", "a", **free_at("harbour", NOW + 9 * HOUR))
    server.put("Slot", "b", **free_at("harbour", NOW + 5 * HOUR))
    server.put("Slot", "c", **free_at("hillside", NOW + 3 * HOUR))
    server.put("Slot", "d", **free_at("lakeside", NOW + 48 * HOUR))
    return server


def places(server: ForeignFhir, *schedules: str) -> FhirPlaces:
    return FhirPlaces(server.client("places"), schedules=schedules)


def answers(found: tuple[SearchedFacility, ...]) -> dict[str, tuple[str, datetime | None]]:
    return {each.facility: (each.answer, each.starts_at) for each in found}


async def test_the_earliest_place_of_all_facilities_is_held_and_each_says_what_it_has() -> None:
    found = await places(three_facilities()).hold(WANTED)
    assert found.place is not None and (found.place.slot, found.place.facility) == ("c", HILLSIDE)
    assert answers(found.facilities) == {
        HARBOUR: (FacilityAnswer.FREE, NOW + 5 * HOUR),
        HILLSIDE: (FacilityAnswer.FREE, NOW + 3 * HOUR),
        LAKESIDE: (FacilityAnswer.NONE_IN_TIME, None),
    }


async def test_where_none_has_a_place_in_time_each_says_so() -> None:
    server = three_facilities()
    for id_ in ("a", "b", "c"):
        server.delete("Slot", id_)
    found = await places(server).hold(WANTED)
    assert found.place is None
    assert answers(found.facilities) == {name: (FacilityAnswer.NONE_IN_TIME, None) for name in NAMES.values()}


async def test_a_facility_that_does_not_answer_does_not_keep_the_others_from_being_searched() -> None:
    found = await places(three_facilities(fails=("Schedule/hillside", 503))).hold(WANTED)
    assert found.place is not None and found.place.slot == "b"
    assert answers(found.facilities)[HILLSIDE] == (FacilityAnswer.NO_ANSWER, None)
    assert answers(found.facilities)[HARBOUR] == (FacilityAnswer.FREE, NOW + 5 * HOUR)


async def test_while_one_does_not_answer_and_no_other_has_a_place_it_is_not_said_that_there_is_none() -> None:
    server = three_facilities(fails=("Schedule/hillside", 503))
    for id_ in ("a", "b"):
        server.delete("Slot", id_)
    with pytest.raises(ClinicUnavailable):
        await places(server).hold(WANTED)


async def test_only_the_schedules_that_the_centre_allows_are_searched_and_named() -> None:
    found = await places(three_facilities(), "Schedule/harbour").hold(WANTED)
    assert found.place is not None and found.place.slot == "b"
    assert set(answers(found.facilities)) == {HARBOUR}


async def test_a_schedule_out_of_use_or_of_another_level_is_not_named() -> None:
    server = three_facilities()
    server.put("Schedule", "closed", actor=[{"display": "Closed"}], active=False, **_of_level("IOP"))
    server.put("Schedule", "day", actor=[{"display": "Other"}], **_of_level("PHP"))
    assert set(answers((await places(server).hold(WANTED)).facilities)) == set(NAMES.values())


def _of_level(level: str) -> Resource:
    return {"serviceType": slot(NOW, level=level)["serviceType"]}


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_system_that_lists_no_schedules_still_holds_the_place(status: int) -> None:
    found = await places(three_facilities(fails=("Schedule/_search", status))).hold(WANTED)
    assert found.place is not None and found.place.slot == "c"
    assert set(answers(found.facilities)) == {HARBOUR, HILLSIDE}


async def test_the_journey_is_told_what_each_facility_answered() -> None:
    nothing: Any = object()
    calls = ClinicCalls(nothing, nothing, places(three_facilities()), nothing)
    answer = (await ActivityEnvironment().run(calls.hold_place, WANTED)).answer
    assert isinstance(answer, PlaceAnswer) and answer.facility == HILLSIDE
    assert [each.facility for each in answer.facilities] == [HARBOUR, HILLSIDE, LAKESIDE]
