"""Starting, stopping and never leaving behind: the supervisor and its reaper."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from deploy import reaper
from deploy.errors import ProcessFailedError
from deploy.locks import try_lock
from deploy.processes import Command, Supervisor, free_ports, port_is_free
from tests.ports import port_open

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)", "of test_processes"]
"""Other tests of the same session may have a process that sleeps too: the last argument tells them apart."""
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    opened = Supervisor.open(tmp_path, tmp_path / "processes.jsonl", lock)
    yield opened
    await opened.close()
    os.close(lock)


def said(path: Path, word: str) -> bool:
    return path.exists() and word in path.read_text()


async def test_a_process_is_waited_for_and_stopped(supervisor: Supervisor) -> None:
    (port,) = free_ports(1)
    argv = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    running = await supervisor.start(Command("web", argv), lambda: port_open("127.0.0.1", port))
    assert not port_is_free(port)
    await supervisor.stop(running)
    assert running.returncode == -signal.SIGTERM
    assert port_is_free(port)


async def test_one_that_ends_too_soon_is_reported_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    async def never() -> bool:
        return False

    argv = [sys.executable, "-c", "import sys; sys.exit('no such table')"]
    with pytest.raises(ProcessFailedError, match=r"(?s)broken ended with code 1 .*no such table"):
        await supervisor.start(Command("broken", argv), never)


async def test_one_that_is_never_ready_is_stopped(supervisor: Supervisor) -> None:
    async def never() -> bool:
        return False

    with pytest.raises(ProcessFailedError, match="was not ready within 0 s"):
        await supervisor.start(Command("slow", SLEEP, ready_seconds=0.01), never)
    assert not [child for child in psutil.Process().children(recursive=True) if child.cmdline() == SLEEP]


async def test_one_that_ignores_the_signal_is_killed_with_its_group(supervisor: Supervisor, tmp_path: Path) -> None:
    async def ready() -> bool:
        return said(tmp_path / "deaf.log", "deaf")

    running = await supervisor.start(Command("deaf", DEAF, grace_seconds=0.1), ready)
    await supervisor.stop(running)
    assert running.returncode == -signal.SIGKILL


async def test_all_are_stopped_newest_first(supervisor: Supervisor, tmp_path: Path) -> None:
    script = (
        "import signal, sys, time\n"
        "def stop(*_): open(sys.argv[1], 'a').write(sys.argv[2]); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); print('up', flush=True); time.sleep(600)\n"
    )
    for name in "abc":

        async def ready(log: Path = tmp_path / f"{name}.log") -> bool:
            return said(log, "up")

        argv = [sys.executable, "-c", script, str(tmp_path / "order"), name]
        await supervisor.start(Command(name, argv), ready)
    await supervisor.close()
    assert (tmp_path / "order").read_text() == "cba"


def reapers() -> set[psutil.Process]:
    return {child for child in psutil.Process().children() if reaper.__file__ in child.cmdline()}


async def test_without_its_reaper_nothing_more_is_started(tmp_path: Path) -> None:
    others = reapers()
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    supervisor = Supervisor.open(tmp_path, tmp_path / "processes.jsonl", lock)
    (reaping,) = reapers() - others
    reaping.kill()
    psutil.wait_procs([reaping], timeout=30)
    with pytest.raises(ProcessFailedError, match=r"reaper.*reaper\.log"):
        await supervisor.start(Command("late", SLEEP))
    assert not [child for child in psutil.Process().children() if child.cmdline() == SLEEP]
    await supervisor.close()
    os.close(lock)


def test_a_recycled_number_is_never_taken_for_the_old_process() -> None:
    mine = reaper.ProcessId.of(os.getpid())
    assert mine.find() is not None
    earlier = reaper.ProcessId(mine.pid, mine.created - 3600)
    assert earlier.find() is None
    assert reaper.find_entry(reaper.entry_line(earlier, signal.SIGTERM, 1.0)) is None


@pytest.mark.parametrize("line", ["", "{", "[]", "{}", '{"pid": "x", "created": 1}', "null", '{"pid": 1'])
def test_a_line_cut_short_is_no_entry(line: str) -> None:
    assert reaper.find_entry(line) is None


@pytest.fixture
def orphan() -> subprocess.Popen[bytes]:
    return subprocess.Popen(SLEEP, start_new_session=True)


async def test_what_survived_even_the_reaper_is_ended_by_the_next_start(
    tmp_path: Path, orphan: subprocess.Popen[bytes]
) -> None:
    journal = tmp_path / "processes.jsonl"
    journal.write_text(reaper.entry_line(reaper.ProcessId.of(orphan.pid), signal.SIGTERM, 5.0))
    lock = try_lock(tmp_path / "lock")
    assert lock is not None
    supervisor = Supervisor.open(tmp_path, journal, lock)
    assert not psutil.pid_exists(orphan.pid)
    await supervisor.close()
    os.close(lock)
