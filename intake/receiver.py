"""Receives messages: read, judge, store, then answer. The same for every protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from clientkeys import ClientKeysError
from eventstore.errors import EventStoreError
from intake.ack import AckKind, answer_unread, build_rejection
from intake.admission_document import read_admission
from intake.inbox import Arrival, Inbox, Kept
from intake.judging import HL7, JSON, ReceivingRules, judge
from intake.offload import ReadingProcess, ReadingProcessLost
from intake.problem import Problem

__all__ = ["HL7", "JSON", "Receipt", "Receiver", "ReceivingRules"]

log = structlog.get_logger(__name__)

_FRAMING_ADVICE = {
    "empty-frame": "Send a message in each frame.",
    "frame-too-large": "Send a shorter message, or raise this listener's size limit.",
    "incomplete-frame": "Send the whole message again; it broke off before its end mark.",
    "no-frame-start": "Start each message with the byte 0x0B.",
}
_STORE_ERRORS = (psycopg.Error, PoolTimeout, EventStoreError, ClientKeysError, ReadingProcessLost)
_NOT_STORED = Problem("not-stored", "The message was not kept; send the same bytes again later.", "207")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an arrival. `kept` is None if it had no usable key or the store failed."""

    verdict: AckKind
    ack: bytes | None
    problem: Problem | None = None
    kept: Kept | None = None


class Receiver:
    """Receives the messages of one listener. Implements `mllp_server.MllpHandler`.

    `on_kept` is called after each new message is durable, to wake the relay.
    """

    def __init__(
        self,
        inbox: Inbox,
        reading: ReadingProcess,
        listener: str,
        rules: ReceivingRules,
        on_kept: Callable[[], None] = lambda: None,
    ) -> None:
        self._inbox = inbox
        self._reading = reading
        self._listener = listener
        self._rules = rules
        self._on_kept = on_kept

    async def receive(self, raw: bytes) -> bytes | None:
        """Takes one HL7 v2 message and returns its acknowledgement."""
        return (await self.receive_hl7(raw)).ack

    async def refuse(self, code: str, raw: bytes) -> bytes | None:
        """Takes bytes that are not a message and returns a rejection. The bytes are stored, unless there are none."""
        problem = Problem(code, _FRAMING_ADVICE.get(code, "Send a whole message."))
        if not raw.strip():
            return build_rejection(problem, datetime.now(UTC))
        return (await self._reject(raw, problem, datetime.now(UTC))).ack

    async def receive_hl7(self, raw: bytes) -> Receipt:
        """Takes one HL7 v2 message. Never raises because of its content or a failing store; the latter gives AE."""
        now = datetime.now(UTC)
        try:
            arrival = await self._reading.read(raw, judge, self._listener, self._rules, now)
            if isinstance(arrival, Problem):
                return await self._reject(raw, arrival, now)
            return self._receipt(arrival, await self._inbox.keep(arrival, raw))
        except _STORE_ERRORS as error:
            log.error("message not stored", listener=self._listener, error=type(error).__name__)
            return Receipt(AckKind.ERROR, answer_unread(raw, _NOT_STORED, now, AckKind.ERROR), _NOT_STORED)

    async def receive_admission(self, raw: bytes, idempotency_key: str) -> Receipt | Literal["key-reused"]:
        """Takes one JSON admission; returns `key-reused` if the key was used before with another body.

        Raises:
            DocumentError: The body is not an admission document.
        """
        fact = read_admission(raw).to_fact()
        arrival = Arrival(
            listener=self._listener,
            sending_app="",
            sending_facility="",
            control_id=idempotency_key,
            business_sha256=hashlib.sha256(b"json\0" + idempotency_key.encode() + raw).digest(),
            content_type=JSON,
            received_at=datetime.now(UTC),
            event="admission",
            verdict=AckKind.ACCEPT,
            state="received",
            client=fact.key,
            visit=fact.visit,
        )
        try:
            if await self._inbox.control_id_taken(arrival, raw):
                return "key-reused"
            return self._receipt(arrival, await self._inbox.keep(arrival, raw))
        except _STORE_ERRORS as error:
            log.error("admission not stored", listener=self._listener, error=type(error).__name__)
            return Receipt(AckKind.ERROR, None, _NOT_STORED)

    async def quarantine(self, raw: bytes, problem: Problem) -> Receipt:
        """Stores bytes that cannot be read."""
        return await self._reject(raw, problem, datetime.now(UTC))

    def _receipt(self, arrival: Arrival, kept: Kept) -> Receipt:
        log.info(
            "message kept",
            listener=self._listener,
            message_id=str(kept.message_id),
            event_type=arrival.event,
            verdict=kept.verdict,
            duplicate=kept.duplicate,
            state=arrival.state,
            code=arrival.reason_code,
        )
        if not kept.duplicate:
            self._on_kept()
        return Receipt(kept.verdict, kept.ack, kept.problem, kept)

    async def _reject(self, raw: bytes, problem: Problem, now: datetime) -> Receipt:
        try:
            await self._inbox.quarantine(self._listener, raw, problem)
        except _STORE_ERRORS as error:
            log.error("bytes not stored", listener=self._listener, error=type(error).__name__)
            return Receipt(AckKind.ERROR, answer_unread(raw, _NOT_STORED, now, AckKind.ERROR), _NOT_STORED)
        log.warning("bytes quarantined", listener=self._listener, problem=problem.code, size=len(raw))
        return Receipt(AckKind.REJECT, answer_unread(raw, problem, now), problem)
