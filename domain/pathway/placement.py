"""Placement: a clinician decides where care starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.commands import Decision, Occasion
from domain.refusal import require
from domain.state import JourneyState
from domain.values import CLINICAL, LevelOfCare, Stage, Words


class DecidePlacement(Decision, label="Decide the level of care", by=CLINICAL, at=(Stage.PLACEMENT,), high_risk=True):
    """Decide where care starts, OP or IOP."""

    kind: Literal["decide-placement"] = "decide-placement"
    recommended: LevelOfCare = Field(description="What the assessment recommends.")
    actual: LevelOfCare = Field(description="Where care starts.")
    variance: Words | None = Field(default=None, description="Why the two differ; needed where they do.")
    instrument: Words | None = Field(default=None, description="The assessment used.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """A difference from the recommendation needs its reason."""
        require(
            self.actual.is_ours,
            "level-not-ours",
            f"{self.actual} is given elsewhere. Place the client at OP or IOP and request a step-up, or refer out.",
        )
        require(
            self.actual == self.recommended or self.variance is not None,
            "variance-missing",
            "The level differs from the recommendation: say why.",
        )
        yield ev.PlacementDecided(
            **when,
            recommended=self.recommended,
            actual=self.actual,
            variance=self.variance,
            instrument=self.instrument,
            by=self.by,
        )
