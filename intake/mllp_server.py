"""MLLP over TCP: the listener that senders connect to."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from intake.framing import DEFAULT_MAX_BYTES, Broken, Frame, FrameDecoder, frame

log = structlog.get_logger(__name__)
_CHUNK = 65_536


class MllpHandler(Protocol):
    """What a listener hands its messages to. Both return the answer to send, or None for none."""

    async def receive(self, raw: bytes) -> bytes | None:
        """One whole message."""

    async def refuse(self, code: str, raw: bytes) -> bytes | None:
        """Bytes that made no whole message; `code` as in `framing.Broken`."""


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """What one listener bears. Times are elapsed seconds.

    Attributes:
        max_bytes: The longest message.
        max_connections: Open at once; further ones are closed at once.
        idle_seconds: Between messages.
        message_seconds: From a message's first byte to its last.
        write_seconds: For the peer to take an answer.
    """

    max_bytes: int = DEFAULT_MAX_BYTES
    max_connections: int = 100
    idle_seconds: float = 3600.0
    message_seconds: float = 30.0
    write_seconds: float = 30.0


class MllpServer:
    """Listens, answers each connection's messages in their order, and outlives whatever is sent to it."""

    def __init__(
        self, handler: MllpHandler, limits: MllpLimits | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._handler = handler
        self._limits = limits or MllpLimits()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Starts listening; returns the port, chosen by the system where `port` is 0."""
        self._server = await asyncio.start_server(self._connected, host, port, ssl=self._tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stops listening and closes all connections. A message kept but not yet answered is safe to send again."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self._limits.max_connections:
            log.warning("mllp connection refused", open_connections=len(self._connections))
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError) as error:
            log.info("mllp connection lost", error=type(error).__name__)
        except asyncio.CancelledError:
            log.debug("mllp connection closed by us")
        except Exception as error:  # its text could hold client data, so asyncio must not print it
            log.error("mllp connection failed", error=type(error).__name__)
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = FrameDecoder(self._limits.max_bytes)
        read = _Reads(reader, decoder, self._limits)
        while chunk := await read():
            for event in decoder.feed(chunk):
                await self._answer(event, writer)
                if isinstance(event, Broken) and event.fatal:
                    return
        for rest in decoder.close():
            await self._handler.refuse(rest.code, rest.body)

    async def _answer(self, event: Frame | Broken, writer: asyncio.StreamWriter) -> None:
        if isinstance(event, Frame):
            answer = await self._handler.receive(event.body)
        else:
            log.warning("mllp bytes refused", code=event.code, size=len(event.body))
            answer = await self._handler.refuse(event.code, event.body)
            if not event.answerable:
                return
        if answer is not None:
            writer.write(frame(answer))
            async with asyncio.timeout(self._limits.write_seconds):
                await writer.drain()


class _Reads:
    """Reads under the limit that applies: a whole message has a deadline, the pause between two a longer one."""

    def __init__(self, reader: asyncio.StreamReader, decoder: FrameDecoder, limits: MllpLimits) -> None:
        self._reader = reader
        self._decoder = decoder
        self._limits = limits
        self._deadline: float | None = None

    async def __call__(self) -> bytes:
        """The next bytes; none at the end of the stream or of our patience."""
        now = asyncio.get_running_loop().time()
        if not self._decoder.inside:
            self._deadline = None
        elif self._deadline is None:
            self._deadline = now + self._limits.message_seconds
        try:
            async with asyncio.timeout_at(self._deadline or now + self._limits.idle_seconds):
                return await self._reader.read(_CHUNK)
        except TimeoutError:
            log.info("mllp peer too slow", inside_message=self._decoder.inside)
            return b""
