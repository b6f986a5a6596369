"""Requests at a fixed rate, whether or not the answers come: a slow answer does not make the next question later."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx2


@dataclass(frozen=True)
class Timing:
    """Milliseconds, of all requests from when each was due."""

    name: str
    requests: int
    failures: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


async def at_rate(name: str, ask: Callable[[int], Awaitable[bool]], per_second: float, seconds: float) -> Timing:
    """Asks so often for so long. `ask` says whether the answer was right."""
    began, took, failures = time.perf_counter(), [], 0

    async def one(number: int) -> None:
        nonlocal failures
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        failures += not await ask(number)
        took.append(1000 * (time.perf_counter() - due))

    await asyncio.gather(*(one(number) for number in range(int(per_second * seconds))))
    return timing(name, took, failures)


def timing(name: str, took: Sequence[float], failures: int = 0) -> Timing:
    """The percentiles of these milliseconds."""
    ordered = sorted(took)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)

    return Timing(name, len(ordered), failures, at(0.5), at(0.95), at(0.99))


async def first_load_kib(http: httpx2.AsyncClient, page: str, assets: Sequence[str]) -> float:
    """What a browser fetches first, each packed by itself."""
    bodies = [(await http.get(each)).content for each in (page, *assets)]
    return round(sum(len(gzip.compress(body)) for body in bodies) / 1024, 1)
