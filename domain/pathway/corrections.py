"""Corrections: what was decided and is taken back, and what was recorded by mistake.

To withdraw is to think again: the decision stood until then. To correct is to say that it should never have been
recorded. Both take back what the decision raised, and leave it in the record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, AFTER_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.part import Part
from domain.pathway import first_visit, handoff, lost_place, moves, suspension, taper
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.place_search import give_up
from domain.plans import Actor, Direction
from domain.refusal import Refused, require
from domain.values import CLINICAL, LevelOfCare, PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.discharge import Discharged
    from domain.state import JourneyState

part = Part("corrections")

_REASON = "Why, for the record."


class DischargeWithdrawn(BaseEvent):
    """The decision to discharge was taken back; care goes on at the same level."""

    type: Literal["discharge.withdrawn"] = "discharge.withdrawn"
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The decision to discharge was taken back{said_by(self.by)}"


class TransitionWithdrawn(BaseEvent):
    """A clinician took the move back; the client stays where they are."""

    type: Literal["transition.withdrawn"] = "transition.withdrawn"
    number: int
    direction: Direction
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The step {self.direction} was withdrawn{said_by(self.by)}"


class EnrolmentCorrected(BaseEvent):
    """The enrolment was recorded by mistake: care has not begun."""

    type: Literal["enrolment.corrected"] = "enrolment.corrected"
    level: LevelOfCare
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The enrolment in {self.level} was a mistake: care has not begun{said_by(self.by)}"


class DischargeCorrected(BaseEvent):
    """The discharge was recorded by mistake: the client is in care at the level they had."""

    type: Literal["discharge.corrected"] = "discharge.corrected"
    level: LevelOfCare
    ours: bool
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The discharge was a mistake: care at {self.level} goes on{said_by(self.by)}"


class WithdrawDischarge(
    Decision, label="Take back the decision to discharge", by=CLINICAL, at=(Stage.DISCHARGING,), high_risk=True
):
    """Take back a review's decision to discharge; care goes on and the next review is owed."""

    kind: Literal["withdraw-discharge"] = "withdraw-discharge"
    reason: Words = Field(description=_REASON)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Until the client is discharged."""
        require_since_the_level_began(state, when)
        yield DischargeWithdrawn(**when, reason=self.reason, by=self.by)


class WithdrawMove(Decision, label="Withdraw a move", by=CLINICAL, at=(Stage.TRANSITION,), high_risk=True):
    """Take back a move that is under way; the client stays and is reviewed again soon."""

    kind: Literal["withdraw-move"] = "withdraw-move"
    reason: Words = Field(description=_REASON)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A place that is held, or found later, is given back."""
        move = state.moves.current
        if move is None:
            raise Refused("no-transition", f"No move is under way, so you cannot {self.declared.to}.")
        require_since_the_level_began(state, when)
        yield TransitionWithdrawn(**when, number=move.number, direction=move.direction, reason=self.reason, by=self.by)
        yield from give_up(move.hold_keys, when)


class CorrectEnrolment(
    Decision,
    label="Correct an enrolment",
    by=(*ADMISSIONS, *CLINICAL[:1]),
    at=(Stage.ENROLLED, Stage.ACTIVE),
    high_risk=True,
):
    """Record that an enrolment was recorded by mistake: care has not begun, and the client is still to be enrolled."""

    kind: Literal["correct-enrolment"] = "correct-enrolment"
    reason: Words = Field(description=_REASON)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Only while care is as the enrolment left it."""
        level, stays = state.enrolment.level or state.level, state.care.stays
        require(
            len(stays) <= 1 and state.moves.started == 0 and state.leave.until is None,
            "care-has-gone-on",
            "More has happened in care since the enrolment. Move or discharge the client instead.",
        )
        assert level is not None, "whoever is enrolled is so at a level"
        yield EnrolmentCorrected(**when, level=level, reason=self.reason, by=self.by)


class CorrectDischarge(Decision, label="Correct a discharge", by=CLINICAL, at=AFTER_CARE, high_risk=True):
    """Record that a discharge was recorded by mistake: care goes on at the level the client had."""

    kind: Literal["correct-discharge"] = "correct-discharge"
    reason: Words = Field(description=_REASON)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Contacts after discharge are no longer owed."""
        last = state.care.stays[-1]
        yield DischargeCorrected(**when, level=last.level, ours=last.ours, reason=self.reason, by=self.by)


@part.consequence
def keep_what_care_owes(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """Should it be a mistake. A move is not taken up again: the client is reviewed soon."""
    over = (moves.COMPLETE_STEP_UP, moves.COMPLETE_STEP_DOWN, moves.INTERIM_CONTACT, lost_place.REPLACE_PLACE)
    also = (kind for each in (handoff, first_visit, taper) for kind in each.ended_with_the_move(state))
    yield from suspension.paused(event, state.obligations.of_care(but=[kind.kind for kind in (*over, *also)]))
