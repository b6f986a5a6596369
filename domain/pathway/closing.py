"""Closing: nothing more is owed to the client on this journey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.events import BaseEvent
from domain.part import Part, Slice
from domain.pathway import follow_up
from domain.plans import FundingRoute
from domain.values import Instant

if TYPE_CHECKING:
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.follow_up import FollowUpEnded
    from domain.pathway.funding import FundingResolved
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
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
def close_after_the_last_follow_up(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """Met or waived; a client in a crisis is not left alone."""
    if event.kind == follow_up.FOLLOW_UP.kind and _is_followed_up(state):
        was_met = event.type == "obligation.met"
        yield JourneyClosed(**event.context, reason="followed-up" if was_met else "follow-up-waived")


@part.consequence
def close_after_the_last_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """Every follow-up was done while it lasted."""
    if _is_followed_up(state):
        yield JourneyClosed(**event.context, reason="followed-up")


@part.consequence
def close_without_further_contact(state: JourneyState, event: FollowUpEnded) -> Iterator[BaseEvent]:
    """As the client wished."""
    yield JourneyClosed(**event.context, reason=event.reason.value)


def _is_followed_up(state: JourneyState) -> bool:
    owed = state.open_of(follow_up.FOLLOW_UP.kind)
    return state.discharge.discharged and not owed and state.crisis.current is None
