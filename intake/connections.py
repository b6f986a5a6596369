"""Which connections a listener keeps open: one limit for all and one for each peer.

A listener that is full closes the connection that has been idle longest and accepts the new one. If none is idle, it
closes the one on which a message or request has been incomplete longest: a real message arrives quickly, and one that
was not acknowledged is sent again. A peer at its own limit loses one of its own connections, so that no peer can push
out the others. If every connection is in use, the new one is refused. Everything is logged with the peer's address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)
_IPV6_HOST_BITS = 64


class SetsOptions(Protocol):
    """A socket, or asyncio's wrapper around one."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Sets an option, as `socket.setsockopt` does."""


@dataclass(frozen=True, slots=True)
class TcpKeepalive:
    """When TCP asks a silent peer whether it is still there. Times are elapsed seconds.

    Attributes:
        idle_seconds: Silence before the first probe.
        interval_seconds: Time between probes.
        probes: Unanswered probes after which the connection counts as lost.
    """

    idle_seconds: int = 60
    interval_seconds: int = 15
    probes: int = 4

    def apply(self, connection: SetsOptions) -> None:
        """Turns keepalive on, and sets the times if the platform allows it."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", self.idle_seconds),
            ("TCP_KEEPALIVE", self.idle_seconds),  # what macOS calls TCP_KEEPIDLE
            ("TCP_KEEPINTVL", self.interval_seconds),
            ("TCP_KEEPCNT", self.probes),
        ):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class OpenConnection:
    """One open connection.

    Attributes:
        peer: The peer's address, without its port.
        in_use: Set while a message or request is handled or answered. It is then not closed for another connection.
    """

    def __init__(self, peer: str, close: Callable[[], object]) -> None:
        self.peer = peer
        self.in_use = False
        self.close = close
        self._idle_since = _now()
        self._incomplete_since: float | None = None

    def receiving(self, *, is_incomplete: bool) -> None:
        """Notes whether a message or request has begun and is not complete yet."""
        if not is_incomplete:
            self._incomplete_since = None
        elif self._incomplete_since is None:
            self._incomplete_since = _now()

    def finished(self) -> None:
        """Notes that a complete message or request is done. Only this resets the idle time: stray bytes do not."""
        self.in_use = False
        self._idle_since = _now()
        self._incomplete_since = None

    @property
    def is_idle(self) -> bool:
        """Whether it is between two messages or requests."""
        return not self.in_use and self._incomplete_since is None

    @property
    def waited_for_since(self) -> float:
        """The time since when we have waited for the peer: for the rest of a message, or else for the next one.

        On the event loop's clock, in seconds.
        """
        return self._idle_since if self._incomplete_since is None else self._incomplete_since


class Connections:
    """The open connections of one listener.

    Args:
        listener: Its name in the log.
        most: The most connections open at once.
        most_per_peer: The most connections open at once from one address.
    """

    def __init__(self, listener: str, most: int, most_per_peer: int) -> None:
        self._listener = listener
        self._most = most
        self._most_per_peer = most_per_peer
        self._open: set[OpenConnection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[OpenConnection]:
        return iter(tuple(self._open))

    def admit(self, peer: str, close: Callable[[], object]) -> OpenConnection | None:
        """Accepts a new connection, closing another if there are too many. None if it must be refused.

        Args:
            peer: Its address; see `peer_address`.
            close: Closes it. Called at most once, and only while it is not in use.
        """
        if (full := self._full(peer)) is not None and not self._make_room(peer, *full):
            return None
        connection = OpenConnection(peer, close)
        self._open.add(connection)
        return connection

    def remove(self, connection: OpenConnection) -> None:
        """Notes that the connection is closed, or about to be."""
        self._open.discard(connection)

    def _full(self, peer: str) -> tuple[str, list[OpenConnection]] | None:
        """The limit that is reached, and the connections of which one must go."""
        of_peer = [each for each in self._open if each.peer == peer]
        if len(of_peer) >= self._most_per_peer:
            return "peer-limit", of_peer
        return ("limit", list(self._open)) if len(self._open) >= self._most else None

    def _make_room(self, peer: str, limit: str, among: list[OpenConnection]) -> bool:
        idle = [each for each in among if each.is_idle]
        waiting = idle or [each for each in among if not each.in_use]
        if not waiting:
            log.warning("connection refused: all are in use", **self._facts(limit, len(among)), peer=peer)
            return False
        longest = min(waiting, key=lambda each: each.waited_for_since)
        self.remove(longest)
        log.warning(
            "idle connection closed for a new one" if idle else "incomplete message cut off for a new connection",
            **self._facts(limit, len(among)),
            peer=longest.peer,
            new_peer=peer,
            waited_seconds=round(_now() - longest.waited_for_since),
        )
        longest.close()
        return True

    def _facts(self, limit: str, reached: int) -> dict[str, object]:
        return {"listener": self._listener, "limit": limit, "reached": reached}


def peer_address(address: object) -> str:
    """The peer of a socket address: the host, or for IPv6 its /64, because one host usually has a whole /64."""
    host = str(address[0]) if isinstance(address, tuple) and address else ""
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host or "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_HOST_BITS), strict=False))


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; the system chooses the port if `port` is 0.

    Raises:
        OSError: The port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def _now() -> float:
    return asyncio.get_running_loop().time()
