"""Making all read models again from a record of realistic journeys, and how long the live ones stand still for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.journeys import fill, steps
from dashboard.projections import READ_MODELS
from dashboard.projections.rebuild import rebuild

_EVENTS_OF_A_JOURNEY = 71  # about


@dataclass(frozen=True)
class Rebuild:
    """What a rebuild of all read models came to. Times are elapsed seconds."""

    events: int
    journeys: int
    seconds: float
    switch_seconds: float

    @property
    def events_per_second(self) -> float:
        """From the first event to the views that show the new rows."""
        return self.events / self.seconds


async def measure(url: str, events: int) -> Rebuild:
    """Records about `events` events of journeys, and rebuilds every read model of them."""
    journeys = math.ceil(events / _EVENTS_OF_A_JOURNEY)
    recorded = await fill(url, steps(journeys))
    rebuilt = await rebuild(url, READ_MODELS)
    return Rebuild(recorded, journeys, rebuilt.seconds, rebuilt.switch_seconds)
