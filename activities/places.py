"""Beds and programme places as FHIR R4 Slots: found free, held `busy-tentative` under our key, given back."""

from __future__ import annotations

from datetime import datetime

from activities.fhir import FhirClient, Resource, VersionConflict, identifiers, taking_turns
from activities.ports import Place, PlaceRequest
from domain.values import Instant

HOLD = "urn:throughline:hold"
JOURNEY = "urn:throughline:journey"
LEVEL = "urn:throughline:level-of-care"
_ROUNDS = 3


class FhirPlaces:
    """A `Places` over FHIR Slots whose service type is the level of care."""

    def __init__(self, fhir: FhirClient, *, level_system: str = LEVEL) -> None:
        """`level_system` is the code system of Slot.serviceType."""
        self._fhir = fhir
        self._level_system = level_system

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._fhir.aclose()

    async def hold(self, request: PlaceRequest) -> Place | None:
        """Holds the free place that starts earliest; None if none starts by `wanted_by`.

        Repeated under the same key it returns the place already held.

        Raises:
            ClinicUnavailable: No answer, or others took each place that was tried.
            ClinicRefused: The scheduling system does not accept what was sent.
        """
        held = await self._marked(HOLD, request.key, request.journey_id)
        if held:
            return _place(held[0])
        for _ in range(_ROUNDS):
            free = await self._free(request)
            if not free:
                return None
            if await self._take_first(free, request) is not None:
                return _place(await self._only_one(request))
        raise VersionConflict(self._fhir.system, "all-taken", "Others took each place first; repeated.")

    async def release(self, key: str, journey_id: str) -> None:
        """Gives back what is held under `key`; nothing held is fine. Raises as `hold` does."""
        for slot in await self._marked(HOLD, key, journey_id):
            await self._let_go(str(slot["id"]), key, journey_id)

    async def _free(self, request: PlaceRequest) -> list[Resource]:
        level = f"{self._level_system}|{request.level.value}"
        found = await self._fhir.search("Slot", request.journey_id, status="free", service_type=level)
        usable = [slot for slot in found if slot.get("status") == "free" and _starts_by(slot, request.wanted_by)]
        return sorted(usable, key=lambda slot: (str(_starts(slot)), str(slot.get("id"))))

    async def _only_one(self, request: PlaceRequest) -> Resource:
        """Two calls may run under one key, the first given up on unseen: the place held first stays, others go back."""
        held = sorted(await self._marked(HOLD, request.key, request.journey_id), key=_held_since)
        if not held:
            raise VersionConflict(self._fhir.system, "all-taken", "The place was given back meanwhile; repeated.")
        for slot in held[1:]:
            await self._let_go(str(slot["id"]), request.key, request.journey_id)
        return held[0]

    async def _take_first(self, free: list[Resource], request: PlaceRequest) -> Resource | None:
        for candidate in free:
            slot = await self._fhir.read("Slot", str(candidate["id"]), journey=request.journey_id)
            if slot.get("status") != "free":
                continue
            try:
                await self._fhir.update(_held(slot, request), key=request.key, journey=request.journey_id)
            except VersionConflict:
                continue
            written = await self._fhir.read("Slot", str(slot["id"]), journey=request.journey_id)
            if _bears(written, HOLD, request.key):
                return written
        return None

    async def _marked(self, system: str, value: str, journey_id: str) -> list[Resource]:
        found = await self._fhir.search("Slot", journey_id, identifier=f"{system}|{value}")
        current = [await self._fhir.read("Slot", str(slot["id"]), journey=journey_id) for slot in found]
        return [slot for slot in current if _bears(slot, system, value) and slot.get("status") != "free"]

    async def _let_go(self, id_: str, key: str, journey_id: str) -> None:
        await taking_turns(lambda: self._give_back(id_, key, journey_id))

    async def _give_back(self, id_: str, key: str, journey_id: str) -> None:
        slot = await self._fhir.read("Slot", id_, journey=journey_id)
        if _bears(slot, HOLD, key):
            await self._fhir.update(_released(slot), key=f"{key}/given-back", journey=journey_id)


def _held(slot: Resource, request: PlaceRequest) -> Resource:
    ours = [{"system": HOLD, "value": request.key}, {"system": JOURNEY, "value": request.journey_id}]
    return {**slot, "status": "busy-tentative", "identifier": [*_foreign(slot), *ours]}


def _released(slot: Resource) -> Resource:
    freed = {**slot, "status": "free", "identifier": _foreign(slot)}
    return freed if freed["identifier"] else {k: v for k, v in freed.items() if k != "identifier"}


def _foreign(slot: Resource) -> list[Resource]:
    return [i for i in identifiers(slot) if i.get("system") not in (HOLD, JOURNEY)]


def _bears(slot: Resource, system: str, value: str) -> bool:
    return any(i.get("system") == system and i.get("value") == value for i in identifiers(slot))


def _held_since(slot: Resource) -> tuple[str, str]:
    meta = slot.get("meta")
    return str(meta.get("lastUpdated", "") if isinstance(meta, dict) else ""), str(slot.get("id"))


def _starts(slot: Resource) -> Instant | None:
    try:
        start = datetime.fromisoformat(str(slot.get("start")))
    except ValueError:
        return None
    return start if start.tzinfo is not None else None


def _starts_by(slot: Resource, wanted_by: Instant) -> bool:
    start = _starts(slot)
    return start is not None and start <= wanted_by


def _place(slot: Resource) -> Place | None:
    schedule = slot.get("schedule")
    named = schedule if isinstance(schedule, dict) else {}
    start = _starts(slot)
    facility = str(named.get("display") or named.get("reference") or "unnamed facility")
    return None if start is None else Place(slot=str(slot["id"]), facility=facility, starts_at=start)
