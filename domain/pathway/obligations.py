"""What a journey owes: kept as events say, told of as time passes, and cancelled when care ends.

Each part of the pathway declares its own kinds of obligations and raises them with `obligation_changes`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from domain.effects import Notify
from domain.events import BaseEvent, EventContext
from domain.obligations import Obligation, ObligationStatus, Waiver
from domain.part import Slice
from domain.pathway.obligation_changes import cancel_these, escalated, reopened, stands_for
from domain.pathway.obligation_events import (
    ObligationAcknowledged,
    ObligationAssigned,
    ObligationCancelled,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationRaised,
    ObligationReopened,
    ObligationWaived,
    Reopening,
    part,
)
from domain.refusal import Refused
from domain.values import Instant, Role

if TYPE_CHECKING:
    from domain.pathway.admission import AdmissionCancelled
    from domain.pathway.calls import EffectSettled
    from domain.pathway.discharge import Discharged
    from domain.pathway.withdrawal import WithdrawalCompleted
    from domain.state import JourneyState


class Obligations(Slice):
    """What is owed.

    Attributes:
        open: The open ones, by id. Ended ones are in the record.
        raised: How many of each kind were ever raised, to number the next.
        untold: Those that changed since the EHR last confirmed, by id, with the version that changed them.
        waived: Those waived for good whose waiver can still be undone, by id, each as it was.
        kinds_waived: Kinds that are waived until a day, those raised until then included.
    """

    open: dict[str, Obligation] = {}
    raised: dict[str, int] = {}
    untold: dict[str, tuple[int, Obligation]] = {}
    waived: dict[str, Obligation] = {}
    kinds_waived: dict[str, Waiver] = {}

    def of(self, *kinds: str) -> list[Obligation]:
        """The open ones of these kinds, the earliest due first."""
        return sorted((owed for owed in self.open.values() if owed.kind in kinds), key=_by_due)

    def the_open(self, obligation_id: str) -> Obligation:
        """The open one with this id.

        Raises:
            Refused: There is none.
        """
        owed = self.open.get(obligation_id)
        if owed is None:
            known = ", ".join(sorted(self.open)) or "none"
            raise Refused("no-such-obligation", f"That obligation is not open on this journey. Open: {known}.")
        return owed

    def of_role(self, role: Role) -> list[Obligation]:
        """The open ones that this role owns, in person or not, the earliest due first."""
        return sorted((owed for owed in self.open.values() if owed.owner is role), key=_by_due)

    def of_person(self, person: str) -> list[Obligation]:
        """The open ones that this person owns, the earliest due first."""
        return sorted((owed for owed in self.open.values() if owed.assignee == person), key=_by_due)

    def of_care(self, *, but: Collection[str] = ()) -> list[Obligation]:
        """The open ones that end with care, except those of the kinds in `but`."""
        return [owed for owed in self.open.values() if owed.kind not in but and not owed.outlives_care]

    def first(self) -> Obligation | None:
        """The open one that falls due first, overdue ones included."""
        return min(self.open.values(), key=_by_due, default=None)

    def waiver_of(self, kind: str, at: Instant) -> Waiver | None:
        """The waiver of all of a kind, while it holds."""
        waiver = self.kinds_waived.get(kind)
        return waiver if waiver and waiver.ends_at and at < waiver.ends_at else None

    def moments(self) -> Iterator[Instant]:
        """When the next person is told of each."""
        yield from (owed.next_at() for owed in self.open.values())

    def pass_time(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """What was waived until now is owed again, and those who should have been told are told, each once."""
        for owed in sorted(self.open.values(), key=lambda o: (o.next_at(), o.id)):
            if owed.waiver is not None and owed.next_at() <= when["at"]:
                owed = owed.owed_again(when["at"], state.calendar)
                yield reopened(owed, Reopening.WAIVER_ENDED, when)
            for number in owed.steps_reached(when["at"]):
                yield escalated(state, owed, number, when)


def _by_due(obligation: Obligation) -> tuple[Instant, str]:
    return obligation.falls_due, obligation.id


@part.consequence
def cancel_at_the_end_of_care(state: JourneyState, event: Discharged | WithdrawalCompleted) -> Iterator[BaseEvent]:
    """All but what a clinic system refused: that is owed on."""
    yield from _all_cancelled(state, event)


@part.consequence
def cancel_with_the_admission(state: JourneyState, event: AdmissionCancelled) -> Iterator[BaseEvent]:
    """Unless a person decides."""
    if not event.person_decides:
        yield from _all_cancelled(state, event)


def _all_cancelled(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    owed = sorted(state.obligations.open.values(), key=_by_due)
    these = [*owed, *state.obligations.waived.values()]
    yield from cancel_these([each for each in these if not each.outlives_care], event)


@part.evolves
def owe(state: JourneyState, event: ObligationRaised) -> Obligations:
    """The EHR is to be told of it."""
    held, owed = state.obligations, event.obligation
    number = held.raised.get(owed.kind, 0) + 1
    since = owed.changed(owner_since_version=state.version + 1)
    return kept(state, since, raised={**held.raised, owed.kind: number})


@part.evolves
def climb(state: JourneyState, event: ObligationEscalated) -> Obligations:
    """The EHR need not know whom we told."""
    held = state.obligations
    owed = held.open.get(event.obligation)
    if owed is None:
        return held
    told = owed.changed(steps_taken=event.steps_taken, last_told_at=event.at, again_at=event.again_at)
    return held.changed(open={**held.open, owed.id: told})


@part.calls
def tell(state: JourneyState, event: ObligationEscalated) -> Notify | None:
    """A mail or a page to the person on the step."""
    owed = state.obligations.open.get(event.obligation)
    if owed is None:
        return None
    name = owed.id if owed.times_owed == 1 else f"{owed.id}-{owed.times_owed}"
    return Notify(
        key=f"notify-{name}-{event.steps_taken}",
        obligation=owed.id,
        title=owed.title,
        to=event.to,
        person=event.person,
        how=event.how,
        step=event.steps_taken,
        due_at=owed.due_at,
        overdue=event.overdue,
    )


@part.calls
def tell_the_new_owner(state: JourneyState, event: ObligationAssigned) -> Notify | None:
    """At once where it is urgent, unless they took it themselves; of the rest they read in their daily digest."""
    owed = state.obligations.open.get(event.obligation)
    if owed is None or not owed.urgent or event.assignee is None or event.assignee == event.by.id:
        return None
    return Notify(
        key=f"notify-{owed.id}-given-{state.version + 1}",
        obligation=owed.id,
        title=owed.title,
        to=owed.owner,
        person=event.assignee,
        how=owed.escalation[0].how,
        due_at=owed.due_at,
        overdue=owed.is_overdue(event.at),
    )


@part.evolves
def give(state: JourneyState, event: ObligationAssigned) -> Obligations:
    """That the one before had it in hand no longer keeps anybody quiet."""
    owed = state.obligations.open.get(event.obligation)
    if owed is None:
        return state.obligations
    given = owed.changed(
        assignee=event.assignee,
        owner_since_version=state.version + 1,
        status=ObligationStatus.OPEN,
        quiet_until=None,
        acknowledged_by=None,
    )
    return kept(state, given)


@part.evolves
def keep_quiet(state: JourneyState, event: ObligationAcknowledged) -> Obligations:
    """Until then, for those who know."""
    owed = state.obligations.open.get(event.obligation)
    if owed is None:
        return state.obligations
    return kept(
        state,
        owed.changed(
            status=ObligationStatus.ACKNOWLEDGED,
            quiet_until=event.quiet_until,
            acknowledged_by=event.by.role,
            acknowledged_times=owed.acknowledged_times + 1,
        ),
    )


@part.evolves
def move(state: JourneyState, event: ObligationMoved) -> Obligations:
    """Who was told already is not told again."""
    owed = state.obligations.open.get(event.obligation)
    if owed is None:
        return state.obligations
    changes = {"due_at": event.due_at, "calendar": event.calendar, "counts_from": event.counts_from}
    return kept(state, owed.changed(**changes, escalation=event.escalation))


@part.evolves
def end_as_met(state: JourneyState, event: ObligationMet) -> Obligations:
    """Late or not. What was waived before it was owed can no longer be owed again: this stands for it."""
    held = _ended(state, event.obligation, ObligationStatus.MET_LATE if event.late else ObligationStatus.MET)
    return _without_older_waivers(held, state.obligations.open.get(event.obligation))


@part.evolves
def end_as_waived(state: JourneyState, event: ObligationWaived) -> Obligations:
    """It need not be done. It is kept as it was, so that the waiver can be undone."""
    owed = state.obligations.open.get(event.obligation)
    held = _without_older_waivers(_ended(state, event.obligation, ObligationStatus.WAIVED), owed)
    if owed is None:
        return held
    waiver = Waiver(at=event.at, by=event.by, raised_before=held.raised.get(owed.kind, 0))
    waived = owed.changed(waiver=waiver)
    return held.changed(waived={**held.waived, owed.id: waived})


def _without_older_waivers(held: Obligations, ended: Obligation | None) -> Obligations:
    """Without those of the same kind that were waived before `ended` was raised."""
    if ended is None:
        return held
    waived = {key: each for key, each in held.waived.items() if not stands_for(ended, each)}
    return held.changed(waived=waived) if len(waived) < len(held.waived) else held


@part.evolves
def owe_again(state: JourneyState, event: ObligationReopened) -> Obligations:
    """As it was, or with the due time that its waiver's end gives."""
    held = kept(state, event.owed)
    return held.changed(waived={key: each for key, each in held.waived.items() if key != event.obligation})


@part.evolves
def end_as_cancelled(state: JourneyState, event: ObligationCancelled) -> Obligations:
    """It cannot be done any more."""
    held = _ended(state, event.obligation, ObligationStatus.CANCELLED)
    if event.obligation not in held.waived:
        return held
    return held.changed(waived={key: each for key, each in held.waived.items() if key != event.obligation})


@part.evolves
def take_the_answer(state: JourneyState, event: EffectSettled) -> Obligations:
    """Whether a notice went out. What changed since the EHR was told is still to be told; a refusal told it nothing."""
    call = state.calls.open.get(event.key)
    if isinstance(call, Notify):
        return _delivered(state, call.obligation, event.failure is None)
    if event.revision is None or event.failure is not None:
        return state.obligations
    untold = {key: each for key, each in state.obligations.untold.items() if each[0] > event.revision}
    return state.obligations.changed(untold=untold)


def _delivered(state: JourneyState, obligation_id: str, is_delivered: bool) -> Obligations:
    held = state.obligations
    owed = held.open.get(obligation_id)
    if owed is None or owed.undelivered is not is_delivered:
        return held
    return held.changed(open={**held.open, owed.id: owed.changed(undelivered=not is_delivered)})


def kept(state: JourneyState, owed: Obligation, **changes: Any) -> Obligations:
    """With `owed` as it is now, of which the EHR is to be told."""
    held, untold = state.obligations, (state.version + 1, owed)
    return held.changed(open={**held.open, owed.id: owed}, untold={**held.untold, owed.id: untold}, **changes)


def _ended(state: JourneyState, obligation_id: str, status: ObligationStatus) -> Obligations:
    held = state.obligations
    owed = held.open.get(obligation_id)
    if owed is None:
        return held
    ended = state.version + 1, owed.changed(status=status)
    return held.changed(
        open={key: each for key, each in held.open.items() if key != obligation_id},
        untold={**held.untold, owed.id: ended},
    )
