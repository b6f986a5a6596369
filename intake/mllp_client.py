"""MLLP over TCP: the client that sends. The listener is `mllp_server`."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from intake.answers import control_id_of, read_answer
from intake.framing import Broken, Frame, FrameDecoder, frame

_CHUNK = 65_536
T = TypeVar("T")


class MllpError(Exception):
    """A message got no answer; it may or may not have been stored. Sending the same bytes again is safe."""


class MllpClient:
    """One connection to a listener, used as an async context manager; messages go one at a time."""

    def __init__(
        self, host: str, port: int, *, timeout_seconds: float = 30.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout_seconds
        self._tls = tls
        self._decoder = FrameDecoder()
        self._answers: deque[Frame | Broken] = deque()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        """Connects.

        Raises:
            MllpError: Nothing listens there, or it does not answer in time.
        """
        self._streams = await self._within(
            lambda: asyncio.open_connection(*self._address, ssl=self._tls), "could not connect to"
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connection."""
        if self._streams is not None:
            self._streams[1].close()
            with suppress(ConnectionError):
                await self._streams[1].wait_closed()

    async def send(self, message: bytes) -> bytes:
        """Sends one message that asks for an answer and returns the answer's bytes.

        Answers that name another message are skipped. Use `sending.Sending` for messages that may ask for no answer.

        Raises:
            MllpError: No answer in time, or the connection closed first.
        """
        return await self._within(lambda: self._exchange(message), "got no answer from")

    async def write(self, message: bytes) -> None:
        """Sends one message without waiting for an answer.

        Raises:
            MllpError: The connection is closed, or the listener accepts nothing more.
        """
        await self._within(lambda: self._write(message), "could not send to")

    async def read(self) -> bytes | None:
        """The next answer, however long it takes; None once the listener has closed the connection.

        Raises:
            OSError: The connection broke.
        """
        if self._streams is None:
            raise ConnectionError
        while not self._answers:
            chunk = await self._streams[0].read(_CHUNK)
            if not chunk:
                return None
            self._answers.extend(self._decoder.feed(chunk))
        return self._answers.popleft().body

    def half_close(self) -> None:
        """Signals that nothing more will be sent; answers can still be read. Not possible with TLS."""
        if self._streams is not None and self._streams[1].can_write_eof():
            with suppress(OSError):
                self._streams[1].write_eof()

    async def _exchange(self, message: bytes) -> bytes:
        await self._write(message)
        sent = control_id_of(message)
        while (answer := await self.read()) is not None:
            if read_answer(answer).control_id in ("", sent):
                return answer
        raise ConnectionError

    async def _write(self, message: bytes) -> None:
        if self._streams is None:
            raise ConnectionError
        self._streams[1].write(frame(message))
        await self._streams[1].drain()

    async def _within(self, call: Callable[[], Awaitable[T]], failed: str) -> T:
        host, port = self._address
        try:
            async with asyncio.timeout(self._timeout):
                return await call()
        except (OSError, TimeoutError) as error:
            advice = "check that intake runs there, then send the same bytes again"
            raise MllpError(f"{failed} {host}:{port} ({type(error).__name__}): {advice}") from None
