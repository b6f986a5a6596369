"""Intake as one service: MLLP and HTTP listeners in front of the inbox, relays behind it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import get_args

import structlog
from psycopg_pool import AsyncConnectionPool

from clientkeys.keys import Keyring
from intake.connections import listen
from intake.gate import JourneyGate
from intake.handling import Handler
from intake.http import HttpLimits, build_app
from intake.http_server import WebServer
from intake.inbox import Inbox, IntakePool
from intake.mllp_server import MllpLimits, MllpServer
from intake.offload import ReadingProcess
from intake.privacy import Privacy
from intake.queue import Lane, Queue
from intake.receiver import Receiver, ReceivingRules
from intake.registry import Registry
from intake.relay import Relay, RelayRules, expire_parked

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """Everything about intake that a site may change.

    Attributes:
        receiving: How messages are read; give it the site's zone, the default is UTC.
        receiving_connections: To the database, for messages that come in.
        connection_patience: How long a free connection to the database is waited for.
        relaying: How messages are carried to journeys.
        limits: What the MLLP listener takes on.
        http_limits: What the HTTP listener takes on.
        mllp_tls: Makes MLLP speak TLS; ask for client certificates in it.
    """

    receiving: ReceivingRules = field(default_factory=ReceivingRules)
    receiving_connections: int = 8
    connection_patience: timedelta = timedelta(seconds=10)
    relaying: RelayRules = field(default_factory=RelayRules)
    limits: MllpLimits = field(default_factory=MllpLimits)
    http_limits: HttpLimits = field(default_factory=HttpLimits)
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
    """Receives messages until cancelled, then stops listening and closes its database connections.

    The database must be migrated. `on_started` is called with the ports once both listeners are up.

    Raises:
        OSError: A port is taken.
        psycopg_pool.PoolTimeout: The database does not answer at the start.
        KeysUnavailable: The keys' database does not answer at the start.
    """
    chosen = settings or IntakeSettings()
    async with AsyncExitStack() as opened:

        async def pool(connections: int) -> IntakePool:
            made = await opened.enter_async_context(intake_pool(database_url, connections, chosen.connection_patience))
            await made.wait(timeout=30)
            return made

        # Each has its own connections, so that messages are stored and journeys opened while the others wait.
        receiving = await pool(chosen.receiving_connections)
        reading = await opened.enter_async_context(ReadingProcess())
        relays = _Relays(reading, keyring, gate, chosen)
        for lane in get_args(Lane):
            relays.add(lane, await pool(chosen.relaying.of(lane).connections))
        inbox = Inbox(receiving, keyring)
        await _serve(inbox, reading, relays, (mllp_host, mllp_port), (http_host, http_port), chosen, on_started)


def intake_pool(database_url: str, connections: int = 12, patience: timedelta = timedelta(seconds=10)) -> IntakePool:
    """A pool, not yet open, of at most so many connections with autocommit; `patience` is for a free one.

    Each connection is tested before use: after a restart of the database, each dead one would refuse a message.
    """
    return AsyncConnectionPool(
        database_url,
        kwargs={"autocommit": True},
        min_size=2,
        max_size=connections,
        timeout=patience.total_seconds(),
        check=AsyncConnectionPool.check_connection,
        open=False,
    )


class _Relays:
    """The relays of both lanes."""

    def __init__(self, reading: ReadingProcess, keyring: Keyring, gate: JourneyGate, settings: IntakeSettings) -> None:
        self._reading = reading
        self._keyring = keyring
        self._gate = gate
        self._settings = settings
        self._of: dict[Lane, Relay] = {}
        self._queues: list[Queue] = []

    def add(self, lane: Lane, pool: IntakePool) -> None:
        """Adds the relay of one lane, with its own connections."""
        rules = self._settings.relaying
        queue, registry = Queue(pool, rules.lease), Registry(pool, self._keyring)
        privacy, receiving = Privacy(self._keyring), self._settings.receiving
        handler = Handler(self._reading, registry, queue, privacy, self._gate, receiving)
        self._of[lane] = Relay(lane, queue, handler, rules, lambda lane: self._of[lane].ring())
        self._queues.append(queue)

    def ring(self) -> None:
        """Wakes the relays because a message was stored."""
        for relay in self._of.values():
            relay.ring()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Runs the relays until the group is cancelled."""
        for relay in self._of.values():
            tasks.create_task(relay.run())
        tasks.create_task(expire_parked(self._queues[0], self._settings.relaying))


async def _serve(
    inbox: Inbox,
    reading: ReadingProcess,
    relays: _Relays,
    mllp: tuple[str, int],
    http: tuple[str, int],
    settings: IntakeSettings,
    on_started: Callable[[IntakePorts], None],
) -> None:
    def receiver(listener: str) -> Receiver:
        return Receiver(inbox, reading, listener, settings.receiving, relays.ring)

    server = MllpServer(receiver("mllp"), settings.limits, settings.mllp_tls)
    app = build_app(inbox, receiver("http"), receiver("http-admissions"), settings.http_limits)
    web = WebServer(app, settings.http_limits)
    try:
        with listen(*http) as listening:
            ports = IntakePorts(mllp=await server.start(*mllp), http=int(listening.getsockname()[1]))
            log.info("intake started", mllp_port=ports.mllp, http_port=ports.http, at=datetime.now(UTC).isoformat())
            on_started(ports)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(web.run(listening))
                relays.start(tasks)
    finally:
        await server.stop()
        log.info("intake stopped")
