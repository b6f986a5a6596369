"""Brings a database up to date: plain SQL files, applied once each in the order of their numbers."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from migrations import dbmate
from migrations.databases import KEYS, RECORD
from migrations.dbmate import APPLIED, Connection
from migrations.errors import DatabaseUnavailable, MigrationFailed

_LOCK = 7305809162814518831
_HOLD_OTHERS = "select pg_advisory_lock(%s)"
_EXISTS = "select to_regclass(%s) is not null"
_LEDGER = """
    create schema if not exists migrations;
    create table migrations.applied (version varchar primary key);
    create table migrations.files (
        version varchar primary key, id text not null, sha256 text not null, begun_at timestamptz not null default now()
    );
    -- for those who ask what is pending
    grant usage on schema migrations to public;
    grant select on migrations.applied, migrations.files to public"""
_APPLIED_FILES = "select version, sha256 from migrations.applied left join migrations.files using (version)"
_NOTE = """
    insert into migrations.files (version, id, sha256) values (%s, %s, %s)
    on conflict (version) do update set id = excluded.id, sha256 = excluded.sha256, begun_at = excluded.begun_at"""
_NAME = re.compile(r"\d{4}\.[a-z0-9-]+\.sql")


@dataclass(frozen=True, slots=True)
class _File:
    version: str
    id: str
    sha256: str


def migrate(database_url: str, *folders: Path) -> list[str]:
    """Applies what is pending and returns the ids of what it applied, in order. Empty if the database is up to date.

    Each migration is one transaction. Two processes may run this at once: the second waits for the first and
    then has nothing to do. A killed one leaves no lock behind.

    Args:
        database_url: `postgresql://...`, to the server itself and not to a pooler. The role must be allowed
            to make schemas.
        folders: Where the `.sql` files are; no number may occur twice. By default those of the record's database.

    Raises:
        MigrationFailed: The database refused one, or one was edited after it had been applied.
        DatabaseUnavailable: The database did not answer.
    """
    chosen = folders or RECORD
    files = _files(chosen)
    try:
        with psycopg.connect(database_url, autocommit=True) as guard:
            guard.execute(_HOLD_OTHERS, [_LOCK])
            _make_ledger(guard)
            waiting = _waiting(files, _applied(guard))
            if not waiting:
                return []
            _note(guard, waiting)
            return [Path(name).stem for name in dbmate.apply(guard, database_url, chosen)]
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(type(error).__name__) from None
    except psycopg.Error as error:
        raise MigrationFailed(f"this role may not migrate the database ({error.sqlstate}): use its owner") from None


def migrate_keys(keys_url: str) -> list[str]:
    """Brings the keys' database up to date; see `migrate`."""
    return migrate(keys_url, *KEYS)


def pending(database_url: str, *folders: Path) -> list[str]:
    """The ids of the migrations not yet applied, in order. Changes nothing in the database.

    Raises:
        MigrationFailed: One was edited after it had been applied.
        DatabaseUnavailable: The database did not answer.
    """
    files = _files(folders or RECORD)
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            return [file.id for file in _waiting(files, _applied(connection))]
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(type(error).__name__) from None


def _files(folders: Sequence[Path]) -> list[_File]:
    paths = sorted((path for folder in folders for path in folder.glob("*.sql")), key=lambda path: path.name)
    for path in paths:
        if not _NAME.fullmatch(path.name):
            raise MigrationFailed(f"rename {path.name}: four digits, a dot, a name in small letters, .sql")
    repeated = sorted(number for number, times in Counter(path.name[:4] for path in paths).items() if times > 1)
    if repeated:
        raise MigrationFailed(f"two files have the same number, rename one: {repeated}")
    return [_File(path.name[:4], path.stem, _sha256(path)) for path in paths]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_text(encoding="utf-8").encode()).hexdigest()  # with any line ends


def _waiting(files: Sequence[_File], applied: Mapping[str, str | None]) -> list[_File]:
    for file in files:
        if (applied.get(file.version) or file.sha256) != file.sha256:
            raise MigrationFailed(
                f"{file.id} was edited after it had been applied here: restore it, put the change in a new file"
            )
    return [file for file in files if file.version not in applied]


def _applied(connection: Connection) -> dict[str, str | None]:
    """The SHA-256 of each file applied, by its number; None if somebody else applied it."""
    if not _exists(connection, APPLIED):
        return {}
    return dict(connection.execute(_APPLIED_FILES).fetchall())


def _make_ledger(guard: Connection) -> None:
    if _exists(guard, APPLIED):
        return
    with guard.transaction():
        guard.execute(_LEDGER)


def _note(guard: Connection, waiting: Sequence[_File]) -> None:
    # Before they are applied, so that none is ever applied without its hash.
    for file in waiting:
        guard.execute(
            _NOTE,
            [file.version, file.id, file.sha256],
        )


def _exists(connection: Connection, table: str) -> bool:
    row = connection.execute(_EXISTS, [table]).fetchone()
    return row is not None and bool(row[0])
