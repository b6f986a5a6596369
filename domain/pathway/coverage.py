"""Coverage: what the payer says, or what admissions learnt from it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.benefits import Benefits, CostShare, Verdict
from domain.commands import Decision, Occasion
from domain.refusal import require
from domain.state import JourneyState
from domain.values import Role, Stage, Words


class RecordBenefits(
    Decision,
    label="Record benefits",
    by=(Role.ADMISSIONS, Role.UTILISATION_REVIEW),
    at=(Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING),
):
    """Record what the payer said, verified by hand; it counts like the payer's own answer."""

    kind: Literal["record-benefits"] = "record-benefits"
    verdict: Verdict = Field(description="What the payer will do.")
    cost_share: CostShare | None = Field(default=None, description="What the client pays, where the payer said.")
    note: Words = Field(description="What the payer said, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Only a final verdict counts."""
        require(
            self.verdict.is_covered or self.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED),
            "verdict-not-final",
            "Record what the payer finally said: covered, with its cost share, or inactive, or not covered.",
        )
        benefits = Benefits(verdict=self.verdict, reasons=("verified-by-hand",), cost_share=self.cost_share)
        yield ev.BenefitsAnswered(**when, benefits=benefits, by=self.by)
