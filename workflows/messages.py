"""What goes into a journey's workflow and what comes out of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.pathway import Command
from domain.pathway.admission import OpenJourney
from domain.state import JourneyState
from domain.values import Instant, LevelOfCare, Role, Stage, Value
from workflows.not_recorded import NotRecorded

WORKFLOW = "Journey"
RECONCILE = "Reconcile"
PAGE = "Page"
TASK_QUEUE = "journeys"


class JourneyStart(Value):
    """The workflow's input.

    Attributes:
        opening: The admission that begins the journey.
        state: Carried over from the run before; None in the first run.
        kept: Commands that the run before could not record, in their order.
        not_recorded: Why it could not.
        roll_over_after: History events after which to continue as new; None leaves it to the server's advice.
    """

    opening: OpenJourney
    state: JourneyState | None = None
    kept: tuple[Command, ...] = ()
    not_recorded: NotRecorded | None = None
    roll_over_after: Annotated[int, Field(ge=50)] | None = None


class Account(Value):
    """What a journey's workflow says of itself, for comparison with the record.

    Attributes:
        calls: The slots of calls under way; see `domain.effects.BaseEffect.slot`.
        waiting: Commands in the inbox, not yet answered.
        stopped: Why it decides nothing now, or None.
        not_recorded: Why what it decides cannot be recorded now, or None.
    """

    state: JourneyState
    calls: tuple[str, ...]
    waiting: int
    stopped: str | None
    not_recorded: NotRecorded | None = None


class Standing(Value):
    """Where a journey stands, for the person who just decided something or asks."""

    journey_id: str
    version: int
    stage: Stage
    level: LevelOfCare | None
    waiting_for: Role | None
    next_obligation: str | None
    next_due: Instant | None
    estimate: str | None = None


def standing(state: JourneyState) -> Standing:
    """The short form of a state."""
    owed = state.next_due()
    return Standing(
        journey_id=state.journey_id,
        version=state.version,
        stage=state.stage,
        level=state.level,
        waiting_for=state.waiting_for(),
        next_obligation=owed.id if owed else None,
        next_due=owed.due_at if owed else None,
        estimate=state.cost.estimate.id if state.cost.estimate else None,
    )
