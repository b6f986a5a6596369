"""Funding: the way on from a plan that does not pay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from domain import events as ev
from domain.commands import ADMISSIONS, Decision, Occasion
from domain.plans import FundingRoute
from domain.state import JourneyState
from domain.values import Stage, Words


class ResolveFunding(Decision, label="Resolve funding", by=ADMISSIONS, at=(Stage.FUNDING_EXCEPTION,), high_risk=True):
    """Find a way on from a plan that does not pay: self-pay, sliding scale, other coverage, or a referral out."""

    kind: Literal["resolve-funding"] = "resolve-funding"
    route: FundingRoute = Field(description="The way on; a referral out closes the journey.")
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Whatever the route, a named person answers for it."""
        yield ev.FundingResolved(**when, route=self.route, reason=self.reason, by=self.by)
