"""Keeps the house's own processes running: one that ends by itself is started again, after a growing pause."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deploy.errors import ProcessFailedError
from deploy.processes import RunningProcess
from deploy.stack import Progress, Stack

Start = Callable[[], Awaitable[RunningProcess]]

_PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SETTLED_SECONDS = 60.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass
class _Part:
    name: str
    start: Start
    process: RunningProcess | None
    since: float
    failures: int = 0
    due: float | None = None


class Guard:
    """Watches a stack and the parts of the house that run on it.

    Intake, workers and the simulated clinic are started again as often as need be: what they serve is durable
    and waits for them. PostgreSQL and Temporal are not; their end is the house's end.
    """

    def __init__(self, stack: Stack, progress: Progress) -> None:
        self._stack = stack
        self._progress = progress
        self._parts: list[_Part] = []

    async def add(self, name: str, start: Start) -> None:
        """Starts a part and watches it from now on. Raises ProcessFailedError if it does not become ready."""
        self._parts.append(_Part(name, start, await start(), _now()))

    async def keep(self) -> None:
        """Returns on Ctrl-C, SIGTERM or SIGHUP.

        Raises:
            ProcessFailedError: PostgreSQL or Temporal ended.
        """
        while True:
            try:
                async with asyncio.timeout_at(self._next_start()):
                    await self._stack.run_until_stopped()
                return
            except TimeoutError:
                await self._start_due()
            except ProcessFailedError:
                if not await self._lay_aside_ended():
                    raise

    def _next_start(self) -> float | None:
        return min((part.due for part in self._parts if part.due is not None), default=None)

    async def _lay_aside_ended(self) -> bool:
        ended = [(part, part.process) for part in self._parts if part.process and part.process.returncode is not None]
        for part, process in ended:
            await self._stack.stop_process(process)
            part.process = None
            if _now() - part.since > _SETTLED_SECONDS:
                part.failures = 0
            self._put_off(part, f"ended by itself with code {process.returncode}, see {process.log}")
        return bool(ended)

    async def _start_due(self) -> None:
        for part in self._parts:
            if part.due is not None and part.due <= _now():
                await self._start(part)

    async def _start(self, part: _Part) -> None:
        try:
            with cancelled_by_signals():
                part.process = await part.start()
        except ProcessFailedError as error:
            self._put_off(part, str(error).partition("\n")[0].rstrip(":"))
            return
        part.since, part.due = _now(), None
        self._progress(f"{part.name} runs again")

    def _put_off(self, part: _Part, why: str) -> None:
        pause = _PAUSES_SECONDS[min(part.failures, len(_PAUSES_SECONDS) - 1)]
        part.failures += 1
        part.due = _now() + pause
        why = why.removeprefix(f"{part.name} ")
        self._progress(f"{part.name} {why}; starting it again in {pause:g} s")


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP cancel the current task, so that everything it opened is closed again."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for each in _STOP_SIGNALS:
        loop.add_signal_handler(each, task.cancel)
    try:
        yield
    finally:
        for each in _STOP_SIGNALS:
            loop.remove_signal_handler(each)


def _now() -> float:
    return asyncio.get_running_loop().time()
