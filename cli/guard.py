"""Keeps the processes running: one that ends by itself is started again, after a growing pause."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.errors import StackError
from deploy.processes import RunningProcess
from deploy.stack import Stack, StartProgress

Start = Callable[[], Awaitable[RunningProcess]]

_PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SETTLED_SECONDS = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _Part:
    name: str
    start: Start
    process: RunningProcess
    since: float
    failures: int = 0


class Guard:
    """Watches each process of the system, including PostgreSQL and Temporal.

    Each is started again, no matter how often it ends or fails to start. The pause before that grows with each failure,
    up to 30 s, and is short again once the process has run for a minute. Their data is durable, and the other processes
    wait meanwhile.
    """

    def __init__(self, stack: Stack, progress: StartProgress) -> None:
        self._stack = stack
        self._progress = progress
        self._parts: list[_Part] = []

    async def add(self, name: str, start: Start) -> None:
        """Starts a process and watches it from now on. Raises StackError if it does not become ready."""
        self.watch(name, await start(), start)

    def watch(self, name: str, process: RunningProcess, start_again: Start) -> None:
        """Watches a process that is already running."""
        self._parts.append(_Part(name, start_again, process, _now()))

    async def keep(self) -> None:
        """Returns on Ctrl-C, SIGTERM or SIGHUP."""
        keeping = asyncio.ensure_future(self._keep_all())
        stopped = asyncio.Event()
        stopping = asyncio.ensure_future(stopped.wait())
        with _on_signals(stopped.set):
            try:
                await asyncio.wait((keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
                if keeping.done():
                    keeping.result()  # only a bug in this program ends it
            finally:
                keeping.cancel()
                stopping.cancel()
                await asyncio.wait((keeping, stopping))

    async def _keep_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for part in self._parts:
                tasks.create_task(self._keep(part))

    async def _keep(self, part: _Part) -> None:
        while True:
            code = await part.process.wait()
            why = f"ended by itself with code {code}, see {part.process.log}"
            await self._stack.stop_process(part.process)
            if _now() - part.since > _SETTLED_SECONDS:
                part.failures = 0
            await self._start_again(part, why)

    async def _start_again(self, part: _Part, why: str) -> None:
        while True:
            pause = _PAUSES_SECONDS[min(part.failures, len(_PAUSES_SECONDS) - 1)]
            part.failures += 1
            self._progress(f"{part.name} {why}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                part.process = await part.start()
            except Exception as error:  # it may start the next time
                why = _first_line(error).removeprefix(f"{part.name} ")
                continue
            part.since = _now()
            self._progress(f"{part.name} is running again")
            return


def _first_line(error: Exception) -> str:
    """The first line of one of our own errors. For any other, only its type, as its text could quote a client."""
    text = str(error).partition("\n")[0].rstrip(":") if isinstance(error, StackError | OSError) else ""
    return text or type(error).__name__


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Cancels the current task on Ctrl-C, SIGTERM and SIGHUP, so that everything it opened is closed again."""
    task = asyncio.current_task()
    assert task is not None
    with _on_signals(task.cancel):
        yield


@contextmanager
def _on_signals(call: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for each in _STOP_SIGNALS:
        loop.add_signal_handler(each, call)
    try:
        yield
    finally:
        for each in _STOP_SIGNALS:
            loop.remove_signal_handler(each)


def _now() -> float:
    return asyncio.get_running_loop().time()
