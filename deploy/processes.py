"""The processes of the stack: starts them, waits until they are ready, and stops all of them in order.

A `Supervisor` starts each process in its own session, so that Ctrl-C reaches only the stack, which then stops them in
order. If the stack is killed, its reaper ends them (see `deploy.reaper`).
"""

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from deploy import reaper
from deploy.errors import ProcessFailedError

Ready = Callable[[], Awaitable[bool]]
"""Checks once whether a process is ready to serve. It is called again until it returns True."""

_POLL_SECONDS = 0.05
_LOG_LIMIT_BYTES = 5_000_000
_LOG_TAIL_LINES = 8
_REAPER_LOG = "reaper.log"
_REAPER_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Command:
    """What to run. `env` is the whole environment; `user` runs it as another system user (root only)."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    """Time (elapsed) between the stop signal and SIGKILL."""
    ready_seconds: float = 60.0
    """Time (elapsed) within which it must become ready."""
    keep_log: bool = True
    """Whether its log continues that of the last run."""


class RunningProcess:
    """A process that the supervisor started."""

    def __init__(self, command: Command, process: asyncio.subprocess.Process, log: Path) -> None:
        self.command = command
        self.log = log
        self._process = process

    @property
    def name(self) -> str:
        """The command's name."""
        return self.command.name

    @property
    def pid(self) -> int:
        """The process number; also its group's."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal's number if a signal ended it; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Waits until it ends, and returns the exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Asks it to stop, and kills its group after its grace period. Does nothing if it has already ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(self.command.stop_signal)
            try:
                await asyncio.wait_for(self._process.wait(), self.command.grace_seconds)
            except TimeoutError:
                await self.kill()

    async def kill(self) -> None:
        """Ends it and its group at once, without asking."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()

    def failure(self, what: str) -> ProcessFailedError:
        """An error about this process, with the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return ProcessFailedError("\n  ".join([f"{self.name} {what}; the end of {self.log}:", *lines]))


class Supervisor:
    """Starts processes and stops them all, newest first. A reaper backs it up."""

    def __init__(self, log_folder: Path, reaper_process: subprocess.Popen[bytes], mark: str, journal: Path) -> None:
        self._log_folder = log_folder
        self._reaper = reaper_process
        self._mark = mark
        self._journal = journal
        self._processes: list[RunningProcess] = []

    @classmethod
    def open(cls, log_folder: Path, journal: Path, lock: int) -> Self:
        """Starts the reaper, which holds `lock`, an open file, until no process is left.

        `journal` is a file that names the processes; those of an earlier stack that somehow survived both it
        and its reaper are ended first. Blocks for as long as that takes.
        """
        _end_leftovers(journal)
        mark = uuid.uuid4().hex
        argv = [sys.executable, "-P", reaper.__file__, mark]
        with (log_folder / _REAPER_LOG).open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock,),
                cwd="/",
                bufsize=0,
            )
        return cls(log_folder, process, mark, journal)

    async def start(self, command: Command, ready: Ready | None = None) -> RunningProcess:
        """Starts a process and waits until it is `ready`.

        Raises:
            ProcessFailedError: It ended before that, or took too long. The text has the end of its log.
        """
        running = await self._spawn(command)
        self._processes.append(running)
        try:
            self._announce(running)
            if ready is not None:
                await _until_ready(running, ready)
        except BaseException:
            await asyncio.shield(self.stop(running))
            raise
        return running

    async def stop(self, running: RunningProcess) -> None:
        """Stops one process and forgets it."""
        await running.stop()
        with suppress(ValueError):
            self._processes.remove(running)

    async def close(self) -> None:
        """Stops all processes, newest first, then lets the reaper end what they left behind."""
        while self._processes:
            await self.stop(self._processes[-1])
        assert self._reaper.stdin is not None
        self._reaper.stdin.close()
        await asyncio.to_thread(self._reaper.wait, _REAPER_WAIT_SECONDS)
        self._journal.unlink(missing_ok=True)

    async def _spawn(self, command: Command) -> RunningProcess:
        log = self._log_folder / f"{command.name}.log"
        _rotate(log)
        log_mode = "ab" if command.keep_log else "wb"
        group = None if command.user is None else pwd.getpwnam(command.user).pw_gid
        env = {**(os.environ if command.env is None else command.env), reaper.MARK: self._mark}
        with log.open(log_mode) as output:
            log.chmod(0o600)
            process = await asyncio.create_subprocess_exec(
                *command.argv,
                env=env,
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=command.user,
                group=group,
                extra_groups=None if command.user is None else [],
            )
        return RunningProcess(command, process, log)

    def _announce(self, running: RunningProcess) -> None:
        command = running.command
        try:
            identity = reaper.ProcessId.of(running.pid)
        except psutil.NoSuchProcess:
            return  # it has already ended: nothing to reap
        line = reaper.entry_line(identity, command.stop_signal, command.grace_seconds).encode()
        with self._journal.open("ab") as journal:
            journal.write(line)
        assert self._reaper.stdin is not None
        try:
            self._reaper.stdin.write(line)
        except BrokenPipeError:
            log = self._log_folder / _REAPER_LOG
            raise ProcessFailedError(f"the stack's reaper has ended: start the stack again, see {log}") from None


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports on 127.0.0.1 that are free now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this TCP port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _until_ready(running: RunningProcess, ready: Ready) -> None:
    deadline = time.monotonic() + running.command.ready_seconds
    while not await ready():
        if running.returncode is not None:
            raise running.failure(f"ended with code {running.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise running.failure(f"was not ready within {running.command.ready_seconds:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))


def _end_leftovers(journal: Path) -> None:
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    reaper.end_all(entry for line in lines if (entry := reaper.find_entry(line)) is not None)
    journal.unlink()
