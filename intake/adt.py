"""What an HL7 v2 message says about a client: a pure mapping from `Message` to a typed fact.

The event is MSH-9.2, and EVN-1 only where that is empty (see `event`). EVN-1 contradicts MSH-9.2 in more than half of
the messages seen in the wild, so a difference is only a warning. A client is named by assigning authority and record
number: the first PID-3 repetition typed MR (then MRN, PI, PT, then an untyped one, then the only one unless it is of
another kind such as SS), its authority from PID-3.4.1, else PID-3.4.2, else the sending facility (MSH-4); PID-2 serves
where PID-3 is empty. The member id is IN1-36, else IN1-49; the payer id IN1-3. Only the first IN1 counts, the primary
coverage. IN1-2 names a plan, not a person, and is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

from intake.event import ACKNOWLEDGEMENTS, ADT, Event, read_event
from intake.facts import (
    Admission,
    AdmissionCancelled,
    ClientKey,
    DischargeReported,
    Fact,
    Identity,
    IdentityChanged,
    IdentityField,
    Ignored,
    NeedsPerson,
)
from intake.hl7 import Message
from intake.problem import Hl7Error, Problem
from intake.rules import (
    ACKNOWLEDGEMENT,
    ACTED_ON,
    ADMISSIONS,
    CANCELLATIONS,
    DISCHARGES,
    FOR_A_PERSON,
    IGNORED,
    NOT_ADT,
    Rule,
)

_MRN_TYPES = ("MR", "MRN", "PI", "PT", "")
_NOT_RECORD_NUMBERS = ("SS", "DL", "PPN", "MA", "MC", "PN", "VN", "AN")
_DELETE = '""'
_LONGEST_ID = 200
_MOST_IDENTIFIERS = 200  # a person in a registry of many hospitals has some dozens
_USUAL_MARKS = "|^~&"
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
        Hl7Error: The event cannot be told, or it matters and the message does not say whom it is about.
    """
    event = read_event(message)
    if (other := _without_client(event)) is not None:
        return Reading(other)
    warnings = ["evn-1-differs"] if message.field("EVN", 1).upper() not in ("", _DELETE, event.trigger) else []
    occurred_at = _event_time(message, zone, received_at, warnings)
    visit = message.field("PV1", 19).replace(_DELETE, "")
    fact = _client_fact(event.trigger, _identity(message, warnings), visit, occurred_at)
    return Reading(fact, tuple(warnings))


def _without_client(event: Event) -> NeedsPerson | Ignored | None:
    """The fact of an event that software does not act on; None for the others."""
    name, trigger = str(event), event.trigger
    if event.type in ACKNOWLEDGEMENTS:
        return _ignored(name, ACKNOWLEDGEMENT)
    if event.type != ADT:
        return _ignored(name, NOT_ADT)
    if trigger in IGNORED:
        return _ignored(name, IGNORED[trigger])
    if trigger in FOR_A_PERSON:
        return NeedsPerson(event=name, code="needs-a-person", advice=f"{name}: {FOR_A_PERSON[trigger]}")
    if trigger not in ACTED_ON:
        advice = f"{name}: see what the sender reports; this trigger is not known here, and no journey was changed."
        return NeedsPerson(event=name, code="unknown-trigger", advice=advice)
    return None


def _ignored(event: str, rule: Rule) -> Ignored:
    return Ignored(event=event, code=rule.code, reason=rule.reason)


def client_named(message: Message) -> ClientKey | None:
    """The client that a message of any kind names in PID; None if it names none."""
    try:
        return _client_key(message)
    except Hl7Error:
        return None


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """An HL7 time to the day or finer, or None. Without an offset it is local to `zone`."""
    found = _TIME.fullmatch(text.replace(" ", ""))
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    micros = int((fraction or "").ljust(6, "0"))
    clock = (int(hour or 0), int(minute or 0), int(second or 0), micros)
    try:
        moment = datetime(int(year), int(month), int(day), *clock, tzinfo=_offset(offset) if offset else zone)
        moment.astimezone(UTC)  # a year that UTC has not cannot be stored
    except (ValueError, OverflowError):
        return None
    return moment


def _offset(text: str) -> timezone:
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _client_fact(trigger: str, identity: Identity, visit: str, occurred_at: datetime) -> Fact:
    if trigger in ADMISSIONS:
        return Admission(identity=identity, visit=visit, occurred_at=occurred_at, kind=ADMISSIONS[trigger])
    if trigger in CANCELLATIONS:
        reason = CANCELLATIONS[trigger]
        return AdmissionCancelled(identity=identity, visit=visit, occurred_at=occurred_at, reason=reason)
    if trigger in DISCHARGES:
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
    _require_declared_marks(message)
    ids = [
        (_identifier_part(message, each, 5).upper(), number, each)
        for each in message.repetitions("PID", 3, _MOST_IDENTIFIERS)
        if (number := _identifier_part(message, each, 1)) not in ("", _DELETE)
    ]
    for wanted in _MRN_TYPES:
        for kind, number, each in ids:
            if kind == wanted:
                return _issued_key(message, number, each)
    if len(ids) == 1 and ids[0][0] not in _NOT_RECORD_NUMBERS:
        return _issued_key(message, *ids[0][1:])
    legacy = message.field("PID", 2)
    if legacy not in ("", _DELETE):
        return _checked(message.field("PID", 2, 4) or message.field("MSH", 4), legacy)
    raise Hl7Error(Problem("no-record-number", "Send the medical record number in PID-3, typed MR.", "101", "PID^1^3"))


def _require_declared_marks(message: Message) -> None:
    """Refuses a number that was written with other marks than MSH-2 declares: it would be another client's."""
    marks = message.delimiters
    undeclared = set(_USUAL_MARKS) - {marks.field, *marks.encoding_characters}
    for position in (2, 3):
        raw = message.raw("PID", position)
        if any(mark in raw for mark in undeclared):
            advice = f"Write PID-{position} with the marks that MSH-2 declares, or escape them."
            raise Hl7Error(Problem("delimiters-disagree", advice, "102", f"PID^1^{position}"))


def _issued_key(message: Message, number: str, repetition: str) -> ClientKey:
    said = _identifier_part(message, repetition, 4) or _identifier_part(message, repetition, 4, 2)
    return _checked(said or message.field("MSH", 4), number)


def _identifier_part(message: Message, repetition: str, component: int, subcomponent: int = 1) -> str:
    return message.part(repetition, component, subcomponent, place=("PID", 3), longest=2 * _LONGEST_ID)


def _checked(authority: str, mrn: str) -> ClientKey:
    if len(authority) > _LONGEST_ID or len(mrn) > _LONGEST_ID:
        advice = f"Send a record number and authority of at most {_LONGEST_ID} characters in PID-3."
        raise Hl7Error(Problem("record-number-too-long", advice, "102", "PID^1^3"))
    return ClientKey(authority=authority, mrn=mrn)
