"""The outside world of a demonstration: the registration desk's messages and the clinic's control address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx2

from attendance.entering import Entered, SessionEntry
from attendance.listing import told_of
from domain.sessions.facts import Entry
from eventstore.port import EventStore
from intake.hl7 import parse
from intake.inbox import IntakePool
from intake.mllp_client import MllpClient

AUTHORITY = "DEMO"
_FAMILIES = ("Example", "Sample")
"""So that a search for one of them finds no more clients than are listed."""


class Registration:
    """Sends invented admissions over MLLP. Each run uses its own record numbers, so runs do not get mixed up."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._run = uuid.uuid4().hex[:8].upper()

    def mrn(self, number: int) -> str:
        """The record number of the run's `number`-th client."""
        return f"D{self._run}{number:02}"

    def member(self, number: int) -> str:
        """The number under which the payer knows that client."""
        return f"M{self.mrn(number)}"

    async def send(
        self, event: str, number: int, at: datetime, times: int = 1, *, at_hospital: bool = False
    ) -> list[str]:
        """Sends one message `times` times, and returns the acknowledgement codes."""
        raw = self._message(event, number, at, at_hospital=at_hospital)
        async with MllpClient(*self._address) as client:
            return [parse(await client.send(raw)).field("MSA", 1) for _ in range(times)]

    def _message(self, event: str, number: int, at: datetime, *, at_hospital: bool) -> bytes:
        stamp, mrn = f"{at:%Y%m%d%H%M%S}+0000", self.mrn(number)
        patient_class, visit = ("E", f"E{mrn}") if at_hospital else ("O", f"V{mrn}")
        segments = (
            f"MSH|^~\\&|FRONTDESK|{AUTHORITY}|THROUGHLINE|{AUTHORITY}|{stamp}||ADT^{event}|{uuid.uuid4().hex}|P|2.5.1",
            f"EVN|{event}|{stamp}|||DESK|{stamp}",
            f"PID|1||{mrn}^^^{AUTHORITY}^MR||{_FAMILIES[number % len(_FAMILIES)]}^Client {number}||19900101|U",
            f"PV1|1|{patient_class}|DESK||||||||||||||||{visit}",
            f"IN1|1|PLAN|PAYER01{'|' * 33}{self.member(number)}",  # IN1-36, the member's number
        )
        return "\r".join(segments).encode() + b"\r"


class SessionDoor:
    """Enters sessions, as staff do."""

    def __init__(self, store: EventStore, pool: IntakePool) -> None:
        self._entering = SessionEntry(store, "demo")
        self._pool = pool

    async def enter(self, journey_id: str, entry: Entry, now: datetime) -> Entered:
        """Enters one."""
        return await self._entering.enter(journey_id, entry, now)

    async def is_told(self, journey_id: str, entries: int) -> bool:
        """Whether the journey has been told of so many entries."""
        async with self._pool.connection() as connection:
            return await told_of(connection, journey_id) >= entries


class ClinicDoor:
    """The simulated clinic's control address."""

    def __init__(self, base: str) -> None:
        # The clinic closes a connection that was idle for 5 s: one is not used again shortly before that.
        self._http = httpx2.AsyncClient(base_url=base, timeout=10, limits=httpx2.Limits(keepalive_expiry=2))

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._http.aclose()

    async def tell(self, mrn: str, script: Mapping[str, Any]) -> None:
        """Adds to the clinic's script for a client."""
        response = await self._http.post(f"/script/{mrn}", json=dict(script))
        response.raise_for_status()

    async def withdraw_places(self, journey_id: str) -> None:
        """The facilities take back the places that they hold for a journey."""
        response = await self._http.post(f"/places/{journey_id}/withdraw")
        response.raise_for_status()

    async def answers(self, mrn: str, role: str) -> bool:
        """Whether the holder of `role` answers anything about the client now."""
        response = await self._http.get(f"/script/{mrn}/staff/{role}")
        response.raise_for_status()
        return bool(response.json()["answers"])
