"""The inbox seen from the relay: which row is next, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from intake.inbox import Pool

# A client's later message waits for the earlier one, even while that one backs off: order holds per client, and a
# client who must wait holds up nobody else.
_NEXT = """
    SELECT received_id, message_id, sealed, key_id, sha256, content_type, event, client_ref, visit, received_at,
        attempts, business_sha256
    FROM intake.messages AS message
    WHERE state = 'received' AND next_attempt_at <= now() AND NOT EXISTS (
        SELECT FROM intake.messages AS earlier
        WHERE earlier.state = 'received' AND earlier.client_ref = message.client_ref
            AND earlier.received_id < message.received_id)
    ORDER BY received_id LIMIT 1 FOR UPDATE SKIP LOCKED"""
_SETTLE = """
    UPDATE intake.messages
    SET state = %(state)s, reason_code = %(code)s, reason = %(reason)s, attempts = attempts + 1, updated_at = now(),
        journey_id = coalesce(%(journey_id)s, journey_id),
        parked_at = CASE WHEN %(state)s = 'parked' THEN coalesce(parked_at, now()) ELSE parked_at END
    WHERE received_id = %(received_id)s"""
_QUARANTINE = """
    INSERT INTO intake.quarantine (received_id, listener, sha256, sealed, key_id, reason_code, reason)
    SELECT received_id, listener, sha256, sealed, key_id, reason_code, reason
    FROM intake.messages WHERE received_id = %s
    ON CONFLICT (received_id) DO NOTHING"""
_UNPARK = """
    UPDATE intake.messages SET state = 'received', next_attempt_at = now(), updated_at = now()
    WHERE state = 'parked' AND client_ref = %s AND received_id <> %s"""
_EXPIRE = """
    WITH expired AS (
        UPDATE intake.messages SET state = 'quarantined', updated_at = now(), reason_code = 'parked-too-long',
            reason = coalesce(reason, '') || ' Nothing came that it belongs to; act on it by hand.'
        WHERE state = 'parked' AND parked_at <= now() - %s
        RETURNING received_id, listener, sha256, sealed, key_id, reason_code, reason)
    INSERT INTO intake.quarantine (received_id, listener, sha256, sealed, key_id, reason_code, reason)
    SELECT * FROM expired ON CONFLICT (received_id) DO NOTHING"""


@dataclass(frozen=True, slots=True)
class Row:
    """A message to be handled now, still sealed; `visit` is a keyed hash."""

    received_id: int
    message_id: UUID
    sealed: bytes
    key_id: UUID
    sha256: bytes
    content_type: str
    event: str
    client_ref: UUID | None
    visit: str
    received_at: datetime
    attempts: int
    business_sha256: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a message ends up, and why, in words without client data."""

    state: Literal["done", "ignored", "parked", "quarantined"]
    code: str | None = None
    reason: str | None = None
    journey_id: UUID | None = None


class Claim:
    """One row, locked until the claim ends. Ending it without a word leaves the row as it was."""

    def __init__(self, row: Row, connection: AsyncConnection[Any]) -> None:
        self.row = row
        self._connection = connection

    async def settle(self, outcome: Outcome) -> None:
        """Writes the outcome. What was parked for this client gets another try once something was done."""
        row = self.row
        await self._connection.execute(
            _SETTLE,
            {
                "state": outcome.state,
                "code": outcome.code,
                "reason": outcome.reason,
                "journey_id": outcome.journey_id,
                "received_id": row.received_id,
            },
        )
        if outcome.state == "quarantined":
            await self._connection.execute(_QUARANTINE, (row.received_id,))
        if outcome.state == "done":
            await self._connection.execute(_UNPARK, (row.client_ref, row.received_id))

    async def postpone(self, delay: timedelta, code: str) -> None:
        """Leaves the row in place, to be tried again after `delay` (elapsed)."""
        await self._connection.execute(
            """UPDATE intake.messages SET attempts = attempts + 1, next_attempt_at = now() + %s, reason_code = %s,
               updated_at = now() WHERE received_id = %s""",
            (delay, code, self.row.received_id),
        )


class Queue:
    """Rows in the order they were received, one client's never side by side, however many relays ask."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def claim(self) -> AsyncIterator[Claim | None]:
        """The next row that may be handled, or None. The lock dies with the process that holds it."""
        async with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor(row_factory=class_row(Row), binary=True)  # a message as text is twice as long
            await cursor.execute(_NEXT)
            row = await cursor.fetchone()
            yield Claim(row, connection) if row else None

    async def said_before(self, row: Row) -> bool:
        """Whether the same event was received earlier under another control id and was handled or is parked."""
        async with self._pool.connection() as connection:
            found = await connection.execute(
                """SELECT FROM intake.messages WHERE business_sha256 = %s AND received_id < %s
                   AND state IN ('done', 'parked') LIMIT 1""",
                (row.business_sha256, row.received_id),
            )
            return await found.fetchone() is not None

    async def is_later_visit(self, row: Row, journey_id: UUID) -> bool:
        """Whether the row's visit was announced on that journey by another message than the one that opened it."""
        async with self._pool.connection() as connection:
            found = await connection.execute(
                """SELECT FROM intake.messages WHERE client_ref = %s AND journey_id = %s AND visit = %s
                   AND state = 'done' AND received_id <> %s LIMIT 1""",
                (row.client_ref, journey_id, row.visit, row.received_id),
            )
            return await found.fetchone() is not None

    async def expire_parked(self, older_than: timedelta) -> int:
        """Moves what was parked longer than `older_than` (elapsed) to quarantine; returns how many."""
        async with self._pool.connection() as connection:
            return (await connection.execute(_EXPIRE, (older_than,))).rowcount
