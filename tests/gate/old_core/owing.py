"""How obligations are raised and ended as consequences of an event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from tests.gate.old_core import events as ev
from tests.gate.old_core.catalogue import obligation
from tests.gate.old_core.clock import TimeKind, after_business_days
from tests.gate.old_core.obligations import ObligationKind
from tests.gate.old_core.rules.common import Occasion
from tests.gate.old_core.state import JourneyState


def on(event: ev.BaseEvent) -> Occasion:
    """Ties a consequence to its event's moment and command."""
    return Occasion(at=event.at, cause=event.cause)


def raised(
    state: JourneyState,
    event: ev.BaseEvent,
    kind: ObligationKind,
    due_at: datetime,
    time_kind: TimeKind,
    *,
    after: int = 0,
    about: str | None = None,
) -> ev.ObligationRaised:
    """Something is owed from `event` on, until `due_at`. `after` counts those raised in the same breath before it."""
    number = state.raised.get(kind, 0) + 1 + after
    owed = obligation(kind, number, raised_at=event.at, due_at=due_at, time_kind=time_kind, about=about)
    return ev.ObligationRaised(**on(event), obligation=owed)


def raised_in_business_days(
    state: JourneyState, event: ev.BaseEvent, kind: ObligationKind, days: int
) -> ev.ObligationRaised:
    """Something is owed within `days` business days at the site."""
    due_at = after_business_days(event.at, days, state.policy.site)
    return raised(state, event, kind, due_at, TimeKind.BUSINESS_DAYS)


def met(state: JourneyState, event: ev.BaseEvent, *kinds: ObligationKind) -> Iterator[ev.Event]:
    """Every open obligation of these kinds is done."""
    for owed in state.open_of(*kinds):
        yield ev.ObligationMet(**on(event), obligation=owed.id, late=owed.is_overdue(event.at))


def cancelled(state: JourneyState, event: ev.BaseEvent, *kinds: ObligationKind) -> Iterator[ev.Event]:
    """No open obligation of these kinds can be owed any longer."""
    because = getattr(event, "type", type(event).__name__)
    for owed in state.open_of(*kinds):
        yield ev.ObligationCancelled(**on(event), obligation=owed.id, because=because)


def all_cancelled(state: JourneyState, event: ev.BaseEvent) -> Iterator[ev.Event]:
    """Nothing is owed to the client any longer; what a clinic system refused still is."""
    yield from cancelled(state, event, *(set(ObligationKind) - {ObligationKind.RESOLVE_EFFECT}))
