"""Which connection gives way, and what is said of it."""

from __future__ import annotations

import socket

import pytest
from structlog.testing import capture_logs

from intake.connections import Connections, OpenConnection, TcpKeepalive, peer_address


class Peers:
    """Connections by name, and which of them were closed, in order."""

    def __init__(self, most: int, most_per_peer: int) -> None:
        self.connections = Connections("mllp", most, most_per_peer)
        self.closed: list[str] = []

    def connect(self, name: str, peer: str = "10.0.0.1") -> OpenConnection:
        connection = self.connections.admit(peer, lambda: self.closed.append(name))
        assert connection is not None
        return connection


async def test_the_connection_that_has_been_idle_longest_gives_way() -> None:
    peers = Peers(most=3, most_per_peer=3)
    first, second, third = (peers.connect(name) for name in ("first", "second", "third"))
    first.finished()
    peers.connect("fourth")
    assert peers.closed == ["second"]
    assert set(peers.connections) >= {first, third}
    assert len(peers.connections) == 3
    assert second not in set(peers.connections)


async def test_where_none_is_idle_the_message_that_is_incomplete_longest_gives_way() -> None:
    peers = Peers(most=4, most_per_peer=4)
    busy, first, second, third = (peers.connect(name) for name in ("busy", "first", "second", "third"))
    busy.in_use = True
    for each in (second, first, third, second):  # asking again does not make it begin anew
        each.receiving(is_incomplete=True)
    with capture_logs() as logs:
        peers.connect("fourth").receiving(is_incomplete=True)
    assert peers.closed == ["second"]
    assert [line["event"] for line in logs] == ["incomplete message cut off for a new connection"]
    first.finished()
    peers.connect("fifth")
    assert peers.closed == ["second", "first"]  # an idle one before any message that is under way


async def test_a_connection_in_use_never_gives_way_and_the_newcomer_is_refused_with_the_reason() -> None:
    peers = Peers(most=2, most_per_peer=2)
    for name in ("first", "second"):
        peers.connect(name).in_use = True
    with capture_logs() as logs:
        assert peers.connections.admit("10.0.0.9", lambda: None) is None
    assert peers.closed == []
    [line] = logs
    assert (line["peer"], line["limit"], line["reached"]) == ("10.0.0.9", "limit", 2)


async def test_a_peer_at_its_own_limit_loses_its_own_connection_and_no_one_elses() -> None:
    peers = Peers(most=4, most_per_peer=2)
    peers.connect("sender", "10.0.0.1")
    for name in ("a", "b", "c", "d", "e"):
        with capture_logs() as logs:
            peers.connect(name, "10.0.0.2")
    assert peers.closed == ["a", "b", "c"]
    [line] = logs
    assert (line["limit"], line["peer"], line["new_peer"]) == ("peer-limit", "10.0.0.2", "10.0.0.2")


async def test_a_peer_whose_connections_are_all_in_use_is_refused_and_others_are_not() -> None:
    peers = Peers(most=4, most_per_peer=1)
    peers.connect("busy", "10.0.0.2").in_use = True
    with capture_logs() as logs:
        assert peers.connections.admit("10.0.0.2", lambda: None) is None
    assert [(line["peer"], line["limit"]) for line in logs] == [("10.0.0.2", "peer-limit")]
    peers.connect("sender", "10.0.0.1")
    assert peers.closed == []


async def test_a_closed_connection_makes_room() -> None:
    peers = Peers(most=1, most_per_peer=1)
    peers.connections.remove(peers.connect("first"))
    peers.connect("second")
    assert peers.closed == []


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        (("10.1.2.3", 4711), "10.1.2.3"),
        (("::ffff:10.1.2.3", 4711, 0, 0), "10.1.2.3"),
        (("2001:db8:7:8:1:2:3:4", 4711, 0, 0), "2001:db8:7:8::/64"),
        (("fe80::1%eth0", 4711, 0, 3), "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_peer_is_a_host_and_an_ipv6_host_is_its_network(address: object, peer: str) -> None:
    assert peer_address(address) == peer


def test_keepalive_is_turned_on_with_its_times() -> None:
    with socket.socket() as connection:
        TcpKeepalive(idle_seconds=7, interval_seconds=3, probes=2).apply(connection)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        if hasattr(socket, "TCP_KEEPIDLE"):
            times = [getattr(socket, name) for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")]
            assert [connection.getsockopt(socket.IPPROTO_TCP, each) for each in times] == [7, 3, 2]
