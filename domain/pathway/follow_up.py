"""Follow-up: contacts with the client after discharge."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import is_late
from domain.commands import AFTER_CARE, CARE_TEAM, Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.obligations import Obligation
from domain.part import Part, Slice
from domain.pathway import crisis, discharge, suspension
from domain.pathway.obligation_changes import cancel_these, cancelled, met, met_one, raised, raised_within
from domain.plans import Actor, Contact, DischargeReason
from domain.refusal import Refused, require
from domain.values import CLINICAL, Instant, PrivateWords, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.corrections import DischargeCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.reopening import JourneyReopened
    from domain.pathway.return_to_care import CareResumed
    from domain.state import JourneyState

part = Part("follow_up")

EARLY_FOLLOW_UP = ObligationKind(
    kind="early-follow-up",
    title="Contact the client in the first days after discharge",
    ended_by="record-follow-up",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
FOLLOW_UP = ObligationKind(
    kind="follow-up",
    title="Follow up after discharge",
    ended_by="record-follow-up",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class FollowUpEnd(StrEnum):
    """Why nobody contacts the client any more."""

    CONTACT_DECLINED = "contact-declined"
    MOVED_AWAY = "moved-away"
    CARE_ELSEWHERE = "care-elsewhere"


class FollowUp(Slice):
    """The contacts after discharge.

    Attributes:
        reached: Whether the client was reached.
        ended: Why nobody contacts the client any more; None while they are contacted.
    """

    reached: bool = False
    ended: FollowUpEnd | None = None


class FollowUpRecorded(BaseEvent):
    """A member of staff tried to reach the client after discharge."""

    type: Literal["follow-up.recorded"] = "follow-up.recorded"
    obligation: str
    contact: Contact
    by: Actor

    def _sentence(self) -> str:
        return f"Follow-up after discharge: {self.contact}{said_by(self.by)}"


class FollowUpEnded(BaseEvent):
    """The client is not contacted any more."""

    type: Literal["follow-up.ended"] = "follow-up.ended"
    reason: FollowUpEnd
    note: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Follow-up ended: {self.reason}{said_by(self.by)}"


class RecordFollowUp(Decision, label="Record a follow-up", by=CARE_TEAM, at=AFTER_CARE):
    """Record an attempt to reach the client after discharge."""

    kind: Literal["record-follow-up"] = "record-follow-up"
    contact: Contact = Field(description="Whether the client was reached.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """It counts for the last due time before it, else for the follow-up that is due next.

        Before that one's window opens it is refused: on record it would read as a follow-up that was made.
        """
        owed = _counts_for(state, when["at"])
        if owed is None:
            raise Refused("nothing-owed", "No follow-up is open on this journey.")
        require(
            owed.counts_on(state.calendar.local_date(when["at"])),
            "too-early",
            f"{owed.id} is met by a contact on or after {owed.counts_from}. Note this one elsewhere and call again "
            "then.",
        )
        yield FollowUpRecorded(**when, obligation=owed.id, contact=self.contact, by=self.by)


class EndFollowUp(Decision, label="End the follow-up", by=CARE_TEAM, at=AFTER_CARE, high_risk=True):
    """Record that the client wants no further contact, moved away or is cared for elsewhere.

    The journey closes, once the client's discharge plan is delivered or that is waived.
    """

    kind: Literal["end-follow-up"] = "end-follow-up"
    reason: FollowUpEnd = Field(description="Why nobody contacts the client any more.")
    note: Words = Field(description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Not while the client is in a crisis."""
        crisis.require_none(state)
        yield FollowUpEnded(**when, reason=self.reason, note=self.note, by=self.by)


def _counts_for(state: JourneyState, at: Instant) -> Obligation | None:
    """The first days have a contact of their own; one after them counts for a later follow-up."""
    in_time = [each for each in state.open_of(EARLY_FOLLOW_UP.kind) if not is_late(each.due_at, at)]
    if in_time:
        return in_time[0]
    owed = sorted(state.open_of(FOLLOW_UP.kind), key=lambda each: each.due_at)
    missed = [each for each in owed if is_late(each.due_at, at)]
    return missed[-1] if missed else next(iter(owed), None)


@part.evolves
def reach(state: JourneyState, event: FollowUpRecorded) -> FollowUp:
    """Once is enough to be in follow-up."""
    return state.follow_up.changed(reached=state.follow_up.reached or event.contact is Contact.REACHED)


@part.evolves
def stop(state: JourneyState, event: FollowUpEnded) -> FollowUp:
    """For good, unless the end was a mistake."""
    return state.follow_up.changed(ended=event.reason)


@part.evolves
def go_on(state: JourneyState, event: JourneyReopened) -> FollowUp:
    """It was a mistake."""
    return state.follow_up.changed(ended=None)


@part.evolves
def forget_the_contacts(state: JourneyState, event: DischargeCorrected | CareResumed) -> FollowUp:
    """The discharge never was, or the client is back."""
    return FollowUp()


@part.consequence
def owe_no_contacts_in_care(state: JourneyState, event: DischargeCorrected | CareResumed) -> Iterator[BaseEvent]:
    """The next discharge has its own."""
    yield from cancelled(state, event, EARLY_FOLLOW_UP, FOLLOW_UP)
    yield from suspension.no_longer_waiting(state, event, EARLY_FOLLOW_UP, FOLLOW_UP)


@part.consequence
def contact_nobody_who_wants_none(state: JourneyState, event: FollowUpEnded) -> Iterator[BaseEvent]:
    """Kept in case the end was a mistake."""
    yield from suspension.paused(event, state.open_of(EARLY_FOLLOW_UP.kind, FOLLOW_UP.kind))


@part.consequence
def owe_the_client_their_plan(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """As it stands, also with gaps. Like the contacts it is owed after all that belonged to care has ended."""
    yield raised_within(state, event, discharge.DELIVER_DISCHARGE_PLAN, "plan_delivery_business_days")


@part.consequence
def owe_contacts(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """The first counts from the day after (HEDIS FUH: not the same day), others from when the one before was due.

    A client who left against advice is contacted in the first days before all else.
    """
    early, left = state.policy.early_follow_up_days, event.reason is DischargeReason.AGAINST_ADVICE
    yield raised(
        state,
        event,
        EARLY_FOLLOW_UP.changed(priority=Priority.SAFETY) if left else EARLY_FOLLOW_UP,
        Counted.calendar_days(early, since=event.at, rule="early_follow_up_days").in_the_last(early),
    )
    first = early + 1
    for number, days in enumerate(state.policy.follow_up_days):
        counted = Counted.calendar_days(days, since=event.at, rule="follow_up_days").in_the_last(days - first + 1)
        yield raised(state, event, FOLLOW_UP, counted, after=number)
        first = days


@part.consequence
def note_the_contact(state: JourneyState, event: FollowUpRecorded) -> Iterator[BaseEvent]:
    """Only one in which the client was reached. Those due before the one it counts for can no longer be made."""
    owed = state.obligations.open.get(event.obligation)
    if owed is not None and event.contact is Contact.REACHED:
        earlier = [each for each in state.open_of(FOLLOW_UP.kind) if each.due_at < owed.due_at]
        yield from cancel_these(earlier, event)
        if owed.kind != EARLY_FOLLOW_UP.kind:
            yield from met(state, event, EARLY_FOLLOW_UP)
        yield met_one(owed, event, event.by)
