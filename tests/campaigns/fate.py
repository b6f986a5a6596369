"""When a worker dies: drawn from its seed, and written down just before."""

from __future__ import annotations

import json
import os
import random
import signal
from enum import StrEnum
from typing import Any


class Window(StrEnum):
    """Where in a step a worker dies."""

    BEFORE = "before the append"
    AFTER = "after the append"
    TAKEN = "with the answer taken"
    COMPLETING = "completing the task"
    CALL = "after a clinic call"


_SHARE = {Window.BEFORE: 10, Window.AFTER: 55, Window.TAKEN: 15, Window.COMPLETING: 10, Window.CALL: 10}
_STEPS = (1, 5)
"""How many times a worker comes by its window until it dies there."""
_COMPLETING_SECONDS = 0.04


class Diary:
    """What workers of all processes write down, line by line, for those who count afterwards."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, what: str, **detail: Any) -> None:
        """One line, whole even if this process dies with the next instruction."""
        os.write(self._file, json.dumps({"what": what, **detail}).encode() + b"\n")


class Fate:
    """One worker's end: a window, and how often it passes by until then. `Fate(diary)` lives on."""

    def __init__(self, diary: Diary, chance: random.Random | None = None) -> None:
        self.diary = diary
        self._window = chance.choices([*_SHARE], [*_SHARE.values()])[0] if chance else None
        self._left = chance.randint(*_STEPS) if chance else 0
        self._pause = chance.uniform(0, _COMPLETING_SECONDS) if chance else 0.0

    def at(self, window: Window, stream: str = "") -> None:
        """Dies here if this is where and when; returns otherwise."""
        if self._is_now(window):
            self._die(window, stream)

    def soon_after(self, stream: str) -> float | None:
        """In how many seconds to call `die_completing`, if this is when."""
        return self._pause if self._is_now(Window.COMPLETING) else None

    def die_completing(self, stream: str) -> None:
        """Dies, wherever the process is by now."""
        self._die(Window.COMPLETING, stream)

    def _is_now(self, window: Window) -> bool:
        self._left -= window is self._window
        return window is self._window and self._left == 0

    def _die(self, window: Window, stream: str) -> None:
        self.diary.note("dies", window=window, stream=stream)
        os.kill(os.getpid(), signal.SIGKILL)


MINE: list[Fate] = []
"""This process's fate, outside the workflow sandbox; empty where nobody dies."""
