"""A taper: after a step-down the client still comes to some sessions of the level before, until a day named.

They are at the gentler level; when the day is there, somebody asks whether the taper can end, or plans a later day.
"""

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
from domain.pathway.obligation_changes import cancelled, raised
from domain.plans import Actor, Direction
from domain.refusal import Refused, require
from domain.values import CLINICAL, LevelOfCare, Stage
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.corrections import TransitionWithdrawn
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.moves import TransitionCompleted, TransitionDeclined, TransitionStarted
    from domain.state import JourneyState

part = Part("taper", optional=True)

END_TAPER = ObligationKind(
    kind="end-taper",
    title="Ask whether the taper can end, or plan a later day",
    completable_by=CARE_TEAM,
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)


class Taper(Slice):
    """The taper of the last step-down.

    Attributes:
        level: The level to whose sessions the client still comes.
        until: The day at the site on which it is asked whether that can end.
        arrived: Whether the client is at the gentler level.
    """

    level: LevelOfCare | None = None
    until: date | None = None
    arrived: bool = False


class TaperPlanned(BaseEvent):
    """The client still comes to some sessions of the level before, until a calendar day at the site."""

    type: Literal["taper.planned"] = "taper.planned"
    level: LevelOfCare
    until: date
    by: Actor

    def _sentence(self) -> str:
        return f"Taper: some {self.level} sessions go on until {self.until}{said_by(self.by)}"


class PlanTaper(Decision, label="Plan a taper", by=CLINICAL, at=(Stage.TRANSITION, Stage.ACTIVE)):
    """Let the client come to some sessions of the level before after a step-down, or name another day for its end."""

    kind: Literal["plan-taper"] = "plan-taper"
    until: date = Field(description="The day on which it is asked whether it can end, at the site.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """During a step-down and after it."""
        yield from planned(state, _level_before(state), self.until, self.by, when)


def begun(state: JourneyState, to: LevelOfCare, until: date, by: Actor, when: EventContext) -> Iterator[TaperPlanned]:
    """With a step-down from the present level to another of ours."""
    require(
        part.name in state.policy.parts,
        "not-in-this-policy",
        "This client's policy has no taper. Leave out its day, or ask operations which policy applies.",
    )
    level = state.level if state.care.is_ours and state.policy.level(to).is_ours else None
    yield from planned(state, level, until, by, when)


def planned(
    state: JourneyState, level: LevelOfCare | None, until: date, by: Actor, when: EventContext
) -> Iterator[TaperPlanned]:
    """For as many days as the policy allows: from the arrival, or from now where the client has not arrived."""
    if level is None:
        raise Refused(
            "no-taper", "A taper goes with a step-down from one of our levels to another. Start such a step-down first."
        )
    arrived = state.level_since if state.level != level else None
    today, first = (state.calendar.local_date(at) for at in (when["at"], arrived or when["at"]))
    last = first + timedelta(days=state.policy.taper_days)
    require(
        today < until <= last,
        "taper-too-long",
        f"A taper lasts at most {state.policy.taper_days} days. Name a day after {today} and up to {last}, or end it.",
    )
    yield TaperPlanned(**when, level=level, until=until, by=by)


def in_words(state: JourneyState) -> str | None:
    """What goes on until when, while it does; else None."""
    held = state.taper
    return f"some {held.level} sessions until {held.until}" if state.open_of(END_TAPER.kind) else None


def ended_with_the_move(state: JourneyState) -> tuple[ObligationKind, ...]:
    """What is over where a client leaves care during a move."""
    return () if state.taper.arrived else (END_TAPER,)


def _level_before(state: JourneyState) -> LevelOfCare | None:
    """The level of ours that the client leaves or left for a gentler one of ours."""
    move, stays = state.moves.current, state.care.stays
    if move is not None:
        ours = state.care.is_ours and state.policy.level(move.target).is_ours
        return move.origin if ours and move.direction is Direction.DOWN else None
    if len(stays) < 2 or not (stays[-1].ours and stays[-2].ours):
        return None
    return stays[-2].level if state.policy.is_above(stays[-2].level, stays[-1].level) else None


@part.evolves
def plan(state: JourneyState, event: TaperPlanned) -> Taper:
    """The last day named holds."""
    return state.taper.changed(level=event.level, until=event.until)


@part.evolves
def begin(state: JourneyState, event: TransitionStarted) -> Taper:
    """That of an earlier move is over."""
    return Taper()


@part.evolves
def arrive(state: JourneyState, event: TransitionCompleted) -> Taper:
    """It goes on from here."""
    return state.taper.changed(arrived=True)


@part.consequence
def owe_its_end(state: JourneyState, event: TaperPlanned) -> Iterator[BaseEvent]:
    """On the day named, in place of one named before."""
    yield from cancelled(state, event, END_TAPER)
    yield raised(state, event, END_TAPER, Counted.named(event.until, since=event.at))


@part.consequence
def taper_no_longer(
    state: JourneyState, event: TransitionStarted | TransitionDeclined | TransitionWithdrawn | CrisisRecorded
) -> Iterator[BaseEvent]:
    """The client moves elsewhere, stays at the level before, or is in hospital."""
    if event.type != "crisis.recorded" or event.level is not None:
        yield from cancelled(state, event, END_TAPER)
