"""How the command speaks: results on stdout, errors in one line on stderr, exit codes that mean something."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    OK = 0
    FAILED = 1  #: something went wrong that the message explains
    USAGE = 2  #: the command line cannot be read
    REFUSED = 3  #: the journey refused; nothing has changed
    NOT_FOUND = 4  #: no such journey
    UNREACHABLE = 5  #: Temporal, the database or the workers did not answer
    NOT_ACCEPTED = 6  #: at least one message was not acknowledged with AA


class Stop(Exception):
    """Ends a command with a code and one line on stderr that says what to do."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(line)
        self.code = code
        self.line = line


_WIDE = 160
stdout = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)


def show_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def complain(line: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"throughline: {' '.join(line.split())}\n")


def table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on stdout."""
    shown = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    stdout.print(shown)


def show_fields(fields: Mapping[str, object]) -> None:
    """Name and value, a line each."""
    width = max((len(name) for name in fields), default=0)
    for name, value in fields.items():
        stdout.print(f"{name.ljust(width)}  {'-' if value is None else value}", markup=False)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)
