"""Keeps the work on long messages off the event loop that accepts messages.

Reading is Python code and holds the interpreter's lock. In a thread it would make the loop wait at each turn, and a
short message needs ten or more turns. So long messages are read in a separate process, one at a time. Hashing and
sealing release the lock and stay in threads.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from typing import Concatenate, ParamSpec, TypeAlias, TypeVar, cast

import structlog

from intake.reading_process import read_parts, write_parts

P = ParamSpec("P")
T = TypeVar("T")
Process: TypeAlias = Popen[bytes]

log = structlog.get_logger(__name__)
LARGE_BYTES = 32_768
"""Shorter messages are read directly, because that takes less time than handing them over."""
_ENDING_SECONDS = 5
_TRIES = 2


class ReadingProcessLost(Exception):
    """The reading process ended twice while it read one message. Nothing was done with the message: try again."""


class ReadingProcess:
    """A process that reads long messages, one at a time. It ends when its standard input ends, so it cannot outlive us.

    Use it as an async context manager. If the process is lost, the next call starts another.
    """

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> ReadingProcess:
        """Starts the process without waiting until it is ready."""
        self._running()
        return self

    async def __aexit__(self, *raised: object) -> None:
        """Ends the process: cleanly if it is idle, or by force if it does not end."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.to_thread(_end, process)

    async def read(self, raw: bytes, call: Callable[Concatenate[bytes, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `call(raw, ...)`, in the reading process if `raw` is long, and returns or raises its result.

        The function, its other arguments and its result are pickled: keep them short.

        Raises:
            ReadingProcessLost: The process ended twice.
        """
        if len(raw) < LARGE_BYTES:
            return call(raw, *args, **kwargs)
        request = pickle.dumps((call, args, kwargs))
        async with self._turn:
            value, error = pickle.loads(await self._asked(request, raw))  # noqa: S301 - of our own process
        if error is not None:
            raise error
        return cast(T, value)

    async def _asked(self, request: bytes, raw: bytes) -> bytes:
        for _ in range(_TRIES):
            process = self._running()
            try:
                return await asyncio.to_thread(_exchange, process, request, raw)
            except (OSError, EOFError):
                self._process = None
                await asyncio.to_thread(_end, process)
                log.error("reading process lost", pid=process.pid, exit_code=process.returncode)
            except BaseException:  # otherwise its answer would be taken for that of the next message
                self._process = None
                process.kill()
                asyncio.get_running_loop().run_in_executor(None, _end, process)
                raise
        raise ReadingProcessLost

    def _running(self) -> Process:
        if self._process is None:
            self._process = Popen(
                (sys.executable, "-m", "intake.reading_process"), stdin=PIPE, stdout=PIPE, stderr=DEVNULL
            )
        return self._process


async def crypt_off_loop(size: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `call`, in a thread if `size` is large, and returns its result. For hashing and sealing.

    The caller holds a database connection that other senders need too.
    """
    if size < LARGE_BYTES:
        return call(*args, **kwargs)
    return await asyncio.to_thread(call, *args, **kwargs)


def _exchange(process: Process, request: bytes, raw: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    write_parts(process.stdin, request, raw)
    (answer,) = read_parts(process.stdout, 1)
    return answer


def _end(process: Process) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(_ENDING_SECONDS)
    except TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
