"""Checks whether the Schedule of a Slot allows holding the Slot."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import structlog

from activities.fhir import FhirClient, Resource, same_origin
from activities.ports import ClinicRefused, PlaceRequest

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
        if id_ is None or (self._allowed and f"Schedule/{id_}" not in self._allowed):
            _log.info("places.other-schedule", system=self._fhir.system)
            return False
        if id_ not in self._read:
            self._read[id_] = await self._found(id_)
        return self._is_in_use(self._read[id_])

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
