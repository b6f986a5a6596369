"""The key-encryption key of the embedded stack. It is created once, outside the databases."""

import asyncio
import base64
import os
import secrets
from pathlib import Path

import psycopg

from deploy.errors import KeyLostError
from deploy.postgres import KEYS_DATABASE, Postgres, create_database

_KEY_BYTES = 32


async def provide_keys(server: Postgres, file: Path, *, may_make: bool) -> str:
    """The URL of the keys' database on `server`, created on first use together with the key in `file`.

    The key is created only if that database does not exist yet: a second key could not unwrap what the first wrapped.
    It is not created either if the file was configured by someone else (`may_make` is False).

    Raises:
        KeyLostError: The file is missing and must not be created.
    """
    is_new = not await _exists(server, KEYS_DATABASE)
    await asyncio.to_thread(_require_file, file, may_make=may_make and is_new)
    await create_database(server.url(), KEYS_DATABASE)
    return server.url(KEYS_DATABASE)


async def _exists(server: Postgres, database: str) -> bool:
    async with await psycopg.AsyncConnection.connect(server.url(), autocommit=True) as connection:
        found = await connection.execute("select 1 from pg_database where datname = %s", [database])
        return await found.fetchone() is not None


def _require_file(file: Path, *, may_make: bool) -> None:
    if file.exists():
        return
    if not may_make:
        raise KeyLostError(
            f"{file} is missing: put the key-encryption key there from its safe copy; without it nothing that was "
            f"sealed with keys of the database {KEYS_DATABASE} can be read"
        )
    make_key_file(file)


def make_key_file(file: Path) -> None:
    """Writes a file with one new key, for its owner alone, in one step."""
    file.parent.mkdir(exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
        written.flush()
        os.fsync(written.fileno())
    fresh.replace(file)
