"""How the board listens."""

from __future__ import annotations

import socket

from cli.board import listen


def test_the_end_of_an_answer_is_not_held_back() -> None:
    with listen(0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
