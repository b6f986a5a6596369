"""Runs the whole system on one machine: the stack, the simulated clinic, intake, worker and projector."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from centre.files import centre_folder
from centre.staff_file import read_staff
from cli.guard import Guard, Start, cancelled_by_signals
from cli.house_keys import provide_signing_keys
from cli.recovery import start_missing
from deploy.errors import SettingsError
from deploy.payload_keys import read_payload_keys
from deploy.processes import RunningProcess, free_ports
from deploy.roles import KEYHOLDERS, LOGINS, make_login_roles
from deploy.settings import Settings
from deploy.stack import Service, Stack, StartProgress, to_stderr
from deploy.values import HostPort
from eventstore import EventStoreError
from eventstore.errors import InvalidRequest
from migrations import migrate, migrate_keys
from workflows.client import JourneysUnreachable

T = TypeVar("T")

_RECOVERY_PAUSE_SECONDS = 5.0
_GRACE_SECONDS = 5.0
"""Elapsed, beyond the time that a worker lets what is under way finish in, before it is killed."""


@dataclass(frozen=True)
class House:
    """The whole system, running on one machine: its stack, and the guard that watches its processes."""

    stack: Stack
    guard: Guard

    @property
    def settings(self) -> Settings:
        """All addresses."""
        return self.stack.settings

    async def run_until_stopped(self) -> None:
        """Returns on Ctrl-C, SIGTERM or SIGHUP."""
        await self.guard.keep()

    async def while_up(self, work: Coroutine[Any, Any, T]) -> T:
        """Does `work` under the guard's watch and returns its result.

        Raises:
            CancelledError: Ctrl-C, SIGTERM or SIGHUP; `work` has been cancelled.
        """
        working, keeping = asyncio.ensure_future(work), asyncio.ensure_future(self.guard.keep())
        try:
            await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            keeping.result()
            raise asyncio.CancelledError
        finally:
            working.cancel()
            keeping.cancel()
            await asyncio.wait((working, keeping))


@asynccontextmanager
async def running_house(
    settings: Settings, *, ports: Literal["fixed", "free"], progress: StartProgress = to_stderr
) -> AsyncIterator[House]:
    """Starts what is missing, in order, and stops it again in the opposite order.

    A clinic whose address the settings give is used. Otherwise the simulated one is started, and keeps its scripts in
    the data directory.

    Raises:
        StackError: Something did not start; the message says what to do.
    """
    if ports == "free":
        [board_port] = free_ports(1)  # chosen here, since the Temporal UI is told of it first
        settings = settings.changed(mllp_port=0, http_port=0, board_port=board_port)
    async with AsyncExitStack() as opened:
        with cancelled_by_signals():
            stack = await opened.enter_async_context(Stack(settings, ports=ports, progress=progress))
            read_payload_keys(stack.settings.require_payload_keys())  # said here rather than by each process in its log
            progress("migrating the database …")
            await asyncio.to_thread(_prepare_database, stack)
            provide_signing_keys(stack)
            guard, recovery = Guard(stack, progress), _Recovery(stack, progress)
            opened.push_async_callback(recovery.stop)
            for service in stack.services:
                guard.watch(service.name, service.process, partial(_start_again, service, recovery))
            await _start_parts(guard, stack)
            recovery.begin_if_empty()
            progress("everything is up")
        yield House(stack, guard)


class _Recovery:
    """Starts the open journeys again on a Temporal server that began with no data, as often as that happens."""

    def __init__(self, stack: Stack, progress: StartProgress) -> None:
        self._stack = stack
        self._progress = progress
        self._running: asyncio.Task[None] | None = None

    def begin_if_empty(self) -> None:
        """Begins in the background, if Temporal has no data. A recovery that is under way starts over."""
        if self._stack.temporal_begins_empty:
            if self._running is not None:
                self._running.cancel()
            self._running = asyncio.create_task(self._until_done())

    async def stop(self) -> None:
        """Stops a recovery that is under way. The next start does it instead."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))

    async def _until_done(self) -> None:
        while True:
            try:
                _, done = await start_missing(self._stack.settings)
            except Exception as error:  # it may work the next time; until then the error is shown
                self._progress(f"open journeys are not started again yet, trying again: {_told(error)}")
                await asyncio.sleep(_RECOVERY_PAUSE_SECONDS)
                continue
            if done:
                failed = sum(each.failed is not None for each in done)
                left = f"; {failed} could not be, see `throughline reconcile`" if failed else ""
                self._progress(
                    f"Temporal began with no data: {len(done) - failed} open journeys were started again{left}"
                )
            return


def _told(error: Exception) -> str:
    """The text of one of our own errors. For any other, only its type, as its text could quote a client."""
    is_ours = isinstance(error, SettingsError | EventStoreError | JourneysUnreachable | OSError)
    return str(error) if is_ours and not isinstance(error, InvalidRequest) else type(error).__name__


async def _start_again(service: Service, recovery: _Recovery) -> RunningProcess:
    process = await service.start_again()
    if service.name == "temporal":
        recovery.begin_if_empty()
    return process


def _prepare_database(stack: Stack) -> None:
    migrate(stack.database_url)
    migrate_keys(stack.settings.require_keys_url())
    if stack.own_postgres:
        make_login_roles(stack.database_url, LOGINS)
    if stack.own_keys:
        make_login_roles(stack.settings.require_keys_url(), KEYHOLDERS)


async def _start_parts(guard: Guard, stack: Stack) -> None:
    try:
        async with asyncio.TaskGroup() as together:
            together.create_task(_add_clinic_and_worker(guard, stack))
            together.create_task(guard.add("intake", partial(_start_intake, stack)))
            together.create_task(guard.add("projector", partial(_start_projector, stack)))
            together.create_task(_add_sign_in_and_board(guard, stack))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _add_clinic_and_worker(guard: Guard, stack: Stack) -> None:
    if stack.settings.clinic_url is None or stack.settings.smtp is None:
        await guard.add("clinic", _clinic_starter(stack))
    await guard.add("worker", partial(start_worker, stack))


async def start_worker(stack: Stack) -> RunningProcess:
    """Starts one more worker on the stack."""
    process, _ = await _start(stack, "worker", [sys.executable, "-m", "cli.main", "worker"], "throughline_worker")
    return process


def _clinic_starter(stack: Stack) -> Start:
    state = stack.settings.home / "clinic.sqlite"
    ports = {"http_port": 0, "smtp_port": 0}  # any free ports; after a restart it keeps the ports that the others know

    async def start() -> RunningProcess:
        options = [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]
        process, told = await _start(stack, "clinic", [sys.executable, "-m", "clinic", "--state", str(state), *options])
        ports.update({name: told[name] for name in ports})
        given = stack.settings
        base, smtp = _local(told["http_port"]), HostPort("127.0.0.1", told["smtp_port"])
        stack.publish(given.changed(clinic_url=given.clinic_url or base, smtp=given.smtp or smtp))
        return process

    return start


async def _start_intake(stack: Stack) -> RunningProcess:
    process, told = await _start(stack, "intake", [sys.executable, "-m", "cli.main", "intake"], "throughline_intake")
    stack.publish(stack.settings.changed(mllp_port=told["mllp_port"], http_port=told["http_port"]))
    return process


async def _start_projector(stack: Stack) -> RunningProcess:
    command = [sys.executable, "-m", "cli.main", "projector"]
    process, _ = await _start(stack, "projector", command, "throughline_projections")
    return process


async def _add_sign_in_and_board(guard: Guard, stack: Stack) -> None:
    """The board, where staff can sign in. With the example centre there is a provider for demonstrations."""
    if stack.settings.sign_in_issuer is None and stack.settings.centre is None:
        await guard.add("sign-in", _sign_in_starter(stack))
    if stack.settings.sign_in_issuer is not None:
        await guard.add("board", _board_starter(stack))


def _sign_in_starter(stack: Stack) -> Start:
    port = {"port": 0}  # any free port; after a restart it keeps the port that the board knows

    async def start() -> RunningProcess:
        people = stack.settings.home / "sign-in-people.json"
        people.write_text(json.dumps(_people()), encoding="utf-8")
        command = [sys.executable, "-m", "clinic.sign_in", "--people", str(people), "--port", str(port["port"])]
        process, told = await _start(stack, "sign-in", command)
        port["port"] = told["port"]
        stack.publish(stack.settings.changed(sign_in_issuer=_local(told["port"])))
        return process

    return start


def _people() -> dict[str, str]:
    """The invented staff of the example, as the development provider shows them."""
    people = read_staff(centre_folder(None) / "staff.toml").people
    return {each.id: f"{each.id}: {', '.join(role.replace('-', ' ') for role in each.roles)}" for each in people}


def _board_starter(stack: Stack) -> Start:
    async def start() -> RunningProcess:
        command = [sys.executable, "-m", "cli.main", "board"]
        process, told = await _start(stack, "board", command, "throughline_board")
        given = stack.settings
        stack.publish(given.changed(board_port=told["port"], board_url=given.board_url or _local(told["port"])))
        return process

    return start


def _local(port: int) -> str:
    return f"http://127.0.0.1:{port}"


async def _start(
    stack: Stack, name: str, argv: list[str], role: str | None = None
) -> tuple[RunningProcess, Mapping[str, int]]:
    ready_file = stack.settings.home / f"{name}.ready.json"
    ready_file.unlink(missing_ok=True)

    async def ready() -> bool:
        return ready_file.exists()

    env = {  # without a role there is no access to the record; a process without keys is not given their address
        "DATABASE_URL": stack.database_url_as(role) if role else "",
        "THROUGHLINE_KEYS_URL": stack.keys_url_as(role) if role in KEYHOLDERS else "",
        "THROUGHLINE_KEK_FILE": str(stack.settings.require_kek_file()) if role in KEYHOLDERS else "",
        "THROUGHLINE_PAYLOAD_KEYS": str(stack.settings.require_payload_keys()) if role in KEYHOLDERS else "",
    }
    grace = stack.settings.worker_stopping_seconds + _GRACE_SECONDS
    command = [*argv, "--ready-file", str(ready_file)]
    process = await stack.start_process(name, command, env, ready, grace_seconds=grace)
    told: Mapping[str, int] = json.loads(ready_file.read_text())
    return process, told


def announce(ready_file: Path | None, ports: Mapping[str, int]) -> None:
    """Writes `ports` to the file that the parent process reads, in one step, so it is never half written."""
    if ready_file is None:
        return
    unfinished = ready_file.with_suffix(".part")
    unfinished.write_text(json.dumps(dict(ports)))
    unfinished.replace(ready_file)
