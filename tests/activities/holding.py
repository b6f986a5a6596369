"""Holding a place, for tests that ask only which."""

from __future__ import annotations

from activities.places import FhirPlaces
from activities.ports import Place, PlaceRequest


async def hold(places: FhirPlaces, request: PlaceRequest) -> Place | None:
    """The place that is held now, if any."""
    return (await places.hold(request)).place
