"""Every authorisation that a payer wanted, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.projections.model import Change, ReadModel, TableRow
from dashboard.projections.obligations import Ending, is_late, touched
from domain import events as ev
from domain.obligations import Obligation, ObligationKind, ObligationStatus

_COLUMNS = (
    *("journey_id", "obligation_id", "status", "needed_since", "due_at", "ended_at", "late", "level", "verdict"),
    *("payer", "as_of_position"),
)
_SAY_MORE = (ev.BenefitsAnswered, ev.PlacementDecided, ev.LevelOfCareStarted)


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    for change in changes:
        found = touched(change)
        if found is not None and found[0].kind is ObligationKind.OBTAIN_AUTHORISATION:
            yield _row(change, *found)
        elif type(change.event) in _SAY_MORE:
            for owed in change.after.open_of(ObligationKind.OBTAIN_AUTHORISATION):
                yield _row(change, owed, owed.status, None)


def _row(change: Change, owed: Obligation, status: ObligationStatus, ending: Ending | None) -> TableRow:
    state = change.after
    return (
        change.recorded.stream,
        owed.id,
        status,
        owed.raised_at,
        owed.due_at,
        ending.at if ending else None,
        is_late(owed, ending),
        state.level or state.placement,
        state.benefits.verdict if state.benefits else None,
        state.benefits.payer if state.benefits else None,
        change.recorded.position,
    )


AUTHORISATIONS = ReadModel("authorisations", ("journey_id", "obligation_id"), _COLUMNS, _rows)
