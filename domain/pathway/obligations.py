"""Obligations acknowledged, completed or waived by a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.catalogue import CATALOGUE
from domain.clock import after_hours
from domain.commands import EVERY_STAGE, EVERYONE, Decision, Occasion
from domain.obligations import Obligation, ObligationKind
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import Key, Stage, Words

_OBLIGATION = "The obligation's id, as `throughline journey` lists it."


class AcknowledgeObligation(Decision, label="Acknowledge an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Say that you have an obligation in hand: reminders pause for a while, the due time does not move."""

    kind: Literal["acknowledge-obligation"] = "acknowledge-obligation"
    obligation: Key = Field(description=_OBLIGATION)

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Those not told yet are told on time all the same."""
        owed = _owed(state, self.obligation)
        quiet_until = after_hours(when["at"], state.policy.acknowledged_hours)
        yield ev.ObligationAcknowledged(**when, obligation=owed.id, quiet_until=quiet_until, by=self.by)


class CompleteObligation(Decision, label="Complete an obligation", by=EVERYONE, at=EVERY_STAGE):
    """Record that what was owed was done outside this system, also late."""

    kind: Literal["complete-obligation"] = "complete-obligation"
    obligation: Key = Field(description=_OBLIGATION)
    note: Words = Field(description="What was done, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Refused where a decision of its own ends it."""
        owed = _owed(state, self.obligation)
        require(
            CATALOGUE[owed.kind].by_hand,
            "has-its-own-decision",
            f"{owed.id} ends by its own decision: {CATALOGUE[owed.kind].title.lower()}.",
        )
        late = owed.is_overdue(when["at"])
        yield ev.ObligationMet(**when, obligation=owed.id, late=late, by=self.by, note=self.note)


class WaiveObligation(Decision, label="Waive an obligation", by=EVERYONE, at=EVERY_STAGE, high_risk=True):
    """Decide that an obligation need not be done, and say why."""

    kind: Literal["waive-obligation"] = "waive-obligation"
    obligation: Key = Field(description=_OBLIGATION)
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Never what keeps the journey moving; otherwise each kind says who may."""
        owed = _owed(state, self.obligation)
        duty = CATALOGUE[owed.kind]
        decided = owed.kind is ObligationKind.COMPLETE_DISCHARGE and state.stage is Stage.DISCHARGING
        require(
            bool(duty.waivable_by) and not decided,
            "not-waivable",
            f"{owed.id} keeps the journey moving and cannot be waived: {duty.title.lower()}.",
        )
        require(
            self.by.role in duty.waivable_by,
            "not-theirs-to-waive",
            f"{owed.id} can be waived by: {', '.join(duty.waivable_by)}. Ask one of them.",
        )
        yield ev.ObligationWaived(**when, obligation=owed.id, reason=self.reason, by=self.by)


def _owed(state: JourneyState, obligation_id: str) -> Obligation:
    owed = state.obligations.get(obligation_id)
    if owed is None:
        known = ", ".join(sorted(state.obligations)) or "none"
        raise Refused("no-such-obligation", f"That obligation is not open on this journey. Open: {known}.")
    return owed
