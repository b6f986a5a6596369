"""How far a long command has come, on stderr, so that stdout is the result alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_SECONDS = 5.0


class Tell(Protocol):
    """What a long job calls as it goes on."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """So many events are done, of `total` where that is known."""


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """A bar on a terminal, else a line every few seconds. `what` is what is going on, in one word."""
    if not sys.stderr.isatty():
        yield _in_lines(what)
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("events"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(what, total=None)

        def tell(done: int, total: int | None = None) -> None:
            shown.update(task, completed=done, total=total)

        yield tell


def _in_lines(what: str) -> Tell:
    told = time.monotonic()

    def tell(done: int, total: int | None = None) -> None:
        nonlocal told
        if time.monotonic() - told >= _LINE_EVERY_SECONDS:
            told = time.monotonic()
            sys.stderr.write(f"{what}: {done} events\n" if total is None else f"{what}: {done} of {total} events\n")

    return tell
