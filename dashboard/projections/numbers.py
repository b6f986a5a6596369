"""The number of each journey: the position of its first event, from which its short reference is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboard.projections.model import Change, ReadModel, TableRow


def _rows(changes: Sequence[Change]) -> Iterator[TableRow]:
    return ((each.recorded.position, each.recorded.stream) for each in changes if each.recorded.version == 1)


NUMBERS = ReadModel("journey_numbers", ("number",), ("number", "journey_id"), _rows, grows_only=True)
