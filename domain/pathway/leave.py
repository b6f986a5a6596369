"""Leave of absence: the client is away for some days and keeps their place in care."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised, require_owed_by_then
from domain.plans import Actor
from domain.refusal import Refused, require
from domain.values import PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareEnded
    from domain.state import JourneyState

part = Part("leave", optional=True)

RETURN_FROM_LEAVE = ObligationKind(
    kind="return-from-leave",
    title="See that the client is back from leave",
    ended_by="end-leave",
    priority=Priority.CLINICAL,
)


class Leave(Slice):
    """The leave the client is on.

    Attributes:
        until: The calendar day at the site on which they are expected back; None while they are not on leave.
    """

    until: date | None = None


class LeaveStarted(BaseEvent):
    """The client is away until a calendar day at the site."""

    type: Literal["leave.started"] = "leave.started"
    until: date
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"On leave until {self.until}{said_by(self.by)}"


class LeaveEnded(BaseEvent):
    """The client is back."""

    type: Literal["leave.ended"] = "leave.ended"
    by: Actor

    def _sentence(self) -> str:
        return f"Back from leave{said_by(self.by)}"


class StartLeave(Decision, label="Start a leave", by=CARE_TEAM, at=(Stage.ACTIVE,)):
    """Record that the client is away for some days and keeps their place in care."""

    kind: Literal["start-leave"] = "start-leave"
    until: date = Field(description="The day on which the client is expected back, at the site, such as 2026-03-01.")
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """For as many days as the centre's policy allows, one leave at a time."""
        require_since_the_level_began(state, when)
        require(
            state.leave.until is None,
            "on-leave-already",
            f"The client is on leave until {state.leave.until}. Record their return first.",
        )
        first, most = state.calendar.local_date(when["at"]), state.policy.leave_days
        require(
            first < self.until <= first + timedelta(days=most),
            "leave-too-long",
            f"A leave lasts from 1 to {most} days. Name a day after {first}, {first + timedelta(days=most)} at the "
            "latest, or discharge the client.",
        )
        yield LeaveStarted(**when, until=self.until, reason=self.reason, by=self.by)


class EndLeave(Decision, label="Record the return from leave", by=CARE_TEAM, at=(Stage.ACTIVE, Stage.TRANSITION)):
    """Record that the client is back from leave."""

    kind: Literal["end-leave"] = "end-leave"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Early or late."""
        if state.leave.until is None:
            raise Refused("not-on-leave", "The client is not on leave.")
        require_owed_by_then(state.open_of(RETURN_FROM_LEAVE.kind), when)
        yield LeaveEnded(**when, by=self.by)


@part.evolves
def go_away(state: JourneyState, event: LeaveStarted) -> Leave:
    """Until the day named."""
    return Leave(until=event.until)


@part.evolves
def come_back(state: JourneyState, event: LeaveEnded | LevelOfCareEnded) -> Leave:
    """A client who leaves this level is no longer on leave from it."""
    return Leave()


@part.consequence
def expect_the_client_back(state: JourneyState, event: LeaveStarted) -> Iterator[BaseEvent]:
    """When the day named is over."""
    yield raised(state, event, RETURN_FROM_LEAVE, Counted.named(event.until, since=event.at))


@part.consequence
def note_the_return(state: JourneyState, event: LeaveEnded) -> Iterator[BaseEvent]:
    """It was expected."""
    yield from met(state, event, RETURN_FROM_LEAVE)


@part.consequence
def expect_no_return_to_another_level(state: JourneyState, event: LevelOfCareEnded) -> Iterator[BaseEvent]:
    """The client is elsewhere."""
    yield from cancelled(state, event, RETURN_FROM_LEAVE)
