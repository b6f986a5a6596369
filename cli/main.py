"""The `throughline` command: its entry point, all its commands, and how errors are reported.

A command's module is loaded only when that command is called, not for `throughline --help`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping

from cyclopts import App, Group, Parameter

from cli.catalogue import KEEP, LOOK, RUN, path_of_decision, summaries
from cli.output import MEANING, Exit, complain, discard_stdout

_HELP = """Keeps each client of a mental-health centre on one unbroken path through care.

First look: `throughline demo`. Every command takes --help, and --json where a program might read its answer.
"""
_EXIT_CODES = "Exit codes:\n\n" + "\n".join(f"  {code:>3}  {text}  " for code, text in MEANING.items())


def build(words: Collection[str] = ()) -> App:
    """The app for a command line with these words.

    A command that they name shows its full help. For the others only the summary is loaded.
    """
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
    commands, decisions = summaries()
    groups: dict[str, Mapping[str, str]] = {
        "Run it": RUN,
        "Look": LOOK,
        "Look after the record": KEEP,
        "Decide (each takes --by STAFF-ID --role ROLE)": {name: path_of_decision(name) for name in decisions},
    }
    said = {**commands, **decisions}
    for number, (title, paths) in enumerate(groups.items()):
        group = Group(title, sort_key=number)
        for place, (name, path) in enumerate(paths.items()):
            help_text = None if name in words else said[name]
            app.command(path, name=name, group=group, sort_key=place, help=help_text)
    app["--help"].group = app["--version"].group = Group("Help", sort_key=len(groups))
    return app


def run(arguments: list[str] | None = None) -> int:
    """Carries out one command line and returns its exit code. An error becomes one line on stderr."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        result = build(words)(words, result_action="return_value")
        sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        discard_stdout()
        return Exit.CUT_OFF
    except Exception as error:
        return _failed(error)
    except BaseException as error:
        if _is_cancelled(error):
            return Exit.INTERRUPTED
        raise
    return result if isinstance(result, int) else Exit.OK


def main() -> None:
    """The console script."""
    code = run()
    sys.stderr.flush()
    os._exit(code)  # the Temporal SDK sometimes aborts while the interpreter exits, after all work is done


def _is_cancelled(error: BaseException) -> bool:
    import asyncio  # here, as help and version need no event loop

    return isinstance(error, asyncio.CancelledError)


def _failed(error: Exception) -> Exit:
    from cli.explained import SHOW_TRACEBACKS, explained  # here, as it knows the errors of all parts

    if os.environ.get(SHOW_TRACEBACKS):
        import traceback

        traceback.print_exc()
    code, line = explained(error)
    complain(line)
    return code


if __name__ == "__main__":
    main()
