"""Every stay at a level of care; the view `dash.census` counts them by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.projections.model import Change, ReadModel, TableRow

_COLUMNS = (
    *("journey_id", "number", "level", "since", "until", "first_day", "last_day", "zone"),
    "as_of_position",
)


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    for change in changes:
        if change.after.care.stays != change.before.care.stays:
            yield _row(change)


def _row(change: Change) -> TableRow:
    stays, calendar = change.after.care.stays, change.after.calendar
    stay = stays[-1]
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


STAYS = ReadModel("stays", ("journey_id", "number"), _COLUMNS, _rows)
