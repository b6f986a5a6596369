"""Takes messages in: read, judge, keep, then answer. The same for every way a message can come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Literal

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from eventstore.errors import EventStoreError
from intake.ack import Verdict, build_ack, build_rejection
from intake.admission_document import read_admission
from intake.adt import Reading, client_named, event_of, read_adt
from intake.facts import Ignored, NeedsPerson
from intake.hl7 import Hl7Error, Message, Problem, parse
from intake.inbox import Arrival, Inbox, Kept

log = structlog.get_logger(__name__)

HL7 = "application/hl7-v2"
JSON = "application/json"
_FRAMING_ADVICE = {
    "frame-too-large": "Send a shorter message, or raise this listener's size limit.",
    "incomplete-frame": "Send the whole message again; it broke off before its end mark.",
    "no-frame-start": "Start each message with the byte 0x0B.",
}
_LONGEST_KEY = 200
_WITHOUT_KEY = ("no-control-id", "header-too-long")
_STORE_ERRORS = (psycopg.Error, PoolTimeout, EventStoreError)
_NOT_STORED = Problem("not-stored", "The message was not kept; send the same bytes again later.", "207")


@dataclass(frozen=True, slots=True)
class ReceivingRules:
    """How one site reads its senders.

    Attributes:
        zone: For times without an offset.
        content_errors: What a sender is told whose message is well formed and says not whom it is about. AE lets
            them know; AA keeps senders going that stop at the first AE. It is quarantined either way.
        processing_ids: MSH-11 values taken; a production listener should take P only.
    """

    zone: tzinfo = UTC
    content_errors: Literal["AE", "AA"] = "AE"
    processing_ids: frozenset[str] = frozenset({"P", "T", "D", ""})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an arrival. `kept` is None where it had no usable key or the store failed."""

    verdict: Verdict
    ack: bytes | None
    problem: Problem | None = None
    kept: Kept | None = None


class Receiver:
    """The way in behind one listener; implements `mllp.MllpHandler`.

    `on_kept` is called after each new message is durable, to wake the relay.
    """

    def __init__(
        self, inbox: Inbox, listener: str, rules: ReceivingRules, on_kept: Callable[[], None] = lambda: None
    ) -> None:
        self._inbox = inbox
        self._listener = listener
        self._rules = rules
        self._on_kept = on_kept

    async def receive(self, raw: bytes) -> bytes | None:
        """One HL7 v2 message; its acknowledgement."""
        return (await self.receive_hl7(raw)).ack

    async def refuse(self, code: str, raw: bytes) -> bytes | None:
        """Bytes that made no message; a rejection."""
        problem = Problem(code, _FRAMING_ADVICE.get(code, "Send a whole message."))
        return (await self._reject(raw, problem, datetime.now(UTC))).ack

    async def receive_hl7(self, raw: bytes) -> Receipt:
        """One HL7 v2 message. Never raises for what is in it, nor for a failing store: that gives AE."""
        now = datetime.now(UTC)
        try:
            message = parse(raw)
        except Hl7Error as error:
            return await self._reject(raw, error.problem, now)
        problem = _header_problem(message, self._rules)
        if problem is not None and problem.code in _WITHOUT_KEY:
            receipt = await self._reject(raw, problem, now)
            return replace(receipt, ack=build_ack(message, receipt.verdict, now, receipt.problem))
        try:
            return self._receipt(await self._inbox.keep(self._judge(raw, message, problem, now)))
        except _STORE_ERRORS as error:
            log.error("message not stored", listener=self._listener, error=type(error).__name__)
            return Receipt(Verdict.ERROR, build_ack(message, Verdict.ERROR, now, _NOT_STORED), _NOT_STORED)

    async def receive_admission(self, raw: bytes, idempotency_key: str) -> Receipt | Literal["key-reused"]:
        """One JSON admission; `key-reused` if the key came before with another body.

        Raises:
            DocumentError: The body is no admission document.
        """
        fact = read_admission(raw).to_fact()
        arrival = Arrival(
            listener=self._listener,
            sending_app="",
            sending_facility="",
            control_id=idempotency_key,
            raw=raw,
            business=b"json\0" + idempotency_key.encode() + raw,
            content_type=JSON,
            received_at=datetime.now(UTC),
            event="admission",
            verdict=Verdict.ACCEPT,
            state="received",
            client=fact.key,
            visit=fact.visit,
        )
        try:
            if await self._inbox.control_id_taken(arrival):
                return "key-reused"
            return self._receipt(await self._inbox.keep(arrival))
        except _STORE_ERRORS as error:
            log.error("admission not stored", listener=self._listener, error=type(error).__name__)
            return Receipt(Verdict.ERROR, None, _NOT_STORED)

    async def quarantine(self, raw: bytes, problem: Problem) -> Receipt:
        """Keeps bytes that cannot be read."""
        return await self._reject(raw, problem, datetime.now(UTC))

    def _receipt(self, kept: Kept) -> Receipt:
        log.info(
            "message kept",
            listener=self._listener,
            message_id=str(kept.message_id),
            verdict=kept.verdict,
            duplicate=kept.duplicate,
            problem=kept.problem.code if kept.problem else None,
        )
        if not kept.duplicate:
            self._on_kept()
        return Receipt(kept.verdict, kept.ack, kept.problem, kept)

    async def _reject(self, raw: bytes, problem: Problem, now: datetime) -> Receipt:
        try:
            await self._inbox.quarantine(self._listener, raw, problem)
        except _STORE_ERRORS as error:
            log.error("bytes not stored", listener=self._listener, error=type(error).__name__)
            return Receipt(Verdict.ERROR, build_rejection(_NOT_STORED, now, Verdict.ERROR), _NOT_STORED)
        log.warning("bytes quarantined", listener=self._listener, problem=problem.code, size=len(raw))
        return Receipt(Verdict.REJECT, build_rejection(problem, now), problem)

    def _judge(self, raw: bytes, message: Message, problem: Problem | None, now: datetime) -> Arrival:
        if problem is not None:
            return self._arrival(raw, message, now, Verdict.REJECT, Reading(_ignored(message)), problem)
        try:
            reading = read_adt(message, self._rules.zone, now)
        except Hl7Error as error:
            verdict = Verdict.ERROR if self._rules.content_errors == "AE" else Verdict.ACCEPT
            return self._arrival(raw, message, now, verdict, Reading(_ignored(message)), error.problem)
        unsafe = None
        if isinstance(reading.fact, NeedsPerson):
            unsafe = Problem("needs-a-person", f"Act on {reading.fact.event} by hand; no journey was changed.")
        return self._arrival(raw, message, now, Verdict.ACCEPT, reading, unsafe)

    def _arrival(
        self,
        raw: bytes,
        message: Message,
        now: datetime,
        verdict: Verdict,
        reading: Reading,
        problem: Problem | None,
    ) -> Arrival:
        fact = None if isinstance(reading.fact, Ignored | NeedsPerson) else reading.fact
        told = problem if verdict is not Verdict.ACCEPT else None
        return Arrival(
            listener=self._listener,
            sending_app=message.raw("MSH", 3),
            sending_facility=message.raw("MSH", 4),
            control_id=message.raw("MSH", 10),
            raw=raw,
            business=_business(message),
            content_type=HL7,
            received_at=now,
            event=event_of(message),
            verdict=verdict,
            state="quarantined" if problem else "ignored" if fact is None else "received",
            client=fact.key if fact else client_named(message),
            visit=fact.visit if fact else "",
            ack=build_ack(message, verdict, now, told),
            problem=problem,
            warnings=(*reading.warnings, f"read-as-{message.charset}"),
        )


def _ignored(message: Message) -> Ignored:
    return Ignored(event=event_of(message))


def _business(message: Message) -> bytes:
    """The event apart from its envelope: what a sender that repeats it under a new control id repeats."""
    envelope = [message.raw("MSH", 4), message.raw("MSH", 9)]
    if not message.field("EVN", 2):
        envelope.append(message.raw("MSH", 7))
    body = [fields for fields in message.segments if fields[0] != "MSH"]
    return "\r".join("\x1f".join(fields) for fields in [envelope, *body]).encode("utf-8", "surrogatepass")


def _header_problem(message: Message, rules: ReceivingRules) -> Problem | None:
    if any(len(message.raw("MSH", position)) > _LONGEST_KEY for position in (3, 4, 10)):
        return Problem("header-too-long", "Keep MSH-3, MSH-4 and MSH-10 under 200 characters.", "102", "MSH^1")
    if not message.field("MSH", 10):
        return Problem("no-control-id", "Give the message a control id in MSH-10.", "101", "MSH^1^10")
    return _content_problem(message, rules)


def _content_problem(message: Message, rules: ReceivingRules) -> Problem | None:
    if message.count("MSH") > 1:
        return Problem("several-messages", "Send one message in each frame.", "100")
    if not message.field("MSH", 9):
        return Problem("no-message-type", "Give the message a type in MSH-9.", "101", "MSH^1^9")
    if not message.field("MSH", 12).startswith(("2", "V2", "v2")) and message.field("MSH", 12):
        return Problem("unsupported-version", "Send HL7 version 2.x (MSH-12).", "203", "MSH^1^12")
    if message.field("MSH", 11) not in rules.processing_ids:
        return Problem("unsupported-processing-id", "Send to the listener for this MSH-11.", "202", "MSH^1^11")
    return None
