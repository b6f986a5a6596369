"""The command's output: results on stdout, errors as one line on stderr, and the exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    UNREACHABLE = 5
    NOT_ACCEPTED = 6
    DIFFERS = 7
    INTERRUPTED = 130
    CUT_OFF = 141


MEANING: Mapping[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "failed; the message says why",
    Exit.USAGE: "the command line cannot be read",
    Exit.REFUSED: "refused; nothing has changed",
    Exit.NOT_FOUND: "no such journey, client or message",
    Exit.UNREACHABLE: "a needed service does not answer, or a decision cannot be recorded now",
    Exit.NOT_ACCEPTED: "not every message was accepted",
    Exit.DIFFERS: "differences were found and something is left to do",
    Exit.INTERRUPTED: "interrupted by Ctrl-C or a signal before it was done",
    Exit.CUT_OFF: "the output was closed before it was all written",
}
"""What each exit code says."""


class Stop(Exception):
    """Ends a command with a code and one line on stderr that says what to do."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(line)
        self.code = code
        self.line = line


class _Stdout(Console):
    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


_WIDE = 160
stdout = _Stdout(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)


def show_json(value: object) -> None:
    """Prints one JSON document on stdout."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """Prints one line on stderr."""
    sys.stderr.write(f"throughline: {' '.join(line.split())}\n")


def discard_stdout() -> None:
    """Drops what is still to be written to stdout, because its reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table on stdout. The first column never wraps, so an id can be copied. The last may be long."""
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        shown.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    stdout.print(shown)


def show_fields(fields: Mapping[str, object]) -> None:
    """Prints each name and value on a line."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        stdout.print(f"{name.ljust(width)}  {'-' if value is None else value}", markup=False)


def _plain(value: Any) -> Any:
    from pydantic import BaseModel  # here, as the help needs no models

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)
