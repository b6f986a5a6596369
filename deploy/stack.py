"""The local stack: starts PostgreSQL and Temporal, stops them in order, and lets other commands find them."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from deploy.home import Home
from deploy.kek import provide_keys
from deploy.payload_keys import provide_payload_keys
from deploy.postgres import KEYS_DATABASE, Postgres, remove_socket_folder, start_postgres
from deploy.processes import Command, Ready, RunningProcess, Supervisor
from deploy.settings import Settings
from deploy.temporal import Temporal
from deploy.temporal_setup import prepare_temporal

StartProgress = Callable[[str], None]
"""Told, in a few words, what is being done."""

_LOCK_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Service:
    """PostgreSQL or Temporal, started by the stack, and how to restart it with the same data and addresses."""

    name: str
    process: RunningProcess
    start_again: Callable[[], Awaitable[RunningProcess]]


def to_stderr(message: str) -> None:
    """Shows progress as a line on stderr. On a terminal, a line that ends in "…" is overwritten by the next."""
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

    No process stays behind, however it ends; if this process is killed, the reaper ends them within seconds.

    Raises:
        StackError: On entering: StackBusyError, PortTakenError, TemporalMissingError or ProcessFailedError.
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
        progress: StartProgress = to_stderr,
    ) -> None:
        self.settings = settings
        """The given settings, completed with the addresses of what runs."""
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
        self._temporal_server: Temporal | None = None
        self.services: list[Service] = []
        """The services that the stack started itself. One that ends can be started again."""

    @property
    def database_url(self) -> str:
        """Connection URL of the database `throughline`. Raises SettingsError if that part was left out."""
        return self.settings.require_database_url()

    @property
    def own_postgres(self) -> bool:
        """Whether the stack started PostgreSQL itself."""
        return self._server is not None

    def database_url_as(self, role: str) -> str:
        """Connection URL for a process that logs in as `role`. A URL from the settings is used as it is."""
        return self.database_url if self._server is None else self._server.url(role=role)

    @property
    def own_keys(self) -> bool:
        """Whether the keys' database is on the stack's own PostgreSQL."""
        return self._has_own_keys

    def keys_url_as(self, role: str) -> str:
        """URL of the keys' database for a process that logs in as `role`. A URL from the settings is used as it is."""
        if self._server is None or not self._has_own_keys:
            return self.settings.require_keys_url()
        return self._server.url(KEYS_DATABASE, role)

    @property
    def temporal_address(self) -> str:
        """Temporal's gRPC address. Raises SettingsError if that part was left out."""
        return self.settings.require_temporal_address()

    @property
    def temporal_begins_empty(self) -> bool:
        """Whether the stack's own Temporal server found no data at its latest start."""
        return self._temporal_server is not None and self._temporal_server.begins_empty

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
        """Starts another process and waits until it is `ready`. It stops with the stack, newest first.

        It gets this process's environment, the stack's addresses, and `env` on top; its output goes to
        `<home>/logs/<name>.log`. Times are elapsed seconds.

        Raises:
            ProcessFailedError: It ended before it was ready, or took too long.
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
        """Stops one process that `start_process` started, before the others."""
        assert self._supervisor is not None, "the stack has not been entered"
        await self._supervisor.stop(process)

    def publish(self, settings: Settings) -> None:
        """Replaces the stack's settings (for example to add the clinic's address) and publishes them to other
        commands."""
        self.settings = settings
        self._home.publish(self.settings.as_env())

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
            await self._open_postgres()
        if self._temporal:
            await self._open_temporal(self._supervisor)
        self._home.publish(self.settings.as_env())

    async def _open_postgres(self) -> None:
        self._progress("starting PostgreSQL …")
        process = await self._start_postgres()
        assert self._server is not None
        self.services.append(Service("postgres", process, self._start_postgres))
        self.settings = self.settings.changed(database_url=self._server.url())
        if self.settings.keys_url is None:
            await self._open_keys(self._server)

    async def _start_postgres(self) -> RunningProcess:
        assert self._supervisor is not None, "the stack has not been entered"
        self._server = await start_postgres(self._supervisor, self._home.postgres, self._programs)
        return self._server.process

    async def _open_keys(self, server: Postgres) -> None:
        file, may_make = (self.settings.kek_file, False) if self.settings.kek_file else (self._home.kek, True)
        url = await provide_keys(server, file, may_make=may_make)
        self.settings = self.settings.changed(keys_url=url, kek_file=file)
        self._has_own_keys = True

    async def _open_temporal(self, supervisor: Supervisor) -> None:
        if self.settings.temporal_address is None:
            server = Temporal(
                supervisor,
                self._home.temporal,
                free=self._free,
                ui=self._ui,
                progress=self._progress,
                codec_endpoint=self.settings.codec_endpoint,
            )
            self._temporal_server = server
            self.services.append(Service("temporal", await server.start(), self._start_temporal_again))
            self.settings = self.settings.changed(temporal_address=server.address, ui_url=server.ui_url)
            self._provide_payload_keys(server)
        await prepare_temporal(self.temporal_address, self.settings.temporal_namespace)

    def _provide_payload_keys(self, server: Temporal) -> None:
        given, own = self.settings.payload_keys, self._home.payload_keys
        used = self._home.temporal / "payload-keys-used"
        provide_payload_keys(given or own, used, may_make=given is None, begins_empty=server.begins_empty)
        self.settings = self.settings.changed(payload_keys=given or own)

    async def _start_temporal_again(self) -> RunningProcess:
        assert self._temporal_server is not None
        process = await self._temporal_server.restart()
        try:
            await prepare_temporal(self.temporal_address, self.settings.temporal_namespace)
        except BaseException:
            await asyncio.shield(self.stop_process(process))
            raise
        return process
