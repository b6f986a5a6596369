"""The embedded Temporal server's SQLite files: checks whether a new start can use them, and replaces them if not."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from deploy.errors import StackError

NAME: Final = "temporal.db"
UNREADABLE: Final = "unreadable"
"""The folder that the latest unreadable database was moved to, for an engineer to look at."""

_PRIMARY: Final = 0xFF  # the lower byte of an extended error code
_PASSING: Final = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
    | {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}
)
"""Errors that say nothing against the database itself."""
_READY: Final = "made"  # exists once a server has served from the database, and names the tables it served from
_TABLES: Final = "select name from sqlite_master where type = 'table'"


def prepare_database(folder: Path) -> bool:
    """Prepares the files that an earlier run left in `folder` for a new start.

    Files of a first start that was cut short are removed, because the server would treat a half-created schema as
    complete. A database that cannot be read, or lacks a table that it had, is moved to the folder `UNREADABLE`.

    Returns:
        Whether the server will start with no data.

    Raises:
        StackError: The database cannot be opened now; nothing was changed.
    """
    database, ready = folder / NAME, folder / _READY
    was_served = ready.exists() and database.exists()
    if was_served and _is_readable(database, set(ready.read_text().split())):
        return False
    if was_served:
        _set_aside(_files(folder), folder / UNREADABLE)
    for left in _files(folder):
        left.unlink()
    ready.unlink(missing_ok=True)
    return True


def mark_ready(folder: Path) -> None:
    """Notes that a server has used the database, and the names of its tables."""
    try:
        with closing(sqlite3.connect(folder / NAME)) as connection:
            tables = [name for (name,) in connection.execute(_TABLES)]
    except sqlite3.DatabaseError:  # the next start finds out why
        tables = []
    (folder / _READY).write_text("\n".join(tables))


def _files(folder: Path) -> list[Path]:
    return list(folder.glob(f"{NAME}*"))


def _set_aside(files: Iterable[Path], place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for file in files:
        file.rename(place / file.name)


def _is_readable(database: Path, tables: set[str]) -> bool:
    try:
        with closing(sqlite3.connect(database)) as connection:
            (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
            connection.execute("select count(*) from namespaces").fetchone()
            left = {name for (name,) in connection.execute(_TABLES)}
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & _PRIMARY in _PASSING:
            raise StackError(
                f"{database} cannot be opened now ({error.sqlite_errorname}): check what is using it"
            ) from None
        return False
    return bool(verdict == "ok") and tables <= left
