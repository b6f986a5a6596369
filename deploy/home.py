"""The data directory: its layout, its lock, and the file that tells other commands where a stack runs."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deploy.errors import StackBusyError
from deploy.locks import try_lock
from deploy.reaper import ProcessId

_POLL_SECONDS = 0.1


class Home:
    """One data directory. Everything that the stack stores is below `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.postgres = path / "postgres"
        self.temporal = path / "temporal"
        self.kek = path / "keys" / "kek"
        self.payload_keys = path / "keys" / "payloads"
        self.journal = path / "processes.jsonl"

    def create(self) -> None:
        """Makes the directories, readable only by this user."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.logs, self.temporal):
            folder.mkdir(exist_ok=True, mode=0o700)

    async def lock(self, wait_seconds: float, on_wait: Callable[[], None]) -> int:
        """Locks the directory for one stack and returns the lock's file descriptor.

        A stack that was killed keeps the lock until its reaper has ended its processes, so this waits for that.

        Raises:
            StackBusyError: A running stack holds the lock, or it was not free within `wait_seconds`.
        """
        deadline = time.monotonic() + wait_seconds
        waited = False
        while (descriptor := try_lock(self.path / "lock")) is None:
            if running_stack_env(self.path) or time.monotonic() > deadline:
                raise StackBusyError(f"another stack is using {self.path}: stop it, or set THROUGHLINE_HOME elsewhere")
            if not waited:
                on_wait()
                waited = True
            await asyncio.sleep(_POLL_SECONDS)
        return descriptor

    def publish(self, env: Mapping[str, str]) -> None:
        """Writes `stack.json` in one step, readable only by this user (the database URL may hold a password)."""
        note = {"owner": ProcessId.of(os.getpid()).as_json(), "env": dict(env)}
        fresh = self.path / "stack.json.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(note, file, indent=2)
        fresh.replace(self.path / "stack.json")

    def withdraw(self) -> None:
        """Removes `stack.json`, if there is one."""
        (self.path / "stack.json").unlink(missing_ok=True)


def running_stack_env(home: Path) -> dict[str, str]:
    """The variables of the stack that runs on `home`; empty if there is none or it has ended."""
    try:
        note: Any = json.loads((home / "stack.json").read_text(encoding="utf-8"))
        owner = ProcessId.from_json(note["owner"])
        env = {str(name): str(value) for name, value in note["env"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # an unreadable file is a stale one: the lock, not this file, protects the data
    return env if owner.find() is not None else {}
