"""How a part of the pathway raises obligations, ends them and has people told. Each function makes the events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from domain.clock import after_hours
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind
from domain.obligations import Obligation
from domain.pathway.obligation_events import (
    ObligationAssigned,
    ObligationCancelled,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationRaised,
    ObligationReopened,
    Reopening,
    of,
)
from domain.plans import Actor
from domain.refusal import require
from domain.values import Role

if TYPE_CHECKING:
    from domain.state import JourneyState


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
    waived = waived_for_good(state, *kinds)
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
    yield from cancel_these(waived_for_good(state, *kinds), event)


def waived_for_good(state: JourneyState, *kinds: ObligationKind) -> list[Obligation]:
    """Those of these kinds of which a person said that nobody need do them."""
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


def stands_for(later: Obligation, waived: Obligation) -> bool:
    """Whether `later` was raised in the place of `waived`, since that was waived."""
    same = (later.kind, later.about) == (waived.kind, waived.about)
    return same and waived.waiver is not None and later.number > waived.waiver.raised_before
