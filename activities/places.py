"""Beds and programme places as FHIR R4 Slots: finds a free one, holds it `busy-tentative` under our key, gives it
back."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from activities.facilities import Facilities, facility_of
from activities.fhir import FhirClient, Resource, VersionConflict, bears, identifiers, named, taking_turns
from activities.ports import ClinicUnavailable, Place, PlaceRequest, PlaceSearch
from activities.schedules import Schedules, states_level
from domain.values import Instant

HOLD = "urn:throughline:hold"
JOURNEY = "urn:throughline:journey"
LEVEL = "urn:throughline:level-of-care"
_HELD = ("busy-tentative", "busy")
_ROUNDS = 3


class FhirPlaces:
    """A `Places` over FHIR Slots whose service type is the level of care."""

    def __init__(
        self,
        fhir: FhirClient,
        *,
        level_system: str = LEVEL,
        schedules: Collection[str] = (),
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`level_system` is the code system of Slot.serviceType.

        `schedules` are the only Schedules whose places may be held, e.g. `Schedule/12`; empty means all. `elapsed` is a
        running clock in seconds.
        """
        self._fhir = fhir
        self._level_system = level_system
        self._schedules = frozenset(schedules)
        self._elapsed = elapsed

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._fhir.aclose()

    async def hold(self, request: PlaceRequest) -> PlaceSearch:
        """Holds the free place that starts earliest, over all facilities; none if none starts in the time wanted.

        A facility whose Schedule does not answer does not keep the others from being searched.

        Repeated under the same key, it returns the place already held. If that no longer starts in the time wanted, or
        can no longer be used, it is given back and another is searched for. The current time moves on from
        `wanted_from` during the call.

        Raises:
            ClinicUnavailable: No answer, an answer that does not show whether there is a place, no place at the
                facilities that answered while another did not, or others took each place first; `start-passed` if a
                place's start passed while it was being held.
            ClinicRefused: The scheduling system does not accept what was sent.
        """
        return await _Hold(self._fhir, request, self._level_system, self._schedules, self._elapsed).search()

    async def release(self, key: str, journey_id: str) -> None:
        """Gives back what is held under `key`, if anything. Raises as `hold` does."""
        for slot in await marked(self._fhir, key, journey_id, self._fhir.now()):
            await let_go(self._fhir, slot, key, journey_id)


class _Hold:
    """One attempt to hold a place."""

    def __init__(
        self,
        fhir: FhirClient,
        request: PlaceRequest,
        level_system: str,
        schedules: frozenset[str],
        elapsed: Callable[[], float],
    ) -> None:
        self._fhir = fhir
        self._request = request
        self._level_system = level_system
        self._schedules = Schedules(fhir, schedules, level_system, request)
        self._facilities = Facilities(self._schedules)
        self._elapsed = elapsed
        self._began = elapsed()

    async def search(self) -> PlaceSearch:
        if (slot := await self._already_held()) is not None:
            return PlaceSearch(place=_place(slot))
        place = await self._place()
        return PlaceSearch(place=place, facilities=await self._facilities.all())

    async def _place(self) -> Place | None:
        for _ in range(_ROUNDS):
            free = await self._free()
            if not free:
                return None
            if (taken := await self._take_first(free)) is not None:
                return _place(await self._only_one(taken))
        raise VersionConflict(self._fhir.system, "all-taken", "Others took each place first; repeated.")

    @property
    def _present(self) -> Instant:
        return self._request.wanted_from + timedelta(seconds=int(self._elapsed() - self._began))

    async def _already_held(self) -> Resource | None:
        for slot in await self._held():
            if await self._is_usable(slot):
                return slot
            await self._let_go(slot)
        return None

    async def _free(self) -> list[Resource]:
        request = self._request
        found = await self._fhir.search(
            "Slot",
            self._is_of_level,
            request.journey_id,
            status="free",
            service_type=f"{self._level_system}|{request.level}",
            start=(f"ge{_seconds(self._present)}", f"le{_seconds(request.wanted_by + timedelta(seconds=1))}"),
        )
        # A lagging index may list a place that we already hold as free: it comes first.
        open_to_us = [slot for slot in found if slot.get("status") == "free" or self._is_ours(slot)]
        return sorted(await self._usable(open_to_us), key=self._rank)

    async def _usable(self, slots: list[Resource]) -> list[Resource]:
        """Those that may be held. One whose Schedule does not answer is left out if another may be."""
        usable, silent = [], None
        for slot in slots:
            try:
                if await self._is_usable(slot):
                    usable.append(slot)
                    self._facilities.free(slot, _moment(slot.get("start")))
            except ClinicUnavailable as error:
                silent = error
                self._facilities.unanswered(slot)
        if silent is not None and not usable:
            raise silent
        return usable

    def _rank(self, slot: Resource) -> tuple[bool, Instant, str]:
        return not self._is_ours(slot), _moment(slot.get("start")) or self._request.wanted_by, str(slot["id"])

    async def _is_usable(self, slot: Resource) -> bool:
        """Whether it may be held for this request, apart from its status."""
        is_open = slot.get("overbooked") in (None, False) and str(slot["id"]) not in self._request.lost
        if not is_open or not self._is_of_level(slot) or not self._starts_in_time(slot):
            return False
        return await self._schedules.allow(slot)

    def _is_of_level(self, slot: Resource) -> bool:
        return states_level(slot, self._level_system, self._request.level)

    def _starts_in_time(self, slot: Resource) -> bool:
        return _starts_between(slot, self._present, self._request.wanted_by)

    async def _take_first(self, free: list[Resource]) -> Resource | None:
        for candidate in free:
            try:
                if (taken := await self._take(str(candidate["id"]))) is not None:
                    return taken
            except VersionConflict:
                continue
        return None

    async def _take(self, id_: str) -> Resource | None:
        slot = await self._read(id_)
        if not self._is_ours(slot):
            if slot.get("status") != "free" or not await self._is_usable(slot):
                return None
            await self._fhir.update(
                _held(slot, self._request), self._is_ours, key=self._request.key, journey=self._request.journey_id
            )
            slot = await self._read(id_)  # someone may have written after us if the server keeps no versions
        if not self._is_ours(slot):
            return None
        if not await self._is_usable(slot):
            await self._let_go(slot)
            raise ClinicUnavailable(
                self._fhir.system, "start-passed", "The place's start passed while it was being held; repeated."
            )
        return slot

    async def _only_one(self, taken: Resource) -> Resource:
        """Keeps only the place held first. Two calls may run under one key if the first was abandoned but still runs.

        A search may not show yet that `taken` is held.
        """
        found = {str(slot["id"]): slot for slot in (taken, *await self._held())}
        held = sorted([slot for slot in found.values() if self._starts_in_time(slot)], key=_held_since)
        if not held:
            raise VersionConflict(self._fhir.system, "all-taken", "The place was given back again; repeated.")
        for slot in held[1:]:
            await self._let_go(slot)
        return held[0]

    def _is_ours(self, slot: Resource) -> bool:
        return slot.get("status") in _HELD and bears(slot, HOLD, self._request.key, self._present)

    async def _held(self) -> list[Resource]:
        found = await marked(self._fhir, self._request.key, self._request.journey_id, self._present)
        return [slot for slot in found if slot.get("status") in _HELD]

    async def _read(self, id_: str) -> Resource:
        return await self._fhir.read("Slot", id_, journey=self._request.journey_id, listed=True)

    async def _let_go(self, slot: Resource) -> None:
        await let_go(self._fhir, slot, self._request.key, self._request.journey_id)


async def marked(fhir: FhirClient, key: str, journey_id: str, at: Instant) -> list[Resource]:
    """The Slots with our hold, read by id. One that was entered in error is not touched."""
    found = await fhir.search("Slot", lambda slot: (HOLD, key) in named(slot), journey_id, identifier=f"{HOLD}|{key}")
    current = [await fhir.read("Slot", str(slot["id"]), journey=journey_id, listed=True) for slot in found]
    return [
        slot
        for slot in current
        if bears(slot, HOLD, key, at) and slot.get("status") not in ("free", "entered-in-error")
    ]


async def let_go(fhir: FhirClient, slot: Resource, key: str, journey_id: str) -> None:
    """Gives the Slot back if it still has our hold."""

    async def give_back() -> None:
        current = await fhir.read("Slot", str(slot["id"]), journey=journey_id)
        if (HOLD, key) in named(current):
            freed = _released(current)
            await fhir.update(
                freed, lambda held: (HOLD, key) not in named(held), key=f"{key}/given-back", journey=journey_id
            )

    await taking_turns(give_back)


def _held(slot: Resource, request: PlaceRequest) -> Resource:
    ours = [{"system": HOLD, "value": request.key}, {"system": JOURNEY, "value": request.journey_id}]
    return {**slot, "status": "busy-tentative", "identifier": [*_foreign(slot), *ours]}


def _released(slot: Resource) -> Resource:
    """The Slot set free and without our marks. A place that its facility withdrew while we held it stays withdrawn."""
    status = "free" if slot.get("status") in _HELD else slot.get("status")
    freed = {**slot, "status": status, "identifier": _foreign(slot)}
    return freed if freed["identifier"] else {k: v for k, v in freed.items() if k != "identifier"}


def _foreign(slot: Resource) -> list[Resource]:
    return [i for i in identifiers(slot) if i.get("system") not in (HOLD, JOURNEY)]


def _held_since(slot: Resource) -> tuple[str, str]:
    meta = slot.get("meta")
    return str(meta.get("lastUpdated", "") if isinstance(meta, dict) else ""), str(slot.get("id"))


def _starts_between(slot: Resource, first: Instant, last: Instant) -> bool:
    """Whether it starts in that time, with a time zone, and does not end before it starts."""
    start = _moment(slot.get("start"))
    if start is None or not first <= start <= last:
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
    return Place(slot=str(slot["id"]), facility=facility_of(slot), starts_at=start)
