"""Every effect the clinic took in, with the key it came under, so that doubles can be counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from clinic.state import Item, State


class Ledger:
    """Appends and lists entries. `repeat` marks one whose system, kind and key were seen before."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen = {_mark(entry) for entry in state.all("ledger")}

    def add(self, system: str, kind: str, key: str, client: str | None = None, **detail: Any) -> None:
        """Writes down one effect."""
        entry: Item = {"number": self._state.count("ledger") + 1, "at": datetime.now(UTC).isoformat()}
        entry |= {"system": system, "kind": kind, "key": key, "client": client, **detail}
        entry["repeat"] = _mark(entry) in self._seen
        self._seen.add(_mark(entry))
        self._state.put("ledger", str(entry["number"]), entry)

    def entries(self) -> list[Item]:
        """All entries in order."""
        return self._state.all("ledger")

    def clear(self) -> None:
        """Forgets what was seen; the state is cleared by its owner."""
        self._seen.clear()


def _mark(entry: Item) -> tuple[str, str, str, str]:
    return entry["system"], entry["kind"], entry["key"], str(entry.get("target", ""))
