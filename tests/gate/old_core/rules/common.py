"""What the rules share: the occasion of an event, and the guards that several decisions need."""

from __future__ import annotations

from typing import TypedDict

from tests.gate.old_core.plans import Actor
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import CLINICAL, Instant, Stage


class Occasion(TypedDict):
    """When an event became true and which command led to it."""

    at: Instant
    cause: str


def require_stage(state: JourneyState, *stages: Stage, to: str) -> None:
    """Refuses unless the journey is at one of `stages`; `to` says what was wanted."""
    if state.stage in stages:
        return
    if state.stage.is_end:
        raise Refused("journey-ended", f"This journey has ended, so you cannot {to}. Open a new admission.")
    wanted = " or ".join(stages)
    raise Refused("wrong-stage", f"You can {to} only at {wanted}; this journey is at {state.stage}.")


def require_clinician(by: Actor, to: str) -> None:
    """Refuses unless a clinician, supervisor or medical director acts."""
    require(
        by.role in CLINICAL,
        "not-a-clinician",
        f"Only a clinician, clinical supervisor or medical director can {to}.",
    )
