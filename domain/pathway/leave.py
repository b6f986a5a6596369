"""Leave of absence: the client is away for some days and keeps their place in care.

What waits meanwhile is in the policy, with `pauses_on_leave`. What the payer authorised runs on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised, raised_within, require_owed_by_then
from domain.plans import Actor
from domain.refusal import Refused, UnknownHere, require
from domain.values import CLINICAL, PrivateWords, Stage, Value, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareEnded
    from domain.pathway.corrections import DischargeCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.pathway.return_to_care import CareResumed
    from domain.state import JourneyState

part = Part("leave", optional=True)

RETURN_FROM_LEAVE = ObligationKind(
    kind="return-from-leave",
    title="See that the client is back from leave",
    ended_by="end-leave",
    priority=Priority.CLINICAL,
)


LEAVE_CONTACT = ObligationKind(
    kind="leave-contact",
    title="Ask the client on leave how they are",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class LeaveCategory(StrEnum):
    """What a leave is for."""

    MEDICAL = "medical"
    FAMILY = "family"
    PERSONAL = "personal"
    TRAVEL = "travel"


class LeaveTaken(Value):
    """A leave that is over.

    Attributes:
        since: The calendar day at the site on which it began.
        days: How many calendar days of leave it used up.
        reason: Why, as it was written; empty where it may not be read.
    """

    since: date
    days: int
    category: LeaveCategory | None = None
    reason: PrivateWords = ""

    @property
    def until(self) -> date:
        """The day of the return."""
        return self.since + timedelta(days=self.days)

    def in_words(self) -> str:
        """Without the reason."""
        sort = f"{self.category} leave" if self.category else "leave"
        return f"{sort} from {self.since} to {self.until}, {_days(self.days)}"


class Leave(Slice):
    """The leave the client is on, and those they had before in this episode.

    Attributes:
        until: The calendar day at the site on which they are expected back; None while they are not on leave.
        since: The calendar day on which it began.
        taken: The leaves before it, in their order.
        at_discharge: The day on which they were expected back when they were discharged, should that be a mistake.
    """

    until: date | None = None
    since: date | None = None
    category: LeaveCategory | None = None
    reason: PrivateWords = ""
    taken: tuple[LeaveTaken, ...] = ()
    at_discharge: date | None = None

    @property
    def days_before(self) -> int:
        """Calendar days of leave used before the present one."""
        return sum(each.days for each in self.taken)

    @property
    def planned(self) -> int:
        """Calendar days of the present leave until the day of the return."""
        return (self.until - self.since).days if self.until and self.since else 0

    def remaining(self, most: int) -> int:
        """How many days of leave are left of `most`, the present leave counted as planned."""
        return max(0, most - self.days_before - self.planned)

    def over(self, days: int) -> Leave:
        """After a return that used up so many days of the present leave."""
        if self.since is None:
            return Leave(taken=self.taken)
        last = LeaveTaken(since=self.since, days=days, category=self.category, reason=self.reason)
        return Leave(taken=(*self.taken, last))

    def is_away_between(self, first: date, last: date, today: date) -> bool:
        """Whether the client is on leave on any day from `first` to `last`, both included.

        The present leave goes on until today where nobody has recorded the return.
        """
        leaves = [(each.since, each.until) for each in self.taken if each.days > 0]
        if self.since and self.until:
            leaves.append((self.since, max(self.until, today + timedelta(days=1))))
        return any(since <= last and first < until for since, until in leaves)

    def without_words(self) -> Leave:
        """The same, without what a person wrote."""
        return self.changed(reason="", taken=tuple(each.changed(reason="") for each in self.taken))


def _days(days: int) -> str:
    return f"{days} day" if days == 1 else f"{days} days"


def days_left(state: JourneyState) -> int | None:
    """Days of leave left in this episode after the present one; None where this process lacks the journey's policy."""
    try:
        return state.leave.remaining(state.policy.leave_days_in_all)
    except UnknownHere:
        return None


def in_words(state: JourneyState) -> str | None:
    """What was taken and what is left in the episode; None where there never was a leave."""
    held, left = state.leave, days_left(state)
    if held.until is None and not held.taken:
        return None
    sort = f"{held.category} leave " if held.category else ""
    now = f"{sort}until {held.until}; " if held.until else ""
    return f"{now}{_days(held.days_before)} taken before" + (f", {left} left" if left is not None else "")


class LeaveStarted(BaseEvent):
    """The client is away until a calendar day at the site.

    Attributes:
        since: The calendar day on which it began.
        remaining: Days of leave that are left in this episode after it.
    """

    type: Literal["leave.started"] = "leave.started"
    until: date
    since: date | None = None
    category: LeaveCategory | None = None
    remaining: int | None = None
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        sort = f"{self.category.capitalize()} leave" if self.category else "On leave"
        left = f", {self.remaining} days of leave left" if self.remaining is not None else ""
        return f"{sort} until {self.until}{left}{said_by(self.by)}"


class LeaveEnded(BaseEvent):
    """The client is back.

    Attributes:
        days: How many calendar days they were away.
    """

    type: Literal["leave.ended"] = "leave.ended"
    days: int | None = None
    by: Actor

    def _sentence(self) -> str:
        away = f" after {self.days} days" if self.days else ""
        return f"Back from leave{away}{said_by(self.by)}"


class StartLeave(Decision, label="Start a leave", by=CARE_TEAM, at=(Stage.ACTIVE,)):
    """Record that the client is away for some days and keeps their place in care."""

    kind: Literal["start-leave"] = "start-leave"
    until: date = Field(description="The day on which the client is expected back, at the site, such as 2026-03-01.")
    category: LeaveCategory | None = Field(default=None, description="What it is for.")
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
        left = state.leave.remaining(state.policy.leave_days_in_all) - (self.until - first).days
        require(
            left >= 0,
            "no-leave-left",
            f"The client has {state.leave.remaining(state.policy.leave_days_in_all)} days of leave left in this "
            "episode. Name an earlier day, or discharge the client.",
        )
        yield LeaveStarted(
            **when,
            until=self.until,
            since=first,
            category=self.category,
            remaining=left,
            reason=self.reason,
            by=self.by,
        )


class EndLeave(Decision, label="Record the return from leave", by=CARE_TEAM, at=(Stage.ACTIVE, Stage.TRANSITION)):
    """Record that the client is back from leave."""

    kind: Literal["end-leave"] = "end-leave"

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Early or late."""
        if state.leave.until is None:
            raise Refused("not-on-leave", "The client is not on leave.")
        require_owed_by_then(state.open_of(RETURN_FROM_LEAVE.kind), when)
        since = state.leave.since
        days = (state.calendar.local_date(when["at"]) - since).days if since else None
        yield LeaveEnded(**when, days=days, by=self.by)


@part.evolves
def go_away(state: JourneyState, event: LeaveStarted) -> Leave:
    """Until the day named."""
    begun = {"until": event.until, "since": event.since, "category": event.category, "reason": event.reason}
    return state.leave.changed(**begun)


@part.evolves
def come_back(state: JourneyState, event: LeaveEnded) -> Leave:
    """The days they were away are used up, a leave that was shorter or longer than planned included."""
    return state.leave.over(event.days or 0)


@part.evolves
def leave_the_level(state: JourneyState, event: LevelOfCareEnded) -> Leave:
    """A client who leaves this level is no longer on leave from it; what was planned of it counts as used."""
    held = state.leave
    return held.over(held.planned) if held.until else held


@part.evolves
def leave_care(state: JourneyState, event: Discharged) -> Leave:
    """Nobody expects them back; what was planned of the leave counts as used, unless the discharge was a mistake."""
    held = state.leave
    if held.until is None:
        return held
    return held.changed(until=None, at_discharge=held.until, taken=held.over(held.planned).taken)


@part.evolves
def be_on_it_all_the_same(state: JourneyState, event: DischargeCorrected) -> Leave:
    """As if the client had not been discharged."""
    held = state.leave
    if held.at_discharge is None:
        return held
    before = held.taken[:-1] if held.since else held.taken
    return held.changed(until=held.at_discharge, at_discharge=None, taken=before)


@part.evolves
def come_back_to_care(state: JourneyState, event: CareResumed) -> Leave:
    """From a leave that the discharge ended."""
    return Leave(taken=state.leave.taken)


@part.consequence
def expect_the_client_back(state: JourneyState, event: LeaveStarted) -> Iterator[BaseEvent]:
    """When the day named is over."""
    yield raised(state, event, RETURN_FROM_LEAVE, Counted.named(event.until, since=event.at))


@part.consequence
def let_wait_what_the_policy_pauses(state: JourneyState, event: LeaveStarted) -> Iterator[BaseEvent]:
    """Until the client is back."""
    owed = (each for each in state.obligations.open.values() if suspension.pauses_on_leave(state, each))
    yield from suspension.paused(event, owed)


@part.consequence
def ask_how_they_are(
    state: JourneyState, event: LeaveStarted | ObligationMet | ObligationWaived
) -> Iterator[BaseEvent]:
    """Again and again, as long as they are away."""
    again = event.type == "leave.started" or getattr(event, "kind", None) == LEAVE_CONTACT.kind
    if again and state.leave.until is not None:
        yield raised_within(state, event, LEAVE_CONTACT, "leave_contact_days")


@part.consequence
def note_the_return(state: JourneyState, event: LeaveEnded) -> Iterator[BaseEvent]:
    """It was expected. Nobody has to ask any more how they are."""
    yield from met(state, event, RETURN_FROM_LEAVE)
    yield from cancelled(state, event, LEAVE_CONTACT)
    yield from suspension.no_longer_waiting(state, event, LEAVE_CONTACT)


@part.consequence
def expect_no_return_to_another_level(state: JourneyState, event: LevelOfCareEnded) -> Iterator[BaseEvent]:
    """The client is elsewhere. After a discharge it is kept in case that was a mistake."""
    if not state.discharge.discharged:
        yield from cancelled(state, event, RETURN_FROM_LEAVE, LEAVE_CONTACT)
        yield from suspension.no_longer_waiting(state, event, LEAVE_CONTACT)
