"""The `throughline` command: one entry, all its commands, and what each exit code means.

Exit codes: 0 done · 1 failed, the message says why · 2 the command line cannot be read · 3 the journey refused,
nothing has changed · 4 no such journey · 5 Temporal, the database or the workers do not answer · 6 not every
message was accepted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from cyclopts import App, CycloptsError, Group
from pydantic import ValidationError

from cli import decisions, journeys, send, services
from cli.demo import command as demo
from cli.output import Exit, Stop, complain

_EXIT_CODES = "\n".join(__doc__.splitlines()[2:]) if __doc__ else ""
_RUNNING = Group("Run it", sort_key=1)
_LOOKING = Group("Look", sort_key=2)
_DECIDING = Group("Decide (each takes --by STAFF-ID --role ROLE)", sort_key=3)

app = App(
    name="throughline",
    help=f"Keeps each client of a mental-health centre on one unbroken path through care.\n\n{_EXIT_CODES}",
    version="0.1.0",
    exit_on_error=False,
    print_error=False,
)
_COMMANDS: dict[Group, tuple[Callable[..., object], ...]] = {
    _RUNNING: (services.up, demo.demo, services.worker, services.intake),
    _LOOKING: (services.status, send.send, journeys.journeys, journeys.journey),
    _DECIDING: decisions.COMMANDS,
}
for _group, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(_command, group=_group)


def run(arguments: list[str] | None = None) -> int:
    """Carries out one command line and returns its exit code."""
    try:
        result = app(arguments, result_action="return_value")
    except Stop as stop:
        complain(stop.line)
        return stop.code
    except CycloptsError as error:
        complain(f"{error} (see `throughline --help`)")
        return Exit.USAGE
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        complain(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
        return Exit.USAGE
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else Exit.OK


def main() -> None:
    """The console script."""
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the Temporal SDK now and then aborts while the interpreter exits, after all work is done


if __name__ == "__main__":
    main()
