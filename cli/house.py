"""The whole house on one machine: the stack, the simulated clinic, intake and a worker, each its own process."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deploy.processes import RunningProcess
from deploy.settings import HostPort, Settings
from deploy.stack import Progress, Stack, to_stderr
from eventstore import migrate


@dataclass(frozen=True)
class House:
    """A running house: its stack and where everything listens."""

    stack: Stack
    worker: RunningProcess

    @property
    def settings(self) -> Settings:
        """All addresses."""
        return self.stack.settings


@asynccontextmanager
async def running_house(
    settings: Settings, *, ports: Literal["fixed", "free"], progress: Progress = to_stderr
) -> AsyncIterator[House]:
    """Starts what is missing, in order, and stops it again in the opposite order.

    A clinic whose address the settings give is used; otherwise the simulated one is started, and keeps what it
    was told in the data directory.

    Raises:
        StackError: Something did not start; the message says what to do.
    """
    if ports == "free":
        settings = replace(settings, mllp_port=0, http_port=0)
    async with Stack(settings, ports=ports, progress=progress) as stack:
        progress("migrating the database …")
        await asyncio.to_thread(migrate, stack.database_url)
        if stack.settings.clinic_url is None or stack.settings.smtp is None:
            await _start_clinic(stack)
        await _start_intake(stack)
        worker = await start_worker(stack)
        progress("the house is up")
        yield House(stack=stack, worker=worker)


async def start_worker(stack: Stack) -> RunningProcess:
    """One more worker on the stack."""
    process, _ = await _start(stack, "worker", [sys.executable, "-m", "cli.main", "worker"])
    return process


async def _start_clinic(stack: Stack) -> None:
    state = stack.settings.home / "clinic-state.json"
    _, told = await _start(stack, "clinic", [sys.executable, "-m", "clinic", "--state", str(state)])
    base = f"http://127.0.0.1:{told['http_port']}"
    stack.publish(replace(stack.settings, clinic_url=base, smtp=HostPort("127.0.0.1", told["smtp_port"])))


async def _start_intake(stack: Stack) -> None:
    _, told = await _start(stack, "intake", [sys.executable, "-m", "cli.main", "intake"])
    stack.publish(replace(stack.settings, mllp_port=told["mllp_port"], http_port=told["http_port"]))


async def _start(stack: Stack, name: str, argv: list[str]) -> tuple[RunningProcess, Mapping[str, int]]:
    ready_file = stack.settings.home / f"{name}.ready.json"
    ready_file.unlink(missing_ok=True)

    async def ready() -> bool:
        return ready_file.exists()

    process = await stack.start_process(name, [*argv, "--ready-file", str(ready_file)], ready=ready)
    told: Mapping[str, int] = json.loads(ready_file.read_text())
    return process, told


def announce(ready_file: Path | None, ports: Mapping[str, int]) -> None:
    """Writes `ports` where the process that started us looks for them; the file appears whole or not at all."""
    if ready_file is None:
        return
    unfinished = ready_file.with_suffix(".part")
    unfinished.write_text(json.dumps(dict(ports)))
    unfinished.replace(ready_file)
