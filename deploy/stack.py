"""The local stack: PostgreSQL and Temporal, started together, stopped in order, found by other commands."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from deploy.home import Home
from deploy.kek import provide_keys
from deploy.postgres import KEYS_DATABASE, Postgres, remove_socket_folder, start_postgres
from deploy.processes import Command, Ready, RunningProcess, Supervisor
from deploy.settings import Settings
from deploy.temporal import Temporal
from deploy.temporal_setup import prepare_temporal

Progress = Callable[[str], None]
"""Told, in a few words, what is being done."""

_LOCK_WAIT_SECONDS = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def to_stderr(message: str) -> None:
    """The default Progress: a line on stderr; on a terminal one that ends in "…" is overwritten by the next."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        passing = message.endswith("…")
        sys.stderr.write(f"\r\x1b[2K{message[:width] if passing else message + chr(10)}")
    else:
        sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


class Stack:
    """PostgreSQL, the Temporal server and its web page on one data directory.

    Use it as an async context manager. What the settings already give an address for (`database_url`,
    `temporal_address`) is used as it is and not started; `postgres=False`, `temporal=False` and `ui=False`
    leave a part out altogether. `programs` is the folder of an installed PostgreSQL's programs, to be used instead of
    the wheel's. `ports="fixed"` takes the well-known ports 7233 and 8233, `"free"` any.

    Entering raises StackError: StackBusyError, PortTakenError, BuildFailedError, ProcessFailedError. However
    it ends, no process stays behind; if this process is killed, the reaper sees to that within seconds.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ports: Literal["fixed", "free"] = "fixed",
        postgres: bool = True,
        temporal: bool = True,
        ui: bool = True,
        programs: Path | None = None,
        progress: Progress = to_stderr,
    ) -> None:
        self.settings = settings
        """The settings given, completed with the addresses of what runs."""
        self._free = ports == "free"
        self._postgres = postgres
        self._temporal = temporal
        self._ui = ui and temporal
        self._programs = programs
        self._progress = progress
        self._home = Home(settings.home)
        self._exit = AsyncExitStack()
        self._supervisor: Supervisor | None = None
        self._server: Postgres | None = None
        self._has_own_keys = False

    @property
    def database_url(self) -> str:
        """Connection URL of the database `throughline`. Raises SettingsError if that part was left out."""
        return self.settings.require_database_url()

    @property
    def own_postgres(self) -> bool:
        """Whether PostgreSQL is the stack's own, and not one that the settings gave."""
        return self._server is not None

    def database_url_as(self, role: str) -> str:
        """Connection URL for a process that logs in as `role`. One that the settings gave is used as it is."""
        return self.database_url if self._server is None else self._server.url(role=role)

    @property
    def own_keys(self) -> bool:
        """Whether the keys' database is on the stack's own PostgreSQL."""
        return self._has_own_keys

    def keys_url_as(self, role: str) -> str:
        """The keys' database for a process that logs in as `role`. One that the settings gave is used as it is."""
        if self._server is None or not self._has_own_keys:
            return self.settings.require_keys_url()
        return self._server.url(KEYS_DATABASE, role)

    @property
    def temporal_address(self) -> str:
        """Temporal's gRPC address. Raises SettingsError if that part was left out."""
        return self.settings.require_temporal_address()

    @property
    def ui_url(self) -> str | None:
        """Temporal's web page, if there is one."""
        return self.settings.ui_url

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opened:
            await self._open(opened)
            self._exit = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    async def start_process(
        self,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        ready: Ready | None = None,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace_seconds: float = 15.0,
        ready_seconds: float = 60.0,
    ) -> RunningProcess:
        """Start a further process and wait until it is `ready`; it stops with the stack, newest first.

        It gets this process's environment, the stack's addresses, and `env` on top; its output goes to
        `<home>/logs/<name>.log`. Times are elapsed seconds. Raises ProcessFailedError.
        """
        assert self._supervisor is not None, "the stack has not been entered"
        self._progress(f"starting {name} …")
        whole = {**os.environ, **self.settings.as_env(), **(env or {})}
        command = Command(
            name,
            argv,
            whole,
            stop_signal=stop_signal,
            grace_seconds=grace_seconds,
            ready_seconds=ready_seconds,
        )
        return await self._supervisor.start(command, ready)

    async def stop_process(self, process: RunningProcess) -> None:
        """Stop one process that `start_process` started, before the others."""
        assert self._supervisor is not None, "the stack has not been entered"
        await self._supervisor.stop(process)

    def publish(self, settings: Settings) -> None:
        """Take `settings` (say, with the clinic's address filled in) for the stack's, and tell other commands."""
        self.settings = settings
        self._home.publish(self.settings.as_env())

    async def run_until_stopped(self) -> None:
        """Return on Ctrl-C, SIGTERM or SIGHUP. Raises ProcessFailedError when a process of the stack ends."""
        assert self._supervisor is not None, "the stack has not been entered"
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in _STOP_SIGNALS:
            loop.add_signal_handler(each, stopped.set)
        waiting = asyncio.ensure_future(stopped.wait())
        watching = asyncio.ensure_future(self._supervisor.first_exit())
        try:
            await asyncio.wait((waiting, watching), return_when=asyncio.FIRST_COMPLETED)
            if not stopped.is_set():
                ended = watching.result()
                raise ended.failure(f"ended by itself with code {ended.returncode}")
        finally:
            waiting.cancel()
            watching.cancel()
            for each in _STOP_SIGNALS:
                loop.remove_signal_handler(each)

    async def _open(self, opened: AsyncExitStack) -> None:
        self._home.create()
        lock = await self._home.lock(
            _LOCK_WAIT_SECONDS, lambda: self._progress("waiting for the processes of a killed stack to end …")
        )
        opened.callback(os.close, lock)
        self._supervisor = await asyncio.to_thread(Supervisor.open, self._home.logs, self._home.journal, lock)
        opened.callback(remove_socket_folder, self._home.postgres)
        opened.push_async_callback(self._supervisor.close)
        opened.callback(self._home.withdraw)
        if self._postgres and self.settings.database_url is None:
            self._progress("starting PostgreSQL …")
            self._server = await start_postgres(self._supervisor, self._home.postgres, self._programs)
            self.settings = replace(self.settings, database_url=self._server.url())
            if self.settings.keys_url is None:
                await self._open_keys(self._server)
        if self._temporal:
            await self._open_temporal(self._supervisor)
        self._home.publish(self.settings.as_env())

    async def _open_keys(self, server: Postgres) -> None:
        file, may_make = (self.settings.kek_file, False) if self.settings.kek_file else (self._home.kek, True)
        url = await provide_keys(server, file, may_make=may_make)
        self.settings = replace(self.settings, keys_url=url, kek_file=file)
        self._has_own_keys = True

    async def _open_temporal(self, supervisor: Supervisor) -> None:
        if self.settings.temporal_address is None:
            temporal = Temporal(supervisor, self._home.temporal, free=self._free, progress=self._progress)
            address, page = await temporal.start(self.settings.temporal_namespace, ui=self._ui)
            self.settings = replace(self.settings, temporal_address=address, ui_url=page)
        await prepare_temporal(self.temporal_address, self.settings.temporal_namespace)
