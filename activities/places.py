"""Beds and programme places as FHIR R4 Slots: found free, held `busy-tentative` under our key, given back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from activities.fhir import FhirClient, Resource, VersionConflict, bears, identifiers, taking_turns
from activities.ports import Place, PlaceRequest
from domain.values import Instant

HOLD = "urn:throughline:hold"
JOURNEY = "urn:throughline:journey"
LEVEL = "urn:throughline:level-of-care"
_HELD = ("busy-tentative", "busy")
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
        """Holds the free place that starts earliest; None if none starts in the time wanted.

        Repeated under the same key it returns the place already held. A held place that no longer starts in the time
        wanted is given back and another is looked for.

        Raises:
            ClinicUnavailable: No answer, one that leaves open whether there is a place, or others took each place that
                was tried.
            ClinicRefused: The scheduling system does not accept what was sent.
        """
        if (place := await self._already_held(request)) is not None:
            return place
        for _ in range(_ROUNDS):
            free = await self._free(request)
            if not free:
                return None
            if await self._take_first(free, request):
                return _place(await self._only_one(request))
        raise VersionConflict(self._fhir.system, "all-taken", "Others took each place first; repeated.")

    async def release(self, key: str, journey_id: str) -> None:
        """Gives back what is held under `key`; nothing held is fine. Raises as `hold` does."""
        for slot in await self._marked(key, journey_id):
            await self._let_go(slot, key, journey_id)

    async def _already_held(self, request: PlaceRequest) -> Place | None:
        for slot in await self._held(request):
            if _starts_in_time(slot, request):
                return _place(slot)
            await self._let_go(slot, request.key, request.journey_id)
        return None

    async def _free(self, request: PlaceRequest) -> list[Resource]:
        found = await self._fhir.search(
            "Slot",
            lambda slot: self._is_usable(slot, request),
            request.journey_id,
            status="free",
            service_type=f"{self._level_system}|{request.level.value}",
            start=(f"ge{_seconds(request.wanted_from)}", f"le{_seconds(request.wanted_by + timedelta(seconds=1))}"),
        )
        return sorted(found, key=lambda slot: (_moment(slot.get("start")) or request.wanted_by, str(slot["id"])))

    def _is_usable(self, slot: Resource, request: PlaceRequest) -> bool:
        is_free = slot.get("status") == "free" and slot.get("overbooked") is not True
        return is_free and self._is_of(request.level.value, slot) and _starts_in_time(slot, request)

    def _is_of(self, level: str, slot: Resource) -> bool:
        concepts = slot.get("serviceType")
        held = [c.get("coding") for c in concepts if isinstance(c, dict)] if isinstance(concepts, list) else []
        codings = [coding for each in held if isinstance(each, list) for coding in each if isinstance(coding, dict)]
        return any((c.get("system"), c.get("code")) == (self._level_system, level) for c in codings)

    async def _only_one(self, request: PlaceRequest) -> Resource:
        """Two calls may run under one key, the first given up on unseen: the place held first stays, others go back."""
        in_time = [slot for slot in await self._held(request) if _starts_in_time(slot, request)]
        held = sorted(in_time, key=_held_since)
        if not held:
            raise VersionConflict(self._fhir.system, "all-taken", "The place was given back again; repeated.")
        for slot in held[1:]:
            await self._let_go(slot, request.key, request.journey_id)
        return held[0]

    async def _take_first(self, free: list[Resource], request: PlaceRequest) -> bool:
        for candidate in free:
            try:
                if await self._take(str(candidate["id"]), request):
                    return True
            except VersionConflict:
                continue
        return False

    async def _take(self, id_: str, request: PlaceRequest) -> bool:
        slot = await self._fhir.read("Slot", id_, journey=request.journey_id, listed=True)
        if not self._is_usable(slot, request):
            return False
        await self._fhir.update(_held(slot, request), key=request.key, journey=request.journey_id)
        written = await self._fhir.read("Slot", id_, journey=request.journey_id)
        return bears(written, HOLD, request.key)

    async def _held(self, request: PlaceRequest) -> list[Resource]:
        return [s for s in await self._marked(request.key, request.journey_id) if s.get("status") in _HELD]

    async def _marked(self, key: str, journey_id: str) -> list[Resource]:
        found = await self._fhir.search(
            "Slot", lambda slot: bears(slot, HOLD, key), journey_id, identifier=f"{HOLD}|{key}"
        )
        current = [await self._fhir.read("Slot", str(s["id"]), journey=journey_id, listed=True) for s in found]
        return [slot for slot in current if bears(slot, HOLD, key) and slot.get("status") != "free"]

    async def _let_go(self, slot: Resource, key: str, journey_id: str) -> None:
        await taking_turns(lambda: self._give_back(str(slot["id"]), key, journey_id))

    async def _give_back(self, id_: str, key: str, journey_id: str) -> None:
        slot = await self._fhir.read("Slot", id_, journey=journey_id)
        if bears(slot, HOLD, key):
            await self._fhir.update(_released(slot), key=f"{key}/given-back", journey=journey_id)


def _held(slot: Resource, request: PlaceRequest) -> Resource:
    ours = [{"system": HOLD, "value": request.key}, {"system": JOURNEY, "value": request.journey_id}]
    return {**slot, "status": "busy-tentative", "identifier": [*_foreign(slot), *ours]}


def _released(slot: Resource) -> Resource:
    """Free again and without our marks. A place that its facility withdrew while we held it stays withdrawn."""
    status = "free" if slot.get("status") in _HELD else slot.get("status")
    freed = {**slot, "status": status, "identifier": _foreign(slot)}
    return freed if freed["identifier"] else {k: v for k, v in freed.items() if k != "identifier"}


def _foreign(slot: Resource) -> list[Resource]:
    return [i for i in identifiers(slot) if i.get("system") not in (HOLD, JOURNEY)]


def _held_since(slot: Resource) -> tuple[str, str]:
    meta = slot.get("meta")
    return str(meta.get("lastUpdated", "") if isinstance(meta, dict) else ""), str(slot.get("id"))


def _starts_in_time(slot: Resource, request: PlaceRequest) -> bool:
    """Whether it says when it starts, with a time zone, within the time wanted, and does not end before it starts."""
    start = _moment(slot.get("start"))
    if start is None or not request.wanted_from <= start <= request.wanted_by:
        return False
    end = _moment(slot.get("end"))
    return "end" not in slot or (end is not None and end > start)


def _moment(text: object) -> Instant | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment


def _seconds(moment: Instant) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _place(slot: Resource) -> Place:
    start = _moment(slot.get("start"))
    if start is None:
        raise ValueError("a place is held only if it says when it starts")
    schedule = slot.get("schedule")
    named = schedule if isinstance(schedule, dict) else {}
    facility = str(named.get("display") or named.get("reference") or "unnamed facility")
    return Place(slot=str(slot["id"]), facility=facility, starts_at=start)
