"""A journey at an earlier point: at a version, at a position of the record, as known or as true at a time.

The two times differ. *As true at* selects the events that had occurred by then, by the workflow's time; *as known at*
selects those recorded by then, by the database's clock. An event that was recorded late, after an outage, was true
before it was known. If both are given, both must hold: what was known at one time about another.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.values import Instant, Value
from eventstore.events import StoredEvent


class AsOf(Value):
    """Which of a journey's events to use. If no attribute is set: all.

    Attributes:
        version: The number of the journey's first events.
        position: Events up to this position of the whole record.
        true_at: Events that had occurred by then.
        known_at: Events that were on record by then.
    """

    version: int | None = None
    position: int | None = None
    true_at: Instant | None = None
    known_at: Instant | None = None

    @property
    def is_now(self) -> bool:
        """Whether all events are used."""
        return self == AsOf()

    @property
    def moment(self) -> Instant | None:
        """The time at which to judge what is overdue; None if it is not given by a time."""
        return self.true_at or self.known_at

    def includes(self, stored: StoredEvent) -> bool:
        """Whether the event is used."""
        return (
            (self.version is None or stored.version <= self.version)
            and (self.position is None or stored.position <= self.position)
            and (self.true_at is None or stored.occurred_at <= self.true_at)
            and (self.known_at is None or stored.recorded_at <= self.known_at)
        )

    def of(self, stored: Iterable[StoredEvent]) -> tuple[StoredEvent, ...]:
        """The events that are used."""
        return tuple(each for each in stored if self.includes(each))
