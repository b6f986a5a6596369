"""Moves between levels of care: up within the policy's hours, down without a new admission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.clock import first_late_moment, is_late
from domain.commands import CARE_TEAM
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import cancelled, met, raised, told_as_it_is_raised
from domain.pathway.obligation_events import ObligationRaised
from domain.pathway.place_check import check
from domain.pathway.place_search import next_search, search
from domain.plans import Actor, Direction, Transition
from domain.refusal import Refused
from domain.values import CLINICAL, Instant, LevelOfCare, PrivateWords, Role
from domain.wording import moment, said_by

if TYPE_CHECKING:
    from domain.pathway.admission import AdmissionCancelled
    from domain.pathway.care import LevelOfCareStarted
    from domain.pathway.corrections import TransitionWithdrawn
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.death import ClientDied, DeathCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.obligation_events import ObligationMet, ObligationMoved, ObligationWaived
    from domain.pathway.place_search import NoPlaceFound
    from domain.state import JourneyState

part = Part("moves")

COMPLETE_STEP_UP = ObligationKind(
    kind="complete-step-up", ended_by="confirm-arrival", title="Complete the step-up", priority=Priority.SAFETY
)
INTERIM_CONTACT = ObligationKind(
    kind="interim-contact",
    title="Contact the client until they arrive",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.SAFETY,
)
COMPLETE_STEP_DOWN = ObligationKind(
    kind="complete-step-down", title="Complete the step-down", ended_by="confirm-arrival", priority=Priority.CLINICAL
)


class Moves(Slice):
    """The move under way.

    Attributes:
        started: How many were ever started, to number the next.
        place_in_use: Key of the held place in which the client now is; given back when they leave.
    """

    started: int = 0
    current: Transition | None = None
    place_in_use: str | None = None

    def moments(self) -> Iterator[Instant]:
        """The next search for a place or question about the one held, and when a step-up is due."""
        move = self.current
        if move:
            yield from next_search(move)
        if move and move.next_check_at:
            yield move.next_check_at
        if move and self._window_runs():
            yield first_late_moment(move.due_at)

    def pass_time(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A step-up is missed, the search goes on, and it is asked whether a held place is still there."""
        move = self.current
        if move and self._window_runs() and is_late(move.due_at, when["at"]):
            yield StepUpWindowMissed(**when, due_at=move.due_at)
        if move and any(again <= when["at"] for again in next_search(move)):
            yield search(state, move, when)
        if move and move.next_check_at and move.next_check_at <= when["at"]:
            yield from check(state, move, when)

    def _window_runs(self) -> bool:
        move = self.current
        return move is not None and move.direction is Direction.UP and not move.window_missed


class TransitionStarted(BaseEvent):
    """A clinician decided a move. Up: due in elapsed hours. Down: in calendar days.

    Attributes:
        first_visit_at: When the first visit at the new level is booked, if it is.
    """

    type: Literal["transition.started"] = "transition.started"
    number: int
    direction: Direction
    origin: LevelOfCare
    target: LevelOfCare
    due_at: Instant
    reason: PrivateWords
    first_visit_at: Instant | None = None
    by: Actor

    def _sentence(self) -> str:
        visit = f", first visit {moment(self.first_visit_at)}" if self.first_visit_at else ""
        due = f"due {moment(self.due_at)}"
        return f"Step {self.direction} {self.origin} → {self.target}, {due}{visit}{said_by(self.by)}"


class StepUpWindowMissed(BaseEvent):
    """The time for a step-up went by without the move; the client is contacted until it happens."""

    type: Literal["step-up.window-missed"] = "step-up.window-missed"
    due_at: Instant

    def _sentence(self) -> str:
        return f"The step-up was due {moment(self.due_at)} and has not happened; the client is contacted until it does"


class TransitionCompleted(BaseEvent):
    """The client arrived at the new level.

    Attributes:
        facility: Where a place was held for them. Before 2026-11-27 also what a person wrote.
        elsewhere: Who took them in instead, as a person wrote it.
    """

    type: Literal["transition.completed"] = "transition.completed"
    number: int
    origin: LevelOfCare
    target: LevelOfCare
    facility: str | None = None
    elsewhere: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        where = "at another facility" if self.elsewhere else self.facility
        return f"Arrived at {self.target}" + (f", {where}" if where else "") + said_by(self.by)


class TransitionDeclined(BaseEvent):
    """The client declined the move and stays where they are; reviewed again soon."""

    type: Literal["transition.declined"] = "transition.declined"
    number: int
    reason: PrivateWords
    safety_plan_reviewed: bool
    by: Actor

    def _sentence(self) -> str:
        return f"The client declined the move{said_by(self.by)}"


def require_since_the_level_began(state: JourneyState, when: EventContext) -> None:
    """Refuses what is said to have happened before the client came to their present level of care."""
    since = state.level_since
    if since is not None and when["at"] < since:
        raise Refused(
            "before-this-level",
            f"The client came to {state.level} at {since:%Y-%m-%d %H:%M} UTC. Give a time after that.",
        )


def time_for(state: JourneyState, direction: Direction, since: Instant) -> Counted:
    """How long a move may take: up in elapsed hours, down in calendar days."""
    if direction is Direction.UP:
        return state.policy.counted("step_up_hours", since)
    return state.policy.counted("step_down_days", since)


@part.evolves
def start(state: JourneyState, event: TransitionStarted) -> Moves:
    """It replaces one under way."""
    move = Transition(
        number=event.number,
        direction=event.direction,
        origin=event.origin,
        target=event.target,
        due_at=event.due_at,
    )
    return state.moves.changed(current=move, started=event.number)


@part.evolves
def move_its_end(state: JourneyState, event: ObligationMoved) -> Moves:
    """With what is owed."""
    move = state.moves.current
    if move is None or event.kind != COMPLETE_STEP_DOWN.kind:
        return state.moves
    return state.moves.changed(current=move.changed(due_at=event.due_at))


@part.evolves
def miss_the_window(state: JourneyState, event: StepUpWindowMissed) -> Moves:
    """Once."""
    move = state.moves.current
    return state.moves.changed(current=move.changed(window_missed=True)) if move else state.moves


@part.evolves
def take_the_place(state: JourneyState, event: TransitionCompleted) -> Moves:
    """It is now in use, unless the client went elsewhere. The move ends with the start of care at the new level."""
    move = state.moves.current
    taken = move is not None and move.place is not None and move.place == event.facility
    return state.moves.changed(place_in_use=move.held_key) if move and taken else state.moves


@part.evolves
def arrive(state: JourneyState, event: LevelOfCareStarted) -> Moves:
    """The move is over."""
    return state.moves.changed(current=None)


@part.evolves
def stop_moving(state: JourneyState, event: TransitionDeclined | TransitionWithdrawn | Discharged) -> Moves:
    """The client stays, or leaves."""
    return state.moves.changed(current=None)


@part.evolves
def stop_with_the_admission(state: JourneyState, event: AdmissionCancelled) -> Moves:
    """Unless a person decides."""
    return state.moves if event.person_decides else state.moves.changed(current=None)


@part.evolves
def stop_in_a_crisis(state: JourneyState, event: CrisisRecorded) -> Moves:
    """A client who is admitted to a hospital moves nowhere else."""
    return state.moves if event.level is None else state.moves.changed(current=None)


@part.evolves
def stop_with_the_death(state: JourneyState, event: ClientDied) -> Moves:
    """The death keeps the move, should it be a mistake."""
    return state.moves.changed(current=None)


@part.evolves
def move_on_after_a_mistake(state: JourneyState, event: DeathCorrected) -> Moves:
    """Under a new number and with a new search at once: the place was given back."""
    move, number = state.death.move, state.moves.started + 1
    if move is None:
        return state.moves
    again = Transition(
        number=number,
        direction=move.direction,
        origin=move.origin,
        target=move.target,
        due_at=move.due_at,
        next_search_at=event.at if move.searched_key is not None else None,
        lost=move.lost,
        window_missed=move.window_missed,
    )
    return state.moves.changed(current=again, started=number)


@part.consequence
def owe_the_move(state: JourneyState, event: TransitionStarted, now: Instant) -> Iterator[BaseEvent]:
    """A step-up to another facility's level looks for its place at once, also where it is typed in late."""
    yield from cancelled(state, event, COMPLETE_STEP_UP, COMPLETE_STEP_DOWN)
    counted = time_for(state, event.direction, event.at)
    if event.direction is Direction.DOWN:
        yield raised(state, event, COMPLETE_STEP_DOWN, counted)
        return
    target = state.policy.level(event.target)
    yield raised(state, event, COMPLETE_STEP_UP, counted, at_once=target.tell_at_once)
    if state.moves.current is not None and not target.is_ours:
        yield search(state, state.moves.current, EventContext(at=now, cause=event.cause))


@part.consequence
def contact_the_client(state: JourneyState, event: NoPlaceFound) -> Iterator[BaseEvent]:
    """The client hears from us as soon as it is clear that they must wait."""
    if not state.open_of(INTERIM_CONTACT.kind):
        yield contact(state, event, "first_contact_hours")


@part.consequence
def contact_the_client_who_has_not_arrived(state: JourneyState, event: StepUpWindowMissed) -> Iterator[BaseEvent]:
    """At the latest once the window is missed, also where a place is held or none is needed."""
    if not state.open_of(INTERIM_CONTACT.kind):
        owed = contact(state, event, "first_contact_hours")
        yield owed
        if state.obligations.waiver_of(INTERIM_CONTACT.kind, event.at) is None:
            yield from told_as_it_is_raised(state, owed)


@part.consequence
def contact_the_client_again(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """Again and again, until the client arrives."""
    move = state.moves.current
    if event.kind == INTERIM_CONTACT.kind and move and move.direction is Direction.UP:
        yield contact(state, event, "interim_contact_hours")


@part.consequence
def note_the_arrival(state: JourneyState, event: TransitionCompleted) -> Iterator[BaseEvent]:
    """What was owed until then is done."""
    yield from met(state, event, COMPLETE_STEP_UP, COMPLETE_STEP_DOWN)
    yield from cancelled(state, event, INTERIM_CONTACT)


@part.consequence
def owe_no_move_in_hospital(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """The crisis overtook it."""
    if event.level is not None:
        yield from cancelled(state, event, COMPLETE_STEP_UP, COMPLETE_STEP_DOWN, INTERIM_CONTACT)


@part.consequence
def owe_no_such_move(state: JourneyState, event: TransitionDeclined | TransitionWithdrawn) -> Iterator[BaseEvent]:
    """The client stays."""
    yield from cancelled(state, event, COMPLETE_STEP_UP, COMPLETE_STEP_DOWN, INTERIM_CONTACT)


def contact(state: JourneyState, event: BaseEvent, number: str, at_once: tuple[Role, ...] = ()) -> ObligationRaised:
    """A contact with the client is owed within the hours of the policy's number; those in `at_once` are paged now."""
    return raised(state, event, INTERIM_CONTACT, state.policy.counted(number, since=event.at), at_once=at_once)
