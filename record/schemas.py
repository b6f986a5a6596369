"""JSON Schemas of the data of every event, for readers of the record who do not have this code.

A schema says what the record holds (pydantic's serialisation: an amount is text, and what has a default may be
missing in events older than the field). A reader must expect properties and enumeration members it does not know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domain.events import BaseEvent
from eventstore.errors import EventStoreError
from record.compatibility import Schema, breaks
from record.upcasting import EVENT_TYPES, Chain, Shape

INDEX = "index.json"
_ENVELOPE = ("type", "at", "cause")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_RESTORE = "restore it from version control"


class SchemasBroken(EventStoreError):
    """The committed schemas and this release contradict each other. `faults` says in what, and what to do."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def current_schemas() -> dict[Shape, Schema]:
    """The schema of every event this release writes."""
    return {Shape(name, kind.schema_version): schema_of(kind) for name, kind in EVENT_TYPES.items()}


def schema_of(kind: type[BaseEvent]) -> Schema:
    """The schema of the data of one class of event, without what the envelope holds."""
    schema = kind.model_json_schema(mode="serialization")
    for name in _ENVELOPE:
        schema["properties"].pop(name, None)
    required = [name for name in schema.pop("required", []) if name not in _ENVELOPE]
    schema["title"] = str(Shape(kind.model_fields["type"].default, kind.schema_version))
    open_to_more: Schema = _opened(schema)
    return {"$schema": _DIALECT, **open_to_more, "required": required}


class SchemaFolder:
    """The committed schemas, one file for each shape the record may hold, and an index with their SHA-256 sums.

    The files of older versions cannot be made again, as their classes are gone: the index keeps them as they are.
    """

    def __init__(
        self,
        folder: Path,
        current: Mapping[Shape, Schema] | None = None,
        older: Collection[Shape] | None = None,
    ) -> None:
        """Looks at `folder` beside the `current` schemas and the `older` shapes, by default those of this release."""
        self._folder = folder
        self._current = current_schemas() if current is None else current
        self._older = Chain().older if older is None else older

    def stale(self) -> list[str]:
        """The files that `write` would make or renew.

        Raises:
            SchemasBroken: Writing cannot mend what is wrong.
        """
        if faults := list(self._faults()):
            raise SchemasBroken(faults)
        return sorted(name for name, text in self._wanted().items() if self._text(name) != text)

    def write(self) -> list[str]:
        """Brings the folder up to date; the names of the files it wrote.

        Raises:
            SchemasBroken: A version would be overwritten with something incompatible. Nothing has been written.
        """
        stale, wanted = self.stale(), self._wanted()
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in stale:
            (self._folder / name).write_text(wanted[name], encoding="utf-8")
        return stale

    def _faults(self) -> Iterator[str]:
        committed, known = self._committed(), {*self._current, *self._older}
        for shape in sorted(committed.keys() - known):
            yield f"{shape} was once recorded and nothing reads it: it needs a step, and its type a version above"
        for shape in sorted(set(self._older) - committed.keys()):
            yield f"{shape} has no committed schema: write it with the release that wrote such events"
        for shape in sorted(self._current.keys() - committed.keys()):
            if self._text(_file(shape)) is not None:
                yield f"{INDEX} does not list {_file(shape)}: {_RESTORE}"
        for shape, digest in sorted(committed.items()):
            text = self._text(_file(shape))
            if text is None or _digest(text) != digest:
                yield f"{_file(shape)} is {'gone' if text is None else 'not as it was written'}: {_RESTORE}"
            elif shape in self._current:
                for broken in breaks(json.loads(text), self._current[shape]):
                    yield f"{shape}: {broken}: raise the schema_version and write an upcaster"

    def _wanted(self) -> dict[str, str]:
        made = {_file(shape): _as_text(schema) for shape, schema in self._current.items()}
        digests = {shape: _digest(made[_file(shape)]) for shape in self._current}
        listed = sorted({**self._committed(), **digests}.items())
        entries = [_entry(shape, digest, shape in self._current) for shape, digest in listed]
        return {**made, INDEX: _as_text({"schemas": entries})}

    def _committed(self) -> dict[Shape, str]:
        text = self._text(INDEX)
        if text is None:
            return {}
        try:
            return {Shape(each["type"], each["version"]): each["sha256"] for each in json.loads(text)["schemas"]}
        except (ValueError, KeyError, TypeError):
            raise SchemasBroken([f"{INDEX} cannot be read: {_RESTORE}"]) from None

    def _text(self, name: str) -> str | None:
        path = self._folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None


def _opened(schema: Any) -> Any:
    """Without the ban on further properties, so that a later one is not against the schema."""
    match schema:
        case dict():
            return {
                key: _opened(value)
                for key, value in schema.items()
                if not (key == "additionalProperties" and value is False)
            }
        case list():
            return [_opened(value) for value in schema]
    return schema


def _entry(shape: Shape, digest: str, current: bool) -> dict[str, Any]:
    return {**shape._asdict(), "current": current, "file": _file(shape), "sha256": digest}


def _file(shape: Shape) -> str:
    return f"{shape.type}.v{shape.version}.json"


def _as_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
