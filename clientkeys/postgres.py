"""The keyring in PostgreSQL, in a database of its own; what it holds is wrapped by keys that are in none."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool

from clientkeys.errors import KeyDestroyed, KeyMissing, KeysSchemaMissing, KeysUnavailable
from clientkeys.kek import KeyEncryptionKeys, Wrapped, read_keks
from clientkeys.keys import DataKey, new_key

_KEPT_SECONDS = 60.0
_CONNECT_SECONDS = 5.0

_FIND = "select key_id, owner, kek, wrapped from keys.data_keys where {} = %s"
_WRAPPED_BY_OTHERS = "select key_id, owner, kek, wrapped from keys.data_keys where kek <> %s"
_MAKE = "insert into keys.data_keys (key_id, owner, kek, wrapped) values (%s, %s, %s, %s) on conflict do nothing"
_DESTROY = """
    insert into keys.data_keys (key_id, owner, destroyed_at) values (gen_random_uuid(), %s, now())
    on conflict (owner) do update set kek = null, wrapped = null, destroyed_at = now()
    where data_keys.destroyed_at is null"""
_REWRITE = "vacuum full keys.data_keys"
_REWRAP = "update keys.data_keys set kek = %s, wrapped = %s where key_id = %s and kek = %s"

KeyPool = AsyncConnectionPool[AsyncConnection[Any]]


class _KeyRow(NamedTuple):
    key_id: UUID
    owner: str
    kek: str | None
    wrapped: bytes | None


class _Cached(NamedTuple):
    key: DataKey
    until: float


class PostgresKeyring:
    """A `Keyring` made by `open_keyring`. Keys are kept unwrapped in memory for a minute at most.

    Args:
        pool: Connections to the keys' database.
        keks: What wraps the keys.
        clock: Elapsed seconds.
    """

    def __init__(self, pool: KeyPool, keks: KeyEncryptionKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._keks = keks
        self._clock = clock
        self._cache: dict[str | UUID, _Cached] = {}

    async def key_of(self, owner: str) -> DataKey:
        """See `Keyring.key_of`."""
        if (cached := self._cached(owner)) is not None:
            return cached
        row = await self._find("owner", owner)
        if row is None:
            key, secret = new_key()
            wrapped = self._keks.wrap(secret)
            await self._execute(_MAKE, key.id, owner, wrapped.kek, wrapped.secret)
            row = await self._find("owner", owner)  # another may have made it at the same time
        if row is None:
            raise KeysUnavailable("a key vanished while it was made")
        return self._unwrapped(row)

    async def key(self, key_id: UUID) -> DataKey:
        """See `Keyring.key`."""
        if (cached := self._cached(key_id)) is not None:
            return cached
        row = await self._find("key_id", key_id)
        if row is None:
            raise KeyMissing(key_id)
        return self._unwrapped(row)

    async def destroy(self, owner: str) -> None:
        """See `Keyring.destroy`. The table is written anew, so that its file does not hold the key either."""
        await self._execute(_DESTROY, owner)
        self._cache.clear()
        await self._execute(_REWRITE)

    async def rewrap(self) -> int:
        """Wraps every key that an older key-encryption key wrapped with the newest; returns how many."""
        count = 0
        for row in await self._fetch(_WRAPPED_BY_OTHERS, self._keks.newest):
            fresh = self._keks.wrap(self._keks.unwrap(Wrapped(str(row.kek), bytes(row.wrapped or b""))))
            await self._execute(_REWRAP, fresh.kek, fresh.secret, row.key_id, row.kek)
            count += 1
        return count

    def _cached(self, name: str | UUID) -> DataKey | None:
        found = self._cache.get(name)
        return found.key if found is not None and self._clock() < found.until else None

    def _unwrapped(self, row: _KeyRow) -> DataKey:
        if row.wrapped is None or row.kek is None:
            raise KeyDestroyed
        now = self._clock()
        self._cache = {name: each for name, each in self._cache.items() if now < each.until}
        cached = _Cached(DataKey(row.key_id, self._keks.unwrap(Wrapped(row.kek, row.wrapped))), now + _KEPT_SECONDS)
        self._cache |= {row.owner: cached, row.key_id: cached}
        return cached.key

    async def _find(self, column: str, value: str | UUID) -> _KeyRow | None:
        rows = await self._fetch(_FIND.format(column), value)
        return rows[0] if rows else None

    async def _fetch(self, query: str, *values: object) -> list[_KeyRow]:
        try:
            async with self._pool.connection() as connection:
                rows = await (await connection.execute(query.encode(), values)).fetchall()
        except psycopg.Error as error:
            raise _translated(error) from None
        return [_KeyRow(*row) for row in rows]

    async def _execute(self, query: str, *values: object) -> None:
        try:
            async with self._pool.connection() as connection:
                await connection.execute(query.encode(), values or None)
        except psycopg.Error as error:
            raise _translated(error) from None


@asynccontextmanager
async def open_keyring(keys_url: str, kek_file: Path, *, max_size: int = 4) -> AsyncIterator[PostgresKeyring]:
    """A keyring with its own connections, closed on leaving.

    Args:
        keys_url: The keys' database, migrated before.
        kek_file: The key-encryption keys (see `clientkeys.kek`).
        max_size: Connections at most; more callers wait.

    Raises:
        KekUnusable: The file cannot be used.
        KeysUnavailable: The database does not answer.
    """
    keks = read_keks(kek_file)
    pool: KeyPool = AsyncConnectionPool(
        keys_url,
        kwargs={"autocommit": True, "row_factory": namedtuple_row},
        min_size=1,
        max_size=max_size,
        timeout=_CONNECT_SECONDS,
        check=AsyncConnectionPool.check_connection,  # one that a restart of the database killed would fail its caller
        open=False,
        name="keys",
    )
    try:
        await pool.open(wait=True, timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        raise _translated(error) from None
    else:
        yield PostgresKeyring(pool, keks)
    finally:
        await pool.close()


def _translated(error: psycopg.Error) -> KeysUnavailable:
    known = {
        "3F000": "no schema, migrate it",
        "42P01": "no table, migrate it",
        "42703": "no such column, migrate it",
        "42501": "this role may not use it",
    }
    if error.sqlstate in known:
        return KeysSchemaMissing(known[error.sqlstate])
    return KeysUnavailable(type(error).__name__)
