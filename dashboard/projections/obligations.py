"""Every obligation that was ever raised, open or ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from dashboard.projections.model import Change, ReadModel, TableRow
from dashboard.words import actor
from domain.effects import Notify
from domain.events import BaseEvent
from domain.obligations import Obligation, ObligationStatus
from domain.pathway.calls import EffectSettled
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
)
from domain.pathway.waivers import ObligationWaivedUntil
from domain.state import JourneyState
from domain.values import Instant

_COLUMNS = (
    *("journey_id", "obligation_id", "kind", "owner", "status", "raised_at", "due_at", "time_kind", "urgent"),
    *("steps_taken", "last_told_at", "quiet_until", "acknowledged_by", "ended_at", "ended_by", "late", "about"),
    "as_of_position",
    *("assignee", "owner_since_version"),
    *("priority", "site", "window_opens", "waived_until", "undelivered", "missed_due_at", "due_day", "ended_by_id"),
    "falls_due",
)
Ending = ObligationMet | ObligationWaived | ObligationCancelled
_STATUS_AFTER = {
    ObligationWaived: ObligationStatus.WAIVED,
    ObligationCancelled: ObligationStatus.CANCELLED,
}


class Touched(NamedTuple):
    """The obligation that a change is about, its status afterwards, and what ended it."""

    owed: Obligation
    status: ObligationStatus
    ending: Ending | None


def touched(change: Change) -> Touched | None:
    """What a change means for an obligation, if it is about one."""
    look = _TOUCHED.get(type(change.event))
    return look(change, change.event) if look else None


def _raised(change: Change, event: ObligationRaised) -> Touched:
    owed = change.after.obligations.open[event.obligation.id]
    return Touched(owed, owed.status, None)


SpokenOf = (
    ObligationEscalated
    | ObligationAcknowledged
    | ObligationMoved
    | ObligationAssigned
    | ObligationReopened
    | ObligationWaivedUntil
)


def _spoken_of(change: Change, event: SpokenOf) -> Touched | None:
    owed = change.after.obligations.open.get(event.obligation)
    return Touched(owed, owed.status, None) if owed else None


def _told(change: Change, event: EffectSettled) -> Touched | None:
    call = change.before.calls.open.get(event.key)
    owed = change.after.obligations.open.get(call.obligation) if isinstance(call, Notify) else None
    return Touched(owed, owed.status, None) if owed else None


def _ended(change: Change, event: Ending) -> Touched | None:
    owed = change.before.obligations.open.get(event.obligation)
    return Touched(owed, status_after(event), event) if owed else None


_TOUCHED: dict[type[BaseEvent], Callable[[Change, Any], Touched | None]] = {
    ObligationRaised: _raised,
    ObligationEscalated: _spoken_of,
    ObligationAcknowledged: _spoken_of,
    ObligationMoved: _spoken_of,
    ObligationAssigned: _spoken_of,
    ObligationReopened: _spoken_of,
    ObligationWaivedUntil: _spoken_of,
    EffectSettled: _told,
    ObligationMet: _ended,
    ObligationWaived: _ended,
    ObligationCancelled: _ended,
}


def is_late(owed: Obligation, ending: Ending | None) -> bool | None:
    """Whether it ended after its due time; None while it is open."""
    if ending is None:
        return None
    return ending.late if isinstance(ending, ObligationMet) else owed.is_overdue(ending.at)


def missed_due_at(owed: Obligation, ending: Ending | None) -> Instant | None:
    """The first due time that it missed, as far as its events say; one that is open may be overdue besides."""
    return owed.missed_due_at or (owed.due_at if is_late(owed, ending) else None)


def due_day(state: JourneyState, due_at: Instant) -> date:
    """The day at the site on which `due_at` is; midnight ends a day."""
    return state.calendar.local_date(due_at - timedelta(microseconds=1))


def status_after(event: Ending) -> ObligationStatus:
    """What it has become."""
    if isinstance(event, ObligationMet):
        return ObligationStatus.MET_LATE if event.late else ObligationStatus.MET
    return _STATUS_AFTER[type(event)]


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    for change in changes:
        found = touched(change)
        if found is not None:
            yield _row(change, *found)


def _row(change: Change, owed: Obligation, status: ObligationStatus, ending: Ending | None) -> TableRow:
    missed, by = missed_due_at(owed, ending), actor(ending) if ending else None
    return (
        change.recorded.stream,
        owed.id,
        owed.kind,
        owed.owner,
        status,
        owed.raised_at,
        owed.due_at,
        owed.counted.kind,
        owed.urgent,
        owed.steps_taken,
        owed.last_told_at,
        owed.quiet_until,
        owed.acknowledged_by,
        ending.at if ending else None,
        by.role if by else None,
        is_late(owed, ending),
        owed.about,
        change.recorded.position,
        owed.assignee,
        owed.owner_since_version,
        owed.priority,
        change.after.admission.site,
        owed.counts_from,
        owed.waiver.until if owed.waiver else None,
        owed.undelivered,
        missed,
        due_day(change.after, missed or owed.due_at),
        by.id if by else None,
        owed.falls_due,
    )


OBLIGATIONS = ReadModel("obligations", ("journey_id", "obligation_id"), _COLUMNS, _rows)
