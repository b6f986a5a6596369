"""The current state of each journey."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from dashboard.projections.model import Change, ReadModel, TableRow
from domain.state import JourneyState

_COLUMNS = (
    *("journey_id", "stage", "level", "placement", "funding", "verdict", "policy", "site"),
    *("calendar", "opened_at", "ended_at"),
    *("level_since", "waiting_for", "next_obligation", "next_due", "open_count", "urgent_open", "moving_to"),
    *("move_due", "version", "last_event", "last_event_at", "as_of_position"),
    *("on_leave_until", "weeks_from", "last_week", "zone"),
    *("crisis_place", "withdrawal_reason", "waiting_for_person"),
    *("priority", "window_closes", "waived_until", "undelivered"),
    *("screening_urgency", "screened_at", "correctable_until"),
    *("moving_from", "move_direction", "move_place", "move_starts_at"),
    *("track", "waits_for", "waits_since", "risk", "waits_for_tracks"),
    *("goals", "goals_met", "goals_reviewed_at", "mode"),
)


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    latest = {change.recorded.stream: change for change in changes}
    return (_row(change) for change in latest.values())


def _row(change: Change) -> TableRow:
    recorded, state = change.recorded, change.after
    owed, move = state.next_due(), state.moves.current
    return (
        recorded.stream,
        state.stage,
        state.level,
        state.placement.level,
        state.funding.route,
        state.coverage.benefits.verdict if state.coverage.benefits else None,
        state.admission.policy_version,
        state.admission.site,
        state.admission.calendar,
        state.admission.opened_at,
        state.ended_at,
        state.level_since,
        owed.owner if owed else None,
        owed.id if owed else None,
        owed.falls_due if owed else None,
        len(state.obligations.open),
        state.owes_urgently(),
        move.target if move else None,
        move.due_at if move else None,
        recorded.version,
        recorded.type,
        recorded.occurred_at,
        recorded.position,
        state.leave.until,
        _weeks_from(state),
        state.care.last_week,
        state.calendar.zone if state.level_since else None,
        state.crisis.current.place if state.crisis.current else None,
        state.withdrawal.reason,
        owed.assignee if owed else None,
        state.priority(),
        state.window_closes(),
        state.waived_until(),
        any(each.undelivered for each in state.obligations.open.values()),
        state.screening.urgency,
        state.screening.completed_at,
        state.closing.correctable_until,
        move.origin if move else None,
        move.direction if move else None,
        move.place if move else None,
        move.starts_at if move else None,
        state.track,
        state.waits_for,
        state.waitlist.since if state.waits_for else None,
        state.screening.risk,
        " ".join(state.waitlist.tracks) or None if state.waits_for else None,
        len(state.treatment_plan.goals),
        state.treatment_plan.met,
        state.treatment_plan.gone_through_at,
        state.mode,
    )


def _weeks_from(state: JourneyState) -> date | None:
    """The day at the site from which the weeks at the present level are counted, earlier stays included."""
    if state.level_since is None:
        return None
    return state.calendar.local_date(state.level_since) - timedelta(days=state.care.earlier_days)


JOURNEYS = ReadModel("journeys", ("journey_id",), _COLUMNS, _rows)
