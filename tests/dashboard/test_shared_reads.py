"""Who asks for the same at once gets the same; a read that fails is not shared."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.board.shared_reads import _MOST, SharedReads


async def test_the_same_is_read_once_for_all_who_ask() -> None:
    shared, gate, reads = SharedReads(), asyncio.Event(), 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        await gate.wait()
        return reads

    asked = [asyncio.create_task(shared.get("a", read)) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*asked) == [1] * 5
    assert await shared.get("a", read) == 1
    assert await shared.get("b", read) == 2


@pytest.mark.parametrize("end", [RuntimeError, asyncio.CancelledError])
async def test_who_waited_for_a_read_that_failed_reads_anew(end: type[BaseException]) -> None:
    shared, gate = SharedReads(), asyncio.Event()

    async def fails() -> str:
        await gate.wait()
        raise end

    async def works() -> str:
        return "read"

    first = asyncio.create_task(shared.get("a", fails))
    await asyncio.sleep(0)
    second = asyncio.create_task(shared.get("a", works))
    await asyncio.sleep(0)
    gate.set()
    assert await second == "read"
    with pytest.raises(end):
        await first


async def test_only_the_last_reads_are_kept() -> None:
    shared = SharedReads()

    async def read() -> object:
        return object()

    first = await shared.get(0, read)
    for key in range(1, _MOST + 1):
        await shared.get(key, read)
    assert await shared.get(0, read) is not first
