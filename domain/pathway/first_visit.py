"""The first visit at a new level: booked before the level before ends, and noticed within days where it is not kept.

A step-down owes the booking from its first day. An arrival confirmed on the day of the visit, or after it, says that it
was kept. Where none was booked, or the client arrived before it, a session in a later week shows that they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.clock import utc_day
from domain.commands import ADMISSIONS, CARE_TEAM, Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import suspension
from domain.pathway.obligation_changes import cancelled, met, raised, raised_within
from domain.pathway.obligation_events import ObligationRaised
from domain.plans import Actor, Direction
from domain.refusal import require
from domain.values import CLINICAL, Instant, Stage
from domain.wording import moment, said_by

if TYPE_CHECKING:
    from domain.pathway.attendance import AttendanceNoted
    from domain.pathway.corrections import TransitionWithdrawn
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.moves import TransitionCompleted, TransitionDeclined, TransitionStarted
    from domain.state import JourneyState

part = Part("first_visit", optional=True)

BOOK_FIRST_VISIT = ObligationKind(
    kind="book-first-visit",
    title="Book the first visit at the new level",
    ended_by="book-first-visit",
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
FIRST_VISIT = ObligationKind(
    kind="first-visit",
    title="See that the client comes to their first visit at the new level",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class FirstVisit(Slice):
    """The first visit of the last move.

    Attributes:
        booked_at: When it begins, as far as that is known.
        arrived_at: When the client arrived at the new level; None while they move.
        before: The one of the move before it, where that was still owed when this move began.
    """

    booked_at: Instant | None = None
    arrived_at: Instant | None = None
    before: FirstVisit | None = None


class FirstVisitBooked(BaseEvent):
    """The first visit at the new level is booked, or booked anew."""

    type: Literal["first-visit.booked"] = "first-visit.booked"
    first_visit_at: Instant
    by: Actor

    def _sentence(self) -> str:
        return f"First visit at the new level booked for {moment(self.first_visit_at)}{said_by(self.by)}"


class BookFirstVisit(
    Decision,
    label="Book the first visit at the new level",
    by=(*ADMISSIONS, *CARE_TEAM[:2]),
    at=(Stage.TRANSITION, Stage.ACTIVE),
):
    """Book the first visit at the level to which the client moves, or book it anew."""

    kind: Literal["book-first-visit"] = "book-first-visit"
    first_visit_at: Instant = Field(description="When the first visit begins.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """While the client moves, and until they came; also on leave."""
        require(
            state.moves.current is not None or bool(suspension.owed_or_waiting(state, FIRST_VISIT)),
            "no-first-visit",
            "No move is under way and no first visit is waited for, so there is none to book. Enter a session instead.",
        )
        require_ahead(self.first_visit_at, when)
        yield FirstVisitBooked(**when, first_visit_at=self.first_visit_at, by=self.by)


def require_ahead(at: Instant | None, when: EventContext) -> None:
    """Refuses to book a visit in the past."""
    require(
        at is None or at >= when["at"],
        "visit-in-the-past",
        "The first visit is still to come. Give a later time, or confirm the arrival if the client came.",
    )


def in_words(state: JourneyState) -> str | None:
    """When it is, while it is waited for or to be booked; else None."""
    held = state.first_visit
    if not state.open_of(FIRST_VISIT.kind, BOOK_FIRST_VISIT.kind):
        return None
    if held.booked_at is not None:
        return f"booked for {moment(held.booked_at)}"
    return "not known to be kept" if held.arrived_at else "not booked yet"


def ended_with_the_move(state: JourneyState) -> tuple[ObligationKind, ...]:
    """What is over where a client leaves care during a move."""
    return (BOOK_FIRST_VISIT,) if state.first_visit.arrived_at else (BOOK_FIRST_VISIT, FIRST_VISIT)


@part.evolves
def begin(state: JourneyState, event: TransitionStarted) -> FirstVisit:
    """It may be booked already. A move that this one replaces leaves the one before it as it was."""
    held, is_owed = state.first_visit, suspension.owed_or_waiting(state, FIRST_VISIT)
    if held.arrived_at is None:
        return FirstVisit(booked_at=event.first_visit_at, before=held.before)
    return FirstVisit(booked_at=event.first_visit_at, before=held.changed(before=None) if is_owed else None)


@part.evolves
def book(state: JourneyState, event: FirstVisitBooked) -> FirstVisit:
    """The last time holds."""
    return state.first_visit.changed(booked_at=event.first_visit_at)


@part.evolves
def arrive(state: JourneyState, event: TransitionCompleted) -> FirstVisit:
    """On the day of the visit, or before it."""
    return state.first_visit.changed(arrived_at=event.at, before=None)


@part.evolves
def await_the_one_before(state: JourneyState, event: TransitionDeclined | TransitionWithdrawn) -> FirstVisit:
    """The client stays at the level to which they moved before, and had not been seen there yet."""
    return state.first_visit.before or FirstVisit()


@part.consequence
def owe_the_visit(state: JourneyState, event: TransitionStarted) -> Iterator[BaseEvent]:
    """A step-down is booked before the level before ends. That of a move which this one replaces is over."""
    yield from _over(state, event)
    if event.first_visit_at is not None:
        expected = _expected(state, event, event.first_visit_at)
        yield from suspension.raised_or_waiting(state, event, FIRST_VISIT, expected)
    elif event.direction is Direction.DOWN:
        yield raised_within(state, event, BOOK_FIRST_VISIT, "first_visit_booking_business_days")


@part.consequence
def expect_the_client(state: JourneyState, event: FirstVisitBooked) -> Iterator[BaseEvent]:
    """On that day, and no longer on the one before."""
    yield from met(state, event, BOOK_FIRST_VISIT)
    yield from cancelled(state, event, FIRST_VISIT)
    yield from suspension.no_longer_waiting(state, event, FIRST_VISIT)
    yield from suspension.raised_or_waiting(state, event, FIRST_VISIT, _expected(state, event, event.first_visit_at))


@part.consequence
def expect_those_who_arrived(state: JourneyState, event: TransitionCompleted) -> Iterator[BaseEvent]:
    """Unless the arrival says that the visit was kept, or another facility sees to it."""
    yield from cancelled(state, event, BOOK_FIRST_VISIT)
    if _is_kept_by(state, event):
        yield from _kept(state, event)
    elif state.first_visit.booked_at is None:
        yield raised_within(state, event, FIRST_VISIT, "first_visit_days")


@part.consequence
def note_that_they_came(state: JourneyState, event: AttendanceNoted) -> Iterator[BaseEvent]:
    """In a later week than the arrival and the visit: a session in the same week may have been at the level before."""
    if _came_in_a_later_week(state):
        yield from _kept(state, event)


@part.consequence
def expect_nobody_in_hospital(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """In an emergency department the move goes on."""
    if event.level is not None:
        yield from _over(state, event)


@part.consequence
def expect_the_one_before(state: JourneyState, event: TransitionDeclined | TransitionWithdrawn) -> Iterator[BaseEvent]:
    """The client stays. What they still owed of the move before is owed again."""
    yield from _over(state, event)
    held = state.first_visit
    if held.arrived_at is None or not state.care.is_ours or _came_in_a_later_week(state):
        return
    if held.booked_at is not None and held.booked_at > event.at:
        raising = _expected(state, event, held.booked_at)
    else:
        raising = raised_within(state, event, FIRST_VISIT, "first_visit_days")
    yield from suspension.raised_or_waiting(state, event, FIRST_VISIT, raising)


def _came_in_a_later_week(state: JourneyState) -> bool:
    held, seen = state.first_visit, state.attendance.known.seen_week
    if held.arrived_at is None or seen is None:
        return False
    return seen > utc_day(max(held.arrived_at, held.booked_at or held.arrived_at))


def _is_kept_by(state: JourneyState, event: TransitionCompleted) -> bool:
    booked, day = state.first_visit.booked_at, state.calendar.local_date
    seen_here = state.policy.level(event.target).is_ours and "attendance" in state.policy.parts
    return not seen_here or (booked is not None and day(booked) <= day(event.at))


def _expected(state: JourneyState, event: BaseEvent, at: Instant) -> ObligationRaised:
    """On the day of the visit: its owner is reminded when the site opens on it."""
    counted = Counted.named(state.calendar.local_date(at), since=event.at).in_the_last(1)
    return raised(state, event, FIRST_VISIT, counted)


def _kept(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    yield from met(state, event, FIRST_VISIT)
    yield from suspension.no_longer_waiting(state, event, FIRST_VISIT)


def _over(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    yield from cancelled(state, event, BOOK_FIRST_VISIT, FIRST_VISIT)
    yield from suspension.no_longer_waiting(state, event, FIRST_VISIT)
