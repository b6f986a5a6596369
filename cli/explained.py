"""Turns an error that ended a command into an exit code and one line."""

from __future__ import annotations

import traceback
from pathlib import Path

from cyclopts import CycloptsError
from pydantic import ValidationError

from centre.files import CentreFileError
from cli.output import Exit, Stop
from domain.refusal import UnknownHere

SHOW_TRACEBACKS = "THROUGHLINE_TRACEBACK"
"""The environment variable that shows the full traceback of an unexpected error."""


def explained(error: Exception) -> tuple[Exit, str]:
    """The exit code and the line for `error`."""
    if isinstance(error, Stop):
        return error.code, error.line
    if isinstance(error, CentreFileError | UnknownHere):
        return Exit.FAILED, str(error)
    if isinstance(error, CycloptsError):
        return Exit.USAGE, f"{error} (see `throughline --help`)"
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return Exit.USAGE, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    # The text of an unexpected error may hold client data: only its type and place are shown.
    return Exit.FAILED, (
        f"unexpected {type(error).__name__} {_place(error)}: a bug in this program; "
        f"set {SHOW_TRACEBACKS}=1 to see the full error"
    )


def _place(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    ours = Path(__file__).parents[1]
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(ours)] or frames
    return f"in {inside[-1].name}, {Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else "somewhere"
