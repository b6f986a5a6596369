"""Maps an HL7 v2 message about a client to a typed fact. Pure.

The event is MSH-9.2, or EVN-1 if that is empty (see `event`). EVN-1 contradicts MSH-9.2 in more than half of real
messages, so a difference is only a warning. `client_key` determines the client. The member id is IN1-36, else IN1-49;
the payer id is IN1-3. Only the first IN1 counts, the primary coverage. IN1-2 names a plan, not a person, and is not
used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any

from intake.client_key import client_key
from intake.event import ACKNOWLEDGEMENTS, ADT, Event, read_event
from intake.facts import (
    Admission,
    AdmissionCancelled,
    ChangedToInpatient,
    DischargeCancelled,
    DischargeReported,
    Fact,
    Identity,
    IdentityChanged,
    IdentityField,
    Ignored,
    NeedsPerson,
)
from intake.hl7 import Message
from intake.locations import Locations, named_locations
from intake.rules import (
    ACKNOWLEDGEMENT,
    ACTED_ON,
    ADMISSIONS,
    CANCELLATIONS,
    CHANGES_TO_INPATIENT,
    DISCHARGES,
    DISCHARGES_CANCELLED,
    FOR_A_PERSON,
    HOSPITAL_CLASSES,
    IGNORED,
    NOT_ADT,
    Rule,
)

_DELETE = '""'
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
    """A message's fact, and codes for anything odd about the message."""

    fact: Fact
    warnings: tuple[str, ...] = ()


def read_adt(
    message: Message,
    zone: tzinfo,
    received_at: datetime,
    locations: Locations = Locations(),  # noqa: B008 - frozen
) -> Reading:
    """Reads the fact from `message`.

    Args:
        message: Any HL7 v2 message; one that is not ADT is `Ignored`.
        zone: For times without an offset, if the message does not say at which site the client is.
        received_at: Used as the event's time if the message has none.
        locations: How senders name the centre's sites.

    Raises:
        Hl7Error: The event cannot be determined, or it matters and the message does not say which client it is about.
    """
    event = read_event(message)
    if (other := _without_client(event)) is not None:
        return Reading(other)
    warnings = ["evn-1-differs"] if message.field("EVN", 1).upper() not in ("", _DELETE, event.trigger) else []
    named = named_locations(message)
    site = locations.meant(named)
    occurred_at = _event_time(message, site.zone if site else zone, received_at, warnings)
    visit = message.field("PV1", 19).replace(_DELETE, "")
    about = {
        "identity": _identity(message, warnings),
        "visit": visit,
        "place": HOSPITAL_CLASSES.get(message.field("PV1", 2).upper()),
        "occurred_at": occurred_at,
    }
    fact = _client_fact(event.trigger, about, named)
    return Reading(fact, tuple(warnings))


def _without_client(event: Event) -> NeedsPerson | Ignored | None:
    """The fact for an event that software does not act on; None for other events."""
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
        advice = f"{name}: check what the sender reports; this trigger is not known here, and no journey was changed."
        return NeedsPerson(event=name, code="unknown-trigger", advice=advice)
    return None


def _ignored(event: str, rule: Rule) -> Ignored:
    return Ignored(event=event, code=rule.code, reason=rule.reason)


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
        moment.astimezone(UTC)  # a year outside UTC's range cannot be stored
    except (ValueError, OverflowError):
        return None
    return moment


def _offset(text: str) -> timezone:
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-ahead if text[0] == "-" else ahead)


def _client_fact(trigger: str, about: dict[str, Any], locations: tuple[str, ...]) -> Fact:
    if trigger in ADMISSIONS:
        return Admission(**about, kind=ADMISSIONS[trigger], locations=locations)
    if trigger in CANCELLATIONS:
        return AdmissionCancelled(**about, reason=CANCELLATIONS[trigger])
    if trigger in DISCHARGES:
        return DischargeReported(**about)
    if trigger in DISCHARGES_CANCELLED:
        return DischargeCancelled(**about)
    if trigger in CHANGES_TO_INPATIENT:
        return ChangedToInpatient(**about)
    return IdentityChanged(**about)


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
    key = client_key(message)
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
