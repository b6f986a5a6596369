"""Compares what the real server made of journeys with what the pure core makes of the same, and counts it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio.client import Client
from temporalio.converter import PayloadCodec
from temporalio.worker import UnsandboxedWorkflowRunner

from domain.comparing import comparable
from domain.pathway import Event
from domain.state import JourneyState
from tests.campaigns.noted_journeys import NotedJourneys
from tests.campaigns.pure_core import PureCore, Told
from tests.campaigns.report import Report
from tests.campaigns.server_inputs import ServerInputs
from tests.workflows.house import Case, House
from workflows.evicting_runner import EvictingRunner

AT_ONCE = 8
"""How many clients live at the same time."""
UNSANDBOXED = EvictingRunner(UnsandboxedWorkflowRunner())
"""A sandbox for each of a hundred journeys would take most of the time; other tests run them in it."""


class Living(House):
    """A house whose journeys are decided anew instead of being replayed.

    Attributes:
        noted: Its journeys, which note what they are told.
    """

    replays = False

    def __init__(self, client: Client, *parts: Any) -> None:
        super().__init__(client, *parts)
        self.journeys = self.noted = NotedJourneys(client, self.skipper)


@dataclass
class Lived:
    """What came of the lives.

    Attributes:
        stages: Where each journey stood at its end.
        latest: The latest waking of all.
    """

    counts: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    latest: timedelta = timedelta(0)
    began: float = field(default_factory=time.monotonic)

    def is_within(self, minutes: int) -> bool:
        """Whether so many minutes of ours have not passed yet."""
        return time.monotonic() - self.began < minutes * 60

    def report(self, again: str) -> Report:
        """All of it, to be repeated with the command `again`."""
        self.counts["seconds"] = int(time.monotonic() - self.began)
        self.counts["seconds of the latest waking"] = int(self.latest.total_seconds())
        return Report(again, {**self.counts, **self.stages}, self.faults)


async def compared(house: Living, case: Case, lived: Lived) -> list[str]:
    """Where the server and the core differ about one journey."""
    state, now, record = await _at_rest(case)
    told = house.noted.told[case.id]
    core = PureCore(told, await ServerInputs.read(await case.histories(), _codec(house.client)))
    faults = [*core.differences(record, now if not state.is_finished else record[-1].at)]
    if not faults and comparable(core.state) != comparable(state):
        faults.append("the workflow is in another state than the core")
    lived.latest = max(lived.latest, core.latest)
    lived.counts.update(_counted(record, core, told))
    lived.stages[f"at {state.stage}"] += 1
    return faults


async def _at_rest(case: Case) -> tuple[JourneyState, datetime, list[Event]]:
    """State, clock and record of the same version: its clock goes on while it is looked at."""
    while True:
        state, record = await case.settled(), await case.record()
        if state.version == len(record):
            return state, await case.now(), record


def _counted(record: list[Event], core: PureCore, told: Told) -> dict[str, int]:
    return {"events": len(record), "commands with events": core.decided, "refused or empty": len(told.refused)}


def _codec(client: Client) -> PayloadCodec:
    codec = client.data_converter.payload_codec
    assert codec is not None, "payloads are encrypted"
    return codec
