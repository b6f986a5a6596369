"""Invented lives as scripts: what the staff of the simulated year ask of a journey and when, drawn from a seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.simulate.client import ClientModel, SimulatedClient
from bench.simulate.staff import Staff, StaffModel
from domain.benefits import Verdict
from domain.commands import SignedCommand
from domain.pathway.coverage import BenefitsAnswered
from domain.pathway.place_search import NoPlaceFound

_PHP = "PHP"
_MOVING = ClientModel(step_up_weekly=0.04, crisis_weekly=0.01)
"""Clients who move more often than the year's, so that a hundred of them go every way."""


@dataclass(frozen=True)
class Life:
    """One client's life.

    Attributes:
        admitted: When it begins.
        until: When it ends, or is no longer looked at.
        script: What is asked of the journey, and when.
        clinic: How the simulated clinic plays its part, as it did in the simulation.
        events: How many events the simulation came to.
    """

    number: int
    admitted: datetime
    until: datetime
    script: tuple[tuple[datetime, SignedCommand], ...]
    clinic: dict[str, Any]
    events: int


def life(seed: int, number: int, admitted: datetime, weeks: int) -> Life:
    """The life of client `number`: the same for the same seed and the same moment."""
    dice = random.Random(f"{seed}/{number}")
    client = SimulatedClient(f"client-{number}", admitted, _MOVING, Staff(StaffModel(), dice), dice)
    client.live(admitted + timedelta(weeks=weeks))
    return Life(number, admitted, client.now, tuple(client.script), _clinic(client), len(client.events))


def _clinic(client: SimulatedClient) -> dict[str, Any]:
    """The payer's answer and the searches in vain before a place was found, as the dice had them."""
    answers = [each.benefits.verdict for each in client.events if isinstance(each, BenefitsAnswered)]
    in_vain = Counter(type(each) for each in client.events)[NoPlaceFound]
    return {
        "coverage": "inactive" if Verdict.INACTIVE in answers else "active",
        "places": {_PHP: {"from_search": min(in_vain, 3) + 1}},
    }
