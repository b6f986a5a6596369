"""A crisis: the client is in an emergency department or in hospital. The journey stays open; somebody owns the return.

Before care, and in care without another level, the journey stands at EXTERNAL and leads back to where the client was.
A client in care who is admitted leaves their level for the hospital's, and a clinician decides where they return to.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, CARE_TEAM, NOT_ENDED, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised
from domain.pathway.obligation_events import ObligationRaised
from domain.pathway.place_search import places_given_up
from domain.plans import Actor, Direction
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, LevelOfCare, PrivateWords, Value, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareStarted
    from domain.pathway.corrections import DischargeCorrected, TransitionWithdrawn
    from domain.pathway.discharge import Discharged
    from domain.pathway.moves import TransitionDeclined, TransitionStarted
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.state import JourneyState

part = Part("crisis")

ARRANGE_RETURN = ObligationKind(
    kind="arrange-return",
    title="Contact the facility that has the client, and arrange the return",
    ended_by="end-crisis",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.SAFETY,
)


class CrisisPlace(StrEnum):
    """Where the client is in a crisis."""

    EMERGENCY_DEPARTMENT = "emergency-department"
    INPATIENT = "inpatient"


class CrisisNow(Value):
    """The crisis the client is in.

    Attributes:
        level: The level of care there, for a client who left ours for it.
    """

    place: CrisisPlace
    since: Instant
    facility: PrivateWords | None = None
    level: LevelOfCare | None = None

    @property
    def where(self) -> str:
        """The place, and the facility if it is known."""
        return f"{self.place} at {self.facility}" if self.facility else self.place.value


class Crisis(Slice):
    """The crisis the client is in, if any.

    Attributes:
        at_discharge: The one in which they were when they were discharged, should that be a mistake.
    """

    current: CrisisNow | None = None
    at_discharge: CrisisNow | None = None

    def without_words(self) -> Crisis:
        """The same, without what a person wrote."""
        return self.changed(
            current=self.current and self.current.changed(facility=None),
            at_discharge=self.at_discharge and self.at_discharge.changed(facility=None),
        )


class CrisisRecorded(BaseEvent):
    """The client is in an emergency department or in hospital.

    Attributes:
        level: The level of care that the client left ours for; None before care, after it, and in an emergency
            department.
    """

    type: Literal["crisis.recorded"] = "crisis.recorded"
    place: CrisisPlace
    facility: PrivateWords | None = None
    level: LevelOfCare | None = None
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"In a crisis: {self.place}{said_by(self.by)}"


class CrisisEnded(BaseEvent):
    """The client is back where they were."""

    type: Literal["crisis.ended"] = "crisis.ended"
    safety_rechecked: bool
    note: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Back from the crisis{said_by(self.by)}"


class RecordCrisis(
    Decision,
    label="Record a crisis",
    by=tuple(dict.fromkeys((*ADMISSIONS, *CARE_TEAM))),
    at=NOT_ENDED,
    high_risk=True,
):
    """Record that the client is in an emergency department or in hospital; the journey stays open for the return."""

    kind: Literal["record-crisis"] = "record-crisis"
    place: CrisisPlace = Field(description="Where the client is.")
    facility: Words | None = Field(default=None, description="Which facility has them, if known.")
    level: LevelOfCare | None = Field(
        default=None, description="The hospital's level of care; needed for a client in our care who is admitted."
    )
    reason: Words = Field(description="What happened, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A client in our care who is admitted leaves their level; what was held for a move is given back."""
        require_since_the_level_began(state, when)
        now = state.crisis.current
        require(
            now is None or now.place != self.place or self.facility is not None,
            "crisis-known",
            "That is on record already. Record the return, or name the facility that has the client now.",
        )
        level = self._level(state)
        yield CrisisRecorded(
            **when, place=self.place, facility=self.facility, level=level, reason=self.reason, by=self.by
        )
        if level is not None:
            yield from places_given_up(state, when)

    def _level(self, state: JourneyState) -> LevelOfCare | None:
        if self.place is CrisisPlace.EMERGENCY_DEPARTMENT or state.level is None:
            return None
        if self.level is None:
            raise Refused("level-missing", "Say the hospital's level of care, such as INPATIENT.")
        require(
            not state.policy.level(self.level).is_ours,
            "level-is-ours",
            f"{self.level} is given here. Name the level that the hospital gives.",
        )
        return self.level if self.level != state.level else None


class EndCrisis(Decision, label="Record the return from a crisis", by=CLINICAL, at=NOT_ENDED, high_risk=True):
    """Record that the client is back where they were, and that a clinician checked their safety."""

    kind: Literal["end-crisis"] = "end-crisis"
    safety_rechecked: bool = Field(
        default=False, description="You checked the client's safety after the crisis; needed."
    )
    note: Words = Field(description="What was found and agreed, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """From a hospital's level of care a step-down leads back, since a clinician decides to which level."""
        now = state.crisis.current
        if now is None:
            raise Refused("no-crisis", "No crisis is on record for this client.")
        require(
            state.level is None or (now.place is CrisisPlace.EMERGENCY_DEPARTMENT and now.level is None),
            "level-first",
            f"The client is at {state.level}. Decide the level of care they return to: start a step-down.",
        )
        require(
            self.safety_rechecked,
            "safety-check-first",
            "Check the client's safety before they go on, then record the return.",
        )
        require(
            when["at"] >= now.since,
            "before-the-crisis",
            f"The crisis began at {now.since:%Y-%m-%d %H:%M} UTC. Give a time after that.",
        )
        yield CrisisEnded(**when, safety_rechecked=self.safety_rechecked, note=self.note, by=self.by)


def require_none(state: JourneyState) -> None:
    """Refuses while the client is in a crisis."""
    require(
        state.crisis.current is None,
        "crisis-open",
        "The client is in a crisis. Record their return first, or keep in touch with the facility.",
    )


@part.evolves
def begin_crisis(state: JourneyState, event: CrisisRecorded) -> Crisis:
    """It replaces one known before: from the emergency department to the ward. A level left for it stays left."""
    before = state.crisis.current.level if state.crisis.current else None
    now = CrisisNow(place=event.place, since=event.at, facility=event.facility, level=event.level or before)
    return Crisis(current=now)


@part.evolves
def be_back(state: JourneyState, event: CrisisEnded) -> Crisis:
    """Where they were."""
    return Crisis()


@part.evolves
def leave_our_care(state: JourneyState, event: Discharged) -> Crisis:
    """Those who have them look after them."""
    return Crisis(at_discharge=state.crisis.current)


@part.evolves
def be_in_it_all_the_same(state: JourneyState, event: DischargeCorrected) -> Crisis:
    """Unless a later one is known."""
    return Crisis(current=state.crisis.current or state.crisis.at_discharge)


@part.evolves
def be_at_another_level(state: JourneyState, event: LevelOfCareStarted) -> Crisis:
    """Any but the hospital's own ends it."""
    now = state.crisis.current
    return state.crisis if now is not None and event.level == now.level else Crisis()


@part.consequence
def own_the_return(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """What the policy pauses waits; the return is owed, anew where the client came to another facility."""
    owed = (each for each in state.obligations.open.values() if suspension.pauses_in_crisis(state, each))
    yield from suspension.paused(event, owed)
    yield from cancelled(state, event, ARRANGE_RETURN)
    yield _return(state, event)


@part.consequence
def arrange_the_return_again(
    state: JourneyState, event: ObligationMet | ObligationWaived | TransitionDeclined | TransitionWithdrawn
) -> Iterator[BaseEvent]:
    """One contact after the other for as long as they are there and no return is under way."""
    there = state.crisis.current is not None and not _is_returning(state)
    if there and state.stage in NOT_ENDED and not state.open_of(ARRANGE_RETURN.kind):
        yield _return(state, event)


@part.consequence
def note_that_the_return_began(state: JourneyState, event: TransitionStarted) -> Iterator[BaseEvent]:
    """The step-down is owed from here on."""
    if _is_returning(state):
        yield from met(state, event, ARRANGE_RETURN)


@part.consequence
def note_the_return(state: JourneyState, event: CrisisEnded | LevelOfCareStarted) -> Iterator[BaseEvent]:
    """It was owed until then."""
    if state.crisis.current is None:
        yield from met(state, event, ARRANGE_RETURN)


def _is_returning(state: JourneyState) -> bool:
    now, move = state.crisis.current, state.moves.current
    is_admitted = now is not None and now.place is CrisisPlace.INPATIENT
    return is_admitted and move is not None and move.direction is Direction.DOWN


def _return(state: JourneyState, event: BaseEvent) -> ObligationRaised:
    now = state.crisis.current
    if now is not None and now.place is CrisisPlace.INPATIENT:
        counted = state.policy.counted("inpatient_contact_days", since=event.at)
    else:
        counted = state.policy.counted("crisis_return_hours", since=event.at)
    return raised(state, event, ARRANGE_RETURN, counted)
