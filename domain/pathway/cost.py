"""Cost: clear to the client before they enrol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.commands import ADMISSIONS, Decision, Occasion
from domain.refusal import Refused, require
from domain.state import JourneyState
from domain.values import Key, Stage, Words


class AcceptCost(Decision, label="Accept the cost", by=ADMISSIONS, at=(Stage.COST_REVIEW,)):
    """Record that the client accepted the latest estimate."""

    kind: Literal["accept-cost"] = "accept-cost"
    estimate: Key = Field(description="Id of the latest estimate, as the last decision showed it.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Only the latest estimate, and only one with a known range."""
        latest = state.estimate
        if latest is None or self.estimate != latest.id:
            current = latest.id if latest else "none yet"
            raise Refused(
                "estimate-outdated", f"That is not the latest estimate ({current}). Show the client that one."
            )
        require(
            latest.high is not None,
            "cost-unknown",
            "The payer's answer leaves the cost open. Ask it, record the benefits, and show the client the new "
            "estimate.",
        )
        yield ev.CostAccepted(**when, estimate=self.estimate, by=self.by)


class DeclineCost(Decision, label="Record that the cost was declined", by=ADMISSIONS, at=(Stage.COST_REVIEW,)):
    """Record that the client did not accept the estimate; another way to pay is looked for."""

    kind: Literal["decline-cost"] = "decline-cost"
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Back to funding: another way to pay, or a referral elsewhere."""
        estimate = state.estimate.id if state.estimate else "none"
        yield ev.CostDeclined(**when, estimate=estimate, reason=self.reason, by=self.by)
