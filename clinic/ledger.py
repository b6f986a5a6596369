"""Every effect that reached the clinic, with its key, so that duplicates can be counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from clinic.state import Item, State

_INDEXED = ("journey", "client", "key", "system")


class Ledger:
    """Appends and lists entries. `repeat` marks one whose system, kind and key were seen before."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: set[tuple[str, str, str, str]] = set()
        self._by_value: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for entry in state.all("ledger"):
            self._take_in(entry)

    def add(self, system: str, kind: str, key: str, client: str | None = None, **detail: Any) -> None:
        """Adds one effect."""
        entry: Item = {"number": self._state.count("ledger") + 1, "at": datetime.now(UTC).isoformat()}
        entry |= {"system": system, "kind": kind, "key": key, "client": client, **detail}
        entry["repeat"] = _mark(entry) in self._seen
        self._take_in(entry)
        self._state.put("ledger", str(entry["number"]), entry)

    def entries(self, wanted: Mapping[str, str]) -> list[Item]:
        """The entries, in order, whose fields have the values `wanted`."""
        named = [self._by_value.get((name, wanted[name]), []) for name in _INDEXED if name in wanted]
        candidates = min(named, key=len) if named else self._state.all("ledger")
        return [entry for entry in candidates if all(str(entry.get(k)) == v for k, v in wanted.items())]

    def clear(self) -> None:
        """Forgets what was seen. The owner of the state clears the state."""
        self._seen.clear()
        self._by_value.clear()

    def _take_in(self, entry: Item) -> None:
        self._seen.add(_mark(entry))
        for name in _INDEXED:
            self._by_value[name, str(entry.get(name))].append(entry)


def _mark(entry: Item) -> tuple[str, str, str, str]:
    return entry["system"], entry["kind"], entry["key"], str(entry.get("target", ""))
