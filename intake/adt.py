"""What an HL7 v2 message says about a client: a pure mapping from `Message` to a typed fact.

The event is MSH-9.2. EVN-1 contradicts it in more than half of the messages seen in the wild, so a difference is
only a warning. A client is named by assigning authority and record number: the first PID-3 repetition typed MR
(then MRN, PI, PT, then an untyped one, then the only one unless it is
of another kind such as SS), its authority from PID-3.4.1, else PID-3.4.2, else the sending facility
(MSH-4); PID-2 serves where PID-3 is empty. The member id is IN1-36, else IN1-49; the payer id IN1-3. Only the
first IN1 counts, the primary coverage. IN1-2 names a plan, not a person, and is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any

from intake.facts import (
    Admission,
    AdmissionCancelled,
    AdmissionKind,
    CancelReason,
    ClientKey,
    DischargeReported,
    Fact,
    Identity,
    IdentityChanged,
    IdentityField,
    Ignored,
    NeedsPerson,
)
from intake.hl7 import Hl7Error, Message, Problem

_ADMISSIONS = {
    "A01": AdmissionKind.ADMITTED,
    "A04": AdmissionKind.REGISTERED,
    "A05": AdmissionKind.PRE_ADMITTED,
    "A14": AdmissionKind.PRE_ADMITTED,
}
_CANCELLATIONS = {
    "A11": CancelReason.CANCELLED,
    "A27": CancelReason.PRE_ADMISSION_CANCELLED,
    "A38": CancelReason.PRE_ADMISSION_CANCELLED,
}
_IDENTITY_CHANGES = ("A08", "A31")
_FOR_A_PERSON = (
    *("A13", "A18", "A23", "A29", "A30", "A34", "A35", "A36", "A39"),
    *("A40", "A41", "A42", "A44", "A45", "A46", "A47"),
)
_MRN_TYPES = ("MR", "MRN", "PI", "PT", "")
_NOT_RECORD_NUMBERS = ("SS", "DL", "PPN", "MA", "MC", "PN", "VN", "AN")
_DELETE = '""'
_LONGEST_ID = 200
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.(\d{1,6})\d*)?)?)?)?([+-]\d{4})?", re.ASCII)
_PLACES: dict[IdentityField, tuple[tuple[str, int, int], ...]] = {
    "family_name": (("PID", 5, 1),),
    "given_name": (("PID", 5, 2),),
    "sex": (("PID", 8, 1),),
    "member_id": (("IN1", 36, 1), ("IN1", 49, 1)),
    "payer_id": (("IN1", 3, 1),),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A message's fact, and codes of what was odd about the message."""

    fact: Fact
    warnings: tuple[str, ...] = ()


def read_adt(message: Message, zone: tzinfo, received_at: datetime) -> Reading:
    """What `message` says.

    Args:
        message: Any HL7 v2 message; what is no ADT is `Ignored`.
        zone: The sender's zone, for times without an offset.
        received_at: Taken as the event's time where the message holds none.

    Raises:
        Hl7Error: The event matters and the message does not say whom it is about.
    """
    event = event_of(message)
    if message.field("MSH", 9) != "ADT":
        return Reading(Ignored(event=event))
    trigger = message.field("MSH", 9, 2)
    warnings = ["evn-1-differs"] if message.field("EVN", 1) not in ("", trigger) else []
    if trigger in _FOR_A_PERSON:
        return Reading(NeedsPerson(event=event), tuple(warnings))
    if trigger not in (*_ADMISSIONS, *_CANCELLATIONS, *_IDENTITY_CHANGES, "A03"):
        return Reading(Ignored(event=event), tuple(warnings))
    occurred_at = _event_time(message, zone, received_at, warnings)
    visit = message.field("PV1", 19).replace(_DELETE, "")
    fact = _client_fact(trigger, _identity(message, warnings), visit, occurred_at)
    return Reading(fact, tuple(warnings))


def client_named(message: Message) -> ClientKey | None:
    """The client whom any message names in PID, if it names one: whose message it is, whatever it says."""
    try:
        return _client_key(message)
    except Hl7Error:
        return None


def event_of(message: Message) -> str:
    """MSH-9 in short, e.g. `ADT^A04`; letters and digits only, so that it may be logged and counted."""
    parts = (message.field("MSH", 9), message.field("MSH", 9, 2))
    return "^".join(part if re.fullmatch(r"[A-Z][A-Z0-9]{2}", part) else "?" for part in parts if part)


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """An HL7 time to the day or finer, or None. Without an offset it is local to `zone`."""
    found = _TIME.fullmatch(text.replace(" ", ""))
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    micros = int((fraction or "").ljust(6, "0"))
    clock = (int(hour or 0), int(minute or 0), int(second or 0), micros)
    try:
        return datetime(int(year), int(month), int(day), *clock, tzinfo=_offset(offset) if offset else zone)
    except ValueError:
        return None


def _offset(text: str) -> timezone:
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _client_fact(trigger: str, identity: Identity, visit: str, occurred_at: datetime) -> Fact:
    if trigger in _ADMISSIONS:
        return Admission(identity=identity, visit=visit, occurred_at=occurred_at, kind=_ADMISSIONS[trigger])
    if trigger in _CANCELLATIONS:
        reason = _CANCELLATIONS[trigger]
        return AdmissionCancelled(identity=identity, visit=visit, occurred_at=occurred_at, reason=reason)
    if trigger == "A03":
        return DischargeReported(identity=identity, visit=visit, occurred_at=occurred_at)
    return IdentityChanged(identity=identity, visit=visit, occurred_at=occurred_at)


def _event_time(message: Message, zone: tzinfo, received_at: datetime, warnings: list[str]) -> datetime:
    for segment, position in (("EVN", 6), ("EVN", 2), ("MSH", 7)):
        text = message.field(segment, position)
        if text in ("", _DELETE):
            continue
        moment = parse_time(text, zone)
        if moment is not None:
            return moment
        warnings.append(f"bad-time-{segment.lower()}-{position}")
    warnings.append("no-event-time")
    return received_at


def _identity(message: Message, warnings: list[str]) -> Identity:
    found = {name: _first(message, places) for name, places in _PLACES.items()}
    born = message.field("PID", 7)
    cleared: set[IdentityField] = {name for name, value in found.items() if value == _DELETE}
    if born == _DELETE:
        cleared.add("birth_date")
    said: dict[str, Any] = {name: value for name, value in found.items() if value not in ("", _DELETE)}
    key = _client_key(message)
    return Identity(key=key, birth_date=_birth_date(born, warnings), cleared=frozenset(cleared), **said)


def _first(message: Message, places: tuple[tuple[str, int, int], ...]) -> str:
    return next((value for place in places if (value := message.field(*place))), "")


def _birth_date(text: str, warnings: list[str]) -> date | None:
    if text in ("", _DELETE):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        warnings.append("bad-birth-date")
        return None


def _client_key(message: Message) -> ClientKey:
    ids = [r for r in range(1, message.repetitions("PID", 3) + 1) if _is_value(message, r)]
    for kind in _MRN_TYPES:
        for repetition in ids:
            if message.field("PID", 3, 5, repetition=repetition) == kind:
                return _issued_key(message, repetition)
    if len(ids) == 1 and message.field("PID", 3, 5, repetition=ids[0]) not in _NOT_RECORD_NUMBERS:
        return _issued_key(message, ids[0])
    legacy = message.field("PID", 2)
    if legacy not in ("", _DELETE):
        return _checked(message.field("PID", 2, 4) or message.field("MSH", 4), legacy)
    raise Hl7Error(Problem("no-record-number", "Send the medical record number in PID-3, typed MR.", "101", "PID^1^3"))


def _is_value(message: Message, repetition: int) -> bool:
    return message.field("PID", 3, repetition=repetition) not in ("", _DELETE)


def _issued_key(message: Message, repetition: int) -> ClientKey:
    authority = (
        message.field("PID", 3, 4, repetition=repetition)
        or message.field("PID", 3, 4, repetition=repetition, subcomponent=2)
        or message.field("MSH", 4)
    )
    return _checked(authority, message.field("PID", 3, repetition=repetition))


def _checked(authority: str, mrn: str) -> ClientKey:
    if len(authority) > _LONGEST_ID or len(mrn) > _LONGEST_ID:
        advice = f"Send a record number and authority of at most {_LONGEST_ID} characters in PID-3."
        raise Hl7Error(Problem("record-number-too-long", advice, "102", "PID^1^3"))
    return ClientKey(authority=authority, mrn=mrn)
