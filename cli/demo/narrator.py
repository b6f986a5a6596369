"""Prints the demonstration as it happens, from the record alone."""

from __future__ import annotations

from rich.markup import escape

from cli.output import stdout
from dashboard.reading import all_events
from domain.values import Role
from eventstore.events import StoredEvent
from eventstore.port import EventStore
from record.codec import from_record


class Narrator:
    """Reads the record and prints each event of the demonstration's journeys, with its virtual date."""

    def __init__(self, store: EventStore, *, quiet: bool) -> None:
        self._store = store
        self._quiet = quiet
        self._names: dict[str, str] = {}
        self._position = 0
        self.events: dict[str, list[StoredEvent]] = {}

    async def start(self) -> None:
        """Skips what earlier runs left on record."""
        async for stored in all_events(self._store):
            self._position = stored.position

    def name(self, journey_id: str, name: str) -> None:
        """Uses the name of the client's path for a journey from now on."""
        self._names[journey_id] = name

    async def catch_up(self) -> None:
        """Prints what is new on record, in the order of the calendar."""
        new = [stored async for stored in all_events(self._store, self._position)]
        for stored in new:
            self._position = stored.position
            self.events.setdefault(stored.stream, []).append(stored)
        for stored in sorted(new, key=lambda each: (each.occurred_at, each.position)):
            self._tell(stored)

    def told_roles(self, journey_id: str, obligation: str) -> tuple[Role, ...]:
        """The roles that the escalation of `obligation` reached, in order, each once."""
        escalations = (
            Role(each.data["to"])
            for each in self.events.get(journey_id, ())
            if each.type == "obligation.escalated" and each.data["obligation"] == obligation
        )
        return tuple(dict.fromkeys(escalations))

    def _tell(self, stored: StoredEvent) -> None:
        name = self._names.get(stored.stream)
        if self._quiet or name is None:
            return
        event = from_record(stored)
        if event.is_bookkeeping:
            return
        stdout.print(f"[dim]{stored.occurred_at:%Y-%m-%d %H:%M}[/]  [bold]{name:17}[/] {escape(event.sentence())}")
