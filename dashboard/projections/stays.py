"""Every stay at a level of care; the view `dash.census` counts them by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.projections.model import Change, ReadModel, TableRow
from domain.pathway.corrections import EnrolmentCorrected
from domain.plans import Stay

_COLUMNS = (
    *("journey_id", "number", "level", "since", "until", "first_day", "last_day", "zone"),
    "as_of_position",
)


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    for change in changes:
        if isinstance(change.event, EnrolmentCorrected):
            yield _row_of_none(change)
        elif change.after.care.stays != change.before.care.stays:
            yield _row(change, change.after.care.stays)


def _row(change: Change, stays: Sequence[Stay]) -> TableRow:
    stay, calendar = stays[-1], change.after.calendar
    return (
        change.recorded.stream,
        len(stays),
        stay.level,
        stay.since,
        stay.until,
        calendar.local_date(stay.since),
        calendar.local_date(stay.until) if stay.until else None,
        calendar.zone,
        change.recorded.position,
    )


def _row_of_none(change: Change) -> TableRow:
    """A stay that never was has no length, so it adds to no day's census."""
    [stay] = change.before.care.stays
    return _row(change, [stay.changed(until=stay.since)])


STAYS = ReadModel("stays", ("journey_id", "number"), _COLUMNS, _rows)
