"""MLLP framing without sockets: bytes in, whole frames out. `0x0B message 0x1C 0x0D` around each message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

START = b"\x0b"
END = b"\x1c"
NOISE_KEPT = 65_536
DEFAULT_MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole message."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that are no whole message.

    Attributes:
        code: `frame-too-large`, `incomplete-frame` or `no-frame-start`.
        body: What arrived, as far as it was kept.
        fatal: The stream cannot be followed further; close the connection.
        answerable: The sender finished and waits for an answer.
    """

    code: str
    body: bytes
    fatal: bool = False
    answerable: bool = False


class FrameDecoder:
    """Finds frames in a stream, whatever its segments: many frames in one, one frame over many.

    White space between frames is skipped and a missing final CR is borne. A message is never held beyond
    `max_bytes`.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max = max_bytes
        self._buffer = bytearray()
        self._searched = 0
        self.inside = False

    def feed(self, chunk: bytes) -> Iterator[Frame | Broken]:
        """Takes in `chunk`; gives what it completed, in order. Nothing follows a fatal `Broken`."""
        self._buffer += chunk
        while True:
            event, more = self._step()
            if event is not None:
                yield event
            if not more:
                return

    def close(self) -> Iterator[Broken]:
        """What the stream ended in the middle of, if anything."""
        body = bytes(self._buffer)
        self._buffer.clear()
        if self.inside or body.strip():
            yield Broken("incomplete-frame" if self.inside else "no-frame-start", body)

    def _step(self) -> tuple[Frame | Broken | None, bool]:
        return self._inside_frame() if self.inside else self._between_frames()

    def _between_frames(self) -> tuple[Frame | Broken | None, bool]:
        start, end = self._buffer.find(START), self._buffer.find(END)
        if end >= 0 and (start < 0 or end < start):
            noise = self._take(end)
            return (Broken("no-frame-start", noise, answerable=True) if noise.strip() else None), True
        if start >= 0:
            noise = self._take(start)
            self.inside, self._searched = True, 0
            return (Broken("no-frame-start", noise) if noise.strip() else None), True
        if len(self._buffer) > NOISE_KEPT:
            return Broken("no-frame-start", self._take(NOISE_KEPT), fatal=True), False
        return None, False

    def _inside_frame(self) -> tuple[Frame | Broken | None, bool]:
        end = self._buffer.find(END, self._searched)
        restart = self._buffer.find(START, self._searched, end if end >= 0 else len(self._buffer))
        if restart >= 0:
            self._searched = 0
            return Broken("incomplete-frame", self._take(restart)), True
        reached = end if end >= 0 else len(self._buffer)
        if reached > self._max:
            return Broken("frame-too-large", self._take(self._max), fatal=True, answerable=True), False
        if end < 0:
            self._searched = len(self._buffer)
            return None, False
        self.inside, self._searched = False, 0
        return Frame(self._take(end)), True

    def _take(self, position: int) -> bytes:
        """Removes and returns what stands before `position`, and drops the mark at it."""
        taken = bytes(self._buffer[:position])
        del self._buffer[: position + 1]
        return taken


def frame(body: bytes) -> bytes:
    """`body` as it goes over the wire."""
    return START + body + END + b"\r"
