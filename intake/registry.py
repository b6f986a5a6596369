"""The register: who the clients are and which journey is theirs. A client has at most one open journey.

A program that changes a client's data first locks the row that links the record number to the client.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from activities.ports import ClientIdentity
from clientkeys.errors import KeyDestroyed
from clientkeys.keys import Keyring
from domain.values import Instant, Value
from intake.facts import Admission, Identity, RecordNumber
from intake.person import Person
from intake.privacy import Privacy, Sealed
from intake.search_words import search_words

IntakePool = AsyncConnectionPool[AsyncConnection[Any]]

_COLUMNS = "journey_id, client_ref, opened_by, site, visit, admitted_at, started_at, closed_at, visits_after_discharge"
_JOURNEY = f"select {_COLUMNS} from intake.journeys"  # noqa: S608 - made of constants
# The journey that the message opened, even if it is closed by now; or else the open one; or else a new one.
_ADMIT = f"""
    with made as (
        insert into intake.journeys (journey_id, client_ref, opened_by, site, visit, admitted_at)
        select %(journey_id)s, %(client_ref)s, %(message_id)s, %(site)s, %(visit)s, %(admitted_at)s
        where %(site)s::text is not null
        on conflict do nothing returning {_COLUMNS})
    select * from made union all
    select * from ({_JOURNEY} where opened_by = %(message_id)s or (client_ref = %(client_ref)s and closed_at is null)
        order by opened_by = %(message_id)s desc limit 1) as found"""  # noqa: S608 - made of constants
_OPEN_JOURNEY = f"{_JOURNEY} where client_ref = %s and closed_at is null"
_NOTE_VISIT = """
    update intake.journeys set visits_after_discharge = visits_after_discharge || %(visit)s::text
    where journey_id = %(journey_id)s and not %(visit)s = any(visits_after_discharge)"""
_CLOSE = "update intake.journeys set closed_at = now() where journey_id = %s and closed_at is null"
_KNOWN = "select client_ref from intake.known where number_hash = %s"
_KNOWN_AND_LOCKED = f"{_KNOWN} for update"
_MADE_KNOWN = """
    insert into intake.known as known (number_hash, client_ref) values (%s, %s)
    on conflict (number_hash) do update set client_ref = known.client_ref returning client_ref"""
_PERSON = "select sealed, key_id, identity_as_of from intake.clients where client_ref = %s"
_KEEP_PERSON = """
    insert into intake.clients (client_ref, sealed, key_id, identity_as_of) values (%s, %s, %s, %s)
    on conflict (client_ref) do update set sealed = excluded.sealed, key_id = excluded.key_id,
        identity_as_of = excluded.identity_as_of"""
_KEEP_WORDS = """
    with gone as (
        delete from intake.search_words where client_ref = %(client_ref)s and word_hash <> all (%(hashes)s::bytea[]))
    insert into intake.search_words (client_ref, word_hash) select %(client_ref)s, unnest(%(hashes)s::bytea[])
    on conflict do nothing"""


class Journey(Value):
    """A row of the register. Visits are keyed hashes; `started_at` is None until the gate has confirmed the journey."""

    journey_id: UUID
    client_ref: UUID
    opened_by: UUID
    site: str
    visit: str
    admitted_at: Instant
    started_at: Instant | None
    closed_at: Instant | None
    visits_after_discharge: tuple[str, ...]


class SiteUnknown(Exception):
    """The client has no open journey, and the site for a new one is not known. Nothing was stored."""


async def known_as(connection: AsyncConnection[Any], number_hash: bytes) -> UUID:
    """The reference of the client with this record number; a new one if the number is unknown.

    The row is locked until the caller's transaction ends, so that the client cannot be erased, and messages of one
    client are numbered in the order in which they are stored.
    """
    found = await connection.execute(_MADE_KNOWN, (number_hash, uuid4()))
    row = await found.fetchone()
    if row is None:
        raise RuntimeError("a record number was neither found nor kept; the message is tried again")
    client_ref: UUID = row[0]
    return client_ref


class Registry:
    """The register in PostgreSQL. It is also the `ClientDirectory` in which adapters look people up."""

    def __init__(self, pool: IntakePool, keyring: Keyring) -> None:
        self._pool = pool
        self._privacy = Privacy(keyring)

    async def admit(self, admission: Admission, message_id: UUID, site: str | None) -> tuple[Journey, bool]:
        """The client's open journey, created at `site` if there is none, and whether `message_id` opened it.

        Only one journey is created even if several callers ask at once. The same `message_id` always gets the same
        answer, even if the journey that it opened is now closed.

        Raises:
            SiteUnknown: A new journey is needed and `site` is None.
        """
        number, visit = await self._privacy.hash_of_number(admission.key), await self._visit(admission.visit)
        async with self._pool.connection() as connection, connection.transaction():
            client_ref = await known_as(connection, number)
            await self._keep(connection, client_ref, admission.identity, admission.occurred_at)
            cursor = connection.cursor(row_factory=class_row(Journey))
            await cursor.execute(
                _ADMIT,
                {
                    "journey_id": uuid4(),
                    "client_ref": client_ref,
                    "message_id": message_id,
                    "site": site,
                    "visit": visit,
                    "admitted_at": admission.occurred_at,
                },
            )
            journey = await cursor.fetchone()
            if journey is None and site is None:
                raise SiteUnknown
        if journey is None:
            raise RuntimeError("the journey was closed while it was being opened; the relay tries again")
        return journey, journey.opened_by == message_id

    async def update_identity(self, identity: Identity, as_of: datetime) -> UUID | None:
        """Applies a message's data to a known client. Returns their reference, or None if they are not known."""
        number = await self._privacy.hash_of_number(identity.key)
        async with self._pool.connection() as connection, connection.transaction():
            client_ref = await _known(connection, number)
            if client_ref is None or await _kept(connection, client_ref) is None:
                return None
            await self._keep(connection, client_ref, identity, as_of)
        return client_ref

    async def open_journey(self, key: RecordNumber) -> Journey | None:
        """The client's open journey, if the client is known and has one."""
        number = await self._privacy.hash_of_number(key)
        async with self._pool.connection() as connection:
            found = await connection.execute(_KNOWN, (number,))
            row = await found.fetchone()
            return await _open_journey(connection, row[0]) if row else None

    async def close(self, journey_id: UUID | str) -> None:
        """Closes a journey, so that the client's next admission opens another. Closing twice changes nothing."""
        async with self._pool.connection() as connection:
            await connection.execute(_CLOSE, (journey_id,))

    async def note_visit_after_discharge(self, journey_id: UUID, visit: str) -> None:
        """The visit may be the client's return, so its end is told to the journey. Noting it twice changes nothing.

        Args:
            visit: Its keyed hash.
        """
        async with self._pool.connection() as connection:
            await connection.execute(_NOTE_VISIT, {"visit": visit, "journey_id": journey_id})

    async def find(self, client_ref: str) -> ClientIdentity | None:
        """The identity last received for `client_ref`, or None if it is unknown or was erased."""
        try:
            reference = UUID(client_ref)
        except ValueError:
            return None
        async with self._pool.connection() as connection:
            kept = await _kept(connection, reference)
        if kept is None:
            return None
        try:
            person = await self._privacy.open_person(kept[0], reference)
        except KeyDestroyed:
            return None
        said = person.model_dump(exclude={"key"})
        return ClientIdentity(client_ref=str(reference), mrn=person.key.mrn, **said)

    async def _visit(self, visit: str) -> str:
        return await self._privacy.hash_of_visit(visit)

    async def _keep(self, connection: AsyncConnection[Any], client_ref: UUID, said: Identity, as_of: datetime) -> None:
        """Merges new data into what is stored. The caller holds the client's lock."""
        kept = await _kept(connection, client_ref)
        if kept is None:
            person, since = Person(key=said.key), as_of
        else:
            person, since = await self._privacy.open_person(kept[0], client_ref), kept[1]
        after = person.after(said, newer=as_of >= since)
        sealed = await self._privacy.seal_person(after, client_ref)
        await connection.execute(_KEEP_PERSON, (client_ref, *sealed, max(as_of, since)))
        words = search_words(after)
        if kept is None or words != search_words(person):
            await keep_words(connection, client_ref, await self._privacy.hashes_of_words(words))


async def keep_words(connection: AsyncConnection[Any], client_ref: UUID, hashes: Sequence[bytes]) -> None:
    """Makes these the words by which the client is found. The caller holds the client's lock."""
    await connection.execute(_KEEP_WORDS, {"client_ref": client_ref, "hashes": list(hashes)})


async def _known(connection: AsyncConnection[Any], number_hash: bytes) -> UUID | None:
    """Finds and locks; None if the number was never heard of."""
    found = await connection.execute(_KNOWN_AND_LOCKED, (number_hash,))
    row = await found.fetchone()
    return row[0] if row else None


async def _kept(connection: AsyncConnection[Any], client_ref: UUID) -> tuple[Sealed, datetime] | None:
    found = await connection.execute(_PERSON, (client_ref,))
    row = await found.fetchone()
    if row is None:
        return None
    sealed, key_id, as_of = row
    return (Sealed(sealed, key_id), as_of) if key_id else None


async def _open_journey(connection: AsyncConnection[Any], client_ref: UUID) -> Journey | None:
    cursor = connection.cursor(row_factory=class_row(Journey))
    await cursor.execute(_OPEN_JOURNEY, (client_ref,))
    return await cursor.fetchone()
