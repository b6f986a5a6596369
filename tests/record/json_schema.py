"""JSON Schema as far as ours goes: whether data fits, and what may be said in it. What it does not know, it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

Schema = dict[str, Any]

_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_CHECKS: dict[str, Callable[[Any, Any, Schema], bool]] = {
    "$ref": lambda data, name, definitions: fits(data, definitions[name.removeprefix("#/$defs/")], definitions),
    "const": lambda data, value, _: data == value,
    "anyOf": lambda data, several, definitions: any(fits(data, each, definitions) for each in several),
    "enum": lambda data, members, _: data in members,
    "format": lambda data, wanted, __: _is_written_as(data, wanted),
    "items": lambda data, schema, definitions: all(fits(each, schema, definitions) for each in data),
    "maxItems": lambda data, most, _: len(data) <= most,
    "maxLength": lambda data, most, _: len(data) <= most,
    "pattern": lambda data, pattern, _: re.search(pattern, data) is not None,
    "properties": lambda data, known, definitions: all(
        name in known and fits(data[name], known[name], definitions) for name in data
    ),
    "required": lambda data, names, _: set(names) <= set(data),
}
_SILENT = {"$schema", "$defs", "title", "description", "default", "type"}


def _is_written_as(data: str, wanted: str) -> bool:
    if wanted == "date":
        return date.fromisoformat(data).isoformat() == data
    assert wanted == "date-time", wanted
    return datetime.fromisoformat(data).tzinfo is not None


def fits(data: Any, schema: Schema, definitions: Schema) -> bool:
    """Whether `data` is as `schema` says, and holds no property it does not name."""
    kind = schema.get("type")
    if kind and (not isinstance(data, _TYPES[kind]) or (kind in ("integer", "number") and isinstance(data, bool))):
        return False
    said = {keyword: value for keyword, value in schema.items() if keyword not in _SILENT}
    return all(_CHECKS[keyword](data, value, definitions) for keyword, value in said.items())


def places(schema: Schema, definitions: Schema, path: str = "") -> Iterator[tuple[str, bool]]:
    """Every property at any depth, and whether it may be null or empty."""
    if "$ref" in schema:
        yield from places(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions, path)
    for each in (*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])):
        yield from places(each, definitions, path)
    for name, below in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        yield here, {"type": "null"} in below.get("anyOf", []) or (below.get("type") == "array" and "default" in below)
        yield from places(below, definitions, here)


def filled(data: Any, path: str = "") -> Iterator[str]:
    """Every place in which something is said."""
    match data:
        case dict():
            for name, value in data.items():
                if value is not None and value != []:
                    yield f"{path}.{name}"
                    yield from filled(value, f"{path}.{name}")
        case list():
            for value in data:
                yield from filled(value, path)
