"""The golden files: one or more for every version of every event that was ever written, as the record holds it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from eventstore import NewEvent, StoredEvent
from record.upcasting import Shape

FOLDER = Path(__file__).parent / "golden"
NAMES = sorted(path.name for path in FOLDER.glob("*.json"))
SUMS = FOLDER / "SHA256SUMS"


@cache
def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def recorded(name: str) -> dict[str, Any]:
    """What the file holds, afresh for each caller."""
    content: dict[str, Any] = json.loads(_text(name))
    return content


def shape(name: str) -> Shape:
    """What it is an example of."""
    content = recorded(name)
    return Shape(content["type"], content["schema_version"])


def stored(name: str, **changes: Any) -> StoredEvent:
    """The file as an event on record."""
    new = NewEvent(**{**recorded(name), **changes})
    place = {"position": 1, "stream": "j-1", "version": 1, "event_id": UUID(int=1), "recorded_at": new.occurred_at}
    return StoredEvent(**new.model_dump(), **place)


def digest(name: str) -> str:
    """SHA-256 of the file."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()


def listed() -> dict[str, str]:
    """File name → committed sum, as `sha256sum` writes them."""
    lines = (line.split("  ", 1) for line in SUMS.read_text(encoding="utf-8").splitlines())
    return {name: committed for committed, name in lines}
