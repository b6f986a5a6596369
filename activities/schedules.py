"""Checks whether the Schedule of a Slot allows holding the Slot."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog

from activities.fhir import FhirClient, Resource, same_origin
from activities.ports import ClinicRefused, ClinicUnavailable, PlaceRequest

_log = structlog.get_logger(__name__)
_GONE: Resource = {"active": False}


class Schedules:
    """The Schedules used in one attempt, each read once."""

    def __init__(self, fhir: FhirClient, allowed: frozenset[str], level_system: str, request: PlaceRequest) -> None:
        """`allowed` are the only Schedules whose places may be held, e.g. `Schedule/12`; empty means all."""
        self._fhir = fhir
        self._allowed = allowed
        self._level_system = level_system
        self._request = request
        self._read: dict[str, Resource] = {}
        self._silent: dict[str, ClinicUnavailable] = {}

    async def allow(self, slot: Resource) -> bool:
        """Whether the Slot's Schedule is one of ours, in use, and of the level of care if it names levels.

        If the Schedule that a Slot points to does not exist, it counts as in use, because nothing says otherwise. A
        Schedule on another server cannot be checked, so its Slots are not held.

        Raises:
            ClinicUnavailable, ClinicRefused: The Schedule could not be read.
        """
        held = slot.get("schedule")
        address = held.get("reference") if isinstance(held, dict) else None
        if not isinstance(address, str):
            return not self._allowed
        if address.startswith("#"):
            return not self._allowed and self._is_in_use(_contained(slot, address[1:]))
        id_ = self._id_in(address)
        if id_ is None or not self._is_allowed(id_):
            _log.info("places.other-schedule", system=self._fhir.system)
            return False
        if id_ not in self._read:
            self._read[id_] = await self._answered(id_)
        return self._is_in_use(self._read[id_])

    async def of_the_level(self) -> list[Resource]:
        """Those that may be used and name this level of care, as far as a search finds them."""
        named = f"{self._level_system}|{self._request.level}"
        found = await self._fhir.search("Schedule", self._names_the_level, self._request.journey_id, service_type=named)
        return [each for each in found if self._is_allowed(str(each["id"])) and self._is_in_use(each)]

    def name_of(self, slot: Resource) -> str | None:
        """The Schedule of the Slot, such as `Schedule/12`; None where it has none of this server."""
        held = slot.get("schedule")
        address = held.get("reference") if isinstance(held, dict) else None
        id_ = self._id_in(address) if isinstance(address, str) else None
        return f"Schedule/{id_}" if id_ is not None else None

    def _is_allowed(self, id_: str) -> bool:
        return not self._allowed or f"Schedule/{id_}" in self._allowed

    def _names_the_level(self, schedule: Resource) -> bool:
        return states_level(schedule, self._level_system, self._request.level)

    def _is_in_use(self, schedule: Resource) -> bool:
        if schedule.get("active", True) is not True:
            return False
        codes = level_codes(schedule, self._level_system)
        return not codes or self._request.level in codes

    def _id_in(self, address: str) -> str | None:
        path = address.split("/_history")[0]
        if "://" in path:
            if not same_origin(path, self._fhir.base):
                return None
            path = urlsplit(path).path.removeprefix(urlsplit(self._fhir.base).path)
        kind, _, id_ = path.partition("/")
        return id_ if kind == "Schedule" and id_ and "/" not in id_ else None

    async def _answered(self, id_: str) -> Resource:
        """Asks a Schedule that does not answer no second time in this attempt."""
        if id_ in self._silent:
            raise self._silent[id_]
        try:
            return await self._found(id_)
        except ClinicUnavailable as error:
            self._silent[id_] = error
            raise

    async def _found(self, id_: str) -> Resource:
        try:
            return await self._fhir.read("Schedule", id_, journey=self._request.journey_id)
        except ClinicRefused as error:
            if error.code not in ("http-404", "http-410"):
                raise
            return _GONE if error.code == "http-410" else {}


def states_level(resource: Resource, system: str, level: str) -> bool:
    """Whether its service type names the level of care."""
    return level in level_codes(resource, system)


def level_codes(resource: Resource, system: str) -> set[Any]:
    """The codes of code system `system` in its service type."""
    concepts = resource.get("serviceType")
    held = [c.get("coding") for c in concepts if isinstance(c, dict)] if isinstance(concepts, list) else []
    codings = [coding for each in held if isinstance(each, list) for coding in each if isinstance(coding, dict)]
    codes = [c.get("code") for c in codings if c.get("system") == system]
    return {code for code in codes if isinstance(code, str)}


def _contained(slot: Resource, id_: str) -> Resource:
    held = slot.get("contained")
    found = [c for c in held if isinstance(c, dict) and c.get("id") == id_] if isinstance(held, list) else []
    return found[0] if found else {}
