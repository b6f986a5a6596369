"""The `throughline` command: one entry, all its commands, and what becomes of an error."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from cyclopts import App, CycloptsError, Group, Parameter
from pydantic import ValidationError

from centre.files import CentreFileError
from cli import (
    benefits,
    decision_reference,
    decisions,
    events,
    evidence,
    journeys,
    messages,
    policy,
    projections,
    quarantine,
    recovery,
    send,
    services,
    sites,
    staff,
    status,
)
from cli.client import client
from cli.demo import command as demo
from cli.output import MEANING, Exit, Stop, complain, discard_stdout
from domain.refusal import UnknownHere

_HELP = """Keeps each client of a mental-health centre on one unbroken path through care.

First look: `throughline demo`. Every command takes --help, and --json where a program might read its answer.
"""
_EXIT_CODES = "Exit codes:\n\n" + "\n".join(f"  {code:>3}  {text}  " for code, text in MEANING.items())
_SHOW_TRACEBACKS = "THROUGHLINE_TRACEBACK"

app = App(
    name="throughline",
    help=_HELP,
    help_epilogue=_EXIT_CODES,
    help_format="plaintext",
    default_parameter=Parameter(negative=()),
    version="0.1.0",
    exit_on_error=False,
    print_error=False,
)
_LOOK = Group("Look", sort_key=2)
_KEEP = Group("Look after the record", sort_key=3)
_COMMANDS: dict[Group, tuple[Callable[..., object], ...]] = {
    Group("Run it", sort_key=1): (demo.demo, services.up, services.worker, services.intake, services.projector),
    _LOOK: (
        *(status.status, send.send, journeys.journeys, journeys.journey),
        *(benefits.benefits, messages.messages, quarantine.quarantine, decision_reference.decisions),
    ),
    _KEEP: recovery.COMMANDS,
    Group("Decide (each takes --by STAFF-ID --role ROLE)", sort_key=4): decisions.COMMANDS,
}
for _group, _commands in _COMMANDS.items():
    for _number, _command in enumerate(_commands):
        app.command(_command, group=_group, sort_key=_number)
for _command in evidence.COMMANDS:
    events.app.command(_command)
for _sub_app in (policy.app, staff.app):
    _sub_app.group = _LOOK
    app.command(_sub_app)
for _sub_app in (projections.app, events.app, sites.app, client):
    _sub_app.group = _KEEP
    app.command(_sub_app)
app["--help"].group = app["--version"].group = Group("Help", sort_key=5)


def run(arguments: list[str] | None = None) -> int:
    """Carries out one command line and returns its exit code. An error becomes one line on stderr."""
    try:
        result = app(arguments, result_action="return_value")
        sys.stdout.flush()
    except (KeyboardInterrupt, asyncio.CancelledError):
        return Exit.INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        return Exit.CUT_OFF
    except Exception as error:
        if os.environ.get(_SHOW_TRACEBACKS):
            traceback.print_exc()
        code, line = _explained(error)
        complain(line)
        return code
    return result if isinstance(result, int) else Exit.OK


def main() -> None:
    """The console script."""
    code = run()
    sys.stderr.flush()
    os._exit(code)  # the Temporal SDK now and then aborts while the interpreter exits, after all work is done


def _explained(error: Exception) -> tuple[Exit, str]:
    if isinstance(error, Stop):
        return error.code, error.line
    if isinstance(error, CentreFileError | UnknownHere):
        return Exit.FAILED, str(error)
    if isinstance(error, CycloptsError):
        return Exit.USAGE, f"{error} (see `throughline --help`)"
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return Exit.USAGE, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    # The text of an error nobody foresaw may hold client data: only its kind and place are told.
    return Exit.FAILED, (
        f"unexpected {type(error).__name__} {_place(error)}: a fault of this program; "
        f"{_SHOW_TRACEBACKS}=1 shows the whole of it"
    )


def _place(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    ours = Path(__file__).parents[1]
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if Path(frame.filename).is_relative_to(ours)] or frames
    return f"in {inside[-1].name}, {Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else "somewhere"


if __name__ == "__main__":
    main()
