"""Listeners with the habits of real ones: a script says what each connection reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from intake.framing import Frame, FrameDecoder, frame
from intake.hl7 import parse


class Line:
    """One connection as its listener sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = FrameDecoder()
        self._frames: list[str] = []

    async def message(self) -> str | None:
        """The control id of the next message; None once the sender has said that none follows."""
        while not self._frames:
            chunk = await self._reader.read(65_536)
            if not chunk:
                return None
            for each in self._decoder.feed(chunk):
                assert isinstance(each, Frame)
                self._frames.append(parse(each.body).field("MSH", 10))
        return self._frames.pop(0)

    async def to_the_end(self) -> None:
        """Reads everything that is sent."""
        while await self.message() is not None:
            pass

    async def answer(self, code: str, control_id: str, text: str = "", *, end: str = "\r") -> None:
        """Writes an acknowledgement."""
        await self.write(frame(acknowledgement(code, control_id, text, end=end)))

    async def write(self, raw: bytes) -> None:
        """Writes bytes as they are."""
        self._writer.write(raw)
        await self._writer.drain()


def acknowledgement(code: str, control_id: str, text: str = "", *, end: str = "\r") -> bytes:
    lines = ("MSH|^~\\&|ENGINE|SOUTH|REG|NORTH|20260302||ACK|R1|P|2.3", f"MSA|{code}|{control_id}|{text}", "")
    return end.join(lines).encode()


Script = Callable[[Line], Awaitable[None]]


@asynccontextmanager
async def listening(script: Script) -> AsyncIterator[int]:
    """A listener that follows `script` on each connection and then closes it; gives its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await script(Line(reader, writer))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()
