"""The gate on Temporal: turns intake's facts into commands to journeys, each with its message's id."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from domain.commands import AFTER_CARE, BaseCommand
from domain.pathway.admission import CancelAdmission, OpenJourney, RepeatAdmission
from domain.pathway.attendance import NoteAttendance
from domain.pathway.crisis import CrisisPlace
from domain.pathway.discharge import ReportDischarge, TakeBackDischargeReport
from domain.pathway.hospital import ReportHospitalDischarge, ReportHospitalVisit, TakeBackHospitalDischarge
from domain.sessions.attendance import Attendance
from domain.values import Instant
from eventstore import EventStore, EventStoreError
from intake.facts import AdmissionKind, CancelReason
from intake.gate import GateUnavailable, JourneyEnded, OpeningAdmission
from workflows.client import CommandRefused, JourneyNotRunning, Journeys, JourneysUnreachable
from workflows.messages import JourneyStatus

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
_ENDED = "journey-ended"


class TemporalGate:
    """A `JourneyGate` for the journeys of one Temporal namespace."""

    def __init__(self, journeys: Journeys, store: EventStore) -> None:
        self._journeys = journeys
        self._store = store

    async def open(self, journey_id: str, client_ref: str, admission: OpeningAdmission) -> None:
        """Starts the workflow. One that is already running is left alone."""
        command = opening(journey_id, client_ref, admission.site, admission.message_key, admission.occurred_at)
        await self._passed(journey_id, self._journeys.open(command))

    async def repeat_admission(
        self, journey_id: str, message_key: str, kind: AdmissionKind, occurred_at: Instant
    ) -> bool:
        """Passes on another admission. A journey whose end could still be taken back is over with it."""
        command = RepeatAdmission(id=f"repeat/{message_key}", message=message_key, occurred_at=occurred_at)
        return (await self._admitted(journey_id, command)).stage in AFTER_CARE

    async def cancel_admission(
        self, journey_id: str, message_key: str, occurred_at: Instant, reason: CancelReason
    ) -> None:
        """Passes on the cancellation."""
        command = CancelAdmission(
            id=f"cancel/{message_key}", message=message_key, occurred_at=occurred_at, reason=reason.value
        )
        await self._tell(journey_id, command)

    async def report_discharge(self, journey_id: str, message_key: str, occurred_at: Instant) -> None:
        """Passes on the report."""
        command = ReportDischarge(id=f"discharge-report/{message_key}", message=message_key, occurred_at=occurred_at)
        await self._tell(journey_id, command)

    async def take_back_discharge(self, journey_id: str, message_key: str, occurred_at: Instant) -> None:
        """Passes on that it was a mistake."""
        command = TakeBackDischargeReport(
            id=f"discharge-taken-back/{message_key}", message=message_key, occurred_at=occurred_at
        )
        await self._tell(journey_id, command)

    async def report_hospital_visit(
        self, journey_id: str, message_key: str, visit: str, place: CrisisPlace, occurred_at: Instant
    ) -> None:
        """Passes on the visit. A journey whose end could still be taken back is over with it."""
        command = ReportHospitalVisit(
            id=f"hospital-visit/{message_key}", message=message_key, visit=visit, place=place, occurred_at=occurred_at
        )
        await self._admitted(journey_id, command)

    async def report_hospital_discharge(
        self, journey_id: str, message_key: str, visit: str, occurred_at: Instant
    ) -> None:
        """Passes on the end of the visit."""
        command = ReportHospitalDischarge(
            id=f"hospital-discharge/{message_key}", message=message_key, visit=visit, occurred_at=occurred_at
        )
        await self._tell(journey_id, command)

    async def take_back_hospital_discharge(
        self, journey_id: str, message_key: str, visit: str, occurred_at: Instant
    ) -> None:
        """Passes on that the visit goes on."""
        command = TakeBackHospitalDischarge(
            id=f"hospital-goes-on/{message_key}", message=message_key, visit=visit, occurred_at=occurred_at
        )
        await self._tell(journey_id, command)

    async def note_attendance(self, journey_id: str, entries: int, known: Attendance) -> None:
        """Passes on what has changed about the client's sessions."""
        await self._tell(journey_id, NoteAttendance(id=f"attendance/{entries}", entries=entries, known=known))

    async def _admitted(self, journey_id: str, command: BaseCommand) -> JourneyStatus:
        status = await self._tell(journey_id, command)
        if status.over:
            raise JourneyEnded(f"journey {journey_id} has ended")
        return status

    async def _tell(self, journey_id: str, command: BaseCommand) -> JourneyStatus:
        return await self._passed(journey_id, self._journeys.tell(journey_id, command))

    async def _passed(self, journey_id: str, call: Awaitable[Answer]) -> Answer:
        try:
            return await call
        except JourneysUnreachable as error:
            raise GateUnavailable(str(error)) from None
        except JourneyNotRunning as error:
            await self._require_ended(journey_id)
            raise JourneyEnded(str(error)) from None
        except CommandRefused as refused:
            if refused.code != _ENDED:
                raise GateUnavailable(f"the journey refused a fact from outside: {refused.code}") from None
            raise JourneyEnded(refused.sentence) from None

    async def _require_ended(self, journey_id: str) -> None:
        """Checks in the record that a journey without a running workflow has really ended.

        Someone may have terminated the workflow, or Temporal may have lost it. The message then waits until it runs
        again.
        """
        try:
            head = await self._store.head(journey_id)
        except EventStoreError as error:
            raise GateUnavailable(str(error)) from None
        if head is None or not head.closed:
            log.error("journey-without-workflow", journey=journey_id, advice="start it again: throughline recover")
            raise GateUnavailable("the journey is open on record and no workflow runs it: run `throughline recover`")


def opening(journey_id: str, client_ref: str, site: str, message_key: str, admitted_at: Instant) -> OpenJourney:
    """The command that opens a journey. The same message always gives the same command."""
    return OpenJourney(
        id=f"open/{message_key}",
        journey_id=journey_id,
        client_ref=client_ref,
        site=site,
        message=message_key,
        admitted_at=admitted_at,
    )
