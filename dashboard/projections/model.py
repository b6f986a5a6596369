"""What a read model is: a table's columns, and the rows that follow from changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.events import BaseEvent
from domain.state import JourneyState
from eventstore.following.bulk import BulkEvent as Recorded

TableRow = tuple[Any, ...]


class Change(NamedTuple):
    """One recorded event of a journey, and the journey's state before and after it."""

    recorded: Recorded
    event: BaseEvent
    before: JourneyState
    after: JourneyState


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A read model that dashboards read as `dash.<name>`.

    Attributes:
        name: The name of the view, and the prefix of its tables.
        key: The columns that identify a row; they are the first of `columns`.
        columns: All columns, in the order of a row's values.
        rows: Turns changes into complete rows. It depends only on the changes, and the later of two rows with one key
            wins, so the result is the same no matter how the record is split into batches.
        grows_only: Whether every change adds a new row and no row is ever changed.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Callable[[Sequence[Change]], Iterable[TableRow]]
    grows_only: bool = False

    @property
    def consumer(self) -> str:
        """The name of its checkpoints."""
        return f"dash.{self.name}"

    def last_rows(self, changes: Sequence[Change]) -> list[TableRow]:
        """The rows to keep after `changes`, one for each key."""
        if self.grows_only:
            return list(self.rows(changes))
        width = len(self.key)
        return list({row[:width]: row for row in self.rows(changes)}.values())
