"""A wire to PostgreSQL that takes time: what the server said last is lost when its machine dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_SOCKET = ".s.PGSQL.5432"
_LATENCY_SECONDS = 0.008
_CHUNK = 65536


class Wire:
    """Passes bytes between a socket in `near` and the server's in `far`. Answers are on their way for a while.

    Without it a commit and its answer are so close that a kill all but never falls between the two.
    """

    def __init__(self, near: Path, far: Path) -> None:
        self._near = near
        self._far = far
        self._cuts = 0
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        self._near.mkdir()
        server = await asyncio.start_unix_server(self._connected, self._near / _SOCKET)
        try:
            yield
        finally:
            server.close()
            self.cut()
            await server.wait_closed()

    def cut(self) -> None:
        """Drops every connection and what is on its way."""
        self._cuts += 1
        for end in self._open:
            end.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # the server is down: so is this end
            from_server, to_server = await asyncio.open_unix_connection(self._far / _SOCKET)
            both = {writer, to_server}
            self._open |= both
            await asyncio.gather(self._pass(reader, to_server, 0), self._pass(from_server, writer, _LATENCY_SECONDS))
            self._open -= both
        writer.close()

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
        cuts = self._cuts
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                await asyncio.sleep(delay)
                if cuts == self._cuts:
                    target.write(chunk)
                    await target.drain()
        target.close()
