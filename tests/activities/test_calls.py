"""What the activities make of a request before a port sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.calls import ClinicCalls
from activities.ports import Place, PlaceRequest
from domain.values import LevelOfCare

ASKED = datetime(2031, 3, 4, 9, tzinfo=UTC)
REQUEST = PlaceRequest(
    key="key-1",
    journey_id="journey-1",
    client_ref="client-1",
    level=LevelOfCare.PHP,
    wanted_from=ASKED,
    wanted_by=ASKED + timedelta(hours=24),
)


class NoPlaces:
    """Has no place, and notes when one was wanted."""

    def __init__(self) -> None:
        self.wanted: list[tuple[datetime, datetime]] = []

    async def hold(self, request: PlaceRequest) -> Place | None:
        self.wanted.append((request.wanted_from, request.wanted_by))
        return None

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


def _nothing() -> Any:
    return object()
