"""The end of a journey's record as the journey knows it, as one search attribute: Temporal lists it without asking."""

from __future__ import annotations

import re

from domain.state import STATE_SCHEMA
from domain.values import Value

_TEXT = re.compile(r"(\d+)\.(\d+)\.([0-9a-f]+)")


class RecordHead(Value):
    """Up to where a journey knows its record.

    Attributes:
        state_schema: The `STATE_SCHEMA` of the worker that showed it.
        version: How many events it has folded.
        mark: Of the last of them; see `activities.marks`.
    """

    state_schema: int
    version: int
    mark: str

    @property
    def text(self) -> str:
        """`schema.version.mark`."""
        return f"{self.state_schema}.{self.version}.{self.mark}"

    def is_at(self, version: int, mark: str) -> bool:
        """Whether a record whose last event has this version and mark ends there too."""
        return (self.version, self.mark) == (version, mark)


def record_head(version: int, mark: str) -> RecordHead:
    """As this program's schema folded it."""
    return RecordHead(state_schema=STATE_SCHEMA, version=version, mark=mark)


def read_record_head(text: str | None) -> RecordHead | None:
    """What `text` says; None if it says nothing."""
    found = _TEXT.fullmatch(text or "")
    return RecordHead(state_schema=int(found[1]), version=int(found[2]), mark=found[3]) if found else None
