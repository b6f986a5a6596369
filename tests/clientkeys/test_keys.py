"""Keys: one for each client, wrapped in a database of their own, and destroyed for good."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from clientkeys import open_keyring
from clientkeys.errors import KekUnusable, KeyDestroyed, KeyMissing, KeysUnavailable
from clientkeys.kek import KeyEncryptionKeys, Wrapped, read_keks
from clientkeys.keys import DataKey, Keyring, new_key
from clientkeys.postgres import PostgresKeyring
from deploy.roles import KEYHOLDERS, make_login_roles
from migrations import migrate_keys
from tests.clientkeys.memory import MemoryKeyring


def kek_file(folder: Path, *keys: bytes, mode: int = 0o600) -> Path:
    file = folder / "kek"
    file.write_bytes(b"".join(base64.b64encode(key) + b"\n" for key in keys))
    file.chmod(mode)
    return file


OLD, NEW = os.urandom(32), os.urandom(32)


@pytest.fixture
def keys_url(fresh_database: str) -> str:
    migrate_keys(fresh_database)
    return fresh_database


@pytest.fixture
async def postgres_keyring(keys_url: str, tmp_path: Path) -> AsyncIterator[PostgresKeyring]:
    async with open_keyring(keys_url, kek_file(tmp_path, OLD)) as keys:
        yield keys


@pytest.fixture(params=["memory", "postgres"])
def keyring(request: pytest.FixtureRequest, postgres_keyring: PostgresKeyring) -> Keyring:
    return MemoryKeyring() if request.param == "memory" else postgres_keyring


def same(one: DataKey, other: DataKey) -> bool:
    return one.id == other.id and one.seal(b"x") == other.seal(b"x") and one.hash(b"x") == other.hash(b"x")


async def test_an_owner_has_one_key_whoever_asks_first(keyring: Keyring) -> None:
    first, *others = await asyncio.gather(*(keyring.key_of("client-1") for _ in range(8)))
    assert all(same(first, other) for other in [*others, await keyring.key(first.id)])
    assert not same(first, await keyring.key_of("client-2"))


async def test_a_destroyed_key_is_gone_and_never_made_anew(keyring: Keyring) -> None:
    key = await keyring.key_of("client-1")
    for _ in range(2):
        await keyring.destroy("client-1")
        with pytest.raises(KeyDestroyed):
            await keyring.key_of("client-1")
        with pytest.raises(KeyDestroyed):
            await keyring.key(key.id)
    assert await keyring.key_of("client-2")


async def test_an_owner_who_never_had_a_key_never_gets_one_once_it_is_destroyed(keyring: Keyring) -> None:
    await keyring.destroy("client-1")
    with pytest.raises(KeyDestroyed):
        await keyring.key_of("client-1")


async def test_a_key_that_was_lost_is_not_taken_for_destroyed(keyring: Keyring) -> None:
    with pytest.raises(KeyMissing, match="restore"):
        await keyring.key(uuid4())


async def test_no_secret_is_in_the_database_and_after_destruction_not_even_wrapped(
    postgres_keyring: PostgresKeyring, keys_url: str
) -> None:
    await postgres_keyring.key_of("client-1")
    with psycopg.connect(keys_url) as connection:
        [(kek, wrapped)] = connection.execute("select kek, wrapped from keys.data_keys").fetchall()
        secret = KeyEncryptionKeys([OLD]).unwrap(Wrapped(kek, wrapped))
        assert len(secret) == 64 and secret not in wrapped
    await postgres_keyring.destroy("client-1")
    with psycopg.connect(keys_url) as connection:
        assert connection.execute("select kek, wrapped from keys.data_keys").fetchall() == [(None, None)]


@pytest.mark.parametrize(
    "change",
    [
        "update keys.data_keys set destroyed_at = null, kek = 'x', wrapped = 'x'",
        "delete from keys.data_keys",
        "truncate keys.data_keys",
    ],
)
async def test_the_database_itself_refuses_to_forget_a_destruction(
    postgres_keyring: PostgresKeyring, keys_url: str, change: str
) -> None:
    await postgres_keyring.destroy("client-1")
    with psycopg.connect(keys_url) as connection, pytest.raises(psycopg.Error) as refused:
        connection.execute(change.encode())
    assert refused.value.sqlstate == "TL006"


async def test_a_worker_makes_and_reads_keys_and_destroys_none(
    postgres_keyring: PostgresKeyring, keys_url: str, tmp_path: Path
) -> None:
    make_login_roles(keys_url, KEYHOLDERS)
    await postgres_keyring.key_of("client-1")
    for login in KEYHOLDERS:
        mine = keys_url.replace("//postgres@", f"//{login}@")
        async with open_keyring(mine, kek_file(tmp_path, OLD)) as keys:
            assert same(await keys.key_of("client-1"), await postgres_keyring.key_of("client-1"))
            assert await keys.key_of(f"of {login}")
            with pytest.raises(KeysUnavailable, match="role"):
                await keys.destroy("client-1")
            assert await keys.key_of("client-1")
    with psycopg.connect(keys_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("create role throughline_stranger")
        connection.execute("set role throughline_stranger")
        connection.execute("select * from keys.data_keys")


async def test_a_key_destroyed_elsewhere_is_used_for_a_minute_at_most(keys_url: str, tmp_path: Path) -> None:
    now = [0.0]
    async with (
        open_keyring(keys_url, kek_file(tmp_path, OLD)) as elsewhere,
        AsyncConnectionPool(keys_url, open=False, kwargs={"autocommit": True}) as pool,
    ):
        here = PostgresKeyring(pool, KeyEncryptionKeys([OLD]), clock=lambda: now[0])
        key = await here.key_of("client-1")
        await elsewhere.destroy("client-1")
        now[0] = 59.9
        assert same(key, await here.key(key.id))
        now[0] = 60.0
        for asking in (here.key_of("client-1"), here.key(key.id)):
            with pytest.raises(KeyDestroyed):
                await asking


async def test_an_older_key_encryption_key_can_be_retired(keys_url: str, tmp_path: Path) -> None:
    async with open_keyring(keys_url, kek_file(tmp_path, OLD)) as keyring:
        before = await keyring.key_of("client-1")
    async with open_keyring(keys_url, kek_file(tmp_path, OLD, NEW)) as keyring:
        await keyring.key_of("client-2")
        assert [await keyring.rewrap(), await keyring.rewrap()] == [1, 0]
    async with open_keyring(keys_url, kek_file(tmp_path, NEW)) as keyring:
        assert same(before, await keyring.key_of("client-1"))
    async with open_keyring(keys_url, kek_file(tmp_path, OLD)) as keyring:
        with pytest.raises(KekUnusable, match="not in the file"):
            await keyring.key_of("client-1")


async def test_a_wrapped_key_that_was_changed_is_found_out(keys_url: str, tmp_path: Path) -> None:
    file = kek_file(tmp_path, OLD)
    async with open_keyring(keys_url, file) as keyring:
        await keyring.key_of("client-1")
    with psycopg.connect(keys_url) as connection:
        connection.execute("update keys.data_keys set wrapped = overlay(wrapped placing '\\x00ff' from 3)")
    async with open_keyring(keys_url, file) as keyring:
        with pytest.raises(KekUnusable, match="changed"):
            await keyring.key_of("client-1")


async def test_a_database_that_is_away_or_empty_says_so(fresh_database: str, tmp_path: Path) -> None:
    file = kek_file(tmp_path, OLD)
    async with open_keyring(fresh_database, file) as keyring:
        with pytest.raises(KeysUnavailable, match="migrate"):
            await keyring.key_of("client-1")
    with pytest.raises(KeysUnavailable):
        async with open_keyring(f"postgresql:///nowhere?host={tmp_path}", file):
            pass


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        (base64.b64encode(OLD), 0o640, "0600"),
        (b"", 0o600, "empty"),
        (base64.b64encode(OLD[:31]), 0o600, "not a key"),
        (OLD, 0o600, "cannot be read|not a key"),
        (base64.b64encode(OLD) + b"\n!\n", 0o600, "not a key"),
        (None, 0o600, "cannot be read"),
    ],
    ids=["others may read it", "empty", "short", "not base64", "one bad line", "missing"],
)
def test_a_key_file_that_cannot_be_used_is_refused_without_a_byte_of_it(
    tmp_path: Path, content: bytes | None, mode: int, why: str
) -> None:
    file = tmp_path / "kek"
    if content is not None:
        file.write_bytes(content)
        file.chmod(mode)
    with pytest.raises(KekUnusable, match=why) as refused:
        read_keks(file)
    assert base64.b64encode(OLD).decode()[:8] not in str(refused.value)


def test_a_key_in_a_traceback_shows_no_secret() -> None:
    key, secret = new_key()
    shown = f"{key!r} {vars(key)}"
    assert not any(part in shown for part in (secret.hex(), repr(secret), repr(secret)[2:20]))
