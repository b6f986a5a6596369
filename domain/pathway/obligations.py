"""Obligations: how they are raised, escalated and ended. Each part declares its own kinds and uses this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict

from domain.clock import after_hours
from domain.due_times import Counted
from domain.effects import Notify
from domain.events import BaseEvent, EventContext
from domain.obligations import Channel, EscalationStep, Obligation, ObligationKind, ObligationStatus, Waiver
from domain.part import Part, Slice
from domain.plans import Actor
from domain.refusal import Refused, require
from domain.values import Instant, PrivateWords, Role
from domain.wording import in_sentence, moment, named, said_by

if TYPE_CHECKING:
    from domain.pathway.admission import AdmissionCancelled
    from domain.pathway.calls import EffectSettled
    from domain.pathway.closing import JourneyClosed
    from domain.pathway.discharge import Discharged
    from domain.pathway.withdrawal import WithdrawalCompleted
    from domain.state import JourneyState

part = Part("obligations")


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


class ObligationRaised(BaseEvent):
    """Something is owed from now on."""

    bookkeeping: ClassVar[bool] = True

    type: Literal["obligation.raised"] = "obligation.raised"
    obligation: Obligation

    def _sentence(self) -> str:
        owed = self.obligation
        return f"Owed: {owed.title} — {named(owed.owner, owed.assignee)}, due {moment(owed.due_at)}"


class OneObligation(TypedDict):
    """What events say of the obligation they are about."""

    obligation: str
    kind: str
    title: str


def of(owed: Obligation) -> OneObligation:
    """Names `owed` in an event."""
    return OneObligation(obligation=owed.id, kind=owed.kind, title=owed.title)


class OfOne(BaseEvent):
    """What happened to one obligation, by its id, its kind's name and its title."""

    obligation: str
    kind: str
    title: str

    def _duty(self) -> str:
        return f"{in_sentence(self.title)} ({self.obligation})"


class ObligationEscalated(OfOne):
    """A person is told, as the escalation steps say.

    Attributes:
        person: The one whose obligation it is, where they are told as its owner.
        planned_at: When they should have been told; a difference is the outage that delayed it.
        again_at: When the last step is repeated, if no step is left.
    """

    news: ClassVar[bool] = False

    type: Literal["obligation.escalated"] = "obligation.escalated"
    steps_taken: int
    to: Role
    person: str | None = None
    how: Channel
    planned_at: Instant
    again_at: Instant | None = None
    overdue: bool

    def _sentence(self) -> str:
        return f"{'OVERDUE' if self.overdue else 'Reminder'}: {self._duty()} → {named(self.to, self.person)}"


class ObligationAssigned(OfOne):
    """Another person owes it from now on, or whoever is on call for the role again.

    Attributes:
        assignee: Staff id, or None for the role.
        before: Whose it was, or None for the role.
    """

    news: ClassVar[bool] = False

    type: Literal["obligation.assigned"] = "obligation.assigned"
    owner: Role
    assignee: str | None = None
    before: str | None = None
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        return f"Assigned: {self._duty()} → {named(self.owner, self.assignee)}{said_by(self.by)}"


class ObligationAcknowledged(OfOne):
    """Someone has it in hand; reminders pause until then."""

    type: Literal["obligation.acknowledged"] = "obligation.acknowledged"
    quiet_until: Instant
    by: Actor

    def _sentence(self) -> str:
        return f"In hand: {self._duty()}, quiet until {moment(self.quiet_until)}{said_by(self.by)}"


class ObligationMoved(OfOne):
    """Its due time was counted anew by another calendar of the site."""

    type: Literal["obligation.moved"] = "obligation.moved"
    was_due_at: Instant
    due_at: Instant
    calendar: int
    counts_from: date | None = None
    escalation: tuple[EscalationStep, ...]

    def _sentence(self) -> str:
        return f"Moved: {self._duty()}, due {moment(self.due_at)} instead of {moment(self.was_due_at)}"


class ObligationMet(OfOne):
    """What was owed was done; `late` if after its due time."""

    bookkeeping: ClassVar[bool] = True

    type: Literal["obligation.met"] = "obligation.met"
    late: bool
    by: Actor | None = None
    note: PrivateWords | None = None

    def _sentence(self) -> str:
        return f"Done{' late' if self.late else ''}: {self._duty()}"


class ObligationWaived(OfOne):
    """A named person decided it need not be done."""

    type: Literal["obligation.waived"] = "obligation.waived"
    about: str | None = None
    reason: PrivateWords
    by: Actor

    @property
    def is_news(self) -> bool:
        """That the EHR itself need not be told by hand is none to it."""
        return self.about != "sync-ehr"

    def _sentence(self) -> str:
        return f"Waived: {self._duty()}{said_by(self.by)}"


class Reopening(StrEnum):
    """Why something waived is owed again."""

    WAIVER_ENDED = "waiver-ended"
    WAIVER_UNDONE = "waiver-undone"
    DECIDED_SINCE = "decided-since"  #: a later decision needs it done


class ObligationReopened(OfOne):
    """What was waived is owed again, as `owed` says."""

    type: Literal["obligation.reopened"] = "obligation.reopened"
    owed: Obligation
    why: Reopening
    reason: PrivateWords | None = None
    by: Actor | None = None

    def _sentence(self) -> str:
        said = said_by(self.by) if self.by else ""
        return f"Owed again: {self._duty()}, due {moment(self.owed.due_at)}; {self.why.replace('-', ' ')}{said}"


class ObligationCancelled(OfOne):
    """It can no longer be owed; `because` is the event that ended its reason."""

    bookkeeping: ClassVar[bool] = True

    type: Literal["obligation.cancelled"] = "obligation.cancelled"
    because: str

    def _sentence(self) -> str:
        return f"No longer owed: {self._duty()}; {self.because}"


def raised(
    state: JourneyState,
    event: BaseEvent,
    kind: ObligationKind,
    counted: Counted,
    *,
    after: int = 0,
    about: str | None = None,
    at_once: Iterable[Role] = (),
) -> ObligationRaised:
    """Something is owed from `event` on, until what `counted` gives by the site's calendar.

    It is owed by the person who has its role on the client's care team, else by the role. `after` counts those raised
    by the same rule before it. Those in `at_once` are paged now, beside the escalation that the policy has for the
    kind.
    """
    number = state.obligations.raised.get(kind.kind, 0) + 1 + after
    terms = state.policy.obligations[kind.kind].telling_at_once(at_once)
    assignee = state.care_team.members.get(terms.owner)
    owed = Obligation.raised(
        kind,
        terms,
        number,
        raised_at=event.at,
        counted=counted,
        by=state.calendar,
        assignee=assignee,
        assignee_knows=assignee is not None and assignee == _decided_by(event),
        about=about,
        source=event.type,
        policy=state.policy.version,
    )
    return ObligationRaised(**event.context, obligation=owed)


def _decided_by(event: BaseEvent) -> str | None:
    by = getattr(event, "by", None)
    return by.id if isinstance(by, Actor) else None


def raised_within(state: JourneyState, event: BaseEvent, kind: ObligationKind, number: str) -> ObligationRaised:
    """Something is owed within what the policy's number of that name says, counted from the event."""
    return raised(state, event, kind, state.policy.counted(number, since=event.at))


def moved(owed: Obligation, anew: Obligation, event: BaseEvent) -> ObligationMoved:
    """`owed` is due as `anew` says."""
    return ObligationMoved(
        **event.context,
        **of(owed),
        was_due_at=owed.due_at,
        due_at=anew.due_at,
        calendar=anew.calendar,
        counts_from=anew.counts_from,
        escalation=anew.escalation,
    )


def reopened(
    owed: Obligation, why: Reopening, when: EventContext, *, reason: str | None = None, by: Actor | None = None
) -> ObligationReopened:
    """It is owed again, as `owed` says."""
    return ObligationReopened(**when, **of(owed), owed=owed, why=why, reason=reason, by=by)


def met(state: JourneyState, event: BaseEvent, *kinds: ObligationKind) -> Iterator[BaseEvent]:
    """Every open obligation of these kinds is done, and a waiver of one can no longer be undone."""
    done = state.open_of(*(kind.kind for kind in kinds))
    yield from (met_one(owed, event) for owed in done)
    waived = _waived_for_good(state, *kinds)
    yield from cancel_these([each for each in waived if not any(stands_for(owed, each) for owed in done)], event)


def met_one(owed: Obligation, event: BaseEvent, by: Actor | None = None) -> ObligationMet:
    """This one is done."""
    return ObligationMet(**event.context, **of(owed), late=owed.is_overdue(event.at), by=by)


def require_owed_by_then(these: Iterable[Obligation], when: EventContext) -> None:
    """Refuses what is said to have been done before it was owed: one contact or review would count twice."""
    for owed in these:
        require(
            when["at"] >= owed.raised_at,
            "before-it-was-owed",
            f"{owed.id} has been owed since {owed.raised_at:%Y-%m-%d %H:%M} UTC. Give a time after that, or none if "
            "it counts all the same.",
        )


def cancelled(state: JourneyState, event: BaseEvent, *kinds: ObligationKind) -> Iterator[BaseEvent]:
    """No obligation of these kinds can be owed any longer, one that was waived neither."""
    yield from cancel_these(state.open_of(*(kind.kind for kind in kinds)), event)
    yield from cancel_these(_waived_for_good(state, *kinds), event)


def _waived_for_good(state: JourneyState, *kinds: ObligationKind) -> list[Obligation]:
    names = {kind.kind for kind in kinds}
    return [owed for owed in state.obligations.waived.values() if owed.kind in names]


def cancel_these(these: Iterable[Obligation], event: BaseEvent) -> Iterator[BaseEvent]:
    """These cannot be owed any longer."""
    for owed in these:
        yield ObligationCancelled(**event.context, **of(owed), because=event.type)


def escalated(state: JourneyState, owed: Obligation, number: int, when: EventContext) -> ObligationEscalated:
    """The step with this number is taken."""
    step = owed.escalation[min(number, len(owed.escalation)) - 1]
    again_at = owed.at_a_time_to_tell(after_hours(when["at"], owed.repeat_hours), state.calendar)
    return ObligationEscalated(
        **when,
        **of(owed),
        steps_taken=number,
        to=step.to,
        person=owed.assignee if step.to is owed.owner else None,
        how=step.how,
        planned_at=owed.speaks_at(number),
        again_at=again_at if number >= len(owed.escalation) else None,
        overdue=owed.is_overdue(when["at"]),
    )


def told_as_it_is_raised(state: JourneyState, raising: ObligationRaised) -> Iterator[BaseEvent]:
    """Those whose turn comes with it. For what time itself raises: nothing else would happen at that moment."""
    owed, when = raising.obligation, raising.context
    yield from (escalated(state, owed, number, when) for number in owed.steps_reached(when["at"]))


def assigned(owed: Obligation, to: str | None, by: Actor, when: EventContext, reason: str | None) -> ObligationAssigned:
    """`owed` is owed by `to`, or by the role where that is None."""
    return ObligationAssigned(
        **when, **of(owed), owner=owed.owner, assignee=to, before=owed.assignee, reason=reason, by=by
    )


@part.consequence
def cancel_at_the_end_of_care(
    state: JourneyState, event: Discharged | JourneyClosed | WithdrawalCompleted
) -> Iterator[BaseEvent]:
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


def stands_for(later: Obligation, waived: Obligation) -> bool:
    """Whether `later` was raised in the place of `waived`, since that was waived."""
    same = (later.kind, later.about) == (waived.kind, waived.about)
    return same and waived.waiver is not None and later.number > waived.waiver.raised_before


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
