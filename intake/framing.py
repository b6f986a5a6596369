"""MLLP framing without sockets: bytes in, whole frames out. `0x0B message 0x1C 0x0D` around each message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

START = b"\x0b"
END = b"\x1c"
NOISE_KEPT = 65_536
MOST_BROKEN = 32
_ENDS = re.compile(rb"\x1c(?:[ \t\r\n\x0c]*\x1c)*")
_STARTS = re.compile(rb"\x0b*")
_MARK = re.compile(rb"[\x0b\x1c]")
DEFAULT_MAX_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole message."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that are not a complete message.

    Attributes:
        code: `frame-too-large`, `incomplete-frame`, `no-frame-start` or `empty-frame`.
        body: The bytes that arrived, as far as they were kept.
        fatal: The stream cannot be followed further; close the connection.
        answerable: The sender finished and waits for an answer.
    """

    code: str
    body: bytes
    fatal: bool = False
    answerable: bool = False


class FrameDecoder:
    """Finds frames in a stream of TCP segments: many frames in one segment, or one frame over many.

    White space between frames and a repeated start mark are skipped, and a final CR may be missing. A message is
    never held beyond `max_bytes`. After `MOST_BROKEN` broken frames without a whole one the stream is given up.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max = max_bytes
        self._buffer = bytearray()
        self._searched = 0  # how much of the buffer holds no mark
        self._broken = 0
        self.inside = False

    def feed(self, chunk: bytes) -> Iterator[Frame | Broken]:
        """Takes in `chunk` and yields the frames that it completes, in order. Nothing follows a fatal `Broken`."""
        self._buffer += chunk
        while True:
            event, more = self._step()
            if event is not None:
                yield event
            if not more:
                return

    def close(self) -> Iterator[Broken]:
        """Yields the incomplete frame at the end of the stream, if there is one."""
        body = bytes(self._buffer)
        self._buffer.clear()
        if self.inside or body.strip():
            yield Broken("incomplete-frame" if self.inside else "no-frame-start", body)

    def _step(self) -> tuple[Frame | Broken | None, bool]:
        """The frame at the start of the buffer, if it is complete, and whether there may be more."""
        return self._inside_frame() if self.inside else self._between_frames()

    def _between_frames(self) -> tuple[Frame | Broken | None, bool]:
        mark = _MARK.search(self._buffer, self._searched)
        if mark is None:
            self._searched = len(self._buffer)
            if len(self._buffer) > NOISE_KEPT:
                return Broken("no-frame-start", self._take(NOISE_KEPT), fatal=True), False
            return None, False
        self._searched = 0
        self.inside = mark[0] == START
        ends = _ENDS.match(self._buffer, mark.start())
        noise = self._take(mark.start(), ends.end() if ends else mark.end())
        return self._broke("no-frame-start", noise, answerable=not self.inside)

    def _inside_frame(self) -> tuple[Frame | Broken | None, bool]:
        if self._searched == 0 and (starts := _STARTS.match(self._buffer)):
            del self._buffer[: starts.end()]
        end = self._buffer.find(END, self._searched)
        reached = end if end >= 0 else len(self._buffer)
        restart = self._buffer.find(START, self._searched, reached)
        if restart >= 0:
            self._searched = 0
            return self._broke("incomplete-frame", self._take(restart))
        if reached > self._max:
            return Broken("frame-too-large", self._take(self._max), fatal=True, answerable=True), False
        if end < 0:
            self._searched = len(self._buffer)
            return None, False
        self.inside, self._searched = False, 0
        return self._whole(self._take(end))

    def _whole(self, body: bytes) -> tuple[Frame | Broken, bool]:
        self._broken = 0 if body.strip() else self._broken + 1
        if self._broken >= MOST_BROKEN:
            return Broken("empty-frame", body, fatal=True, answerable=True), False
        return Frame(body), True

    def _broke(self, code: str, body: bytes, *, answerable: bool = False) -> tuple[Broken | None, bool]:
        """Reports a broken frame unless it is empty. White space between frames is not a broken frame."""
        if not body.strip() and code == "no-frame-start":
            return None, True
        self._broken += 1
        fatal = self._broken >= MOST_BROKEN
        told = Broken(code, body, fatal, answerable) if fatal or body.strip() else None
        return told, not fatal

    def _take(self, position: int, behind: int | None = None) -> bytes:
        """Removes and returns the bytes before `position`, and drops what follows up to `behind`, or one mark."""
        with memoryview(self._buffer) as view:
            taken = bytes(view[:position])
        del self._buffer[: position + 1 if behind is None else behind]
        return taken


def frame(body: bytes) -> bytes:
    """`body` as it goes over the wire."""
    return START + body + END + b"\r"
