"""The MLLP listener on real sockets, with limits small enough to be reached."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from intake.connections import TcpKeepalive
from intake.framing import frame
from intake.mllp_client import MllpClient, MllpError
from intake.mllp_server import MllpLimits, MllpServer
from tests.intake.certificate import server_context, trusting_context

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Answers:
    """Answers every message with the same bytes, once `go` is set."""

    answer: bytes = b"MSA|AA|1\r"
    received: list[bytes] = field(default_factory=list)
    refused: list[tuple[str, bytes]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go.set()

    async def receive(self, raw: bytes) -> bytes | None:
        self.received.append(raw)
        self.arrived.set()
        await self.go.wait()
        return self.answer

    async def refuse(self, code: str, raw: bytes) -> bytes | None:
        self.refused.append((code, raw))
        return b"MSA|AR|\r"


@asynccontextmanager
async def listening(
    limits: MllpLimits, handler: Answers | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    server = MllpServer(handler or Answers(), limits, tls)
    port = await server.start("127.0.0.1", 0)
    try:
        async with asyncio.timeout(30):
            yield port
    finally:
        await server.stop()


async def connect(port: int, from_host: str = "127.0.0.1") -> Streams:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(from_host, 0))


async def exchange(streams: Streams, message: bytes = b"MSH|1") -> bytes:
    streams[1].write(frame(message))
    return await streams[0].readuntil(b"\x1c\r")


async def answered(port: int) -> bytes:
    """The answer to one message on a connection of its own; empty if it was refused."""
    reader, writer = await connect(port)
    try:
        return await exchange((reader, writer))
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""
    finally:
        writer.close()


async def trickle(streams: Streams, byte: bytes) -> None:
    """Sends `byte` again and again until the listener closes the connection."""
    closed = asyncio.create_task(ended(streams))
    while not closed.done():
        streams[1].write(byte)
        await asyncio.wait({closed}, timeout=0.01)


async def ended(streams: Streams) -> bytes:
    """What came before the listener closed the connection."""
    try:
        return await streams[0].read()
    except ConnectionError:
        return b""


async def test_idle_connections_never_lock_a_sender_out() -> None:
    limits = MllpLimits(max_connections=20, max_connections_per_peer=20)
    async with listening(limits) as port:
        idle = [await connect(port) for _ in range(20)]
        sender = await connect(port)
        assert b"AA" in await exchange(sender)
        assert await ended(idle[0]) == b""
        assert b"AA" in await exchange(idle[1])


async def test_the_idlest_is_the_one_whose_last_message_is_longest_ago() -> None:
    async with listening(MllpLimits(max_connections=2, max_connections_per_peer=2)) as port:
        first, second = await connect(port), await connect(port)
        await exchange(second)
        await exchange(first)
        await exchange(await connect(port))
        assert await ended(second) == b""
        await exchange(first)


async def test_bytes_that_are_no_message_do_not_make_a_connection_less_idle() -> None:
    async with listening(MllpLimits(idle_seconds=0.2)) as port:
        await trickle(await connect(port), b"\r")


async def test_broken_frames_do_not_make_a_connection_less_idle() -> None:
    async with listening(MllpLimits(idle_seconds=0.2)) as port:
        await trickle(await connect(port), b"x\x1c")


async def test_a_connection_with_messages_in_hand_does_not_end_in_order_when_the_listener_stops() -> None:
    handler = Answers()
    handler.go.clear()
    server = MllpServer(handler, MllpLimits())
    port = await server.start("127.0.0.1", 0)
    reader, writer = await connect(port)
    writer.write(frame(b"MSH|1") + frame(b"MSH|2"))
    writer.write_eof()
    await handler.arrived.wait()
    await server.stop()
    with pytest.raises(ConnectionResetError):
        await reader.read()


async def test_one_peer_cannot_push_the_others_out() -> None:
    async with listening(MllpLimits(max_connections=4, max_connections_per_peer=2)) as port:
        sender = await connect(port)
        try:
            crowd = [await connect(port, "127.0.0.2") for _ in range(10)]
        except OSError:
            pytest.skip("this system has one loopback address")
        for gone in crowd[:8]:
            assert await ended(gone) == b""
        assert b"AA" in await exchange(sender)
        assert b"AA" in await exchange(crowd[9])


async def test_where_all_are_in_use_the_newcomer_is_refused_and_the_log_says_why() -> None:
    handler = Answers()
    handler.go.clear()
    async with listening(MllpLimits(max_connections=1), handler) as port:
        busy = await connect(port)
        busy[1].write(frame(b"MSH|1"))
        await handler.arrived.wait()
        with capture_logs() as logs:
            assert await ended(await connect(port)) == b""
        assert [(line["peer"], line["limit"]) for line in logs if "refused" in line["event"]] == [
            ("127.0.0.1", "limit")
        ]
        handler.go.set()
        assert b"AA" in await busy[0].readuntil(b"\x1c\r")


async def test_half_sent_messages_never_lock_a_sender_out() -> None:
    handler = Answers()
    limits = MllpLimits(max_connections=10, max_connections_per_peer=10, message_seconds=600)
    async with listening(limits, handler) as port:
        half_sent = [await connect(port) for _ in range(10)]
        for _, writer in half_sent:
            writer.write(frame(b"MSH|whole") + b"\x0bMSH|half")
        for reader, _ in half_sent:  # the whole one is answered, so the half behind it has been read
            await reader.readuntil(b"\x1c\r")
        with capture_logs() as logs:
            assert b"AA" in await exchange(await connect(port))
        assert await ended(half_sent[0]) == b""
        assert [line["peer"] for line in logs if "cut off" in line["event"]] == ["127.0.0.1"]
        half_sent[1][1].write(b"\x1c\r")
        assert b"AA" in await half_sent[1][0].readuntil(b"\x1c\r")


async def test_a_connection_that_ended_makes_room() -> None:
    async with listening(MllpLimits(max_connections=1)) as port:
        for _ in range(5):
            async with MllpClient("127.0.0.1", port) as client:
                assert b"AA" in await client.send(b"MSH|1")


async def test_a_message_that_trickles_in_is_cut_off_and_kept() -> None:
    handler = Answers()
    async with listening(MllpLimits(message_seconds=0.1), handler) as port:
        slow = await connect(port)
        slow[1].write(b"\x0b")
        await trickle(slow, b"x")
    [(code, raw)] = handler.refused
    assert code == "incomplete-frame"
    assert set(raw) == {ord("x")}


async def test_the_time_that_one_message_takes_to_be_handled_is_not_taken_from_the_next() -> None:
    handler = Answers()
    handler.go.clear()
    async with listening(MllpLimits(message_seconds=0.05), handler) as port:
        streams = await connect(port)
        streams[1].write(b"\x0bMSH|")
        await streams[1].drain()
        streams[1].write(b"1\x1c\r\x0bMSH|")
        await handler.arrived.wait()
        streams[1].write(b"2\x1c\r")
        asyncio.get_running_loop().call_later(0.2, handler.go.set)
        for _ in range(2):
            assert b"AA" in await streams[0].readuntil(b"\x1c\r")
    assert handler.received == [b"MSH|1", b"MSH|2"]


async def test_a_peer_that_never_reads_its_answer_is_cut_off() -> None:
    handler = Answers(b"x" * 20_000_000)
    async with listening(MllpLimits(write_seconds=0.1, max_connections=1), handler) as port:
        deaf = _connection_with_small_buffer(port)
        deaf.sendall(frame(b"MSH|1"))
        await handler.arrived.wait()
        handler.answer = b"MSA|AA|2"
        while b"AA" not in await answered(port):
            pass  # it is in use, and others are refused, until it is cut off
        assert await asyncio.to_thread(_size_of_all_that_came, deaf) < 20_000_000


async def test_a_message_that_cannot_be_handled_in_time_is_not_answered() -> None:
    handler = Answers()
    handler.go.clear()
    async with listening(MllpLimits(handling_seconds=0.05), handler) as port:
        streams = await connect(port)
        streams[1].write(frame(b"MSH|1"))
        assert await ended(streams) == b""


async def test_keepalive_is_on_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: list[int] = []

    def apply(self: TcpKeepalive, connection: socket.socket) -> None:
        original(self, connection)
        accepted.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    original = TcpKeepalive.apply
    monkeypatch.setattr(TcpKeepalive, "apply", apply)
    async with listening(MllpLimits()) as port:
        await exchange(await connect(port))
    assert accepted == [1]


async def test_messages_over_tls_and_a_peer_that_never_agrees_on_it_gives_way() -> None:
    limits = MllpLimits(max_connections=1, handshake_seconds=60.0)
    async with listening(limits, tls=server_context()) as port:
        mute = await connect(port)
        async with MllpClient("127.0.0.1", port, tls=trusting_context()) as client:
            assert b"AA" in await client.send(b"MSH|1")
            assert b"AA" in await client.send(b"MSH|2" * 50_000)
        assert await ended(mute) == b""


async def test_a_peer_that_never_agrees_on_tls_is_cut_off() -> None:
    async with listening(MllpLimits(handshake_seconds=0.05), tls=server_context()) as port:
        assert await ended(await connect(port)) == b""


async def test_a_stopped_listener_has_closed_everything() -> None:
    handler = Answers()
    handler.go.clear()
    server = MllpServer(handler, MllpLimits())
    port = await server.start("127.0.0.1", 0)
    idle, busy = await connect(port), await connect(port)
    busy[1].write(frame(b"MSH|1"))
    await handler.arrived.wait()
    await server.stop()
    assert (await ended(idle), await ended(busy)) == (b"", b"")
    with pytest.raises(MllpError, match="could not connect"):
        async with MllpClient("127.0.0.1", port):
            pass


def _connection_with_small_buffer(port: int) -> socket.socket:
    """A blocking connection that takes few bytes before it is read from."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    return connection


def _size_of_all_that_came(connection: socket.socket) -> int:
    size = 0
    with connection:
        try:
            while chunk := connection.recv(65536):
                size += len(chunk)
        except ConnectionResetError:
            pass
    return size
