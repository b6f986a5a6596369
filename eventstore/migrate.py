"""Brings a database up to date: plain SQL files, applied once each in the order of their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations

from eventstore.errors import MigrationFailed, StoreUnavailable

_ROOT = Path(__file__).resolve().parent.parent
_LOCK = 7305809162814518831

Connection = psycopg.Connection[tuple[Any, ...]]


def migrate(database_url: str, *folders: Path) -> list[str]:
    """Applies what is pending and returns its ids, oldest first. Empty if the database is up to date.

    Each migration is one transaction. Two processes may run this at once: the second waits for the first and
    then has nothing to do. A killed one leaves no lock behind.

    Args:
        database_url: `postgresql://...`, to the server itself and not to a pooler. The role must be allowed
            to make schemas.
        folders: Where the `.sql` files are, done one after the other; no name may occur twice. By default the
            record's own and those of the intake, if present.

    Raises:
        MigrationFailed: The database refused one.
        StoreUnavailable: The database did not answer.
    """
    chosen = _folders(folders)
    try:
        with psycopg.connect(database_url, autocommit=True) as guard:
            guard.execute("select pg_advisory_lock(%s)", [_LOCK])
            waiting = _pending(guard, chosen)
            if waiting:
                _apply(database_url, chosen)
            return waiting
    except psycopg.OperationalError as error:
        raise StoreUnavailable(type(error).__name__) from None


def pending(database_url: str, *folders: Path) -> list[str]:
    """The ids of the migrations not yet applied, oldest first. Changes nothing in the database.

    Raises:
        StoreUnavailable: The database did not answer.
    """
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            return _pending(connection, _folders(folders))
    except psycopg.OperationalError as error:
        raise StoreUnavailable(type(error).__name__) from None


def _folders(given: tuple[Path, ...]) -> tuple[Path, ...]:
    if given:
        return given
    usual = (_ROOT / "eventstore" / "migrations", _ROOT / "intake" / "migrations")
    return tuple(folder for folder in usual if folder.is_dir())


def _files(folders: tuple[Path, ...]) -> list[Path]:
    found = [file for folder in folders for file in sorted(folder.glob("*.sql"))]
    files = [file for file in found if not file.name.endswith(".rollback.sql")]
    ids = [file.stem for file in files]
    repeated = sorted({name for name in ids if ids.count(name) > 1})
    if repeated:
        raise MigrationFailed(f"two folders hold a migration of the same name, rename one: {repeated}")
    return files


def _pending(connection: Connection, folders: tuple[Path, ...]) -> list[str]:
    applied = _applied(connection)
    return [file.stem for file in _files(folders) if file.stem not in applied]


def _applied(connection: Connection) -> set[str]:
    table = connection.execute("select to_regclass('_yoyo_migration')").fetchone()
    if table is None or table[0] is None:
        return set()
    return {str(row[0]) for row in connection.execute("select migration_id from _yoyo_migration")}


def _apply(database_url: str, folders: tuple[Path, ...]) -> None:
    # yoyo's own lock is a row that a killed process leaves behind for ever; the caller's lock is not.
    backend = get_backend(_yoyo_url(database_url))
    try:
        for folder in folders:
            backend.apply_migrations(backend.to_apply(read_migrations(str(folder))))
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MigrationFailed(
            f"the database refused a migration ({error.sqlstate}: {error.diag.message_primary}): correct it"
        ) from None
    finally:
        backend.connection.close()


def _yoyo_url(database_url: str) -> str:
    # Everything goes into the query, which yoyo hands to psycopg as it is; its own parsing of sockets,
    # several hosts or an empty password is not needed then.
    return f"postgresql+psycopg:///?{urlencode(conninfo_to_dict(database_url))}"
