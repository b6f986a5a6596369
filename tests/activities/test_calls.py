"""What the activities make of a request before a port sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.calls import ClinicCalls
from activities.places import FhirPlaces
from activities.ports import PlaceRequest, PlaceSearch
from domain.pathway.calls import PlaceAnswer
from tests.activities.foreign import ForeignFhir, slot

ASKED = datetime(2031, 3, 4, 9, tzinfo=UTC)
REQUEST = PlaceRequest(
    key="key-1",
    journey_id="journey-1",
    client_ref="client-1",
    level="PHP",
    wanted_from=ASKED,
    wanted_by=ASKED + timedelta(hours=24),
)


class NoPlaces:
    """Has no place, and notes when one was wanted."""

    def __init__(self) -> None:
        self.wanted: list[tuple[datetime, datetime]] = []

    async def hold(self, request: PlaceRequest) -> PlaceSearch:
        self.wanted.append((request.wanted_from, request.wanted_by))
        return PlaceSearch(place=None)

    async def release(self, key: str, journey_id: str) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(("waited", "counted"), [(0, 0), (40, 40), (-5, 0)])
async def test_the_earliest_start_moves_on_while_a_search_is_repeated(waited: int, counted: int) -> None:
    places, nothing = NoPlaces(), _nothing()
    scheduled = datetime(2031, 3, 4, 9, 0, 1, tzinfo=UTC)
    environment = ActivityEnvironment()
    started = scheduled + timedelta(minutes=waited)
    environment.info = replace(environment.info, scheduled_time=scheduled, started_time=started)
    await environment.run(ClinicCalls(nothing, nothing, places, nothing).hold_place, REQUEST)
    assert places.wanted == [(ASKED + timedelta(minutes=counted), REQUEST.wanted_by)]


async def test_a_place_whose_start_passes_while_the_search_is_repeated_is_given_back() -> None:
    server, nothing = ForeignFhir(writes="lost"), _nothing()
    server.put("Slot", "soon", **slot(ASKED + timedelta(minutes=30), level="PHP"))
    calls = ClinicCalls(nothing, nothing, FhirPlaces(server.client("places")), nothing)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, scheduled_time=ASKED, started_time=ASKED)
    with pytest.raises(ApplicationError, match="places/http-503"):
        await environment.run(calls.hold_place, REQUEST)
    assert server.get("Slot", "soon")["status"] == "busy-tentative"
    server.habits.writes = "kept"
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, scheduled_time=ASKED, started_time=ASKED + timedelta(minutes=40))
    assert (await environment.run(calls.hold_place, REQUEST)).answer == PlaceAnswer()
    assert server.get("Slot", "soon")["status"] == "free"


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("120", 120), ("0", None), ("1", 8), ("86400", 900), ("soon", None), ("-5", None), (None, None)],
)
async def test_a_system_that_says_when_to_come_back_is_asked_again_then(given: str | None, seconds: int | None) -> None:
    server, nothing = ForeignFhir(fails=("Slot/_search", 429), retry_after=given), _nothing()
    calls = ClinicCalls(nothing, nothing, FhirPlaces(server.client("places")), nothing)
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=4)
    with pytest.raises(ApplicationError) as caught:
        await environment.run(calls.hold_place, REQUEST)
    assert caught.value.type == "places/http-429"
    assert caught.value.next_retry_delay == (None if seconds is None else timedelta(seconds=seconds))


def _nothing() -> Any:
    return object()
