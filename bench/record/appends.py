"""Appends, cell by cell: how many a second, how long each took, and what a reader beside them saw."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from bench.record.tail import tailing
from bench.record.writers import WRITERS, Written

SYSTEMS = tuple(WRITERS)


@dataclass(frozen=True)
class Shape:
    """How a cell appends: `writers` at once in one process, or each in a process of its own."""

    writers: int
    size: int
    processes: bool = False

    def __str__(self) -> str:
        who = f"{self.writers} {'processes' if self.processes else 'writers' if self.writers > 1 else 'writer'}"
        return f"{who}, {self.size} event{'s' if self.size > 1 else ''} each"


EIGHT = Shape(8, 1)
"""The shape that the targets are about."""
SHAPES = (Shape(1, 1), EIGHT, Shape(8, 10), Shape(8, 1, processes=True))


@dataclass(frozen=True)
class Cell:
    """What one run of one system came to. Times are elapsed seconds."""

    system: str
    shape: Shape
    repeat: int
    appends_per_second: float
    p50: float
    p99: float
    skipped: int
    sound: bool

    @property
    def counts(self) -> bool:
        """Whether its reader saw every event exactly once, in order. A bare insert makes no such promise."""
        return self.sound or self.system == "bare insert"


def measure(
    urls: dict[str, str], *, repeats: int, appends: int, rng: random.Random, tell: Callable[[Cell], None]
) -> list[Cell]:
    """All cells, each `repeats` times, in shuffled order."""
    numbers = itertools.count(1, 10_000_000)
    cells = []
    for repeat in range(repeats):
        order = list(itertools.product(SYSTEMS, SHAPES))
        rng.shuffle(order)
        for system, shape in order:
            cells.append(_run(system, urls[system], shape, repeat, appends, next(numbers)))
            tell(cells[-1])
    return cells


def _run(system: str, url: str, shape: Shape, repeat: int, appends: int, first: int) -> Cell:
    appends = max(appends // shape.size, 200) if shape.writers > 1 else appends // 4
    appends -= appends % shape.writers
    with tailing(system, url) as finish:
        parts = list(_write(system, url, shape, appends, first))
        seen = finish(appends * shape.size)
    latencies = [each for part in parts for each in part.latencies]
    cuts = statistics.quantiles(latencies, n=100)
    skipped = seen.skipped(first, appends * shape.size)
    return Cell(
        system=system,
        shape=shape,
        repeat=repeat,
        appends_per_second=len(latencies) / (max(p.ended for p in parts) - min(p.began for p in parts)),
        p50=cuts[49],
        p99=cuts[98],
        skipped=skipped,
        sound=skipped == 0 and seen.repeated() == 0 and seen.in_order,
    )


def _write(system: str, url: str, shape: Shape, appends: int, first: int) -> Iterator[Written]:
    if not shape.processes:
        yield WRITERS[system](url, writers=shape.writers, appends=appends, size=shape.size, first=first)
        return
    context = multiprocessing.get_context("spawn")
    barrier, share = context.Barrier(shape.writers), appends // shape.writers
    processes, answers = [], []
    for number in range(shape.writers):
        mine, theirs = context.Pipe(duplex=False)
        arguments = (system, url, share, shape.size, first + number * share * shape.size, barrier, theirs)
        processes.append(context.Process(target=_in_process, args=arguments))
        processes[-1].start()
        theirs.close()
        answers.append(mine)
    for answer in answers:
        yield answer.recv()
    for process in processes:
        process.join()


def _in_process(
    system: str, url: str, appends: int, size: int, first: int, barrier: Barrier, answer: Connection
) -> None:
    barrier.wait()  # what came before, importing, is slow and not what is measured
    answer.send(WRITERS[system](url, writers=1, appends=appends, size=size, first=first))


def ratio(cells: list[Cell], one: str, other: str, shape: Shape = EIGHT) -> float | None:
    """How many times `other`'s appends a second `one` did: the median over repeats; None if one never counts."""
    speeds = {(c.system, c.repeat): c.appends_per_second for c in cells if c.shape == shape and c.counts}
    ratios = [speeds[one, r] / speeds[other, r] for s, r in speeds if s == one and (other, r) in speeds]
    return statistics.median(ratios) if ratios else None
