"""Events folded per second and microseconds per decision of the pure core, beside an earlier commit's in the same run.

A decision is taken with the state after it, which its caller goes on with.

One client's journey is decided again and again: admission, benefits, placement, enrolment, weekly reviews, a step-up
and its return, discharge and follow-up, with every call answered. The earlier core is taken from version control and
measured by the same script in a process of its own. Both take turns, and the best of each counts.

Run it with `python -m bench.fold [--before COMMIT] [--rounds 5] [--json]`.
"""

from __future__ import annotations

import io
import json as json_text
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cyclopts import App

from cli.output import show_fields, show_json

app = App(name="bench.fold", help=__doc__)
_ROOT = Path(__file__).parents[1]
_SCRIPT = Path(__file__).with_name("fold_script.py")


@app.default
def main(*, before: str | None = None, rounds: int = 5, json: bool = False) -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        if before:
            _take_out(before, Path(folder))
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(_measured(_ROOT))
            if before:
                theirs.append(_measured(Path(folder)))
    figures = _figures(ours, theirs)
    if json:
        show_json(figures)
    else:
        show_fields(figures)


def _take_out(commit: str, folder: Path) -> None:
    tree = subprocess.run(["git", "ls-tree", "--name-only", commit], cwd=_ROOT, check=True, capture_output=True).stdout
    wanted = [name for name in ("domain", "centre") if name in tree.decode().split()]
    archive = subprocess.run(["git", "archive", commit, *wanted], cwd=_ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")


def _measured(core: Path) -> dict[str, float]:
    environment = {**os.environ, "PYTHONPATH": str(core), "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-P", str(_SCRIPT)]
    out = subprocess.run(command, cwd=core, env=environment, check=True, capture_output=True).stdout
    measured: dict[str, float] = json_text.loads(out)
    return measured


def _figures(ours: list[dict[str, float]], theirs: list[dict[str, float]]) -> dict[str, Any]:
    fold, decide = max(each["events_per_second"] for each in ours), min(each["decision_us"] for each in ours)
    figures: dict[str, Any] = {
        "events_per_second": round(fold),
        "decision_us": round(decide, 1),
        "events": ours[0]["events"],
        "commands": ours[0]["commands"],
    }
    if theirs:
        fold_before = max(each["events_per_second"] for each in theirs)
        decide_before = min(each["decision_us"] for each in theirs)
        figures |= {
            "fold_vs_before": round(fold / fold_before, 2),
            "decision_vs_before": round(decide_before / decide, 2),
            "events_per_second_before": round(fold_before),
            "decision_us_before": round(decide_before, 1),
        }
    return figures


if __name__ == "__main__":
    app()
