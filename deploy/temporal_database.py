"""The embedded Temporal server's SQLite files: whether a new start can use them, and what is done if not."""

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

NAME: Final = "temporal.db"
UNREADABLE: Final = "unreadable"
"""The folder that the latest unreadable database was moved to, for an engineer to look at."""

_READY: Final = "made"  # exists once a server has served from the database


def prepare_database(folder: Path) -> bool:
    """Make what an earlier run left in `folder` fit for a new start.

    Files of a first start that was cut short are removed, because the server would take a half-made schema for a
    whole one. A database that cannot be read is moved to the folder `UNREADABLE`.

    Returns:
        Whether the server will begin with no data.
    """
    database, ready = folder / NAME, folder / _READY
    was_served = ready.exists() and database.exists()
    if was_served and _is_readable(database):
        return False
    if was_served:
        _set_aside(_files(folder), folder / UNREADABLE)
    for left in _files(folder):
        left.unlink()
    ready.unlink(missing_ok=True)
    return True


def mark_ready(folder: Path) -> None:
    """Note that a server has served from the database."""
    (folder / _READY).touch()


def _files(folder: Path) -> list[Path]:
    return list(folder.glob(f"{NAME}*"))


def _set_aside(files: Iterable[Path], place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for file in files:
        file.rename(place / file.name)


def _is_readable(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(database)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("SELECT count(*) FROM namespaces").fetchone()
    except sqlite3.DatabaseError:
        return False
    return bool(verdict == "ok")
