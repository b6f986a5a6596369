"""Shows the progress of a long command on stderr, so that stdout holds only the result."""

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
    """Called by a long job to report its progress."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Reports that `done` events are done, of `total` if that is known."""


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Shows a bar on a terminal, else a line every few seconds. `what` is one word for the job."""
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
