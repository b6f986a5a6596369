"""Decides what to store for an HL7 v2 message when it arrives, and how to answer it. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Literal

from domain.sites import all_sites
from intake.ack import AckKind, build_ack
from intake.adt import Reading, read_adt
from intake.client_key import client_named
from intake.event import event_of
from intake.facts import Ignored, NeedsPerson
from intake.hl7 import Message, parse
from intake.inbox import Arrival
from intake.locations import Locations
from intake.problem import Hl7Error, Problem
from intake.rules import Rule

HL7 = "application/hl7-v2"
JSON = "application/json"
_LONGEST_KEY = 200
_HEADER_FIELDS = (3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 18)
_NULL = '""'


@dataclass(frozen=True, slots=True)
class ReceivingRules:
    """How a centre reads its senders.

    Attributes:
        zone: For times without an offset, if a message does not name its site.
        locations: How senders name the centre's sites.
        content_errors: The answer to a well-formed message that does not say what it is about or which client. AE tells
            the sender; AA is for senders that stop at the first AE. It is quarantined either way.
        processing_ids: Accepted values of MSH-11; a production listener should accept P only.
    """

    zone: tzinfo = UTC
    locations: Locations = field(default_factory=lambda: Locations.of(all_sites()))
    content_errors: Literal["AE", "AA"] = "AE"
    processing_ids: frozenset[str] = frozenset({"P", "T", "D", ""})


def judge(raw: bytes, listener: str, rules: ReceivingRules, now: datetime) -> Arrival | Problem:
    """What to store for `raw` and how to answer it, or a problem if the bytes have no key to store them under."""
    try:
        message = parse(raw)
    except Hl7Error as error:
        return error.problem
    if (problem := _key_problem(message)) is not None:
        return problem
    verdict, reading, problem = _read(message, rules, now)
    told = problem if verdict is not AckKind.ACCEPT else None
    ignored = reading.fact if reading is not None and isinstance(reading.fact, Ignored) else None
    fact = None if reading is None or isinstance(reading.fact, Ignored | NeedsPerson) else reading.fact
    return Arrival(
        listener=listener,
        sending_app=message.raw("MSH", 3),
        sending_facility=message.raw("MSH", 4),
        control_id=message.raw("MSH", 10),
        business_sha256=_business_sha256(message),
        content_type=HL7,
        received_at=now,
        event=event_of(message),
        verdict=verdict,
        state="quarantined" if problem else "ignored" if ignored else "received",
        client=fact.key if fact else client_named(message),
        visit=fact.visit if fact else "",
        ack=build_ack(message, verdict, now, told),
        problem=problem,
        ignored_by=Rule(ignored.code, ignored.reason) if ignored else None,
        warnings=(*(reading.warnings if reading else ()), f"read-as-{message.charset}"),
    )


def _read(message: Message, rules: ReceivingRules, now: datetime) -> tuple[AckKind, Reading | None, Problem | None]:
    """The verdict, the reading if there is one, and the problem if the message is kept for a person."""
    if (problem := _content_problem(message, rules)) is not None:
        return AckKind.REJECT, None, problem
    try:
        reading = read_adt(message, rules.zone, now, rules.locations)
    except Hl7Error as error:
        return AckKind.ERROR if rules.content_errors == "AE" else AckKind.ACCEPT, None, error.problem
    if isinstance(reading.fact, NeedsPerson):
        return AckKind.ACCEPT, reading, Problem(reading.fact.code, reading.fact.advice)
    return AckKind.ACCEPT, reading, None


def _business_sha256(message: Message) -> bytes:
    """Hash of the event without its envelope. It stays the same if the event is repeated under a new control id."""
    envelope = [message.raw("MSH", 4), message.raw("MSH", 9)]
    if not message.raw("EVN", 2):
        envelope.append(message.raw("MSH", 7))
    text = "\r".join(["\x1f".join(envelope), message.body])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _key_problem(message: Message) -> Problem | None:
    if any(len(message.raw("MSH", position)) > _LONGEST_KEY for position in _HEADER_FIELDS):
        advice = f"Keep each field of MSH that intake reads under {_LONGEST_KEY} characters."
        return Problem("header-too-long", advice, "102", "MSH^1")
    if not message.field("MSH", 10):
        return Problem("no-control-id", "Give the message a control id in MSH-10.", "101", "MSH^1^10")
    return None


def _content_problem(message: Message, rules: ReceivingRules) -> Problem | None:
    if message.count("MSH") > 1 or message.holds_another:
        return Problem("several-messages", "Send one message in each frame.", "100")
    if message.raw("MSH", 9).strip() in ("", _NULL):
        return Problem("no-message-type", "Give the message a type in MSH-9.", "101", "MSH^1^9")
    version = _header(message, 12)
    if version and not version.startswith(("2", "V2")):
        return Problem("unsupported-version", "Send HL7 version 2.x (MSH-12).", "203", "MSH^1^12")
    if _header(message, 11) not in rules.processing_ids:
        return Problem("unsupported-processing-id", "Send to the listener for this MSH-11.", "202", "MSH^1^11")
    return None


def _header(message: Message, position: int) -> str:
    """A value of MSH in capital letters; empty if it is HL7's null."""
    value = message.field("MSH", position).upper()
    return "" if value == _NULL else value
