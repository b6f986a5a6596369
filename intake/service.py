"""Intake as one service: MLLP and HTTP listeners in front of the inbox, relays behind it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
import uvicorn
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette

from eventstore.keys import Keyring
from intake.conversion import seal_plain_rows
from intake.gate import JourneyGate
from intake.handling import Handler
from intake.http import build_app
from intake.http_bodies import BoundedBodies
from intake.inbox import Inbox, Pool
from intake.mllp_server import MllpLimits, MllpServer
from intake.privacy import Privacy
from intake.queue import Queue
from intake.receiver import Receiver, ReceivingRules
from intake.registry import Registry
from intake.relay import Relay, RelayRules

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Everything about intake that a site may change.

    Attributes:
        receiving: How messages are read; give it the site's zone, the default is UTC.
        relaying: How patient the relays are.
        limits: What a listener bears.
        relays: How many clients are served side by side.
        mllp_tls: Makes MLLP speak TLS; ask for client certificates in it.
    """

    receiving: ReceivingRules = field(default_factory=ReceivingRules)
    relaying: RelayRules = field(default_factory=RelayRules)
    limits: MllpLimits = field(default_factory=MllpLimits)
    relays: int = 2
    mllp_tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class IntakePorts:
    """Where intake listens."""

    mllp: int
    http: int


async def run_intake(
    database_url: str,
    keyring: Keyring,
    gate: JourneyGate,
    mllp_host: str = "127.0.0.1",
    mllp_port: int = 2575,
    http_host: str = "127.0.0.1",
    http_port: int = 8475,
    *,
    settings: IntakeSettings | None = None,
    on_started: Callable[[IntakePorts], None] = lambda ports: None,
) -> None:
    """Takes messages in until cancelled, then stops listening and lets go of the database.

    The schema must be there already. `on_started` is told the ports once both listeners are up.

    Raises:
        OSError: A port is taken.
        psycopg_pool.PoolTimeout: The database does not answer at the start.
        KeysUnavailable: The same for the database of the keys.
    """
    chosen = settings or IntakeSettings()
    pool = intake_pool(database_url, chosen.relays)
    await pool.open(wait=True, timeout=30)
    try:
        await seal_plain_rows(pool, keyring)
        await _serve(pool, keyring, gate, (mllp_host, mllp_port), (http_host, http_port), chosen, on_started)
    finally:
        await pool.close()


def intake_pool(database_url: str, relays: int = 2) -> Pool:
    """A pool, not yet open, large enough that relays, which hold one connection and ask for another, never starve."""
    return AsyncConnectionPool(database_url, min_size=2, max_size=2 * relays + 8, timeout=10, open=False)


async def _serve(
    pool: Pool,
    keyring: Keyring,
    gate: JourneyGate,
    mllp: tuple[str, int],
    http: tuple[str, int],
    settings: IntakeSettings,
    on_started: Callable[[IntakePorts], None],
) -> None:
    inbox, queue = Inbox(pool, keyring), Queue(pool)
    handler = Handler(Registry(pool, keyring), queue, Privacy(keyring), gate, settings.receiving.zone)
    relays = [Relay(queue, handler, settings.relaying) for _ in range(settings.relays)]

    def ring() -> None:
        for relay in relays:
            relay.ring()

    def receiver(listener: str) -> Receiver:
        return Receiver(inbox, listener, settings.receiving, ring)

    server = MllpServer(receiver("mllp"), settings.limits, settings.mllp_tls)
    app = build_app(inbox, receiver("http"), receiver("http-admissions"), settings.limits.max_bytes)
    web = _Web(app)
    try:
        with _listen(*http) as listening:
            ports = IntakePorts(mllp=await server.start(*mllp), http=int(listening.getsockname()[1]))
            log.info("intake started", mllp_port=ports.mllp, http_port=ports.http, at=datetime.now(UTC).isoformat())
            on_started(ports)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(web.run(listening))
                for relay in relays:
                    tasks.create_task(relay.run())
    finally:
        await server.stop()
        log.info("intake stopped")


@contextmanager
def _listen(host: str, port: int) -> Generator[socket.socket]:
    listening = socket.create_server((host, port), backlog=128)
    try:
        yield listening
    finally:
        listening.close()


class _Web(uvicorn.Server):
    """Uvicorn as one task among others: cancelling it stops it in order, and signals are left to the process."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(uvicorn.Config(app, http=BoundedBodies, log_config=None, access_log=False, lifespan="off"))

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
