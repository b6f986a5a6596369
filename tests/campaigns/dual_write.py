"""Workers die by SIGKILL between append and workflow task, hundreds of times, while callers race.

Journeys walk whole paths. Each decision is told by up to three callers at once, with signals and messages in between;
workers are forked, and die where their seed says: most just after an append, before its answer reaches Temporal. In the
end workflow, record, callers and clinic must agree (`agreement.py`). Longer, by hand:

    python -m tests.campaigns.dual_write --kills 2000 --journeys 40 --seed 7
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from centre.files import EXAMPLE
from centre.systems import read_systems
from dashboard.reading import all_events
from eventstore import EventStore, StoredEvent
from tests.campaigns.agreement import Evidence, decided_twice, disagreements, holes
from tests.campaigns.ground import ground
from tests.campaigns.nursery import Plan
from tests.campaigns.racing import RacingCase, RacingHouse
from tests.campaigns.report import Report, arguments, own_home, tell
from tests.clinic.process import ROOT
from tests.workflows.paths import PATHS, WholePath
from workflows.client import CommandRefused, JourneyNotRunning

_PATIENCE_SECONDS = 180.0
"""What has not come true after this (elapsed) never will, however busy the machine is."""


@dataclass
class Walk:
    """One journey and the path it is to go."""

    case: RacingCase
    script: WholePath
    failure: str = ""


@dataclass
class Deaths:
    """What the workers' diary says."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    @staticmethod
    def read(diary: Path) -> Deaths:
        text = diary.read_text() if diary.exists() else ""
        return Deaths([json.loads(line) for line in text.splitlines()])

    def number(self, what: str) -> int:
        return sum(line["what"] == what for line in self.lines)

    def counts(self) -> dict[str, int]:
        windows = Counter(line["window"] for line in self.lines if line["what"] == "dies")
        met = self.number("meets")
        return {"workers killed": self.number("killed"), **windows, "appends that met an earlier one": met}

    def faults(self) -> Iterator[str]:
        """Deaths after an append that no later task ever met: then nothing would have been put to test.

        A task meets it with an append of its own, or by reading its record from the first event, as a run does at its
        start.
        """
        unmet: dict[str, int] = {}
        for line in self.lines:
            if line.get("window") == "after the append":
                unmet[line["stream"]] = unmet.get(line["stream"], 0) + 1
            elif line["what"] in ("meets", "reads"):
                unmet.pop(line["stream"], None)
        yield from (f"no task met what a dead worker appended to {stream}" for stream in unmet)


@asynccontextmanager
async def nursery(plan: Plan, output: Path) -> AsyncIterator[asyncio.Task[int]]:
    """Workers that die and are replaced, until the block ends. The task is done if they cannot be replaced."""
    command = ["-m", "tests.campaigns.nursery", plan.to_json()]
    with output.open("ab") as told:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, cwd=ROOT, stdin=subprocess.PIPE, stdout=told, stderr=told
        )
    ended = asyncio.create_task(process.wait())
    assert process.stdin is not None
    try:
        yield ended
    finally:
        process.stdin.close()
        await ended


async def campaign(seed: int, *, kills: int, journeys: int) -> Report:
    """So many journeys at a time, new ones until so many workers were killed."""
    again = f"python -m tests.campaigns.dual_write --seed {seed} --kills {kills} --journeys {journeys}"
    with own_home() as home:
        async with ground(home, RacingHouse) as (settings, house):
            diary = home / "diary.jsonl"
            plan = Plan(settings.as_env(), str(diary), seed, kills)
            async with nursery(plan, home / "workers.log") as ended:
                walking = _walk_all(
                    house, random.Random(seed), journeys, lambda: Deaths.read(diary).number("killed") >= kills
                )
                walks = await _unless(ended, asyncio.create_task(walking), home / "workers.log")
            async with house.working():
                faults = [fault async for fault in faults_in(house, walks)]
            await house.close()
            record = await _whole(house.store)
            deaths = Deaths.read(diary)
            faults += [*holes(record), *deaths.faults()]
    return Report(again, {"journeys": len(walks), "events": len(record), **deaths.counts()}, faults)


async def _unless(ended: asyncio.Task[int], walking: asyncio.Task[list[Walk]], output: Path) -> list[Walk]:
    await asyncio.wait({ended, walking}, return_when=asyncio.FIRST_COMPLETED)
    if walking.done():
        return walking.result()
    walking.cancel()
    said = await asyncio.to_thread(output.read_text)
    raise AssertionError(f"the workers are gone:\n{said[-4000:]}")


async def _walk_all(
    house: RacingHouse, chance: random.Random, at_a_time: int, enough: Callable[[], bool]
) -> list[Walk]:
    walks: list[Walk] = []
    scripts = itertools.cycle(PATHS.values())

    async def one_after_another() -> None:
        while True:
            script, own_chance = next(scripts), random.Random(chance.random())
            walks.append(Walk(await house.admit_racing(own_chance, _PATIENCE_SECONDS, **script.clinic), script))
            await walk(walks[-1])
            if enough():
                return

    await asyncio.gather(*(one_after_another() for _ in range(at_a_time)))
    return walks


async def walk(begun: Walk) -> None:
    """Walks it to its end, or notes why not."""
    try:
        for step in begun.script.steps:
            await begun.case.settled()
            await step(begun.case)
        await begun.case.ended()
    except (AssertionError, CommandRefused, JourneyNotRunning) as failure:
        begun.failure = f"{type(failure).__name__}: {failure}"


async def faults_in(house: RacingHouse, walks: Iterable[Walk]) -> AsyncIterator[str]:
    """What is wrong with any of these journeys. A worker must be there, for their workflows to be asked."""
    ledger = house.clinic.ledger()
    for each in walks:
        if each.failure:
            found = [each.failure, *decided_twice(await house.store.read(each.case.id))]
        else:
            about = [entry for entry in ledger if _is_about(each.case, entry)]
            found = [*disagreements(await _evidence(each, about))]
        for fault in found:
            yield f"journey {each.case.id}: {fault}"


def _is_about(case: RacingCase, entry: dict[str, Any]) -> bool:
    return case.id in (entry.get("journey"), entry["key"].split("/")[0]) or entry["client"] == case.person.member_id


async def _evidence(ended: Walk, ledger: list[dict[str, Any]]) -> Evidence:
    case = ended.case
    head = await case.house.store.head(case.id)
    return Evidence(
        script=ended.script,
        state=await case.journeys.state(case.id),
        result=await case.handle.result(),
        stored=await case.house.store.read(case.id),
        closed=head is not None and head.closed,
        told=case.told,
        ledger=ledger,
        sender=read_systems(EXAMPLE / "centre.toml").mail.sender,
    )


async def _whole(store: EventStore) -> list[StoredEvent]:
    return [each async for each in all_events(store)]


if __name__ == "__main__":
    given = arguments(__doc__, kills=1000, journeys=24)
    sys.exit(tell(asyncio.run(campaign(given["seed"], kills=given["kills"], journeys=given["journeys"]))))
