"""A release with another state schema, in a process of its own: the state counts repeated admissions as well.

`python -m tests.recovery.second_schema work` is a worker until its standard input is closed; `compare` compares record
and workflows once and prints the comparison as JSON. Settings come from the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from domain.part import Slice
from domain.pathway import RULES, admission

if TYPE_CHECKING:
    from deploy.settings import Settings
    from domain.state import JourneyState

SCHEMA = 1_000
"""Above any that this release will come to."""


class Admission(admission.Admission):
    """One more derived field than in this release's schema."""

    repeats: int = 0


def count(state: JourneyState, event: admission.AdmissionRepeated) -> Slice:
    """The rule of the second schema."""
    mine = state.admission
    assert isinstance(mine, Admission)
    return mine.changed(repeats=mine.repeats + 1)


def install() -> None:
    """Makes this process a release of the second schema. To be called before anything imports `domain.state`."""
    assert "domain.state" not in sys.modules
    admission.Admission = Admission  # type: ignore[misc]
    RULES._add(admission.AdmissionRepeated, "admission", count)
    import domain.state

    domain.state.STATE_SCHEMA = SCHEMA
    assert domain.state.JourneyState().admission.model_dump()["repeats"] == 0


async def work(settings: Settings) -> None:
    """A worker until standard input is closed; says so on standard output once it polls."""
    import worker
    from record.sealing import Sealer
    from tests.unchecked import Unchecked

    client = await worker.temporal_client(settings.changed(virtual_time=True))
    closed = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, closed.set)
    async with (
        worker.record(settings) as store,
        worker.keyring(settings) as keys,
        worker.clinic(settings, keys) as calls,
        worker.journey_worker(client, store, Sealer(keys), Unchecked(), calls),
    ):
        sys.stdout.write("working\n")
        sys.stdout.flush()
        await closed.wait()


async def compare(settings: Settings) -> None:
    """Prints one comparison as JSON."""
    import worker
    from recovery.reconcile import Reconciler
    from recovery.running import RunningJourneys

    client = await worker.temporal_client(settings.changed(virtual_time=True))
    async with worker.record(settings) as store:
        running = RunningJourneys(client, patience=timedelta(seconds=5))
        found = await Reconciler(store, running, moment=timedelta(milliseconds=300)).compare()
    sys.stdout.write(found.model_dump_json())


def main() -> None:
    """Does as the command line says, under the second schema."""
    install()
    from deploy.settings import Settings

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = Settings.load()
    asyncio.run({"work": work, "compare": compare}[sys.argv[1]](settings))
    sys.stdout.flush()
    os._exit(0)  # the SDK now and then aborts while the interpreter ends


if __name__ == "__main__":
    main()
