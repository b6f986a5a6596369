"""Every authorisation that a payer required, and its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.projections.model import Change, ReadModel, TableRow
from dashboard.projections.obligations import Ending, is_late, touched
from domain.obligations import Obligation, ObligationStatus
from domain.pathway.authorisation import OBTAIN_AUTHORISATION
from domain.pathway.care import LevelOfCareStarted
from domain.pathway.coverage import BenefitsAnswered
from domain.pathway.placement import PlacementDecided

_COLUMNS = (
    *("journey_id", "obligation_id", "status", "needed_since", "due_at", "ended_at", "late", "level", "verdict"),
    *("payer", "as_of_position"),
)
_SAY_MORE = (BenefitsAnswered, PlacementDecided, LevelOfCareStarted)


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    for change in changes:
        found = touched(change)
        if found is not None and found[0].kind == OBTAIN_AUTHORISATION.kind:
            yield _row(change, *found)
        elif type(change.event) in _SAY_MORE:
            for owed in change.after.open_of(OBTAIN_AUTHORISATION.kind):
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
        state.level or state.placement.level,
        state.coverage.benefits.verdict if state.coverage.benefits else None,
        state.coverage.benefits.payer if state.coverage.benefits else None,
        change.recorded.position,
    )


AUTHORISATIONS = ReadModel("authorisations", ("journey_id", "obligation_id"), _COLUMNS, _rows)
