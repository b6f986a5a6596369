from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.fhir import FhirClient
from activities.places import FhirPlaces
from activities.ports import ClinicUnavailable, Place, PlaceRequest
from tests.activities.holding import hold
from tests.clinic.process import ClinicProcess


def request(key: str = "key-1", journey_id: str = "journey-1", *, wanted_by: datetime | None = None) -> PlaceRequest:
    """Wanted early enough for any place that the clinic opens, unless the test says otherwise."""
    wanted_by = wanted_by or datetime.now(UTC) + timedelta(days=2)
    return PlaceRequest(
        key=key,
        journey_id=journey_id,
        client_ref="client-1",
        level="PHP",
        wanted_from=wanted_by - timedelta(days=2),
        wanted_by=wanted_by,
    )


@pytest.fixture
async def places(clinic: ClinicProcess) -> AsyncIterator[FhirPlaces]:
    adapter = FhirPlaces(FhirClient(f"{clinic.url}/fhir", "places"))
    yield adapter
    await adapter.aclose()


def held(clinic: ClinicProcess) -> list[dict[str, Any]]:
    return clinic.fhir("Slot", status="busy-tentative")


async def test_a_place_is_held_under_the_key(clinic: ClinicProcess, places: FhirPlaces) -> None:
    place = await hold(places, request())
    assert place is not None
    (slot,) = held(clinic)
    assert (slot["id"], slot["identifier"][0]["value"]) == (place.slot, "key-1")
    assert place.facility == "Harbour Day Hospital"


async def test_the_same_key_finds_the_same_place(clinic: ClinicProcess, places: FhirPlaces) -> None:
    assert await hold(places, request()) == await hold(places, request())
    assert len(clinic.ledger(system="places")) == 1


async def test_a_lost_answer_does_not_hold_a_second_place(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("*", quirks={"lost_answers": 1})
    with pytest.raises(ClinicUnavailable):
        await hold(places, request())
    assert await hold(places, request()) is not None
    assert len(held(clinic)) == 1


async def test_places_run_out_and_come_back(clinic: ClinicProcess, places: FhirPlaces) -> None:
    for number in range(4):
        assert await hold(places, request(f"key-{number}", f"journey-{number}")) is not None
    assert await hold(places, request("late", "journey-late")) is None
    await places.release("key-2", "journey-2")
    assert await hold(places, request("late", "journey-late")) is not None


async def test_release_gives_back_its_own_place_alone_and_may_be_repeated(
    clinic: ClinicProcess, places: FhirPlaces
) -> None:
    await hold(places, request("key-1"))
    other = await hold(places, request("key-2"))
    await places.release("key-1", "journey-1")
    await places.release("key-1", "journey-1")
    assert other is not None and [slot["id"] for slot in held(clinic)] == [other.slot]
    assert len(clinic.ledger(system="places")) == 3
    await places.release("key-2", "journey-1")
    assert all("identifier" not in slot for slot in clinic.fhir("Slot"))


async def test_rivals_never_get_the_same_place(clinic: ClinicProcess, places: FhirPlaces) -> None:
    wanted = [request(f"key-{n}", f"journey-{n}") for n in range(4)]
    found = await asyncio.gather(*(hold(places, one) for one in wanted))
    assert len({place.slot for place in found if place is not None}) == 4


@pytest.mark.parametrize("status", [409, 412])
async def test_a_conflict_moves_on_to_the_next_place(clinic: ClinicProcess, places: FhirPlaces, status: int) -> None:
    clinic.script("*", quirks={"conflicts": 2, "conflict_status": status})
    assert await hold(places, request()) is not None


async def test_conflicts_without_end_are_unavailable(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("*", quirks={"conflicts": 99})
    with pytest.raises(ClinicUnavailable):
        await hold(places, request())
    assert held(clinic) == []


async def test_pages_and_stale_searches(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("*", quirks={"page_size": 1, "search_cache": True})
    assert len({(await hold(places, request(f"k{n}", f"j{n}"))).slot for n in range(3)}) == 3  # type: ignore[union-attr]


async def test_scripted_scarcity(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("*", places={"PHP": {"available": 1}})
    assert await hold(places, request()) is not None
    assert await hold(places, request("other", "journey-2")) is None


async def test_none_for_one_client_leaves_the_others_alone(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("journey-1", places={"PHP": {"available": 0}})
    assert await hold(places, request()) is None
    assert await hold(places, request("other", "journey-2")) is not None


async def test_a_place_appears_on_the_third_search(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("MRN-7", aliases=["journey-1"], places={"PHP": {"from_search": 3}})
    found = [await hold(places, request()) is not None for _ in range(3)]
    assert found == [False, False, True]


def starting(clinic: ClinicProcess, *starts: datetime) -> list[str]:
    """Gives the free PHP places these starts; their ids in the same order."""
    slots = sorted(clinic.fhir("Slot", status="free", **{"service-type": "PHP"}), key=lambda slot: str(slot["id"]))
    for slot, start in zip(slots, starts, strict=True):
        given = {**slot, "start": start.isoformat(), "end": (start + timedelta(hours=3)).isoformat()}
        clinic.put(f"/fhir/Slot/{slot['id']}", json=given).raise_for_status()
    return [str(slot["id"]) for slot in slots]


async def test_a_place_that_was_reported_as_lost_is_not_held_again(clinic: ClinicProcess, places: FhirPlaces) -> None:
    first = await hold(places, request())
    assert first is not None
    await places.release("key-1", "journey-1")
    others = [str(slot["id"]) for slot in clinic.fhir("Slot", status="free", **{"service-type": "PHP"})]
    without = request("key-2").changed(lost=(first.slot,))
    again = await hold(places, without)
    assert again is not None and again.slot != first.slot
    assert await hold(places, request("key-3").changed(lost=tuple(others))) is None


async def test_the_earliest_place_is_held_and_none_that_starts_later_than_wanted(
    clinic: ClinicProcess, places: FhirPlaces
) -> None:
    wanted = datetime(2031, 5, 6, 12, 0, tzinfo=UTC)
    late, on_time, earliest, far = starting(
        clinic, wanted + timedelta(seconds=1), wanted, wanted - timedelta(hours=9), wanted + timedelta(days=40)
    )
    found = [await hold(places, request(f"k{n}", f"j{n}", wanted_by=wanted)) for n in range(3)]
    assert [place.slot if place else None for place in found] == [earliest, on_time, None]
    assert not {late, far} & {str(slot["id"]) for slot in held(clinic)}
    later = await hold(places, request("k3", "j3", wanted_by=wanted + timedelta(hours=1)))
    assert later is not None and later.slot == late


async def test_two_calls_under_one_key_end_with_one_place(clinic: ClinicProcess, places: FhirPlaces) -> None:
    clinic.script("*", ehr_delay=0.1)
    found = await asyncio.gather(hold(places, request("key-1")), hold(places, request("key-1")), return_exceptions=True)
    clinic.script("*", ehr_delay=0)
    assert any(isinstance(place, Place) for place in found)
    assert len(held(clinic)) == 1
