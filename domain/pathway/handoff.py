"""The handoff of a client who moves: those at the new level hear what they must know, and repeat the critical points.

It is owed from the start of every move. The client's arrival does not end it: whoever arrived without one is open work.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import cancelled, met, raised_within, require_owed_by_then
from domain.plans import Actor, Direction
from domain.refusal import require
from domain.values import CLINICAL, Instant, LevelOfCare, PrivateWords, Value, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.corrections import TransitionWithdrawn
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.moves import TransitionCompleted, TransitionDeclined, TransitionStarted
    from domain.state import JourneyState

part = Part("handoff", optional=True)

HANDOFF = ObligationKind(
    kind="handoff",
    title="Complete the handoff to those at the new level",
    ended_by="record-handoff",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class HandoffChannel(StrEnum):
    """How a handoff is made."""

    PHONE = "phone"
    IN_PERSON = "in-person"
    VIDEO = "video"
    SECURE_MESSAGE = "secure-message"


class HandoffPackage(Value):
    """What those who receive the client must be given."""

    medication_list: bool = Field(default=False, description="The medication list was given, or that there is none.")
    risk_and_safety_plan: bool = Field(default=False, description="The risk and the safety plan were given.")
    reason_for_the_move: bool = Field(default=False, description="Why the client moves was given.")
    contacts: bool = Field(default=False, description="Whom to call was given: the client, their family, our staff.")

    def missing(self) -> tuple[str, ...]:
        """What has not been given, in words."""
        return tuple(name.replace("_", " ") for name, given in self if not given)

    def with_(self, more: HandoffPackage) -> Self:
        """This, and what `more` has."""
        return self.changed(**{name: True for name, given in more if given})


class Handoff(Slice):
    """The handoff of the last move.

    Attributes:
        target: The level to which it goes; None before the first move, and once a move is given up.
        attempts: How often it was tried.
        given: What was given in all of them.
        read_back_at: When the receiver repeated the critical points.
        arrived: Whether the client is at that level.
    """

    target: LevelOfCare | None = None
    attempts: int = 0
    given: HandoffPackage = HandoffPackage()
    read_back_at: Instant | None = None
    arrived: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether all was given and the critical points were read back."""
        return self.read_back_at is not None and not self.given.missing()

    def in_words(self) -> str:
        """How far it has come."""
        if not self.attempts:
            return f"to {self.target}, not tried yet"
        read_back = "read back" if self.read_back_at else "not read back"
        missing = self.given.missing()
        lacks = f", without {', '.join(missing)}" if missing else ""
        return f"to {self.target}, {read_back}{lacks}"


class HandoffRecorded(BaseEvent):
    """A handoff to those at the new level, or an attempt at one.

    Attributes:
        to: Who took it, as a person wrote it.
        read_back: Whether they repeated the critical points.
    """

    type: Literal["handoff.recorded"] = "handoff.recorded"
    target: LevelOfCare
    attempt: int
    to: PrivateWords
    how: HandoffChannel
    package: HandoffPackage
    read_back: bool
    by: Actor

    def _sentence(self) -> str:
        read_back = "read back" if self.read_back else "not read back"
        missing = self.package.missing()
        lacks = f", without {', '.join(missing)}" if missing else ""
        how = self.how.replace("-", " ")
        return f"Handoff {self.attempt} to {self.target}, {how}: {read_back}{lacks}{said_by(self.by)}"


class RecordHandoff(Decision, label="Record a handoff", by=CARE_TEAM, at=IN_CARE, high_risk=True):
    """Record a handoff to those at the client's new level; it stays owed until they have read it back."""

    kind: Literal["record-handoff"] = "record-handoff"
    to: Words = Field(description="Who took it: a name or a role at the new level.")
    how: HandoffChannel = Field(description="How it was done.")
    package: HandoffPackage = Field(default=HandoffPackage(), description="What was given.")
    read_back: bool = Field(
        default=False, description="The receiver repeated the critical points. Without it the handoff stays owed."
    )

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Each attempt counts; what an earlier one gave need not be given again."""
        owed, target = state.open_of(HANDOFF.kind), state.handoff.target
        require(
            bool(owed),
            "no-handoff-owed",
            "No handoff is owed for this client. One is owed from the start of a move between levels of care.",
        )
        assert target is not None, "a handoff is owed for a move, which leads to a level"
        require_owed_by_then(owed, when)
        yield HandoffRecorded(
            **when,
            target=target,
            attempt=state.handoff.attempts + 1,
            to=self.to,
            how=self.how,
            package=self.package,
            read_back=self.read_back,
            by=self.by,
        )


def in_words(state: JourneyState) -> str | None:
    """How far it has come while it is owed or the client moves; else None."""
    shown = state.handoff.target is not None and (state.moves.current is not None or state.open_of(HANDOFF.kind))
    return state.handoff.in_words() if shown else None


def ended_with_the_move(state: JourneyState) -> tuple[ObligationKind, ...]:
    """What is over where a client leaves care during a move. Once they had arrived it is still owed."""
    return () if state.handoff.arrived else (HANDOFF,)


@part.evolves
def begin(state: JourneyState, event: TransitionStarted) -> Handoff:
    """Nothing of an earlier move's counts."""
    return Handoff(target=event.target)


@part.evolves
def count_the_attempt(state: JourneyState, event: HandoffRecorded) -> Handoff:
    """What was given stays given."""
    held = state.handoff
    return held.changed(
        attempts=event.attempt,
        given=held.given.with_(event.package),
        read_back_at=held.read_back_at or (event.at if event.read_back else None),
    )


@part.evolves
def arrive(state: JourneyState, event: TransitionCompleted) -> Handoff:
    """With or without it."""
    return state.handoff.changed(arrived=True)


@part.evolves
def stay(state: JourneyState, event: TransitionDeclined | TransitionWithdrawn) -> Handoff:
    """There is nobody to tell."""
    return Handoff()


@part.evolves
def go_to_hospital(state: JourneyState, event: CrisisRecorded) -> Handoff:
    """The crisis overtook the move."""
    return state.handoff if event.level is None else Handoff()


@part.consequence
def owe_the_handoff(state: JourneyState, event: TransitionStarted) -> Iterator[BaseEvent]:
    """Before the move is due. That of a move which this one replaces is not owed any more."""
    up = event.direction is Direction.UP
    yield from cancelled(state, event, HANDOFF)
    yield raised_within(state, event, HANDOFF, "step_up_handoff_hours" if up else "step_down_handoff_days")


@part.consequence
def note_the_handoff(state: JourneyState, event: HandoffRecorded) -> Iterator[BaseEvent]:
    """Without read-back, or with something missing, it stays owed."""
    if state.handoff.is_whole:
        yield from met(state, event, HANDOFF)


@part.consequence
def owe_no_handoff(
    state: JourneyState, event: TransitionDeclined | TransitionWithdrawn | CrisisRecorded
) -> Iterator[BaseEvent]:
    """The client stays, or is in hospital already."""
    if state.handoff.target is None:
        yield from cancelled(state, event, HANDOFF)
