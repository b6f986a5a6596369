"""Placement: a clinician decides where care starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import screening
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.plans import Actor
from domain.refusal import require
from domain.values import CLINICAL, LevelOfCare, PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.cost import CostDeclined
    from domain.pathway.coverage import BenefitsAnswered
    from domain.pathway.funding import FundingResolved
    from domain.state import JourneyState

part = Part("placement")

DECIDE_PLACEMENT = ObligationKind(
    kind="decide-placement", ended_by="decide-placement", title="Decide the level of care", priority=Priority.CLINICAL
)


class Placement(Slice):
    """Where care is to start; None until a clinician decided."""

    level: LevelOfCare | None = None


class PlacementDecided(BaseEvent):
    """A clinician decided where care starts; `instead_of` is the level decided before, if there was one."""

    type: Literal["placement.decided"] = "placement.decided"
    recommended: LevelOfCare
    actual: LevelOfCare
    variance: PrivateWords | None
    instrument: PrivateWords | None
    instead_of: LevelOfCare | None = None
    by: Actor

    @property
    def changes_the_level(self) -> bool:
        """Whether what was asked and accepted for the level before no longer counts."""
        return self.actual != self.instead_of

    def _sentence(self) -> str:
        return (
            f"Level of care decided: {self.actual}"
            + (f" instead of {self.instead_of}" if self.instead_of and self.changes_the_level else "")
            + (f" (recommended {self.recommended})" if self.actual != self.recommended else "")
            + said_by(self.by)
        )


class DecidePlacement(
    Decision,
    label="Decide the level of care",
    by=CLINICAL,
    at=(Stage.PLACEMENT, Stage.FUNDING_EXCEPTION, Stage.COST_REVIEW, Stage.ENROLLING, Stage.WAITLISTED),
    high_risk=True,
):
    """Decide at which level care starts; until care begins it can be decided again."""

    kind: Literal["decide-placement"] = "decide-placement"
    recommended: LevelOfCare = Field(description="What the assessment recommends.")
    actual: LevelOfCare = Field(description="Where care starts.")
    variance: Words | None = Field(default=None, description="Why the two differ; needed where they do.")
    instrument: Words | None = Field(default=None, description="The assessment used.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A difference from the recommendation needs its reason. While funding is sought, only another level helps."""
        require(
            state.stage is not Stage.FUNDING_EXCEPTION or state.placement.level is not None,
            "funding-first",
            "It is not known yet who pays for care. Resolve the funding, then decide the level of care.",
        )
        screening.require_screened(state)
        require(
            state.policy.level(self.actual).is_ours,
            "level-not-ours",
            f"{self.actual} is given elsewhere. Place the client at {state.policy.ours()} and request a step-up, or "
            "refer out.",
        )
        state.policy.level(self.recommended)
        require(
            self.actual == self.recommended or self.variance is not None,
            "variance-missing",
            "The level differs from the recommendation: say why.",
        )
        yield PlacementDecided(
            **when,
            recommended=self.recommended,
            actual=self.actual,
            variance=self.variance,
            instrument=self.instrument,
            instead_of=state.placement.level,
            by=self.by,
        )


@part.evolves
def place(state: JourneyState, event: PlacementDecided) -> Placement:
    """At the level decided."""
    return Placement(level=event.actual)


@part.consequence
def ask_for_a_placement(state: JourneyState, event: BenefitsAnswered | FundingResolved) -> Iterator[BaseEvent]:
    """Once it is clear who pays; while that is looked for, no placement is owed."""
    if state.stage is Stage.FUNDING_EXCEPTION:
        yield from cancelled(state, event, DECIDE_PLACEMENT)
    elif state.stage is Stage.PLACEMENT and not state.open_of(DECIDE_PLACEMENT.kind):
        yield raised_within(state, event, DECIDE_PLACEMENT, "placement_business_days")


@part.consequence
def owe_no_placement_without_funding(state: JourneyState, event: CostDeclined) -> Iterator[BaseEvent]:
    """Funding comes first."""
    yield from cancelled(state, event, DECIDE_PLACEMENT)


@part.consequence
def note_the_placement(state: JourneyState, event: PlacementDecided) -> Iterator[BaseEvent]:
    """It was owed."""
    yield from met(state, event, DECIDE_PLACEMENT)
