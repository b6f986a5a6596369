"""The inbox in PostgreSQL: every message is stored, with its answer, before the answer is sent.

Two messages are the same if listener, MSH-3, MSH-4, MSH-10 and the hash of their bytes agree. Then the stored answer is
given again, byte for byte, and nothing else happens. Many senders use one control id for everything, so the id alone is
not enough. The bytes are sealed under the key of the client they are about.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from clientkeys.keys import Keyring
from intake.ack import AckKind
from intake.facts import RecordNumber
from intake.offload import LARGE_BYTES
from intake.privacy import Privacy
from intake.problem import Problem
from intake.registry import known_as
from intake.rules import Rule

IntakePool = AsyncConnectionPool[AsyncConnection[Any]]
CONTROL_ID_REUSED = "control-id-reuse"

# One statement stores the message, puts its client in the queue, and quarantines what cannot be used. A client that is
# in the queue keeps its place. Its row is locked anyway, so that a relay that has just handled the client's last
# message cannot remove the client without seeing this one.
_KEEP = """
    with kept as (
        insert into intake.messages (message_id, listener, sending_app, sending_facility, control_id, sha256,
            business_sha256, content_type, sealed, key_id, received_at, event, client_ref, visit, verdict, ack,
            warnings, state, reason_code, reason)
        values (%(message_id)s, %(listener)s, %(sending_app)s, %(sending_facility)s, %(control_id)s, %(sha256)s,
            %(business_sha256)s, %(content_type)s, %(sealed)s, %(key_id)s, %(received_at)s, %(event)s,
            %(client_ref)s, %(visit)s, %(verdict)s, %(ack)s, %(warnings)s::text[] || case when exists (
                select from intake.messages where (listener, sending_app, sending_facility, control_id)
                    = (%(listener)s, %(sending_app)s, %(sending_facility)s, %(control_id)s))
                then array[%(reused)s] else '{}' end,
            %(state)s, %(reason_code)s, %(reason)s)
        on conflict (listener, sending_app, sending_facility, control_id, sha256) do nothing
        returning received_id, listener, sha256, key_id, client_ref, state, reason_code, reason),
    queued as (
        insert into intake.queue as queue (client_ref, lane, due_at)
        select client_ref, case when exists (
            select from intake.journeys where journeys.client_ref = kept.client_ref and closed_at is null
                and started_at is not null) then 'journeys' else 'openings' end, now()
        from kept where state = 'received'
        on conflict (client_ref) do update set due_at = queue.due_at),
    quarantined as (
        insert into intake.quarantine (received_id, listener, sha256, sealed, key_id, reason_code, reason)
        select received_id, listener, sha256, %(sealed)s, key_id, reason_code, reason from kept
        where state = 'quarantined')
    select received_id from kept"""
_SAME = """
    select message_id, verdict, ack, reason_code, reason from intake.messages
    where (listener, sending_app, sending_facility, control_id, sha256)
        = (%(listener)s, %(sending_app)s, %(sending_facility)s, %(control_id)s, %(sha256)s)"""
_QUARANTINE_UNREADABLE = """
    insert into intake.quarantine (listener, sha256, sealed, key_id, reason_code, reason)
    values (%s, %s, %s, %s, %s, %s)
    on conflict (listener, sha256, reason_code) where received_id is null
    do update set times = intake.quarantine.times + 1, last_seen_at = now()"""
_CONTROL_ID_TAKEN = """
    select from intake.messages where listener = %(listener)s and sending_app = %(sending_app)s
    and sending_facility = %(sending_facility)s and control_id = %(control_id)s and sha256 <> %(sha256)s limit 1"""
_PROGRESS = "select message_id, state, journey_id from intake.messages where message_id = %s"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A readable message, and what is stored with it.

    Attributes:
        business_sha256: Hash of what stays the same when an event is sent again under another control id.
        client: The client that it is about, if known. Messages of one client are handled in order.
        ack: The answer, or None if none is wanted.
        problem: Set if the message goes to quarantine instead of to the relay.
        ignored_by: Set if the message changes nothing.
    """

    listener: str
    sending_app: str
    sending_facility: str
    control_id: str
    business_sha256: bytes
    content_type: str
    received_at: datetime
    event: str
    verdict: AckKind
    state: str
    client: RecordNumber | None = None
    visit: str = ""
    ack: bytes | None = None
    problem: Problem | None = None
    ignored_by: Rule | None = None
    warnings: tuple[str, ...] = field(default=())

    @property
    def reason_code(self) -> str | None:
        """The code that says why the message does not go to the relay; None if it does."""
        because = self.problem or self.ignored_by
        return because.code if because else None

    @property
    def reason(self) -> str | None:
        """The same reason as a sentence."""
        if self.problem is not None:
            return self.problem.advice
        return self.ignored_by.reason if self.ignored_by else None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the inbox holds for an arrival. `ack` is the answer to send; a duplicate gets the first one's answer."""

    message_id: UUID
    verdict: AckKind
    ack: bytes | None
    problem: Problem | None
    duplicate: bool


@dataclass(frozen=True, slots=True)
class MessageProgress:
    """How far a message has come."""

    message_id: UUID
    state: str
    journey_id: UUID | None


class Inbox:
    """Stores what arrives. Every method returns only once its change is durable."""

    def __init__(self, pool: IntakePool, keyring: Keyring) -> None:
        self._pool = pool
        self._privacy = Privacy(keyring)
        self._long_messages = asyncio.Lock()

    async def keep(self, arrival: Arrival, raw: bytes) -> Kept:
        """Stores `arrival` and its bytes, unless they are stored already.

        Raises:
            psycopg.Error: Nothing was stored; the sender must try again.
            ClientKeysError: The same, because there is no key to seal it with.
        """
        async with self._turn(raw), self._pool.connection() as connection, connection.transaction():
            values = await self._columns(arrival, raw, connection)
            kept = await connection.execute(_KEEP, values)
            if await kept.fetchone() is None:
                return await _kept_before(connection, values)
        return Kept(values["message_id"], arrival.verdict, arrival.ack, arrival.problem, duplicate=False)

    async def quarantine(self, listener: str, raw: bytes, problem: Problem) -> None:
        """Stores bytes without a usable message key. The same bytes again are counted, not stored twice."""
        hashed = await self._privacy.hash_of_bytes(raw)
        sealed = await self._privacy.seal_message(raw, hashed, None)
        async with self._turn(raw), self._pool.connection() as connection:
            await connection.execute(
                _QUARANTINE_UNREADABLE,
                (listener, hashed, *sealed, problem.code, problem.advice),
            )

    async def control_id_taken(self, arrival: Arrival, raw: bytes) -> bool:
        """Whether bytes other than `raw` were stored under the same listener, sender and control id."""
        async with self._pool.connection() as connection:
            found = await connection.execute(
                _CONTROL_ID_TAKEN, {**_sender(arrival), "sha256": await self._privacy.hash_of_bytes(raw)}
            )
            return await found.fetchone() is not None

    async def progress(self, message_id: UUID) -> MessageProgress | None:
        """How far the message has come, or None if it is not here."""
        async with self._pool.connection() as connection:
            found = await connection.execute(_PROGRESS, (message_id,))
            row = await found.fetchone()
        return MessageProgress(*row) if row else None

    async def ping(self) -> None:
        """Raises psycopg.Error if the database does not answer."""
        async with self._pool.connection() as connection:
            await connection.execute("select 1")

    def _turn(self, raw: bytes) -> AbstractAsyncContextManager[object]:
        """Makes long messages wait their turn: together they would use every connection, and the disk."""
        return self._long_messages if len(raw) >= LARGE_BYTES else nullcontext()

    async def _columns(self, arrival: Arrival, raw: bytes, connection: AsyncConnection[Any]) -> dict[str, Any]:
        hashed = await self._privacy.hash_of_bytes(raw)
        client_ref = None
        if arrival.client is not None:
            client_ref = await known_as(connection, await self._privacy.hash_of_number(arrival.client))
        sealed = await self._privacy.seal_message(raw, hashed, client_ref)
        return {
            **_sender(arrival),
            **sealed._asdict(),
            "message_id": uuid4(),
            "sha256": hashed,
            "business_sha256": await self._privacy.hash_of_digest(arrival.business_sha256),
            "content_type": arrival.content_type,
            "received_at": arrival.received_at,
            "event": arrival.event,
            "client_ref": client_ref,
            "visit": await self._privacy.hash_of_visit(arrival.visit),
            "verdict": arrival.verdict.value,
            "ack": arrival.ack,
            "warnings": list(arrival.warnings),
            "reused": CONTROL_ID_REUSED,
            "state": arrival.state,
            "reason_code": arrival.reason_code,
            "reason": arrival.reason,
        }


async def _kept_before(connection: AsyncConnection[Any], values: dict[str, Any]) -> Kept:
    row = await (await connection.execute(_SAME, values)).fetchone()
    if row is None:
        raise RuntimeError("a message was removed from the inbox while it arrived again; send it once more")
    message_id, verdict, ack, code, reason = row
    refused = verdict != AckKind.ACCEPT and code is not None
    return Kept(message_id, AckKind(verdict), ack, Problem(code, reason) if refused else None, duplicate=True)


def _sender(arrival: Arrival) -> dict[str, Any]:
    return {
        "listener": arrival.listener,
        "sending_app": arrival.sending_app,
        "sending_facility": arrival.sending_facility,
        "control_id": arrival.control_id,
    }
