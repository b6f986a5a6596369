"""What a read model is: a table's columns, and what its rows are after a run of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.events import BaseEvent
from domain.state import JourneyState
from eventstore.following.bulk import BulkEvent as Recorded

TableRow = tuple[Any, ...]


class Change(NamedTuple):
    """One event of a journey, as it stands on record, and the journey before and after it."""

    recorded: Recorded
    event: BaseEvent
    before: JourneyState
    after: JourneyState


@dataclass(frozen=True, slots=True)
class ReadModel:
    """What dashboards may read in `dash.<name>`.

    Attributes:
        name: Of the view; its tables are called after it.
        key: The columns that tell rows apart, first among `columns`.
        columns: In the order of a row's values.
        rows: The rows that changes lead to, whole. A function of the changes alone, and the later of two rows with
            one key stands: whichever runs the record is cut into, the same rows remain.
        grows_only: Whether every change makes a row of its own and none is ever changed.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Callable[[Sequence[Change]], Iterable[TableRow]]
    grows_only: bool = False

    @property
    def consumer(self) -> str:
        """What its checkpoints are called."""
        return f"dash.{self.name}"

    def last_rows(self, changes: Sequence[Change]) -> list[TableRow]:
        """The rows to keep after `changes`, one for each key."""
        if self.grows_only:
            return list(self.rows(changes))
        width = len(self.key)
        return list({row[:width]: row for row in self.rows(changes)}.values())
