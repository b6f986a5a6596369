"""Applies one received message to the register and, through the gate, to a journey.

Everything here may run twice for the same message, if a crash comes between a call and its note in the inbox. The
second time changes nothing.
"""

from __future__ import annotations

from datetime import datetime

from clientkeys.errors import KeyDestroyed
from domain.pathway.crisis import CrisisPlace
from intake.admission_document import read_admission
from intake.adt import read_adt
from intake.facts import (
    Admission,
    AdmissionCancelled,
    ChangedToInpatient,
    DischargeCancelled,
    DischargeReported,
    Fact,
    IdentityChanged,
    Ignored,
    NeedsPerson,
)
from intake.gate import JourneyEnded, JourneyGate, OpeningAdmission
from intake.hl7 import parse
from intake.offload import ReadingProcess
from intake.privacy import Privacy, Sealed
from intake.problem import Hl7Error
from intake.queue import Handling, Lane, Queue, QueuedMessage
from intake.receiver import JSON, ReceivingRules
from intake.registry import Journey, Registry, SiteUnknown
from intake.releasing import UNKNOWN_SITE
from intake.rules import (
    CANCELS_LATER_VISIT,
    CLASS_CHANGED,
    DISCHARGE_UNDONE,
    ENDS_OTHER_VISIT,
    KEY_DESTROYED,
    SENT_AGAIN,
    Rule,
)

_PARK_UNKNOWN = Handling("parked", "unknown-client", "No admission of this client has arrived yet.")
_PARK_NO_JOURNEY = Handling("parked", "no-open-journey", "This client has no open journey.")
_PARK_UNKNOWN_VISIT = Handling("parked", "unknown-visit", "It is about a visit that has not been announced.")
_BEFORE_ADMISSION = "It happened before the open journey's admission; find out which stay it means."
Told = AdmissionCancelled | DischargeReported | DischargeCancelled | ChangedToInpatient
_NO_SITE = Handling(
    "quarantined",
    UNKNOWN_SITE,
    "It does not say at which site the client is. Name the site: `throughline quarantine NUMBER --site SITE --by "
    "STAFF-ID`, and add what the sender calls it to the locations in the site's file.",
)


class OtherLane(Exception):
    """The message belongs to the other lane, because the client's journey was opened or has ended in the meantime."""


class Handler:
    """Applies messages, one at a time for each client. It holds no connection while it waits for a journey."""

    def __init__(
        self,
        reading: ReadingProcess,
        registry: Registry,
        queue: Queue,
        privacy: Privacy,
        gate: JourneyGate,
        rules: ReceivingRules,
    ) -> None:
        self._reading = reading
        self._registry = registry
        self._queue = queue
        self._privacy = privacy
        self._gate = gate
        self._rules = rules

    async def handle(self, row: QueuedMessage) -> Handling:
        """Handles `row` and returns the outcome.

        Raises:
            OtherLane: Nothing was done; it belongs to the other lane.
            GateUnavailable: Try again later.
            KeysUnavailable: The same.
        """
        try:
            raw = await self._privacy.open_message(Sealed(row.sealed, row.key_id), row.sha256)
        except KeyDestroyed:
            return _ignored(KEY_DESTROYED)
        try:
            fact = await self._reading.read(raw, read_fact, row.content_type, self._rules, row.received_at)
        except Hl7Error as error:  # happens only if the reader has changed since
            return Handling("quarantined", error.problem.code, error.problem.advice)
        if isinstance(fact, Ignored):  # happens only if the rules or the sender's settings have changed since
            return Handling("ignored", fact.code, fact.reason)
        if isinstance(fact, NeedsPerson):
            return Handling("quarantined", fact.code, fact.advice)
        if row.said_before:
            return _ignored(SENT_AGAIN)
        if isinstance(fact, Admission):
            return await self._admit(fact, row)
        if isinstance(fact, IdentityChanged):
            known = await self._registry.update_identity(fact.identity, fact.occurred_at)
            return Handling("done") if known else _PARK_UNKNOWN
        return await self._tell(fact, row)

    async def _admit(self, admission: Admission, row: QueuedMessage) -> Handling:
        try:
            journey, opened_by_this = await self._registry.admit(admission, row.message_id, self._site(admission, row))
        except SiteUnknown:
            return _NO_SITE
        try:
            if journey.started_at is None:
                return await self._open(journey, admission, row)
            if not opened_by_this:
                _require_lane("journeys", row)
                await self._admit_again(admission, journey, row)
        except JourneyEnded:
            await self._registry.close(journey.journey_id)
            if opened_by_this:
                return Handling("done", "journey-over", "The journey it opened is over.", journey.journey_id)
            return await self._admit(admission, row)
        return Handling("done", journey_id=journey.journey_id)

    async def _admit_again(self, admission: Admission, journey: Journey, row: QueuedMessage) -> None:
        """Another admission for a client with an open journey: at a hospital, perhaps their return, or nothing new."""
        journey_id, key, at = str(journey.journey_id), str(row.message_id), admission.occurred_at
        if admission.place is not None and _is_other_visit(journey, row):
            await self._gate.report_hospital_visit(journey_id, key, row.visit, admission.place, at)
        else:
            may_return = await self._gate.repeat_admission(journey_id, key, admission.kind, at)
            if may_return and _is_other_visit(journey, row):
                await self._registry.note_visit_after_discharge(journey.journey_id, row.visit)

    def _site(self, admission: Admission, row: QueuedMessage) -> str | None:
        if row.site is not None:  # a person named it
            return row.site
        meant = self._rules.locations.meant(admission.locations)
        return meant.site if meant else None

    async def _open(self, journey: Journey, admission: Admission, row: QueuedMessage) -> Handling:
        _require_lane("openings", row)
        opening = OpeningAdmission(
            message_key=str(row.message_id),
            site=journey.site,
            kind=admission.kind,
            occurred_at=admission.occurred_at,
        )
        await self._gate.open(str(journey.journey_id), str(journey.client_ref), opening)
        return Handling("done", journey_id=journey.journey_id, started=True)

    async def _tell(self, fact: Told, row: QueuedMessage) -> Handling:
        journey = await self._registry.open_journey(fact.key)
        if journey is None or journey.started_at is None:
            return _for_a_person(fact) or _PARK_NO_JOURNEY
        if (refusal := await self._refusal(fact, journey, row)) is not None:
            return refusal
        _require_lane("journeys", row)
        try:
            await self._pass_on(fact, journey, row)
        except JourneyEnded:  # its end may be taken back: only an admission makes room for another journey
            return Handling("quarantined", "journey-over", "The journey is over; check whether anything is left to do.")
        return Handling("done", journey_id=journey.journey_id)

    async def _pass_on(self, fact: Told, journey: Journey, row: QueuedMessage) -> None:
        key, journey_id, at = str(row.message_id), str(journey.journey_id), fact.occurred_at
        is_hospital = fact.place is not None and _is_other_visit(journey, row)
        match fact:
            case AdmissionCancelled():
                await self._gate.cancel_admission(journey_id, key, at, fact.reason)
            case ChangedToInpatient():
                await self._gate.report_hospital_visit(journey_id, key, row.visit, CrisisPlace.INPATIENT, at)
            case DischargeReported() if is_hospital:
                await self._gate.report_hospital_discharge(journey_id, key, row.visit, at)
            case DischargeReported():
                await self._gate.report_discharge(journey_id, key, at)
            case DischargeCancelled() if is_hospital:
                await self._gate.take_back_hospital_discharge(journey_id, key, row.visit, at)
            case DischargeCancelled():
                await self._gate.take_back_discharge(journey_id, key, at)

    async def _refusal(self, fact: Told, journey: Journey, row: QueuedMessage) -> Handling | None:
        """Why the fact is not about this journey. A late message about an earlier stay must not end the present one."""
        if _is_other_visit(journey, row):
            return await self._refusal_of_other_visit(fact, journey, row)
        if not (row.visit and row.visit == journey.visit) and fact.occurred_at < journey.admitted_at:
            return Handling("quarantined", "before-admission", _BEFORE_ADMISSION)
        if isinstance(fact, ChangedToInpatient) or not row.visit:
            return _for_a_person(fact)
        return None

    async def _refusal_of_other_visit(self, fact: Told, journey: Journey, row: QueuedMessage) -> Handling | None:
        is_known = await self._queue.is_later_visit(row, journey.journey_id)
        if isinstance(fact, AdmissionCancelled):
            return _ignored(CANCELS_LATER_VISIT, journey) if is_known else _PARK_UNKNOWN_VISIT
        if fact.occurred_at < journey.admitted_at:
            return Handling("quarantined", "before-admission", _BEFORE_ADMISSION)
        if isinstance(fact, ChangedToInpatient) or fact.place is not None:
            return None
        if row.visit in journey.visits_after_discharge:
            return None
        return _ignored(ENDS_OTHER_VISIT, journey) if is_known else _PARK_UNKNOWN_VISIT


def read_fact(raw: bytes, content_type: str, rules: ReceivingRules, received_at: datetime) -> Fact:
    """Reads the fact from a kept message.

    Raises:
        Hl7Error: The message cannot be used.
    """
    if content_type == JSON:
        return read_admission(raw).to_fact()
    return read_adt(parse(raw), rules.zone, received_at, rules.locations).fact


def _is_other_visit(journey: Journey, row: QueuedMessage) -> bool:
    """Whether the message names another visit than the one that opened the journey."""
    return bool(row.visit and journey.visit) and row.visit != journey.visit


def _for_a_person(fact: Told) -> Handling | None:
    """What only a person can say where it is not clear which visit is meant."""
    match fact:
        case DischargeCancelled():
            return Handling("quarantined", "needs-a-person", DISCHARGE_UNDONE)
        case ChangedToInpatient():
            return Handling("quarantined", "needs-a-person", CLASS_CHANGED)
    return None


def _ignored(rule: Rule, journey: Journey | None = None) -> Handling:
    return Handling("ignored", rule.code, rule.reason, journey.journey_id if journey else None)


def _require_lane(lane: Lane, row: QueuedMessage) -> None:
    """Raises `OtherLane`, so that calls to journeys that may not answer never take up room among the openings."""
    if row.lane != lane:
        raise OtherLane
