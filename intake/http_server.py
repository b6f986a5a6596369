"""Serves intake over HTTP with uvicorn, with limits for each connection.

Uvicorn itself limits only the pause between two requests. Here every phase of a connection has a time limit: the head
and body of a request, sending the answer, and closing. The limits on reading a body and handling it are in `http`,
which can still answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import h11
import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES

from intake.connections import Connections, OpenConnection, peer_address
from intake.hl7 import Problem
from intake.http import TOO_SLOW, HttpLimits, problem_document
from intake.http_bodies import BoundedBodies

log = structlog.get_logger(__name__)
_STOPPING_SECONDS = 5
_FULL = Problem("too-many-connections", "Every connection is in use. Send the request again later.")
_UNREADABLE = Problem("bad-request", "Send a request that follows HTTP/1.1.")

Phase = Literal["idle", "head", "handling", "body-after-answer", "answer-not-taken", "closing"]
"""`idle` is the time between requests, before the first byte of the next."""


class WebServer(uvicorn.Server):
    """Uvicorn as one task among others. Cancelling it stops it cleanly, and the process handles the signals."""

    def __init__(self, app: Starlette, limits: HttpLimits) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_protocol_with(limits),
                ws="none",
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=_STOPPING_SECONDS,
            )
        )

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leaves signals alone."""
        yield

    async def run(self, listening: socket.socket) -> None:  # type: ignore[override]
        """Serves until cancelled."""
        serving = asyncio.create_task(self.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        finally:
            self.should_exit = True
            await serving


class LimitedProtocol(BoundedBodies):
    """One connection. After each event, `_watch` sets the time limit for its current phase.

    Attributes:
        limits: The listener's limits.
        open_connections: The listener's open connections.
    """

    limits: HttpLimits
    open_connections: Connections
    _connection: OpenConnection | None = None
    _phase: Phase | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accepts the connection, or refuses it if every connection is in use."""
        super().connection_made(transport)
        self.limits.keepalive.apply(transport.get_extra_info("socket"))
        transport.set_write_buffer_limits(high=0)  # so that we notice a peer that does not read the answer
        peer = peer_address(transport.get_extra_info("peername"))
        self._connection = self.open_connections.admit(peer, self._give_way)
        if self._connection is None:
            self._answer(503, _FULL)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Frees the connection's place."""
        if self._connection is not None:
            self.open_connections.remove(self._connection)
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Receives bytes of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Notes that the answer is written. The peer may not have read it yet."""
        if self._connection is not None:
            self._connection.finished()
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Notes that the peer reads the answer more slowly than it is written."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Notes that the peer has read all that was written."""
        super().resume_writing()
        self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """Closes a connection whose peer sent no further request."""
        super().timeout_keep_alive_handler()
        self._watch()

    def shutdown(self) -> None:
        """Closes the connection because the server stops."""
        super().shutdown()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answers bytes that are not HTTP, unless another answer is already under way."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(400, _UNREADABLE)
        else:
            self.transport.close()

    def _watch(self) -> None:
        phase = self._phase_now()
        if self._connection is not None:
            has_whole_request = self.conn.their_state is not h11.SEND_BODY
            self._connection.in_use = phase == "handling" and has_whole_request
            self._connection.receiving(is_incomplete=phase not in ("idle", "closing") and not self._connection.in_use)
        if phase == self._phase:
            return
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        seconds = self._seconds_for(phase)
        if seconds is not None:
            self._timer = self.loop.call_later(seconds, self._too_slow, phase)

    def _phase_now(self) -> Phase:
        if self.transport.is_closing():
            return "closing"
        if self.flow.write_paused:
            return "answer-not-taken"
        if self.cycle is not None and not self.cycle.response_complete:
            return "handling"
        if self.conn.their_state is h11.SEND_BODY:
            return "body-after-answer"
        return "head" if self.conn.trailing_data[0] else "idle"

    def _seconds_for(self, phase: Phase) -> float | None:
        if phase == "handling":
            return None  # limited elsewhere
        if phase == "idle":
            return self.limits.head_seconds if self.cycle is None else self.limits.idle_seconds
        return self.limits.head_seconds if phase == "head" else self.limits.write_seconds

    def _too_slow(self, phase: Phase) -> None:
        log.info("http peer too slow", peer=self._connection.peer if self._connection else None, phase=phase)
        if phase == "head":
            self._answer(408, TOO_SLOW)
            self._watch()
        elif phase == "idle":
            self._give_way()
        else:
            self.transport.abort()

    def _give_way(self) -> None:
        """Closes the connection if it is idle, its request is incomplete, or the peer does not read the answer."""
        if self._phase == "idle":
            self.timeout_keep_alive_handler()
        elif self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer(503, _FULL)
            self._watch()
        else:
            self.transport.abort()

    def _answer(self, status: int, problem: Problem) -> None:
        """Answers in place of the application, and closes."""
        headers, body = problem_document(status, problem)
        fields = [(name.encode(), value.encode()) for name, value in headers.items() if name != "Connection"]
        reason = STATUS_PHRASES[status]
        response = h11.Response(status_code=status, headers=[*fields, CLOSE_HEADER], reason=reason)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _protocol_with(limits: HttpLimits) -> type[LimitedProtocol]:
    connections = Connections("http", limits.max_connections, limits.max_connections_per_peer)
    return type("BoundProtocol", (LimitedProtocol,), {"limits": limits, "open_connections": connections})
