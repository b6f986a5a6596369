"""The places of the clinic, and how many of them a script shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from clinic.fhir_store import FhirStore, Resource
from clinic.fhir_values import bounds
from clinic.scripts import Places, Scripts

LEVEL_SYSTEM = "urn:throughline:level-of-care"
FACILITIES = {
    "OP": "Main Street Outpatient",
    "IOP": "Main Street Intensive Outpatient",
    "PHP": "Harbour Day Hospital",
    "INPATIENT": "County Psychiatric Unit",
}
OTHER_FACILITIES = {"PHP": "Hillside Day Hospital", "INPATIENT": "Lakeside Hospital"}
"""Who has places once the first facility has withdrawn its own."""
Criteria = Mapping[str, Sequence[str]]


class PlaceOpener:
    """Opens places for the times that searches ask about, because journeys may run on a virtual calendar."""

    def __init__(self, store: FhirStore, each: int) -> None:
        """`each` is how many places are opened at a level at a time."""
        self._store = store
        self._each = each

    def open_first(self) -> None:
        """Opens a Schedule and places at every level from the next full hour, unless there are places already."""
        if not self._store.search("Slot", {}):
            for level, facility in FACILITIES.items():
                self._store.write("Schedule", level.lower(), _schedule(level, facility))
                self._open(level, _next_hour(datetime.now(UTC)))

    def open_for(self, criteria: Criteria) -> None:
        """Opens places of the requested level if the requested time has none, free or taken."""
        level, wanted = _level(criteria), bounds(criteria.get("start", ()))
        if level not in FACILITIES or not wanted.is_closed:
            return
        start = _next_hour(datetime.fromtimestamp(wanted.first, UTC))
        in_time = {"service-type": criteria["service-type"], "start": criteria["start"]}
        if start.timestamp() <= wanted.last and not self._store.search("Slot", in_time):
            self._open(level, start)

    def withdraw(self, journey: str) -> int:
        """The facilities withdraw what they hold for a journey, and what they have free at the same time.

        Another facility, where the level has one, opens places an hour later. Returns how many were held.
        """
        held = self._store.search("Slot", {"identifier": journey, "status": "busy-tentative,busy"})
        for slot in held:
            for each in (slot, *self._free_beside(slot)):
                self._store.write("Slot", each["id"], {**each, "status": "busy-unavailable"})
            self._open_elsewhere(_level_of(slot), datetime.fromisoformat(slot["start"]) + timedelta(hours=1))
        return len(held)

    def _free_beside(self, slot: Resource) -> list[Resource]:
        """The free places of the same facility at the same time."""
        when = (f"ge{slot['start']}", f"le{slot['start']}")
        free = self._store.search("Slot", {"status": "free", "service-type": _level_of(slot), "start": when})
        return [each for each in free if each["schedule"] == slot["schedule"]]

    def _open_elsewhere(self, level: str, start: datetime) -> None:
        if (facility := OTHER_FACILITIES.get(level)) is not None:
            schedule = f"{level.lower()}-2"
            self._store.write("Schedule", schedule, _schedule(level, facility))
            self._open(level, start, schedule, facility)

    def _open(self, level: str, start: datetime, schedule: str | None = None, facility: str | None = None) -> None:
        place = _slot(level, schedule or level.lower(), facility or FACILITIES[level], start)
        for _ in range(self._each):
            self._store.write("Slot", None, place)


def shown_free(
    found: list[Resource], store: FhirStore, scripts: Scripts, names: tuple[str | None, ...], criteria: Criteria
) -> list[Resource]:
    """The part of `found` that the scripts show. Counts the search."""
    level = _level(criteria)
    asked = scripts.count_search(level, *names)
    script = scripts.of(*names).places.get(level, Places())
    if asked < script.from_search:
        return []
    everyone = scripts.of().places.get(level, Places()).available
    if everyone is not None:
        taken = store.count("Slot", status="busy-tentative,busy", service_type=level)
        found = found[: max(everyone - taken, 0)]
    scripted = any(level in scripts.given(n).get("places", {}) for n in scripts.known(names))
    own = script.available if scripted else None
    return found if own is None else found[:own]


def _level(criteria: Criteria) -> str:
    return next(iter(criteria.get("service-type", ())), "").rpartition("|")[2]


def _next_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _schedule(level: str, facility: str) -> Resource:
    return {
        "resourceType": "Schedule",
        "active": True,
        "serviceType": [{"coding": [{"system": LEVEL_SYSTEM, "code": level}]}],
        "actor": [{"display": facility}],
    }


def _level_of(slot: Resource) -> str:
    return str(slot["serviceType"][0]["coding"][0]["code"])


def _slot(level: str, schedule: str, facility: str, start: datetime) -> Resource:
    return {
        "resourceType": "Slot",
        "serviceType": [{"coding": [{"system": LEVEL_SYSTEM, "code": level}]}],
        "schedule": {"reference": f"Schedule/{schedule}", "display": facility},
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=3)).isoformat(),
    }
