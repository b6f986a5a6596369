"""MLLP over TCP: the listener that senders connect to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from intake.connections import Connections, OpenConnection, TcpKeepalive, listen, peer_address
from intake.framing import DEFAULT_MAX_BYTES, Broken, Frame, FrameDecoder, frame

log = structlog.get_logger(__name__)
_CHUNK = 65_536
_NO_MORE_FILES_PAUSE = 0.5
"""Elapsed seconds before the next try if the process has no file descriptor left for a connection."""


class MllpHandler(Protocol):
    """Handles a listener's messages. Both methods return the answer to send, or None for no answer."""

    async def receive(self, raw: bytes) -> bytes | None:
        """Handles one complete message."""

    async def refuse(self, code: str, raw: bytes) -> bytes | None:
        """Handles bytes that are not a complete message; `code` is as in `framing.Broken`."""


@dataclass(frozen=True, slots=True)
class MllpLimits:
    """The limits of one listener. All times are elapsed seconds.

    Attributes:
        max_bytes: The longest message.
        max_connections: The most open at once. The one that has been idle longest is closed for a new one.
        max_connections_per_peer: The most open at once from one address; a proxy counts as one. At this limit, the
            peer's connection that has been idle longest is closed for its new one.
        handshake_seconds: For the TLS handshake.
        idle_seconds: From the end of one message to the first byte of the next; other bytes do not prolong it.
        message_seconds: From a message's first byte to its last.
        handling_seconds: From a message's last byte to its answer. Then the connection is closed without one.
        write_seconds: For the peer to take an answer.
        keepalive: When TCP asks a silent peer whether it is still there.
    """

    max_bytes: int = DEFAULT_MAX_BYTES
    max_connections: int = 100
    max_connections_per_peer: int = 50
    handshake_seconds: float = 10.0
    idle_seconds: float = 3600.0
    message_seconds: float = 30.0
    handling_seconds: float = 60.0
    write_seconds: float = 30.0
    keepalive: TcpKeepalive = field(default_factory=TcpKeepalive)


class MllpServer:
    """Listens, and answers each connection's messages in order. Nothing that a peer sends can stop it."""

    def __init__(
        self, handler: MllpHandler, limits: MllpLimits | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._handler = handler
        self._limits = limits or MllpLimits()
        self._tls = tls
        self._open = Connections("mllp", self._limits.max_connections, self._limits.max_connections_per_peer)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Starts listening and returns the port, which the system chooses if `port` is 0.

        Raises:
            OSError: The port is taken.
        """
        listening = listen(host, port)
        listening.setblocking(False)
        self._start(self._accept(listening))
        return int(listening.getsockname()[1])

    async def stop(self) -> None:
        """Stops listening and closes all connections. A message stored but not answered is safe to send again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _accept(self, listening: socket.socket) -> None:
        with listening:
            while True:
                try:
                    accepted, address = await asyncio.get_running_loop().sock_accept(listening)
                except OSError as error:  # the peer was gone already, or no file descriptor is left
                    log.error("mllp connection not accepted", error=type(error).__name__, errno=error.errno)
                    await asyncio.sleep(_NO_MORE_FILES_PAUSE)
                else:
                    self._admit(accepted, peer_address(address))

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        """Counts the connection before anything is read from it, and until it is closed."""
        task: asyncio.Task[None] | None = None
        connection = self._open.admit(peer, lambda: task and task.cancel())
        if connection is None:
            accepted.close()
            return

        def closed(_: asyncio.Task[None]) -> None:
            self._open.remove(connection)
            accepted.close()

        task = self._start(self._serve(accepted, connection))
        task.add_done_callback(closed)

    async def _serve(self, accepted: socket.socket, connection: OpenConnection) -> None:
        try:
            self._limits.keepalive.apply(accepted)
            reader, writer = await self._streams(accepted)
            await self._until_closed(reader, writer, connection)
        except (OSError, TimeoutError) as error:
            log.info("mllp connection lost", peer=connection.peer, error=type(error).__name__)
        except asyncio.CancelledError:
            log.debug("mllp connection closed by us", peer=connection.peer)
        except Exception as error:  # its text could hold client data, so asyncio must not print it
            log.error("mllp connection failed", peer=connection.peer, error=type(error).__name__)

    async def _streams(self, accepted: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        handshake = {"ssl_handshake_timeout": self._limits.handshake_seconds} if self._tls else {}
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self._tls, **handshake)
        transport.set_write_buffer_limits(high=0)  # so that `drain` waits until the peer reads the answer
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _until_closed(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: OpenConnection
    ) -> None:
        try:
            await self._converse(_Reads(reader, self._limits), writer, connection)
            writer.close()
            async with asyncio.timeout(self._limits.write_seconds):
                await writer.wait_closed()
        except BaseException:
            if not connection.is_idle:  # messages may be left: this must not look like a normal end to the peer
                _reset_on_close(writer)
            raise
        finally:
            writer.transport.abort()  # does nothing to a transport that is closed

    async def _converse(self, reads: _Reads, writer: asyncio.StreamWriter, connection: OpenConnection) -> None:
        decoder = FrameDecoder(self._limits.max_bytes)
        while chunk := await reads.next(inside_message=decoder.inside):
            for event in decoder.feed(chunk):
                connection.in_use = True
                await self._answer(event, writer)
                connection.in_use = False
                if isinstance(event, Frame):
                    connection.finished()
                    reads.message_done()
                if isinstance(event, Broken) and event.fatal:
                    return
            connection.receiving(is_incomplete=decoder.inside)
        for rest in decoder.close():
            await self._handled(self._handler.refuse(rest.code, rest.body))

    async def _answer(self, event: Frame | Broken, writer: asyncio.StreamWriter) -> None:
        if isinstance(event, Frame):
            answer = await self._handled(self._handler.receive(event.body))
        else:
            log.warning("mllp bytes refused", code=event.code, size=len(event.body))
            answer = await self._handled(self._handler.refuse(event.code, event.body))
            if not event.answerable:
                return
        if answer is not None:
            writer.write(frame(answer))
            async with asyncio.timeout(self._limits.write_seconds):
                await writer.drain()

    async def _handled(self, handling: Coroutine[Any, Any, bytes | None]) -> bytes | None:
        async with asyncio.timeout(self._limits.handling_seconds):
            return await handling


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Reads:
    """Reads with a time limit: one for a message, and a longer one for the pause between two."""

    def __init__(self, reader: asyncio.StreamReader, limits: MllpLimits) -> None:
        self._reader = reader
        self._limits = limits
        self._message_done_at = asyncio.get_running_loop().time()
        self._message_deadline: float | None = None

    def message_done(self) -> None:
        """Notes that a message is answered. The time of the next one has not begun."""
        self._message_done_at = asyncio.get_running_loop().time()
        self._message_deadline = None

    async def next(self, *, inside_message: bool) -> bytes:
        """The next bytes; empty at the end of the stream or when the time is up."""
        try:
            async with asyncio.timeout_at(self._deadline(inside_message)):
                return await self._reader.read(_CHUNK)
        except TimeoutError:
            log.info("mllp peer too slow", inside_message=inside_message)
            return b""

    def _deadline(self, inside_message: bool) -> float:
        if not inside_message:
            return self._message_done_at + self._limits.idle_seconds
        if self._message_deadline is None:
            self._message_deadline = asyncio.get_running_loop().time() + self._limits.message_seconds
        return self._message_deadline
