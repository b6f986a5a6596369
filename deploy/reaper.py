"""Ends a stack's processes when the stack itself was killed.

The stack starts this file first, as a small separate process with a pipe. Over the pipe it names each process that it
starts. When the stack dies, for any reason, the pipe closes; the reaper then ends what is still running, newest first:
with the process's own stop signal, and with SIGKILL to its group if that does not help.

It is run as a script, so it imports nothing but the standard library and psutil.
"""

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import psutil

MARK = "THROUGHLINE_STACK_MARK"
"""Variable in the environment of every process of a stack. It finds one that was started just as the stack died."""

# The system derives start times from the wall clock, in whole seconds: two readings can differ a little.
_SAME_START_SECONDS = 3.0
_KILL_WAIT_SECONDS = 10.0
_MARKED_GRACE_SECONDS = 2.0


class ProcessId(NamedTuple):
    """A process number that cannot be mistaken for a later process with the same number."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """The identity of a running process. Raises psutil.NoSuchProcess."""
        return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(int(data["pid"]), float(data["created"]))

    def as_json(self) -> dict[str, Any]:
        """For a note on disk or a line in a pipe."""
        return {"pid": self.pid, "created": self.created}

    def find(self) -> psutil.Process | None:
        """The process, if this one is still running (a zombie is not)."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_START_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class Entry:
    """A process to end, with its stop signal and grace period."""

    process: psutil.Process
    stop_signal: int
    grace_seconds: float


def find_entry(line: str) -> Entry | None:
    """The process that a journal or pipe line names, if it is still that process; None otherwise."""
    try:
        data: Any = json.loads(line)
        process = ProcessId.from_json(data).find()
        return None if process is None else Entry(process, int(data["signal"]), float(data["grace"]))
    except (ValueError, KeyError, TypeError):
        return None  # the last line of a killed writer may be cut short; the mark finds its process


def entry_line(identity: ProcessId, stop_signal: int, grace_seconds: float) -> str:
    """The line that announces a process."""
    return json.dumps({**identity.as_json(), "signal": stop_signal, "grace": grace_seconds}) + "\n"


def end_all(entries: Iterable[Entry]) -> None:
    """Ends the processes, newest first, each with its own grace period before SIGKILL to its group."""
    for entry in reversed(list(entries)):
        end(entry)


def end(entry: Entry) -> None:
    """Asks one process to stop, and kills its group after its grace period. Returns when the process is gone."""
    process = entry.process
    with suppress(psutil.NoSuchProcess):
        process.send_signal(entry.stop_signal)
        try:
            process.wait(entry.grace_seconds)
        except psutil.TimeoutExpired:
            kill_group(process)
            process.wait(_KILL_WAIT_SECONDS)


def kill_group(process: psutil.Process) -> None:
    """Sends SIGKILL to the group that `process` leads, or only to it. It must not have been waited for yet."""
    if not process.is_running():
        return
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end_marked(mark: str) -> None:
    """Ends every running process, except this one, that has `mark` in its environment."""
    end_all(Entry(process, signal.SIGTERM, _MARKED_GRACE_SECONDS) for process in _marked(mark))


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process


def main() -> None:
    """Reads lines until the pipe closes, then ends what is left. Exiting releases the inherited lock."""
    for unwanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(unwanted, signal.SIG_IGN)
    entries = [entry for line in sys.stdin if (entry := find_entry(line)) is not None]
    end_all(entries)
    end_marked(sys.argv[1])


if __name__ == "__main__":
    main()
