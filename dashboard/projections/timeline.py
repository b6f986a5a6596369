"""What happened on each journey, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.projections.model import Change, ReadModel, TableRow
from dashboard.words import actor

_COLUMNS = (
    *("position", "journey_id", "version", "type", "sentence", "bookkeeping", "actor_role", "actor_id"),
    *("occurred_at", "recorded_at"),
)


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    for recorded, event, _, _ in changes:
        by = actor(event)
        yield (
            recorded.position,
            recorded.stream,
            recorded.version,
            recorded.type,
            event.sentence(),
            event.is_bookkeeping,
            by.role if by else None,
            by.id if by else None,
            recorded.occurred_at,
            recorded.recorded_at,
        )


TIMELINE = ReadModel("timeline", ("position",), _COLUMNS, _rows, grows_only=True)
