"""The gate between intake and the journeys. Only opaque ids, kinds and times pass through it, never a person."""

from __future__ import annotations

from typing import Protocol

from domain.pathway.crisis import CrisisPlace
from domain.values import Instant, Value
from intake.facts import AdmissionKind, CancelReason


class GateUnavailable(Exception):
    """The journeys cannot be reached now. The message stays where it is and is tried again."""


class JourneyEnded(Exception):
    """The journey accepts nothing more: it is closed or cancelled."""


class OpeningAdmission(Value):
    """The admission that opens a journey at a site. `message_key` is opaque and the same when the call is repeated."""

    message_key: str
    site: str
    kind: AdmissionKind
    occurred_at: Instant


class JourneyGate(Protocol):
    """Opens journeys and tells them what was received.

    Every call may be repeated with the same ids, after a crash or a lost answer, and must then change nothing. Every
    call may raise `GateUnavailable`. Times say when the event occurred.
    """

    async def open(self, journey_id: str, client_ref: str, admission: OpeningAdmission) -> None:
        """Opens the journey `journey_id`. Raises `JourneyEnded` if it was opened before and is over."""

    async def repeat_admission(
        self, journey_id: str, message_key: str, kind: AdmissionKind, occurred_at: Instant
    ) -> bool:
        """Passes on another admission for an open journey. Raises `JourneyEnded`.

        Returns:
            Whether the client had been discharged, so that this visit may be their return to care.
        """

    async def cancel_admission(
        self, journey_id: str, message_key: str, occurred_at: Instant, reason: CancelReason
    ) -> None:
        """Cancels the admission. Raises `JourneyEnded`."""

    async def report_hospital_visit(
        self, journey_id: str, message_key: str, visit: str, place: CrisisPlace, occurred_at: Instant
    ) -> None:
        """Reports that the client is at a hospital. `visit` is opaque. Raises `JourneyEnded`."""

    async def report_hospital_discharge(
        self, journey_id: str, message_key: str, visit: str, occurred_at: Instant
    ) -> None:
        """Reports that the client left the hospital. Raises `JourneyEnded`."""

    async def take_back_hospital_discharge(
        self, journey_id: str, message_key: str, visit: str, occurred_at: Instant
    ) -> None:
        """Takes back that the client left the hospital. Raises `JourneyEnded`."""

    async def take_back_discharge(self, journey_id: str, message_key: str, occurred_at: Instant) -> None:
        """Takes back that the sender ended the visit. Raises `JourneyEnded`."""

    async def report_discharge(self, journey_id: str, message_key: str, occurred_at: Instant) -> None:
        """Reports that the sender ended the visit. Raises `JourneyEnded`."""
