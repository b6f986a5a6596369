"""What goes into a journey's workflow and what comes out of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from domain.comparing import Fingerprint
from domain.pathway import Command
from domain.pathway.admission import OpenJourney
from domain.state import JourneyState
from domain.values import Instant, LevelOfCare, Role, Stage, Value
from workflows.not_recorded import NotRecorded

READING = "the journey is reading its record, at the start of a run: ask again in a moment"
"""What a query that needs the state is answered until the record was read."""
WORKFLOW = "Journey"
RECONCILE = "Reconcile"
PAGE = "Page"
TASK_QUEUE = "journeys"
CALLS_QUEUE = "clinic-calls"
"""For activities that call the payer and the EHR. They wait there for each other, and nothing else waits for them."""
NOTICES_QUEUE = "notices"
"""For notices and pages to staff, which wait for no other system than mail."""


class JourneyStart(Value):
    """The workflow's input.

    Attributes:
        opening: The admission that begins the journey.
        carried: The state in which the run before ended, or in which a journey is started again. The run folds that
            state from the record, under its worker's own schema. None: nothing is on record yet, as far as is known.
        kept: Commands that the run before could not record, in their order.
        not_recorded: Why it could not.
        roll_over_after: History events after which to continue as new; None leaves it to the server's advice.
    """

    opening: OpenJourney
    carried: Fingerprint | None = None
    kept: tuple[Command, ...] = ()
    not_recorded: NotRecorded | None = None
    roll_over_after: Annotated[int, Field(ge=50)] | None = None


class JourneySnapshot(Value):
    """What a journey's workflow says of itself, for comparison with the record.

    Fields that a newer release has added are passed over.

    Attributes:
        state: The state it is in; while it is still reading its record, the one that it was given to read.
        is_reading: Whether it is still reading its record, at the start of a run.
        calls: The concurrency keys of calls under way; see `domain.effects.BaseEffect.concurrency_key`.
        waiting: Commands that are not answered yet.
        stopped: Why it decides nothing now, or None.
        not_recorded: Why what it decides cannot be recorded now, or None.
    """

    model_config = ConfigDict(extra="ignore")

    state: Fingerprint
    calls: tuple[str, ...]
    waiting: int
    stopped: str | None
    not_recorded: NotRecorded | None = None
    is_reading: bool = False


class JourneyStatus(Value):
    """Where a journey stands, for the person who just decided something or asks."""

    journey_id: str
    version: int
    stage: Stage
    level: LevelOfCare | None
    waiting_for: Role | None
    waiting_for_person: str | None = None
    next_obligation: str | None
    next_due: Instant | None
    estimate: str | None = None


def journey_status(state: JourneyState) -> JourneyStatus:
    """The short form of a state."""
    owed = state.next_due()
    return JourneyStatus(
        journey_id=state.journey_id,
        version=state.version,
        stage=state.stage,
        level=state.level,
        waiting_for=state.waiting_for(),
        waiting_for_person=state.waiting_for_person(),
        next_obligation=owed.id if owed else None,
        next_due=owed.due_at if owed else None,
        estimate=state.cost.estimate.id if state.cost.estimate else None,
    )
