"""The inputs and outputs of a journey's workflow."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from domain.comparing import Fingerprint
from domain.pathway import Command
from domain.pathway.admission import OpenJourney
from domain.state import JourneyState
from domain.values import Instant, LevelOfCare, Role, Stage, Value
from workflows.clear_text import ClearText
from workflows.not_recorded import NotRecorded

READING = ClearText("the journey is reading its record, at the start of a run: ask again in a moment")
"""The answer to a query that needs the state until the record has been read. Temporal gives the caller nothing else."""
WORKFLOW = "Journey"
RECONCILE = "Reconcile"
PAGE = "Page"
DIGESTS = "Digests"
TASK_QUEUE = "journeys"
CALLS_QUEUE = "clinic-calls"
"""For activities that call the payer and the EHR. They only delay each other."""
NOTICES_QUEUE = "notices"
"""For notices and pages to staff, which depend on no other system than mail."""


class DigestStart(Value):
    """The input of the workflow of a site's digests. What was raised after `since` is still to be told."""

    site: str
    since: Instant


class JourneyStart(Value):
    """The workflow's input.

    Attributes:
        opening: The admission that begins the journey.
        carried: Fingerprint of the state in which the run before ended, or in which a journey is restarted. The run
            folds that state from the record, with its worker's own schema. None: nothing is on record yet, as far as is
            known.
        kept: Commands that the run before could not record, in order.
        not_recorded: Why it could not record them.
        roll_over_after: History events after which to continue as new; None leaves it to the server's advice.
    """

    opening: OpenJourney
    carried: Fingerprint | None = None
    kept: tuple[Command, ...] = ()
    not_recorded: NotRecorded | None = None
    roll_over_after: Annotated[int, Field(ge=50)] | None = None


class JourneySnapshot(Value):
    """A journey's workflow's own account, for comparison with the record.

    Fields that a newer release has added are ignored.

    Attributes:
        state: Its current state; while it is still reading its record, the state that it was given.
        is_reading: Whether it is still reading its record, at the start of a run.
        calls: The concurrency keys of calls under way; see `domain.effects.BaseEffect.concurrency_key`.
        waiting: Commands that are not answered yet.
        stopped: Why it takes no decisions now, or None.
        not_recorded: Why its decisions cannot be recorded now, or None.
    """

    model_config = ConfigDict(extra="ignore")

    state: Fingerprint
    calls: tuple[str, ...]
    waiting: int
    stopped: str | None
    not_recorded: NotRecorded | None = None
    is_reading: bool = False


class JourneyStatus(Value):
    """A journey's status, for the person who just took a decision or asks.

    Attributes:
        over: Whether it has ended for good, so that another admission begins a new journey.
    """

    journey_id: str
    version: int
    stage: Stage
    level: LevelOfCare | None
    waiting_for: Role | None
    waiting_for_person: str | None = None
    next_obligation: str | None
    next_due: Instant | None
    estimate: str | None = None
    over: bool = False


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
        over=state.is_over,
    )
