"""Work on long messages, kept off the event loop that accepts them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE_BYTES = 32_768
"""Shorter messages are worked on at once: that takes less than handing them over."""
_READER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="intake-reader")
"""One thread: Python runs one at a time anyway, and the loop then competes with no more than one."""


async def read_off_loop(size: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `call` returns; worked out in the reader's thread where `size`, the bytes it works on, is large."""
    if size < LARGE_BYTES:
        return call(*args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_READER, lambda: call(*args, **kwargs))


async def crypt_off_loop(size: int, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for hashing and sealing, which take milliseconds and must not queue behind messages being read.

    The caller holds a database connection, and every other sender needs one too.
    """
    if size < LARGE_BYTES:
        return call(*args, **kwargs)
    return await asyncio.to_thread(call, *args, **kwargs)
