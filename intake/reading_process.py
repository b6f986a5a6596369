"""The process that `offload.ReadingProcess` starts. It runs the requested calls until its standard input ends."""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
from contextlib import suppress
from typing import IO, BinaryIO

_LENGTH = struct.Struct("!Q")
_NICENESS = 10


def write_parts(sink: BinaryIO | IO[bytes], *parts: bytes) -> None:
    """Writes byte strings, each after its length."""
    for part in parts:
        sink.write(_LENGTH.pack(len(part)))
        sink.write(part)
    sink.flush()


def read_parts(source: BinaryIO | IO[bytes], count: int) -> list[bytes]:
    """Reads what `write_parts` wrote.

    Raises:
        EOFError: The other end is gone.
    """
    return [_whole(source, *_LENGTH.unpack(_whole(source, _LENGTH.size))) for _ in range(count)]


def answer(request: bytes, raw: bytes) -> bytes:
    """Runs the requested call.

    Args:
        request: A function, its arguments after the first, and its keyword arguments, pickled.
        raw: Its first argument.

    Returns:
        The result and the exception that was raised, pickled; one of them is None.
    """
    call, args, kwargs = pickle.loads(request)  # noqa: S301 - of our own parent
    try:
        outcome: tuple[object, Exception | None] = (call(raw, *args, **kwargs), None)
    except Exception as error:
        outcome = (None, error)
    return pickle.dumps(outcome)


def _whole(source: BinaryIO | IO[bytes], size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides when to end
    os.nice(_NICENESS)  # accepting messages comes first
    import intake.handling
    import intake.judging  # noqa: F401

    with suppress(EOFError, BrokenPipeError):
        while True:
            write_parts(sys.stdout.buffer, answer(*read_parts(sys.stdin.buffer, 2)))
