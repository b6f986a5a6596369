"""What each facility answered in one search for a place, as far as its Schedule tells."""

from __future__ import annotations

import asyncio

import structlog

from activities.fhir import Resource
from activities.ports import ClinicError
from activities.schedules import Schedules
from domain.plans import FacilityAnswer, SearchedFacility
from domain.values import Instant

_log = structlog.get_logger(__name__)
_PATIENCE_SECONDS = 5.0


class Facilities:
    """The facilities of one search: those whose free Slots were found, and those that have none in time."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules
        self._found: dict[str, SearchedFacility] = {}

    def free(self, slot: Resource, starts_at: Instant | None) -> None:
        """It has this place. The earliest of several counts."""
        held = self._found.get(self._key(slot))
        if held is None or held.starts_at is None or (starts_at is not None and starts_at < held.starts_at):
            self._keep(slot, FacilityAnswer.FREE, starts_at)

    def unanswered(self, slot: Resource) -> None:
        """Its Schedule could not be read."""
        self._keep(slot, FacilityAnswer.NO_ANSWER, None)

    async def all(self) -> tuple[SearchedFacility, ...]:
        """With those that offer the level and have nothing in time; without them if the system does not list them."""
        found = {**{key: _none(name) for key, name in (await self._offering()).items()}, **self._found}
        return tuple(sorted(found.values(), key=lambda each: each.facility))

    async def _offering(self) -> dict[str, str]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return {f"Schedule/{each['id']}": _named(each) for each in await self._schedules.of_the_level()}
        except (ClinicError, TimeoutError) as error:
            _log.warning("places.facilities-not-listed", error=type(error).__name__)
            return {}

    def _keep(self, slot: Resource, answer: FacilityAnswer, starts_at: Instant | None) -> None:
        said = SearchedFacility(facility=facility_of(slot), answer=answer, starts_at=starts_at)
        self._found[self._key(slot)] = said

    def _key(self, slot: Resource) -> str:
        return self._schedules.name_of(slot) or facility_of(slot)


def facility_of(slot: Resource) -> str:
    """The name of the facility that has the Slot."""
    schedule = slot.get("schedule")
    named = schedule if isinstance(schedule, dict) else {}
    return str(named.get("display") or named.get("reference") or "unnamed facility")


def _named(schedule: Resource) -> str:
    actors = schedule.get("actor")
    names = [each.get("display") for each in actors if isinstance(each, dict)] if isinstance(actors, list) else []
    return str(next((name for name in names if name), f"Schedule/{schedule['id']}"))


def _none(name: str) -> SearchedFacility:
    return SearchedFacility(facility=name, answer=FacilityAnswer.NONE_IN_TIME)
