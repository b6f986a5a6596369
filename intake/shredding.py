"""Makes everything written about a client permanently unreadable: in the record, in intake, and in their backups.

The decision is recorded, the client's key is destroyed, and the client's data in intake is erased, in this order. Each
step may be repeated, so you can finish an interrupted shredding by running it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from psycopg import AsyncConnection

from clientkeys.errors import KeyDestroyed
from clientkeys.keys import Keyring
from domain.policy import policy_named
from domain.retention import ClientKeyDestroyed, DestructionReason, kept_until
from domain.sites import all_sites
from domain.values import Key, Value
from eventstore.errors import KeyReused, StreamClosed, VersionConflict
from eventstore.port import EventStore
from intake.privacy import Privacy, Sealed
from intake.registry import IntakePool
from record.codec import to_record
from record.listing import streams

log = structlog.get_logger(__name__)

_LOCK = "select number_hash from intake.known where client_ref = %s for update"
_JOURNEYS = "select journey_id from intake.journeys where client_ref = %s"
_PERSON = "select sealed, key_id from intake.clients where client_ref = %s for update"
_ANY_MESSAGE = "select from intake.messages where client_ref = %s limit 1"
_WAITING = "select count(*) from intake.messages where client_ref = %s and state = 'received'"
_FORGET_WORDS = "delete from intake.search_words where client_ref = %s"
_ERASE = (
    _FORGET_WORDS,
    """update intake.quarantine set sealed = null, key_id = null where received_id in (
       select received_id from intake.messages where client_ref = %s)""",
    """update intake.messages set sealed = null, key_id = null, visit = '',
       state = case when state = 'parked' then 'ignored' else state end where client_ref = %s""",
    "update intake.journeys set visit = '' where client_ref = %s",
    """update intake.clients set sealed = null, key_id = null, erased_at = coalesce(erased_at, now())
       where client_ref = %s""",
    "delete from intake.known where client_ref = %s",
)


class ShredRefused(Exception):
    """The client's key may not be destroyed now. Nothing has changed.

    Attributes:
        code: Short and stable.
        sentence: The reason and what to do.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


class NoSuchClient(Exception):
    """Intake does not know this client reference, and the record has no destroyed key for it."""


class ShredOrder(Value):
    """Who decided it, who approved it, and why. `client_ref` is the client's opaque reference."""

    client_ref: UUID
    by: Key
    approved_by: Key
    reason: DestructionReason
    order: Key | None = None


class Shredded(NamedTuple):
    """What was done.

    Attributes:
        decided: The decision on record; it may be an earlier one.
        again: Whether the decision was already on record.
    """

    decided: ClientKeyDestroyed
    again: bool


@dataclass(frozen=True, slots=True)
class _Client:
    journeys: tuple[str, ...]
    waiting: int
    born: date | None


class Shredder:
    """Carries out orders on one record, one keyring and one intake."""

    def __init__(self, store: EventStore, keyring: Keyring, pool: IntakePool) -> None:
        self._store = store
        self._keyring = keyring
        self._pool = pool
        self._privacy = Privacy(keyring)

    async def shred(self, order: ShredOrder, now: datetime) -> Shredded:
        """Destroys the client's key and erases the client's data in intake.

        Meanwhile, intake accepts no message about this client.

        Raises:
            ShredRefused: A journey is open, the words must still be kept, or the order is no order.
            NoSuchClient: Nobody has this reference.
            EventStoreError: The record does not answer: ask again.
            ClientKeysError: The keys do not: ask again.
        """
        _require_order(order)
        async with self._pool.connection() as connection, connection.transaction():
            client = await self._locked(connection, order.client_ref)
            earlier = await self._decided(order.client_ref)
            if client is None and earlier is None:
                raise NoSuchClient
            if client is not None:
                await self._require_over(client, order, now, decided=earlier is not None)
            decided = earlier or await self._decide(order, now)
            await self._keyring.destroy(str(order.client_ref))
            for statement in _ERASE:
                await connection.execute(statement.encode(), (order.client_ref,))
        log.info("client shredded", client_ref=str(order.client_ref), again=earlier is not None)
        return Shredded(decided, again=earlier is not None)

    async def destroy_again(self) -> int:
        """Destroys every key that the record says was destroyed, and returns how many. Nobody is found by name then.

        Use it after restoring the keys' database, or intake's tables, which may bring some back.
        """
        count = 0
        async for stream in streams(self._store, "client/"):
            client_ref = stream.removeprefix("client/")
            await self._keyring.destroy(client_ref)
            async with self._pool.connection() as connection:
                await connection.execute(_FORGET_WORDS, (client_ref,))
            count += 1
        return count

    async def _locked(self, connection: AsyncConnection[Any], client_ref: UUID) -> _Client | None:
        await connection.execute(_LOCK, (client_ref,))
        row = await (await connection.execute(_PERSON, (client_ref,))).fetchone()
        waiting = await (await connection.execute(_WAITING, (client_ref,))).fetchone()
        messages = await connection.execute(_ANY_MESSAGE, (client_ref,))
        if row is None and await messages.fetchone() is None:
            return None
        journeys = await (await connection.execute(_JOURNEYS, (client_ref,))).fetchall()
        born = await self._born(client_ref, Sealed(*row)) if row and row[1] else None
        return _Client(tuple(str(each) for (each,) in journeys), waiting[0] if waiting else 0, born)

    async def _born(self, client_ref: UUID, sealed: Sealed) -> date | None:
        try:
            return (await self._privacy.open_person(sealed, client_ref)).birth_date
        except KeyDestroyed:
            return None

    async def _require_over(self, client: _Client, order: ShredOrder, now: datetime, *, decided: bool) -> None:
        """Refuses while care continues, and before the end of the retention period unless it was already decided."""
        last = [await self._last(journey) for journey in client.journeys]
        if decided:
            return
        if client.waiting:
            raise ShredRefused("messages-waiting", "Messages of this client wait for intake. Let it handle them first.")
        if order.reason is DestructionReason.LEGAL_ORDER or not last:
            return
        until = _kept_until(max(last), client.born)
        if min(each.calendar.local_date(now) for each in all_sites()) < until:
            raise ShredRefused(
                "retention-runs",
                f"What is written about this client must be kept until {until}. Only a legal order ends that earlier: "
                "give its reference.",
            )

    async def _last(self, journey_id: str) -> datetime:
        head = await self._store.head(journey_id)
        if head is None or not head.closed:
            why = f"Journey {journey_id} is open, or its end can still be taken back."
            raise ShredRefused("journey-open", f"{why} Destroy nothing until the end is final.")
        [last] = await self._store.read(journey_id, after_version=head.version - 1)
        return last.occurred_at

    async def _decided(self, client_ref: UUID) -> ClientKeyDestroyed | None:
        for stored in await self._store.read(f"client/{client_ref}"):
            said = {"at": stored.occurred_at, "cause": stored.meta.get("command_id", "")}
            return ClientKeyDestroyed.model_validate({**stored.data, **said})
        return None

    async def _decide(self, order: ShredOrder, now: datetime) -> ClientKeyDestroyed:
        cause = f"shred/{order.client_ref}"
        event = ClientKeyDestroyed(
            at=now, cause=cause, **order.model_dump(exclude={"client_ref"}), client_ref=str(order.client_ref)
        )
        try:
            await self._store.append(
                f"client/{order.client_ref}", expected_version=0, key=cause, events=[to_record(event)], close=True
            )
        except (KeyReused, StreamClosed, VersionConflict):  # another process decided it at the same time
            return await self._decided(order.client_ref) or event
        return event


def _kept_until(last: datetime, born: date | None) -> date:
    """The end of retention at the site whose policy and zone keep data longest: a day too long harms no one."""
    return max(kept_until(last, born, policy_named(each.policy), each.calendar) for each in all_sites())


def _require_order(order: ShredOrder) -> None:
    if order.by == order.approved_by:
        raise ShredRefused("two-people", "The person who approves must not be the one who decides.")
    if (order.reason is DestructionReason.LEGAL_ORDER) != (order.order is not None):
        raise ShredRefused("order-missing", "Give a reference for a legal order, and only for a legal order.")
