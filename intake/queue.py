"""The inbox as the relays see it: which client's message is next, and its outcome.

Each client with messages that wait has one row in `intake.queue`. A relay claims the row for a while, handles the
client's earliest message without holding a connection or a lock, and writes the outcome if it still holds the claim. A
claim that is not settled in time, because its process died, lapses, and another relay takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg.rows import class_row

from intake.inbox import IntakePool
from intake.rules import ADMISSIONS, CANCELLATIONS, DISCHARGES

Lane = Literal["openings", "journeys"]
"""`openings`: the client has no confirmed open journey. `journeys`: the client has one, which may not answer."""

# One statement takes the row and the next reads the message, so that it sees everything that earlier claims settled.
_CLAIM = """
    with due as (
        select client_ref from intake.queue where lane = %(lane)s and due_at <= now()
        order by due_at {order} limit %(most)s for update skip locked)
    update intake.queue set claim_id = %(claim_id)s, due_at = now() + %(lease)s
    from due where queue.client_ref = due.client_ref returning queue.client_ref"""
_OLDEST, _NEWEST = _CLAIM.format(order="asc"), _CLAIM.format(order="desc")
_EARLIEST = """
    select message.*, %(lane)s as lane, %(claim_id)s as claim_id, exists (
        select from intake.messages as other where other.business_sha256 = message.business_sha256
            and other.received_id < message.received_id and other.state in ('done', 'parked')
            and not (message.event = any(%(admissions)s) and exists (
                select from intake.messages as ending where ending.client_ref = message.client_ref
                    and ending.state = 'done' and ending.event = any(%(endings)s)
                    and ending.received_id between other.received_id and message.received_id))) as said_before
    from unnest(%(clients)s::uuid[]) as client (client_ref) cross join lateral (
        select received_id, message_id, sealed, key_id, sha256, content_type, event, client_ref, visit, received_at,
            attempts, business_sha256, site
        from intake.messages where state = 'received' and messages.client_ref = client.client_ref
        order by received_id limit 1) as message"""
_HOLD = "select from intake.queue where client_ref = %(client_ref)s and claim_id = %(claim_id)s for update"
_IN_LANE = """case when exists (
        select from intake.journeys where journeys.client_ref = queue.client_ref and closed_at is null
            and started_at is not null) then 'journeys' else 'openings' end"""
# All that an outcome changes. Every part sees the tables as they were before, so what one part changes the next takes
# from it: the client's other messages are those received before and those that are let out of parking here.
_SETTLE = f"""
    with settled as (
        update intake.messages
        set state = %(state)s, reason_code = %(code)s, reason = %(reason)s, attempts = attempts + 1,
            updated_at = now(), journey_id = coalesce(%(journey_id)s, journey_id),
            parked_at = case when %(state)s = 'parked' then coalesce(parked_at, now()) else parked_at end
        where received_id = %(received_id)s
        returning received_id, listener, sha256, sealed, key_id, reason_code, reason),
    quarantined as (
        insert into intake.quarantine (received_id, listener, sha256, sealed, key_id, reason_code, reason)
        select * from settled where %(state)s = 'quarantined'
        on conflict (received_id) do update set reason_code = excluded.reason_code, reason = excluded.reason,
            released_at = null, released_by = null),
    started as (
        update intake.journeys set started_at = now()
        where %(started)s and journey_id = %(journey_id)s and started_at is null returning journey_id),
    unparked as (
        update intake.messages set state = 'received', updated_at = now()
        where %(state)s = 'done' and state = 'parked' and client_ref = %(client_ref)s
            and received_id <> %(received_id)s returning received_id),
    more as (
        select received_id from unparked union all
        (select received_id from intake.messages where state = 'received' and client_ref = %(client_ref)s
            and received_id <> %(received_id)s limit 1)),
    gone as (delete from intake.queue where client_ref = %(client_ref)s and not exists (select from more))
    update intake.queue set claim_id = null, due_at = now(), lane = case when exists (select from started)
        then 'journeys' else {_IN_LANE} end
    where client_ref = %(client_ref)s and exists (select from more) returning lane"""  # noqa: S608 - made of constants
_WAIT_AGAIN = f"""
    update intake.queue set claim_id = null, due_at = now() + %(delay)s, lane = {_IN_LANE}
    where client_ref = %(client_ref)s and claim_id = %(claim_id)s returning lane"""  # noqa: S608 - made of constants
_POSTPONE = f"""
    with waits as ({_WAIT_AGAIN})
    update intake.messages set attempts = attempts + 1, reason_code = %(code)s, updated_at = now()
    from waits where received_id = %(received_id)s"""  # noqa: S608 - made of constants
_RELEASE = """
    update intake.queue set claim_id = null, due_at = now()
    where client_ref = any(%(clients)s) and claim_id = any(%(claims)s)"""
_SAID_VISIT = """
    select from intake.messages where client_ref = %s and journey_id = %s and visit = %s
    and state = 'done' and received_id <> %s limit 1"""
_EXPIRE = """
    with expired as (
        update intake.messages set state = 'quarantined', updated_at = now(), reason_code = 'parked-too-long',
            reason = coalesce(reason, '') || ' Nothing came that it belongs to; act on it by hand.'
        where state = 'parked' and parked_at <= now() - %s
        returning received_id, listener, sha256, sealed, key_id, reason_code, reason)
    insert into intake.quarantine (received_id, listener, sha256, sealed, key_id, reason_code, reason)
    select * from expired on conflict (received_id) do nothing"""
_NOW = timedelta(0)
_EVENTS = {
    "admissions": [f"ADT^{trigger}" for trigger in ADMISSIONS],
    "endings": [f"ADT^{trigger}" for trigger in (*CANCELLATIONS, *DISCHARGES)],
}


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message to handle now, still sealed.

    Attributes:
        visit: Keyed hash of the visit number; empty if there was none.
        site: The site that a person named for it, if one did.
        lane: The lane it was claimed in.
        claim_id: The claim; it must still be held when the outcome is written.
        said_before: The same event came earlier under another control id and was handled or is parked. If the client's
            stay was cancelled or ended in between, an admission counts as new although its content is the same.
    """

    received_id: int
    message_id: UUID
    sealed: bytes
    key_id: UUID
    sha256: bytes
    content_type: str
    event: str
    client_ref: UUID
    visit: str
    received_at: datetime
    attempts: int
    business_sha256: bytes
    site: str | None
    lane: Lane
    claim_id: UUID
    said_before: bool


@dataclass(frozen=True, slots=True)
class Handling:
    """The outcome of a message and the reason, without client data.

    Attributes:
        started: Whether the message opened the journey `journey_id`.
    """

    state: Literal["done", "ignored", "parked", "quarantined"]
    code: str | None = None
    reason: str | None = None
    journey_id: UUID | None = None
    started: bool = False


class ClaimLost(Exception):
    """The claim lapsed and another relay may have the message. Nothing was written."""

    def __init__(self) -> None:
        super().__init__("the claim on the message lapsed before its outcome was written: it is handled again")


class Queue:
    """Clients in the order in which their messages are due. One client's messages are never handled in parallel.

    Args:
        pool: Connections with autocommit; one is used for the length of each call.
        lease: How long a claim holds, elapsed. What is claimed must be settled sooner.
    """

    def __init__(self, pool: IntakePool, lease: timedelta = timedelta(seconds=30)) -> None:
        self._pool = pool
        self._lease = lease

    async def claim(self, lane: Lane, most: int, *, newest: bool = False) -> list[QueuedMessage]:
        """Claims up to `most` clients that are due and returns the earliest message of each.

        Args:
            lane: The lane to claim in.
            most: The most clients to claim.
            newest: Claim the newest clients instead of those that have waited longest.
        """
        values = {"lane": lane, "most": most, "claim_id": uuid4(), "lease": self._lease, **_EVENTS}
        async with self._pool.connection() as connection:
            found = await connection.execute(_NEWEST if newest else _OLDEST, values)
            clients = [client_ref for (client_ref,) in await found.fetchall()]
            if not clients:
                return []
            cursor = connection.cursor(
                row_factory=class_row(QueuedMessage), binary=True
            )  # binary, because a message as text is twice as long
            await cursor.execute(_EARLIEST, {**values, "clients": clients})
            return await cursor.fetchall()

    async def settle(self, row: QueuedMessage, outcome: Handling) -> Lane | None:
        """Writes the outcome. If something was done, the client's parked messages get another try.

        Returns:
            The lane where the client's next message waits, or None if none does.

        Raises:
            ClaimLost: Another relay may have the message by now.
        """
        values = {
            **_claim(row),
            "state": outcome.state,
            "code": outcome.code,
            "reason": outcome.reason,
            "journey_id": outcome.journey_id,
            "started": outcome.started,
        }
        async with self._pool.connection() as connection, connection.transaction():
            if await (await connection.execute(_HOLD, values)).fetchone() is None:
                raise ClaimLost
            found = await (await connection.execute(_SETTLE, values)).fetchone()
            return found[0] if found else None

    async def postpone(self, row: QueuedMessage, delay: timedelta, code: str) -> None:
        """Leaves the message in place, to be tried after `delay` (elapsed). Does nothing if the claim was lost."""
        async with self._pool.connection() as connection:
            await connection.execute(_POSTPONE, {**_claim(row), "delay": delay, "code": code})

    async def put_back(self, row: QueuedMessage) -> Lane | None:
        """Gives up the claim untried, moves the client to the lane where it now belongs, and returns that lane."""
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_WAIT_AGAIN, {**_claim(row), "delay": _NOW})).fetchone()
            return found[0] if found else None

    async def release(self, rows: Sequence[QueuedMessage]) -> None:
        """Gives up claims, so that other relays can take them at once."""
        values = {"clients": [row.client_ref for row in rows], "claims": [row.claim_id for row in rows]}
        async with self._pool.connection() as connection:
            await connection.execute(_RELEASE, values)

    async def is_later_visit(self, row: QueuedMessage, journey_id: UUID) -> bool:
        """Whether the visit was announced on that journey by a message other than the one that opened it."""
        async with self._pool.connection() as connection:
            found = await connection.execute(_SAID_VISIT, (row.client_ref, journey_id, row.visit, row.received_id))
            return await found.fetchone() is not None

    async def expire_parked(self, older_than: timedelta) -> int:
        """Moves what was parked longer than `older_than` (elapsed) to quarantine; returns how many."""
        async with self._pool.connection() as connection:
            return (await connection.execute(_EXPIRE, (older_than,))).rowcount


def _claim(row: QueuedMessage) -> dict[str, Any]:
    return {"client_ref": row.client_ref, "claim_id": row.claim_id, "received_id": row.received_id}
