"""How long a step-up takes from the Update to the record, and to the first call out, with many idle journeys open."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from bench.throughput.instant_clinic import InstantClinic
from domain.pathway.move_decisions import RequestStepUp
from domain.plans import Actor
from domain.values import Role
from workflows.client import Journeys

_LONGEST_WAIT_SECONDS = 60.0
_CLINICIAN = Actor(id="s-102", role=Role.CLINICIAN)


@dataclass(frozen=True)
class Latencies:
    """Milliseconds of each step-up, sorted."""

    recorded: tuple[float, ...]
    called: tuple[float, ...]


async def step_up(journeys: Journeys, clinic: InstantClinic, ids: Sequence[str]) -> Latencies:
    """One step-up after the other, each to a level that another facility gives.

    Raises:
        RuntimeError: A step-up asked for no place.
    """
    recorded, sent = [], {}
    for journey_id in ids:
        sent[journey_id] = began = time.perf_counter()
        command = RequestStepUp(id=uuid.uuid4().hex, by=_CLINICIAN, to="PHP", reason="worse at night")
        await journeys.tell(journey_id, command)
        recorded.append(1000 * (time.perf_counter() - began))
    await _until_asked(clinic, ids)
    called = (1000 * (clinic.asked_for_places[each] - sent[each]) for each in ids)
    return Latencies(tuple(sorted(recorded)), tuple(sorted(called)))


async def _until_asked(clinic: InstantClinic, ids: Sequence[str]) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
    while missing := [each for each in ids if each not in clinic.asked_for_places]:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(missing)} step-ups asked for no place")
        await asyncio.sleep(0.1)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The least value that so large a share of the values does not exceed."""
    return sorted_values[max(math.ceil(share * len(sorted_values)) - 1, 0)]
