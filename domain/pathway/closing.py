"""Closing: nothing more is owed to the client on this journey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.events import BaseEvent
from domain.part import Part, Slice
from domain.pathway import follow_up
from domain.plans import DischargeReason, FundingRoute
from domain.values import Instant

if TYPE_CHECKING:
    from domain.pathway.discharge import Discharged
    from domain.pathway.funding import FundingResolved
    from domain.pathway.obligations import ObligationMet, ObligationWaived
    from domain.state import JourneyState

part = Part("closing")


class Closing(Slice):
    """When the journey was closed."""

    closed_at: Instant | None = None


class JourneyClosed(BaseEvent):
    """Nothing more is owed to the client on this journey."""

    type: Literal["journey.closed"] = "journey.closed"
    reason: str

    def _sentence(self) -> str:
        return f"Journey closed: {self.reason}"


@part.evolves
def close(state: JourneyState, event: JourneyClosed) -> Closing:
    """For good; a return is a new journey."""
    return Closing(closed_at=event.at)


@part.consequence
def close_with_a_referral(state: JourneyState, event: FundingResolved) -> Iterator[BaseEvent]:
    """Care is given elsewhere."""
    if event.route is FundingRoute.REFERRED_OUT:
        yield JourneyClosed(**event.context, reason="referred-out")


@part.consequence
def close_with_a_death(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """No follow-up calls are owed."""
    if event.reason is DischargeReason.DECEASED:
        yield JourneyClosed(**event.context, reason="deceased")


@part.consequence
def close_after_the_last_follow_up(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """Met or waived."""
    if event.kind == follow_up.FOLLOW_UP.kind and not state.open_of(follow_up.FOLLOW_UP.kind):
        was_met = event.type == "obligation.met"
        yield JourneyClosed(**event.context, reason="followed-up" if was_met else "follow-up-waived")
