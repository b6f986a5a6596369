"""Duties that wait while the client is away: they end with their cause, and are owed again once the client is back.

A crisis pauses what the policy marks with `pauses_in_crisis`, a leave what it marks with `pauses_on_leave`. A
withdrawal, a death, a discharge and the closing of a journey pause everything; it is kept here so that taking one back
owes again exactly what was owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.due_times import Counted
from domain.events import BaseEvent
from domain.obligation_terms import ObligationKind, Terms
from domain.obligations import Obligation
from domain.part import Part, Slice
from domain.pathway.obligation_changes import raised_within
from domain.pathway.obligation_events import ObligationCancelled, ObligationRaised, of
from domain.sites import Calendar, calendar_of
from domain.values import Value

if TYPE_CHECKING:
    from domain.pathway.care import LevelOfCareStarted
    from domain.pathway.closing import JourneyClosed
    from domain.pathway.corrections import DischargeCorrected
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.death import DeathCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.leave import LeaveEnded
    from domain.pathway.obligation_events import ObligationAssigned
    from domain.pathway.reopening import JourneyReopened
    from domain.pathway.return_to_care import CareResumed
    from domain.pathway.withdrawal import WithdrawalTakenBack
    from domain.state import JourneyState

part = Part("suspension")

AT_DISCHARGE = "client.discharged"
NO_MORE_CONTACT = "follow-up.ended"
_MISTAKES = {
    "client.died": "the death was recorded by mistake",
    AT_DISCHARGE: "the discharge is corrected",
    NO_MORE_CONTACT: "the journey is reopened",
    "journey.closed": "the journey is reopened",
}
"""What these paused is owed again only if that happens, as it was: the client was ours all along."""


class Paused(Value):
    """A duty that waits.

    Attributes:
        because: The type of the event that paused it.
        before: The one before, where the discharge found it waiting already.
        theirs_alone: Whether it was given to its person by itself, not with their role on the care team.
    """

    owed: Obligation
    because: str
    before: str | None = None
    theirs_alone: bool = False


class Suspension(Slice):
    """The duties that wait, in the order in which they were paused."""

    waiting: tuple[Paused, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of those that wait until the client is back, not only in case a discharge was a mistake."""
        return tuple(each.owed.id for each in self.waiting if each.because not in (AT_DISCHARGE, NO_MORE_CONTACT))

    def of(self, kind: ObligationKind) -> list[Obligation]:
        """Those of this kind."""
        return [each.owed for each in self.waiting if each.owed.kind == kind.kind]

    def of_person(self, person: str) -> list[Obligation]:
        """Those that were given to this person alone."""
        return [each.owed for each in self.waiting if each.theirs_alone and each.owed.assignee == person]


class DutiesPaused(BaseEvent):
    """These obligations wait until the client is back; each is cancelled with the same cause."""

    news: ClassVar[bool] = False
    bookkeeping: ClassVar[bool] = True

    type: Literal["duties.paused"] = "duties.paused"
    because: str
    obligations: tuple[str, ...]

    def _sentence(self) -> str:
        mistake = _MISTAKES.get(self.because)
        why = f"Kept in case {mistake}" if mistake else "Waiting until the client is back"
        return f"{why}: {', '.join(self.obligations)}"


class DutiesResumed(BaseEvent):
    """What had waited under these ids waits no longer: it is owed again under new ones, or not needed any more."""

    news: ClassVar[bool] = False
    bookkeeping: ClassVar[bool] = True

    type: Literal["duties.resumed"] = "duties.resumed"
    obligations: tuple[str, ...]

    def _sentence(self) -> str:
        return f"No longer waiting: {', '.join(self.obligations)}"


def paused(event: BaseEvent, these: Iterable[Obligation]) -> Iterator[BaseEvent]:
    """These wait from `event` on."""
    ids = tuple(owed.id for owed in sorted(these, key=lambda owed: (owed.due_at, owed.id)))
    if ids:
        yield DutiesPaused(**event.context, because=event.type, obligations=ids)


def no_longer_waiting(state: JourneyState, event: BaseEvent, *kinds: ObligationKind) -> Iterator[BaseEvent]:
    """What waits of these kinds will not be owed again: what it was for is over."""
    names = [kind.kind for kind in kinds]
    if over := tuple(each.owed.id for each in state.suspension.waiting if each.owed.kind in names):
        yield DutiesResumed(**event.context, obligations=over)


def owed_or_waiting(state: JourneyState, kind: ObligationKind) -> list[Obligation]:
    """What is owed of this kind now, and what will be once the client is back."""
    return [*state.open_of(kind.kind), *state.suspension.of(kind)]


def raised_unless_waiting(
    state: JourneyState, event: BaseEvent, kind: ObligationKind, number: str
) -> Iterator[BaseEvent]:
    """Something is owed within what the policy's number says; while the client is away it waits, once."""
    if not _waits_now(state, kind) or not state.suspension.of(kind):
        yield from raised_or_waiting(state, event, kind, raised_within(state, event, kind, number))


def raised_or_waiting(
    state: JourneyState, event: BaseEvent, kind: ObligationKind, raising: ObligationRaised
) -> Iterator[BaseEvent]:
    """What `raising` says is owed; while the client is away it waits."""
    yield raising
    if _waits_now(state, kind):
        yield from paused(event, (raising.obligation,))


@part.evolves
def keep_what_waits(state: JourneyState, event: DutiesPaused) -> Suspension:
    """As it was owed."""
    owed = (state.obligations.open[each] for each in event.obligations if each in state.obligations.open)
    more = tuple(_paused(state, each, event.because) for each in owed)
    return Suspension(waiting=(*state.suspension.waiting, *more))


def _paused(state: JourneyState, owed: Obligation, because: str) -> Paused:
    alone = owed.assignee not in (None, state.care_team.members.get(owed.owner))
    return Paused(owed=owed, because=because, theirs_alone=alone)


@part.evolves
def give_to_another(state: JourneyState, event: ObligationAssigned) -> Suspension:
    """What waits can be handed over too."""
    waiting = (
        each.changed(owed=each.owed.changed(assignee=event.assignee)) if each.owed.id == event.obligation else each
        for each in state.suspension.waiting
    )
    return Suspension(waiting=tuple(waiting))


@part.evolves
def wait_no_longer(state: JourneyState, event: DutiesResumed) -> Suspension:
    """It is owed again."""
    left = (each for each in state.suspension.waiting if each.owed.id not in event.obligations)
    return Suspension(waiting=tuple(left))


@part.evolves
def await_only_a_correction(state: JourneyState, event: Discharged) -> Suspension:
    """It belonged to care."""
    waiting = (each.changed(because=event.type, before=each.because) for each in state.suspension.waiting)
    return Suspension(waiting=tuple(waiting))


@part.evolves
def await_what_was_awaited(state: JourneyState, event: DischargeCorrected) -> Suspension:
    """The client's return from the crisis in which they are."""
    waiting = state.suspension.waiting
    return Suspension(waiting=tuple(each.changed(because=each.before or each.because, before=None) for each in waiting))


@part.evolves
def await_nothing(state: JourneyState, event: CareResumed) -> Suspension:
    """It belonged to the care before the discharge, which was no mistake."""
    return Suspension()


@part.consequence
def owe_nothing_once_closed(state: JourneyState, event: JourneyClosed) -> Iterator[BaseEvent]:
    """All but what a clinic system refused: that is owed on."""
    yield from paused(event, state.obligations.of_care())


@part.consequence
def owe_nothing_that_waits(state: JourneyState, event: DutiesPaused) -> Iterator[BaseEvent]:
    """Nobody is reminded of it."""
    for each in event.obligations:
        if owed := state.obligations.open.get(each):
            yield ObligationCancelled(**event.context, **of(owed), because=event.because)


@part.consequence
def owe_again(
    state: JourneyState,
    event: CrisisEnded
    | LeaveEnded
    | LevelOfCareStarted
    | WithdrawalTakenBack
    | DeathCorrected
    | DischargeCorrected
    | JourneyReopened,
) -> Iterator[BaseEvent]:
    """All that waited and that nothing else keeps waiting, unless it is owed anew already: by the person to whom it was
    given alone, else by those who have its role for the client by now.
    """
    back = [each for each in state.suspension.waiting if _is_back(state, each)]
    numbers = dict(state.obligations.raised)
    for each in back:
        if not state.open_of(each.owed.kind) and each.owed.kind in state.policy.obligations:
            numbers[each.owed.kind] = number = numbers.get(each.owed.kind, 0) + 1
            yield ObligationRaised(**event.context, obligation=_again(state, each, number, event))
    if back:
        yield DutiesResumed(**event.context, obligations=tuple(each.owed.id for each in back))


def _again(state: JourneyState, each: Paused, number: int, event: BaseEvent) -> Obligation:
    """As the `number`-th of its kind. After a mistake a waiver that still runs stays too."""
    owed, waiver = each.owed.again(number, event.at, *_counted(state, each, event)), each.owed.waiver
    if not each.theirs_alone:
        owed = owed.changed(assignee=state.care_team.members.get(owed.owner))
    runs = waiver is not None and waiver.ends_at is not None and event.at < waiver.ends_at
    return owed.changed(waiver=waiver) if runs and each.because in _MISTAKES else owed


def _counted(state: JourneyState, each: Paused, event: BaseEvent) -> tuple[Counted, Calendar]:
    """How it is counted, and by which calendar."""
    if each.because in _MISTAKES:
        return each.owed.counted, calendar_of(state.admission.site, each.owed.calendar)
    return each.owed.counted.anew(event.at), state.calendar


def _is_back(state: JourneyState, each: Paused) -> bool:
    if state.death.is_recorded or (state.discharge.discharged and each.because == AT_DISCHARGE):
        return False
    if state.follow_up.ended is not None and each.because == NO_MORE_CONTACT:
        return False
    if state.withdrawal.is_pending and each.because not in _MISTAKES:
        return False
    if state.leave.until is not None and pauses_on_leave(state, each.owed):
        return False
    return state.crisis.current is None or not pauses_in_crisis(state, each.owed)


def pauses_on_leave(state: JourneyState, owed: Obligation) -> bool:
    """Whether the policy has it wait while the client is on leave."""
    terms = _terms(state, owed)
    return terms is not None and terms.pauses_on_leave


def pauses_in_crisis(state: JourneyState, owed: Obligation) -> bool:
    """Whether the policy has it wait while the client is in an emergency department or in hospital."""
    terms = _terms(state, owed)
    return terms is not None and terms.pauses_in_crisis


def _waits_now(state: JourneyState, kind: ObligationKind) -> bool:
    terms = state.policy.obligations[kind.kind]
    on_leave, in_crisis = state.leave.until is not None, state.crisis.current is not None
    return (on_leave and terms.pauses_on_leave) or (in_crisis and terms.pauses_in_crisis)


def _terms(state: JourneyState, owed: Obligation) -> Terms | None:
    return state.policy.obligations.get(owed.kind)
