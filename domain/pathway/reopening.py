"""Reopening: a journey that was closed by mistake goes on where it stood."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, CARE_TEAM, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part
from domain.pathway.obligation_changes import met, raised_within
from domain.plans import Actor
from domain.refusal import require
from domain.values import PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.corrections import DischargeCorrected
    from domain.pathway.funding import FundingResolved
    from domain.pathway.return_to_care import CareResumed
    from domain.state import JourneyState

part = Part("reopening")

SETTLE_REOPENING = ObligationKind(
    kind="settle-reopening",
    title="Decide how the journey that was reopened goes on",
    completable_by=tuple(dict.fromkeys((*CARE_TEAM, *ADMISSIONS))),
    priority=Priority.CLINICAL,
)


class JourneyReopened(BaseEvent):
    """The journey was closed by mistake."""

    type: Literal["journey.reopened"] = "journey.reopened"
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The journey was reopened{said_by(self.by)}"


class ReopenJourney(
    Decision,
    label="Reopen the journey",
    by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    at=(Stage.CLOSED,),
    high_risk=True,
):
    """Record that the journey was closed by mistake: it goes on where it stood, and what was owed is owed again."""

    kind: Literal["reopen-journey"] = "reopen-journey"
    reason: Words = Field(description="How the mistake came about, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Until the end is final; from then on a new admission begins a new journey."""
        require_correctable(state)
        yield JourneyReopened(**when, reason=self.reason, by=self.by)


def require_correctable(state: JourneyState) -> None:
    """Refuses once the end is final."""
    require(
        state.closing.correctable_until is not None,
        "end-is-final",
        "The end of this journey is final. A new admission begins a new journey.",
    )


@part.consequence
def owe_a_decision(state: JourneyState, event: JourneyReopened) -> Iterator[BaseEvent]:
    """Nothing else may be owed there, and no open journey is without an owner."""
    yield raised_within(state, event, SETTLE_REOPENING, "reopening_business_days")


@part.consequence
def note_how_it_goes_on(
    state: JourneyState, event: DischargeCorrected | CareResumed | FundingResolved
) -> Iterator[BaseEvent]:
    """In care, or with another way to pay."""
    yield from met(state, event, SETTLE_REOPENING)
