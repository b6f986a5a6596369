"""Makes clients who were kept before there was a search findable, and those whose search words are out of date."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from clientkeys.errors import KeyDestroyed
from clientkeys.keys import Keyring
from intake.privacy import Privacy, Sealed
from intake.registry import IntakePool, keep_words
from intake.search_words import search_words

_BATCH = 500
_CLIENTS = """
select client_ref from intake.clients where sealed is not null and client_ref > %s order by client_ref limit %s"""
_LOCK = "select from intake.known where client_ref = %s for update"
_PERSON = "select sealed, key_id from intake.clients where client_ref = %s and sealed is not null"


class Indexer:
    """Fills the index of one intake."""

    def __init__(self, pool: IntakePool, keyring: Keyring) -> None:
        self._pool = pool
        self._privacy = Privacy(keyring)

    async def index(self, told: Callable[[int], None] = lambda count: None) -> int:
        """Writes the search words of every client, and returns how many clients there are.

        It may run beside intake, and again: each client has a transaction of their own.

        Args:
            told: Called after each batch with the number of clients so far.

        Raises:
            ClientKeysError: The keys do not answer: run it again.
        """
        count = 0
        async for batch in self._batches():
            for client_ref in batch:
                await self._index(client_ref)
            count += len(batch)
            told(count)
        return count

    async def _batches(self) -> AsyncIterator[list[UUID]]:
        after = UUID(int=0)
        while True:
            async with self._pool.connection() as connection:
                rows = await (await connection.execute(_CLIENTS, (after, _BATCH))).fetchall()
            if not rows:
                return
            yield [client_ref for (client_ref,) in rows]
            after = rows[-1][0]

    async def _index(self, client_ref: UUID) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(_LOCK, (client_ref,))
            await keep_words(connection, client_ref, await self._hashes(connection, client_ref))

    async def _hashes(self, connection: AsyncConnection[Any], client_ref: UUID) -> list[bytes]:
        """None for a client who was erased meanwhile, or whose key was destroyed."""
        row = await (await connection.execute(_PERSON, (client_ref,))).fetchone()
        if row is None:
            return []
        try:
            person = await self._privacy.open_person(Sealed(*row), client_ref)
        except KeyDestroyed:
            return []
        return await self._privacy.hashes_of_words(search_words(person))
