"""PostgreSQL of every major version that the record supports, wherever this machine has it.

The wheel brings 16 and 18. Installed ones are found where Debian, Red Hat and Homebrew put them. Run as a program, it
fetches 17 from a wheel, pinned by hash, into the cache; what is not to be had is named, and no error.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from deploy.postgres import major_of, wheel_programs
from deploy.stack import to_stderr
from tests.eventstore.cache import Cache

SUPPORTED = (15, 16, 17, 18)
_INSTALLED = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)
_LOCK = Path(__file__).with_name("postgres-17.lock")
_FETCHED = Cache().place("postgres", "17.10")


def found() -> dict[int, Path]:
    """The folder of programs for each supported major version that is here."""
    programs: dict[int, Path] = {}
    for folder in _candidates():
        try:
            major = major_of(folder)
        except OSError:
            continue
        if major in SUPPORTED:
            programs.setdefault(major, folder)
    return dict(sorted(programs.items()))


def _candidates() -> Iterator[Path]:
    yield from wheel_programs().parents[1].glob("pginstall*/bin")
    yield from _FETCHED.glob("*/pginstall/bin")
    yield from chain.from_iterable(sorted(Path("/").glob(pattern)) for pattern in _INSTALLED)


async def _fetch() -> None:
    async with Cache().building(lambda: to_stderr("waiting for another build …")) as folder:
        fresh = folder / "fresh"
        if not _FETCHED.exists() and await asyncio.to_thread(_install, fresh):
            fresh.rename(_FETCHED)


def _install(folder: Path) -> bool:
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), "-r", str(_LOCK)]
    return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0


def main() -> None:
    if 17 not in found():
        to_stderr("fetching PostgreSQL 17 …")
        asyncio.run(_fetch())
    here = found()
    to_stderr(f"PostgreSQL here: {', '.join(map(str, here))}")
    missing = [major for major in SUPPORTED if major not in here]
    if missing:
        to_stderr(f"not here, so not tested: {', '.join(map(str, missing))}")


if __name__ == "__main__":
    main()
