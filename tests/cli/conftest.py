"""A running house of its own for these tests, and two ways to call the command: as a person does, and in process."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
import structlog

from cli.main import run
from cli.output import Exit

PATIENCE_SECONDS = 240.0
_OURS = ("THROUGHLINE_", "TEMPORAL_", "DATABASE_URL")


@dataclass(frozen=True)
class Answer:
    """What one call of the command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON document that it must be."""
        return json.loads(self.out)


Call = Callable[..., Answer]


class Command:
    """The command in a process of its own, its output in files."""

    def __init__(self, home: Path, *arguments: str, stdout_closed: bool = False) -> None:
        self.home = home
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._err = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", *arguments],
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=_nobody_reads() if stdout_closed else self._out,
            stderr=self._err,
            start_new_session=True,
        )

    @property
    def out(self) -> str:
        """Stdout so far."""
        return _read(self._out)

    @property
    def err(self) -> str:
        """Stderr so far."""
        return _read(self._err)

    def until(self, met: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
        """Waits until `met`, and fails with all output when the process ends before that, or patience does."""
        deadline = time.monotonic() + patience
        while not met():
            assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self.out}\n{self.err}"
            assert time.monotonic() < deadline, f"waited in vain\n{self.out}\n{self.err}"
            time.sleep(0.05)

    def ended(self) -> int:
        """Waits for its end; the exit code."""
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end\n{self.out}\n{self.err}") from None

    def interrupt(self) -> int:
        """Ctrl-C, then its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def end(self) -> None:
        """Whatever the test came to, nothing stays behind."""
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.process.kill()
        self.process.wait()
        self._out.close()
        self._err.close()


def environment(home: Path) -> dict[str, str]:
    """This environment without any setting of ours but the home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "THROUGHLINE_HOME": str(home)}


def processes_on(home: Path) -> list[psutil.Process]:
    """Every living process that works on `home` or below."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            given = process.environ().get("THROUGHLINE_HOME", "")
            if (given == str(home) or given.startswith(f"{home}/")) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def assert_nothing_left(home: Path) -> None:
    """Fails if a process on `home` is still alive when patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := processes_on(home):
        assert time.monotonic() < deadline, f"still alive: {[each.cmdline() for each in left]}"
        psutil.wait_procs(left, timeout=1)


@contextmanager
def command(home: Path, *arguments: str, stdout_closed: bool = False) -> Iterator[Command]:
    """Runs the command in a process of its own and ends it at the end."""
    running = Command(home, *arguments, stdout_closed=stdout_closed)
    try:
        yield running
    finally:
        running.end()


@contextmanager
def up(home: Path) -> Iterator[Command]:
    """`throughline up`, all of it up."""
    with command(home, "up", "--free-ports") as running:
        running.until(lambda: "Up until Ctrl-C" in running.out)
        yield running


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A data directory outside pytest's own, which root's PostgreSQL could not reach."""
    path = Path(tempfile.mkdtemp(prefix="throughline-cli-"))
    yield path
    assert_nothing_left(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command called in process configures logging; whatever is tested next in this process must not see that."""
    loggers = [logging.getLogger(), logging.getLogger("temporalio.activity")]
    before = [(each, each.level, each.handlers[:]) for each in loggers]
    was_configured, configuration = structlog.is_configured(), structlog.get_config()
    yield
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**configuration)
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(scope="package")
def house() -> Iterator[Command]:
    """A house that is up for all tests of the command; Ctrl-C ends it."""
    with temporary_home() as home, up(home) as running:
        yield running
        assert running.interrupt() == Exit.OK, running.err
        assert "Traceback" not in running.err


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory of the test's own."""
    with temporary_home() as path:
        yield path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs one command line in this process, on a home where nothing is up unless another is named."""

    def calling(*arguments: str | Path, home: Path = Path("/nowhere"), centre: Path | None = None) -> Answer:
        for name in list(os.environ):
            if name.startswith(_OURS):
                monkeypatch.delenv(name)
        monkeypatch.setenv("THROUGHLINE_HOME", str(home))
        if centre is not None:
            monkeypatch.setenv("THROUGHLINE_CENTRE", str(centre))
        capsys.readouterr()
        code = run([str(each) for each in arguments])
        said = capsys.readouterr()
        return Answer(int(code), said.out, said.err)

    return calling


@pytest.fixture
def there(house: Command, call: Call) -> Call:
    """Runs one command line in this process against the session's house."""

    def calling(*arguments: str | Path) -> Answer:
        return call(*arguments, home=house.home)

    return calling


def _nobody_reads() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def _read(file: IO[str]) -> str:
    return os.pread(file.fileno(), 10_000_000, 0).decode()


def part(home: Path, name: str) -> psutil.Process:
    """The process of a running house that is called `name`, or that is this part of ours."""
    found = [each for each in processes_on(home) if name in _names(each)]
    (oldest,) = [each for each in found if each.ppid() not in {other.pid for other in found}]
    return oldest


def _names(process: psutil.Process) -> list[str]:
    try:
        return [process.name(), *process.cmdline()[1:4]]
    except psutil.NoSuchProcess:
        return []


def tree(home: Path, name: str) -> list[psutil.Process]:
    """A part of a running house, and what it started."""
    root = part(home, name)
    return [root, *root.children(recursive=True)]
