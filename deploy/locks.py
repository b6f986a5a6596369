"""Locks between processes, held by an open file.

`flock` is used because the lock belongs to the open file, not to the process: a child that inherits the
file keeps the lock when its parent is killed. The reaper relies on that.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_POLL_SECONDS = 0.1


def try_lock(path: Path) -> int | None:
    """Locks `path`, creating it. Returns the open file's descriptor, or None if someone else holds the lock.

    Close the descriptor to unlock. The directory must exist.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@asynccontextmanager
async def locked(path: Path, on_wait: Callable[[], None]) -> AsyncIterator[None]:
    """Holds the lock on `path`, waiting as long as it takes; `on_wait` is called once if it must wait."""
    descriptor = try_lock(path)
    if descriptor is None:
        on_wait()
    while descriptor is None:
        await asyncio.sleep(_POLL_SECONDS)
        descriptor = try_lock(path)
    try:
        yield
    finally:
        os.close(descriptor)
