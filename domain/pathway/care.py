"""Care: the levels at which it is given, one after the other, here or by another facility."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from domain.due_times import Counted
from domain.events import BaseEvent
from domain.obligations import ObligationKind
from domain.part import Part, Slice
from domain.pathway.obligations import ObligationRaised, cancelled, raised
from domain.plans import Stay
from domain.values import CLINICAL, Instant, LevelOfCare

if TYPE_CHECKING:
    from domain.pathway.crisis import CrisisRecorded
    from domain.pathway.death import ClientDied, DeathCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.enrolment import Enrolled
    from domain.pathway.moves import TransitionCompleted
    from domain.pathway.obligations import ObligationMet, ObligationWaived
    from domain.state import JourneyState

part = Part("care")

EXTERNAL_CONTACT = ObligationKind(
    kind="external-contact", title="Contact the facility that has the client", by_hand=True, waivable_by=CLINICAL
)


class Care(Slice):
    """The levels of care so far, in order."""

    stays: tuple[Stay, ...] = ()

    @property
    def began(self) -> bool:
        """Whether any care was ever given on this journey."""
        return bool(self.stays)

    @property
    def level(self) -> LevelOfCare | None:
        """The level given now, or None before care and after it."""
        return self.stays[-1].level if self.stays and self.stays[-1].until is None else None

    @property
    def since(self) -> Instant | None:
        """When care at the present level began."""
        return self.stays[-1].since if self.level else None

    @property
    def is_ours(self) -> bool:
        """Whether the centre itself gives the present level."""
        return self.level is not None and self.stays[-1].ours


class LevelOfCareStarted(BaseEvent):
    """Care at a level began. `ours`: the centre itself gives it."""

    type: Literal["level.started"] = "level.started"
    level: LevelOfCare
    ours: bool

    def _sentence(self) -> str:
        return f"Care at {self.level} began"


class LevelOfCareEnded(BaseEvent):
    """Care at a level ended; always before the next level starts."""

    type: Literal["level.ended"] = "level.ended"
    level: LevelOfCare

    def _sentence(self) -> str:
        return f"Care at {self.level} ended"


@part.evolves
def start_a_stay(state: JourneyState, event: LevelOfCareStarted) -> Care:
    """One level at a time."""
    return Care(stays=(*state.care.stays, Stay(level=event.level, ours=event.ours, since=event.at)))


@part.evolves
def end_the_stay(state: JourneyState, event: LevelOfCareEnded) -> Care:
    """Before the next begins."""
    return _last(state, until=event.at)


@part.evolves
def end_with_the_death(state: JourneyState, event: ClientDied) -> Care:
    """At the level where the client was."""
    return _last(state, until=event.at) if event.level is not None else state.care


@part.evolves
def go_on_after_a_mistake(state: JourneyState, event: DeathCorrected) -> Care:
    """As if care had never stopped."""
    return _last(state, until=None) if event.level is not None else state.care


@part.consequence
def begin_with_the_enrolment(state: JourneyState, event: Enrolled) -> Iterator[BaseEvent]:
    """At the level decided."""
    yield _started(state, event, event.level)


@part.consequence
def change_with_the_move(state: JourneyState, event: TransitionCompleted) -> Iterator[BaseEvent]:
    """One level ends as the next begins."""
    yield LevelOfCareEnded(**event.context, level=event.origin)
    yield _started(state, event, event.target)


@part.consequence
def go_to_hospital(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """A client in our care who is admitted leaves our level for the hospital's."""
    if event.level is not None and state.level is not None:
        yield LevelOfCareEnded(**event.context, level=state.level)
        yield _started(state, event, event.level)


@part.consequence
def end_with_the_discharge(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """At the level where the client was."""
    if state.level is not None:
        yield LevelOfCareEnded(**event.context, level=state.level)


@part.consequence
def keep_in_touch_with_another_facility(state: JourneyState, event: LevelOfCareStarted) -> Iterator[BaseEvent]:
    """A client in someone else's care is still ours. In a crisis the return is owed instead."""
    if not event.ours and state.crisis.current is None:
        yield _contact(state, event)


@part.consequence
def stay_in_touch(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """One contact after the other for as long as they are there."""
    if event.kind == EXTERNAL_CONTACT.kind and state.level and not state.care.is_ours:
        yield _contact(state, event)


@part.consequence
def end_the_contacts(state: JourneyState, event: LevelOfCareEnded) -> Iterator[BaseEvent]:
    """The client is back, or elsewhere."""
    yield from cancelled(state, event, EXTERNAL_CONTACT)


def _last(state: JourneyState, until: Instant | None) -> Care:
    stays = state.care.stays
    return Care(stays=(*stays[:-1], stays[-1].changed(until=until))) if stays else state.care


def _started(state: JourneyState, event: BaseEvent, level: LevelOfCare) -> LevelOfCareStarted:
    return LevelOfCareStarted(**event.context, level=level, ours=state.policy.level(level).is_ours)


def _contact(state: JourneyState, event: BaseEvent) -> ObligationRaised:
    counted = Counted.calendar_days(state.policy.external_contact_days, since=event.at)
    return raised(state, event, EXTERNAL_CONTACT, counted)
