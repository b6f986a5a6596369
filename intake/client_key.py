"""The client that an HL7 v2 message names: who issued the record number, and the number.

It is the first PID-3 repetition of type MR (then MRN, PI, PT, then one without a type, then the only one unless it has
another type such as SS). The authority is PID-3.4.1, else PID-3.4.2, else the sending facility (MSH-4). PID-2 is used
if PID-3 is empty. A number without an authority is refused: two senders may have given it to two clients.
"""

from __future__ import annotations

from intake.escapes import Delimiters, has_known_escapes_only
from intake.facts import RecordNumber
from intake.hl7 import Message
from intake.problem import Hl7Error, Problem

_MRN_TYPES = ("MR", "MRN", "PI", "PT", "")
_NOT_RECORD_NUMBERS = ("SS", "DL", "PPN", "MA", "MC", "PN", "VN", "AN")
_DELETE = '""'
_LONGEST_ID = 200
_MOST_IDENTIFIERS = 200  # a person in a registry of many hospitals has a few dozen
_USUAL = Delimiters()
_LAST_COMPONENT = 8
_SUBCOMPONENTS = {4: 3, 6: 3}
"""Subcomponents of each component of CX: three for the authority and the facility (type HD), one for the others."""


def client_key(message: Message) -> RecordNumber:
    """The client that the message is about.

    Raises:
        Hl7Error: The message names no client, or the client cannot be determined.
    """
    _require_one_client(message)
    for position in (2, 3):
        _require_declared_marks(message, position)
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
        return _checked(_said(message.field("PID", 2, 4)) or _said(message.field("MSH", 4)), legacy)
    raise Hl7Error(Problem("no-record-number", "Send the medical record number in PID-3, typed MR.", "101", "PID^1^3"))


def client_named(message: Message) -> RecordNumber | None:
    """The client that a message of any kind names in PID; None if it names none."""
    try:
        return client_key(message)
    except Hl7Error:
        return None


def _require_one_client(message: Message) -> None:
    """Refuses more PID segments with other numbers: the events of chapter 3 that we act on have only one."""
    numbers = (message.raw("PID", 2), message.raw("PID", 3))
    for occurrence in range(2, message.count("PID") + 1):
        if (message.raw("PID", 2, occurrence), message.raw("PID", 3, occurrence)) != numbers:
            advice = "Find out which client it is about: it has several PID segments with different numbers."
            raise Hl7Error(Problem("several-clients", advice, "100", "PID"))


def _require_declared_marks(message: Message, position: int) -> None:
    """Refuses a number written with other delimiters than MSH-2 declares: it would be read as another client's."""
    marks, raw = message.delimiters, message.raw("PID", position)
    undeclared = set(_USUAL.field + _USUAL.separators) - {marks.field, *marks.encoding_characters}
    in_usual_order = _USUAL.encoding_characters.startswith(marks.encoding_characters)
    if any(mark in raw for mark in undeclared) or not (in_usual_order or _fits(message, position)):
        advice = f"Write PID-{position} with the delimiters that MSH-2 declares, or escape them."
        raise Hl7Error(Problem("delimiters-disagree", advice, "102", f"PID^1^{position}"))


def _fits(message: Message, position: int) -> bool:
    """Whether a field has the form of HL7's type CX when read with the delimiters that the sender declares.

    This finds senders that declare the usual delimiters in another order but write them in the usual one.
    """
    marks, raw = message.delimiters, message.raw("PID", position)
    if raw in ("", _DELETE):
        return True
    repetitions = message.repetitions("PID", position, _MOST_IDENTIFIERS)
    return has_known_escapes_only(raw, marks) and all(_is_identifier(each, marks) for each in repetitions)


def _is_identifier(repetition: str, marks: Delimiters) -> bool:
    components = repetition.split(marks.component, _LAST_COMPONENT)[:_LAST_COMPONENT]
    subcomponents = [text.count(marks.subcomponent) + 1 if marks.subcomponent else 1 for text in components]
    return bool(components[-1].strip()) and all(
        count <= _SUBCOMPONENTS.get(position, 1) for position, count in enumerate(subcomponents, 1)
    )


def _issued_key(message: Message, number: str, repetition: str) -> RecordNumber:
    authority = _said(_identifier_part(message, repetition, 4)) or _said(_identifier_part(message, repetition, 4, 2))
    return _checked(authority or _said(message.field("MSH", 4)), number)


def _identifier_part(message: Message, repetition: str, component: int, subcomponent: int = 1) -> str:
    return message.part(repetition, component, subcomponent, place=("PID", 3), longest=2 * _LONGEST_ID)


def _said(text: str) -> str:
    """The value; empty if it is HL7's null."""
    return "" if text == _DELETE else text


def _checked(authority: str, mrn: str) -> RecordNumber:
    if not authority:
        advice = "Name the issuer of the record number: the authority in PID-3.4, or the facility in MSH-4."
        raise Hl7Error(Problem("no-authority", advice, "101", "PID^1^3"))
    if len(authority) > _LONGEST_ID or len(mrn) > _LONGEST_ID:
        advice = f"Send a record number and authority of at most {_LONGEST_ID} characters in PID-3."
        raise Hl7Error(Problem("record-number-too-long", advice, "102", "PID^1^3"))
    return RecordNumber(authority=authority, mrn=mrn)
