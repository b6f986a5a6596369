"""What the simulated clinic remembers: named items by kind, in memory and, if asked, in a file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

Item = dict[str, Any]

_TABLE = "create table if not exists item (kind text, id text, body text not null, primary key (kind, id))"
_ALL = "select kind, id, body from item order by rowid"
_PUT = "insert into item values (?, ?, ?) on conflict (kind, id) do update set body = excluded.body"
_DROP = "delete from item where kind = ? and id = ?"
_CLEAR = "delete from item"


class State:
    """Items by kind and id, in order of arrival. With a file, each change is written before `put` returns."""

    def __init__(self, path: Path | None = None) -> None:
        self._items: dict[str, dict[str, Item]] = {}
        self._file = None if path is None else _open(path)
        if self._file is not None:
            for kind, id_, body in self._file.execute(_ALL):
                self._items.setdefault(kind, {})[id_] = json.loads(body)

    def get(self, kind: str, id_: str) -> Item | None:
        """The item, or None."""
        return self._items.get(kind, {}).get(id_)

    def all(self, kind: str) -> list[Item]:
        """All items of a kind."""
        return list(self._items.get(kind, {}).values())

    def count(self, kind: str) -> int:
        """How many items of a kind there are."""
        return len(self._items.get(kind, {}))

    def put(self, kind: str, id_: str, item: Item) -> None:
        """Adds or replaces an item."""
        self._items.setdefault(kind, {})[id_] = item
        if self._file is not None:
            self._file.execute(_PUT, (kind, id_, json.dumps(item)))

    def drop(self, kind: str, id_: str) -> None:
        """Removes an item, if it exists."""
        self._items.get(kind, {}).pop(id_, None)
        if self._file is not None:
            self._file.execute(_DROP, (kind, id_))

    def clear(self) -> None:
        """Forgets everything."""
        self._items.clear()
        if self._file is not None:
            self._file.execute(_CLEAR)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = off")
    connection.execute(_TABLE)
    return connection
