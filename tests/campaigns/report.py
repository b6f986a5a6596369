"""What every campaign shares: its seed, its place, and what it says at the end."""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


def any_seed() -> int:
    """A new seed, short enough to be typed."""
    return random.SystemRandom().randrange(10**6)


@dataclass
class Report:
    """How a campaign went.

    Attributes:
        again: The command that repeats it. A seed fixes what is drawn, not how processes take turns.
        counts: What happened how often.
        faults: What should never have happened; empty if all is well.
    """

    again: str
    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counted = ", ".join(f"{number} {what}" for what, number in self.counts.items())
        listed = "".join(f"\n  FAULT {fault}" for fault in self.faults[:40])
        left_out = f"\n  and {len(self.faults) - 40} more" if len(self.faults) > 40 else ""
        return f"{self.again}: {counted}{listed}{left_out}"


@contextmanager
def own_home() -> Iterator[Path]:
    """A directory for servers of one's own; not pytest's, which root's PostgreSQL could not reach."""
    home = Path(tempfile.mkdtemp(prefix="throughline-campaign-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def arguments(about: str | None, **defaults: int) -> dict[str, int]:
    """The command line as numbers; a seed is drawn where none is given."""
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # it warns of every connection that a kill cost
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=any_seed())
    return vars(parser.parse_args())


def tell(report: Report) -> int:
    """Prints the report; the exit code."""
    sys.stdout.write(f"{report}\n")
    return 1 if report.faults else 0
