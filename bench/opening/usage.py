"""The processor time of a house, by process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress

import psutil

_PARTS = ("worker", "intake", "projector", "clinic")


def processor_seconds() -> Mapping[str, float]:
    """User and system time so far of this process (`senders`) and of each part below it, in seconds."""
    ourselves = psutil.Process()
    used: defaultdict[str, float] = defaultdict(float, senders=_seconds(ourselves))
    for process in ourselves.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            used[_part(process)] += _seconds(process)
    return used


def _part(process: psutil.Process) -> str:
    if process.name() in ("postgres", "temporal"):
        return process.name()
    return next((part for part in _PARTS if part in process.cmdline()[1:4]), "other")


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
