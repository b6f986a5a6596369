"""Closing: nothing more is owed to the client on this journey.

An end that a person decided can be taken back for some days, since it may be a mistake. Then it is final.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.events import BaseEvent, EventContext
from domain.part import Part, Slice
from domain.pathway import discharge, follow_up, reopening, return_to_care
from domain.plans import FundingRoute
from domain.values import Instant
from domain.wording import moment

if TYPE_CHECKING:
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.death import DeathCorrected, DeathReviewed
    from domain.pathway.follow_up import FollowUpEnded
    from domain.pathway.funding import FundingResolved
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.pathway.reopening import JourneyReopened
    from domain.pathway.withdrawal import WithdrawalCompleted, WithdrawalTakenBack
    from domain.state import JourneyState

part = Part("closing")


class Closing(Slice):
    """The end of the journey.

    Attributes:
        closed_at: When it was closed; None if it was not, or ended in another way.
        correctable_until: Until when the end can be taken back; None while there is none, and once it is final.
    """

    closed_at: Instant | None = None
    correctable_until: Instant | None = None

    def moments(self) -> Iterator[Instant]:
        """When the end becomes final."""
        if self.correctable_until is not None:
            yield self.correctable_until

    def pass_time(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """From then on a return is a new journey."""
        if self.correctable_until is not None and self.correctable_until <= when["at"]:
            yield JourneyFinal(**when)


class JourneyClosed(BaseEvent):
    """Nothing more is owed to the client on this journey."""

    type: Literal["journey.closed"] = "journey.closed"
    reason: str

    def _sentence(self) -> str:
        return f"Journey closed: {self.reason}"


_BEFORE_CLOSING = (
    follow_up.EARLY_FOLLOW_UP.kind,
    follow_up.FOLLOW_UP.kind,
    discharge.DELIVER_DISCHARGE_PLAN.kind,
    reopening.SETTLE_REOPENING.kind,
    return_to_care.DECIDE_RETURN.kind,
)
"""What is owed to a client who was discharged."""


class JourneyEnded(BaseEvent):
    """The journey has ended, and until then that can be taken back."""

    news: ClassVar[bool] = False

    type: Literal["journey.ended"] = "journey.ended"
    correctable_until: Instant

    def _sentence(self) -> str:
        return f"Ended; a mistake can be corrected until {moment(self.correctable_until)}"


class JourneyFinal(BaseEvent):
    """The end can no longer be taken back."""

    news: ClassVar[bool] = False

    type: Literal["journey.final"] = "journey.final"

    def _sentence(self) -> str:
        return "The end is final; a return begins a new journey"


@part.evolves
def close(state: JourneyState, event: JourneyClosed) -> Closing:
    """Nothing is owed any more."""
    return Closing(closed_at=event.at)


@part.evolves
def let_it_be_corrected(state: JourneyState, event: JourneyEnded) -> Closing:
    """Until then."""
    return state.closing.changed(correctable_until=event.correctable_until)


@part.evolves
def make_final(state: JourneyState, event: JourneyFinal) -> Closing:
    """A return is a new journey."""
    return state.closing.changed(correctable_until=None)


@part.evolves
def go_on(state: JourneyState, event: JourneyReopened | WithdrawalTakenBack | DeathCorrected) -> Closing:
    """The end was a mistake."""
    return Closing()


@part.consequence
def leave_time_to_correct(
    state: JourneyState, event: JourneyClosed | WithdrawalCompleted | DeathReviewed
) -> Iterator[BaseEvent]:
    """An admission cancelled at its source is final at once: the source sends another."""
    until = state.policy.counted("end_correction_days", since=event.at).due_at(state.calendar)
    yield JourneyEnded(**event.context, correctable_until=until)


@part.consequence
def close_with_a_referral(state: JourneyState, event: FundingResolved) -> Iterator[BaseEvent]:
    """Care is given elsewhere."""
    if event.route is FundingRoute.REFERRED_OUT:
        yield JourneyClosed(**event.context, reason="referred-out")


@part.consequence
def close_after_the_last_follow_up(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """Met or waived; a client in a crisis is not left alone."""
    if event.kind in _BEFORE_CLOSING and _is_followed_up(state):
        was_met = event.type == "obligation.met"
        yield JourneyClosed(**event.context, reason=_why(state, "followed-up" if was_met else "follow-up-waived"))


@part.consequence
def close_after_the_last_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """Every follow-up was done while it lasted."""
    if _is_followed_up(state):
        yield JourneyClosed(**event.context, reason=_why(state, "followed-up"))


@part.consequence
def close_without_further_contact(state: JourneyState, event: FollowUpEnded) -> Iterator[BaseEvent]:
    """As the client wished, once they have their plan and no admission of theirs is left to look into."""
    if not state.open_of(discharge.DELIVER_DISCHARGE_PLAN.kind, return_to_care.DECIDE_RETURN.kind):
        yield JourneyClosed(**event.context, reason=event.reason.value)


def _why(state: JourneyState, otherwise: str) -> str:
    return state.follow_up.ended.value if state.follow_up.ended else otherwise


def _is_followed_up(state: JourneyState) -> bool:
    owed = state.open_of(*_BEFORE_CLOSING)
    return state.discharge.discharged and not owed and state.crisis.current is None
