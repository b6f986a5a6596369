"""The places there are, and how many of them a script lets be seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from clinic.fhir_store import FhirStore, Resource
from clinic.scripts import Places, Scripts

LEVEL_SYSTEM = "urn:throughline:level-of-care"
FACILITIES = {
    "OP": "Main Street Outpatient",
    "IOP": "Main Street Intensive Outpatient",
    "PHP": "Harbour Day Hospital",
    "INPATIENT": "County Psychiatric Unit",
}


def open_places(store: FhirStore, each: int) -> None:
    """Opens `each` places at every level, from the next full hour on, unless there are places already."""
    if store.search("Slot", {}):
        return
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    for level, facility in FACILITIES.items():
        for _ in range(each):
            store.write("Slot", None, _slot(level, facility, start))


def shown_free(
    found: list[Resource],
    store: FhirStore,
    scripts: Scripts,
    names: tuple[str | None, ...],
    criteria: Mapping[str, str],
) -> list[Resource]:
    """`found` as far as the scripts let it be seen; counts the search."""
    level = criteria.get("service-type", "").rpartition("|")[2]
    asked = scripts.count_search(level, *names)
    script = scripts.of(*names).places.get(level, Places())
    if asked < script.from_search:
        return []
    everyone = scripts.of().places.get(level, Places()).available
    if everyone is not None:
        taken = [s for s in store.search("Slot", {"status": "busy-tentative,busy"}) if _level(s) == level]
        found = found[: max(everyone - len(taken), 0)]
    scripted = any(level in scripts.given(n).get("places", {}) for n in scripts.known(names))
    own = script.available if scripted else None
    return found if own is None else found[:own]


def _level(slot: Resource) -> str:
    return str(slot["serviceType"][0]["coding"][0]["code"])


def _slot(level: str, facility: str, start: datetime) -> Resource:
    return {
        "resourceType": "Slot",
        "serviceType": [{"coding": [{"system": LEVEL_SYSTEM, "code": level}]}],
        "schedule": {"reference": f"Schedule/{level.lower()}", "display": facility},
        "status": "free",
        "start": start.isoformat(),
        "end": (start + timedelta(hours=3)).isoformat(),
    }
