"""Obligations acknowledged, completed or waived by a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import after_hours
from domain.commands import EVERY_STAGE, EVERYONE, Decision
from domain.events import BaseEvent, EventContext
from domain.obligations import Obligation
from domain.part import Part
from domain.pathway import discharge
from domain.pathway.obligations import ObligationAcknowledged, ObligationMet, ObligationWaived, of, require_owed_by_then
from domain.refusal import require
from domain.values import Key, Stage, Words

if TYPE_CHECKING:
    from domain.state import JourneyState

part = Part("obligation_decisions")

_OBLIGATION = "The obligation's id, as `throughline journey` lists it."


class AcknowledgeObligation(Decision, label="Acknowledge an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Say that you have an obligation in hand: reminders pause for a while, the due time does not move."""

    kind: Literal["acknowledge-obligation"] = "acknowledge-obligation"
    obligation: Key = Field(description=_OBLIGATION)

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """By its owner or one who was told, a limited number of times. Those not told yet are told all the same."""
        owed = _owed(state, self.obligation)
        terms = state.policy.obligations[owed.kind].acknowledgement
        require(
            self.by.id == owed.assignee or self.by.role in {*owed.told_roles(), *terms.also_by},
            "not-theirs-to-acknowledge",
            f"Only its owner ({owed.owner}) or one who was told can acknowledge {owed.id}. Ask one of them.",
        )
        require(
            owed.acknowledged_times < (terms.times or state.policy.acknowledged_times),
            "acknowledged-too-often",
            f"{owed.id} cannot be acknowledged again. Do it, or have it assigned to someone who can.",
        )
        quiet_until = after_hours(when["at"], terms.hours or state.policy.acknowledged_hours)
        at = owed.at_a_time_to_tell(quiet_until, state.calendar)
        yield ObligationAcknowledged(**when, **of(owed), quiet_until=at, by=self.by)


class CompleteObligation(Decision, label="Complete an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Record that what was owed was done outside this system, also late."""

    kind: Literal["complete-obligation"] = "complete-obligation"
    obligation: Key = Field(description=_OBLIGATION)
    note: Words = Field(description="What was done, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Refused where a decision of its own ends it."""
        owed = _owed(state, self.obligation)
        require(
            owed.by_hand,
            "has-its-own-decision",
            f"{owed.id} ends by its own decision: {owed.title.lower()}.",
        )
        require_owed_by_then([owed], when)
        late = owed.is_overdue(when["at"])
        yield ObligationMet(**when, **of(owed), late=late, by=self.by, note=self.note)


class WaiveObligation(Decision, label="Waive an obligation", by=EVERYONE, at=EVERY_STAGE, high_risk=True):
    """Decide that an obligation need not be done, and say why."""

    kind: Literal["waive-obligation"] = "waive-obligation"
    obligation: Key = Field(description=_OBLIGATION)
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Never what keeps the journey moving; otherwise each kind says who may."""
        owed = _owed(state, self.obligation)
        decided = owed.kind == discharge.COMPLETE_DISCHARGE.kind and state.stage is Stage.DISCHARGING
        require(
            bool(owed.waivable_by) and not decided,
            "not-waivable",
            f"{owed.id} keeps the journey moving and cannot be waived: {owed.title.lower()}.",
        )
        require(
            self.by.role in owed.waivable_by,
            "not-theirs-to-waive",
            f"{owed.id} can be waived by: {', '.join(owed.waivable_by)}. Ask one of them.",
        )
        yield ObligationWaived(**when, **of(owed), about=owed.about, reason=self.reason, by=self.by)


def _owed(state: JourneyState, obligation_id: str) -> Obligation:
    return state.obligations.the_open(obligation_id)
