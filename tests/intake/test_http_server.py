"""The HTTP listener on real sockets: each way to hold a connection open has an end."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from intake.connections import listen
from intake.http import HttpLimits
from intake.http_server import WebServer
from intake.service import IntakeSettings
from tests.intake.conftest import RecordingGate, running_intake
from tests.intake.messages import adt

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
HEAD = b"POST /messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/hl7-v2\r\n"
LONG = 20_000_000


class Application:
    """An application that answers, answers at length, or waits until it may answer."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        routes = [Route("/brief", self.brief), Route("/long", self.long), Route("/wait", self.wait)]
        body = Route("/body", self.body, methods=["POST"])
        self.asgi = Starlette(routes=[*routes, body], exception_handlers={ClientDisconnect: self.gone})

    async def brief(self, request: Request) -> Response:
        return PlainTextResponse("brief")

    async def long(self, request: Request) -> Response:
        return PlainTextResponse("x" * LONG)

    async def body(self, request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def gone(self, request: Request, error: Exception) -> Response:
        return Response(status_code=400)

    async def wait(self, request: Request) -> Response:
        self.arrived.set()
        await self.go.wait()
        return PlainTextResponse("waited")


@asynccontextmanager
async def serving(limits: HttpLimits, application: Application | None = None) -> AsyncIterator[int]:
    with listen("127.0.0.1", 0) as listening:
        server = WebServer((application or Application()).asgi, limits)
        task = asyncio.create_task(server.run(listening))
        try:
            async with asyncio.timeout(30):
                yield int(listening.getsockname()[1])
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def connect(port: int, from_host: str = "127.0.0.1") -> Streams:
    return await asyncio.open_connection("127.0.0.1", port, local_addr=(from_host, 0))


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def ask(streams: Streams, path: str = "/brief") -> bytes:
    streams[1].write(get(path))
    head = await streams[0].readuntil(b"\r\n\r\n")
    assert b"200 OK" in head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await streams[0].readexactly(length)


async def ended(streams: Streams) -> bytes:
    """What came before the listener closed the connection."""
    came = b""
    with suppress(ConnectionError):
        while chunk := await streams[0].read(65536):
            came += chunk
    return came


async def trickle(streams: Streams, byte: bytes) -> bytes:
    """Sends `byte` again and again until the listener closes the connection; what it said."""
    closed = asyncio.create_task(ended(streams))
    while not closed.done():
        streams[1].write(byte)
        await asyncio.wait({closed}, timeout=0.01)
    return closed.result()


def problem(answer: bytes) -> tuple[int, str]:
    """Status and code of an answer that is a problem document and the last on its connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    document = json.loads(body)
    assert int(head.split()[1]) == document["status"]
    return document["status"], document["code"]


async def test_a_peer_that_sends_nothing_is_cut_off() -> None:
    async with serving(HttpLimits(head_seconds=0.1)) as port:
        assert await ended(await connect(port)) == b""


@pytest.mark.parametrize("half", [b"G", b"POST /messages HT", b"GET /brief HTTP/1.1\r\nHost: x\r\nX-A: "])
async def test_half_a_head_is_cut_off(half: bytes) -> None:
    async with serving(HttpLimits(head_seconds=0.1)) as port:
        streams = await connect(port)
        streams[1].write(half)
        assert problem(await ended(streams)) == (408, "too-slow")


async def test_a_head_that_trickles_in_is_cut_off_also_behind_a_whole_request() -> None:
    async with serving(HttpLimits(head_seconds=0.1)) as port:
        first = await connect(port)
        first[1].write(b"GET /brief HTTP/1.1\r\nX-A: ")
        assert problem(await trickle(first, b"x")) == (408, "too-slow")
        second = await connect(port)
        assert await ask(second) == b"brief"
        second[1].write(b"GET /brief HTTP/1.1\r\nX-A: ")
        assert problem(await trickle(second, b"x")) == (408, "too-slow")


@pytest.mark.stack
@pytest.mark.parametrize("head", [HEAD + b"Content-Length: 9999\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"])
async def test_a_body_that_trickles_in_or_stops_is_answered_408_and_the_connection_closed(
    intake_database: str, gate: RecordingGate, head: bytes
) -> None:
    settings = IntakeSettings(http_limits=HttpLimits(body_seconds=0.2))
    async with running_intake(intake_database, gate, settings) as running, asyncio.timeout(30):
        stopped, slow = await connect(running.ports.http), await connect(running.ports.http)
        stopped[1].write(head)
        slow[1].write(head)
        assert problem(await trickle(slow, b"x" if b"Length" in head else b"1\r\nx\r\n")) == (408, "too-slow")
        assert problem(await ended(stopped)) == (408, "too-slow")
        url = f"http://127.0.0.1:{running.ports.http}/messages"
        async with httpx2.AsyncClient(timeout=30) as client:
            answer = await client.post(url, content=adt("A04"), headers={"Content-Type": "application/hl7-v2"})
        assert answer.status_code == 200
        assert await running.settled() == {"done": 1}


async def test_a_body_that_goes_on_after_the_answer_is_cut_off() -> None:
    async with serving(HttpLimits(write_seconds=0.1)) as port:
        streams = await connect(port)
        streams[1].write(HEAD + b"Content-Length: 999999999\r\n\r\n")
        assert b"404" in await trickle(streams, b"x")


async def test_an_answer_that_is_never_read_is_cut_off() -> None:
    async with serving(HttpLimits(write_seconds=0.1, max_connections=1)) as port:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.settimeout(30)
            deaf.connect(("127.0.0.1", port))
            deaf.sendall(get("/long"))
            while b"brief" not in await answered(port):
                pass  # others are refused until it is cut off
            assert await asyncio.to_thread(_size_of_all_that_came, deaf) < LONG


async def test_answers_to_many_requests_that_are_never_read_are_cut_off() -> None:
    async with serving(HttpLimits(write_seconds=0.1)) as port:
        streams = await asyncio.open_connection("127.0.0.1", port, limit=1)
        with suppress(ConnectionError):
            while True:
                streams[1].write(get("/brief") * 100)
                await streams[1].drain()


async def test_idle_connections_never_lock_a_sender_out_and_the_idlest_goes() -> None:
    async with serving(HttpLimits(max_connections=3, max_connections_per_peer=3, head_seconds=60)) as port:
        first, second, third = [await connect(port) for _ in range(3)]
        assert await ask(first) == b"brief"
        assert await ask(await connect(port)) == b"brief"
        assert await ended(second) == b""
        assert await ask(first) == b"brief"
        assert await ask(third) == b"brief"


async def test_one_peer_cannot_push_the_others_out() -> None:
    async with serving(HttpLimits(max_connections=4, max_connections_per_peer=2, head_seconds=60)) as port:
        sender = await connect(port)
        try:
            crowd = [await connect(port, "127.0.0.2") for _ in range(10)]
        except OSError:
            pytest.skip("this system has one loopback address")
        for gone in crowd[:8]:
            assert await ended(gone) == b""
        assert await ask(sender) == b"brief"


async def test_where_all_are_in_use_the_newcomer_is_told_so_and_the_log_says_why() -> None:
    application = Application()
    async with serving(HttpLimits(max_connections=1, head_seconds=60), application) as port:
        waits = await connect(port)
        waits[1].write(get("/wait"))
        await application.arrived.wait()
        with capture_logs() as logs:
            assert problem(await ended(await connect(port))) == (503, "too-many-connections")
        assert [(line["listener"], line["peer"], line["limit"]) for line in logs if "refused" in line["event"]] == [
            ("http", "127.0.0.1", "limit")
        ]
        application.go.set()
        assert b"waited" in await waits[0].readuntil(b"waited")


@pytest.mark.parametrize("half", [b"GET /bri", b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"])
async def test_half_sent_requests_never_lock_a_sender_out(half: bytes) -> None:
    limits = HttpLimits(max_connections=5, max_connections_per_peer=5, head_seconds=600, body_seconds=600)
    async with serving(limits) as port:
        half_sent = [await connect(port) for _ in range(5)]
        for streams in half_sent:
            await ask(streams)
            streams[1].write(half)
        with capture_logs() as logs:
            for _ in range(20):
                assert await ask(await connect(port)) == b"brief"
        assert problem(await ended(half_sent[0])) == (503, "too-many-connections")
        assert [line["peer"] for line in logs if "cut off" in line["event"]][:1] == ["127.0.0.1"]


EARLY = b"POST /brief HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
"""A request that is answered (405) before its body has come."""


async def test_bodies_that_lag_behind_their_answers_never_lock_a_sender_out() -> None:
    async with serving(HttpLimits(max_connections=5, max_connections_per_peer=5, write_seconds=600)) as port:
        lagging = [await connect(port) for _ in range(5)]
        for reader, writer in lagging:
            writer.write(EARLY)
            await reader.readuntil(b"Method Not Allowed\r\n")
            writer.write(b"x")
        for _ in range(10):
            assert await ask(await connect(port)) == b"brief"


async def test_a_connection_is_idle_also_after_a_body_that_lagged_behind_its_answer() -> None:
    async with serving(HttpLimits(idle_seconds=1)) as port:
        reader, writer = await connect(port)
        writer.write(EARLY)
        await reader.readuntil(b"Method Not Allowed\r\n")
        writer.write(b"0123456789")
        assert b"HTTP/1.1" not in await ended((reader, writer))


async def test_what_is_no_http_is_a_problem() -> None:
    async with serving(HttpLimits()) as port:
        streams = await connect(port)
        streams[1].write(b"\x0bMSH|^~\\&|\x1c\r\n\r\n")
        assert problem(await ended(streams)) == (400, "bad-request")


async def test_a_stopped_listener_has_closed_everything() -> None:
    async with serving(HttpLimits()) as port:
        idle, half_sent = await connect(port), await connect(port)
        half_sent[1].write(b"GET /bri")
        assert await ask(idle) == b"brief"
    assert (await ended(idle), await ended(half_sent)) == (b"", b"")


async def answered(port: int) -> bytes:
    """The answer to one request on a connection of its own; empty if it was cut off."""
    streams = await connect(port)
    try:
        return await ask(streams)
    except (AssertionError, ConnectionError, asyncio.IncompleteReadError):
        return b""
    finally:
        streams[1].close()


def _size_of_all_that_came(connection: socket.socket) -> int:
    size = 0
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            size += len(chunk)
    return size
