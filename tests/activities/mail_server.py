"""A mail server in the test's own process, for what the simulated clinic's does not do: refuse some addresses."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP

Taken = list[tuple[list[str], str]]
"""Recipients and text of each message taken in."""


class _Handler:
    def __init__(self, refused: dict[str, str]) -> None:
        self.refused = refused
        self.taken: Taken = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@asynccontextmanager
async def mail_server(**refused: str) -> AsyncIterator[tuple[int, Taken]]:
    """A mail server that refuses the addresses of these people; its port and what it took in."""
    handler, loop = _Handler({f"{name}@centre.invalid": answer for name, answer in refused.items()}), get_running_loop()
    async with await loop.create_server(
        lambda: SMTP(handler, hostname="mail.invalid", loop=loop), "127.0.0.1"
    ) as server:
        yield server.sockets[0].getsockname()[1], handler.taken
