"""What a changed JSON Schema takes away from those who read, or wrote, under the one before.

A version's schema may change without a new version only in ways that leave every event on record readable and
keep what a reader of the record was promised. Allowed are: a new optional property, a new member of an
enumeration, and a wider bound. Any other difference is a break, also what this module does not understand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_FOR_PEOPLE = {"$schema", "$defs", "title", "description", "examples"}
_CEILINGS = {"maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum"}
_FLOORS = {"minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum"}
_TREATED = {"properties", "required", "enum", "const", "items", "additionalProperties", "anyOf", "$ref"}


def breaks(old: Schema, new: Schema) -> list[str]:
    """Each way in which `new` is not backward compatible with `old`; empty if it is."""
    return list(dict.fromkeys(_Comparison(old, new).differences(old, new, "")))


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old.get("$defs", {})
        self._new = new.get("$defs", {})
        self._under_way: set[tuple[str, str]] = set()

    def differences(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        names = old.get("$ref", ""), new.get("$ref", "")
        if names in self._under_way:  # a shape within itself
            return
        here = {names} if all(names) else set()
        self._under_way |= here
        yield from self._compared(_resolved(old, self._old), _resolved(new, self._new), path)
        self._under_way -= here

    def _compared(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        yield from self._properties(old, new, path)
        yield from _members(old, new, path)
        yield from self._alternatives(old.get("anyOf", []), new.get("anyOf", []), path)
        for keyword in ("items", "additionalProperties"):
            yield from self._within(old.get(keyword, True), new.get(keyword, True), f"{path}[]")
        for keyword in sorted((old.keys() | new.keys()) - _FOR_PEOPLE - _TREATED):
            if not _as_wide(keyword, old.get(keyword), new.get(keyword)):
                yield f"{_at(path)}: {keyword} was {_told(old, keyword)} and is {_told(new, keyword)}"

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        had, has = set(old.get("required", [])), set(new.get("required", []))
        for name, schema in before.items():
            where = f"{path}.{name}" if path else name
            if name not in after:
                yield f"{where} is gone"
                continue
            if (name in had) != (name in has):
                yield f"{where} was {_need(name in had)} and is {_need(name in has)}"
            yield from self.differences(schema, after[name], where)
        for name in sorted(has - before.keys()):
            yield f"{path}.{name} is new and required" if path else f"{name} is new and required"

    def _alternatives(self, old: list[Schema], new: list[Schema], path: str) -> Iterator[str]:
        if len(old) != len(new):
            yield f"{_at(path)} had {len(old) or 'no'} alternatives and has {len(new) or 'none'}"
            return
        for before, after in zip(old, new, strict=True):
            yield from self.differences(before, after, path)

    def _within(self, old: Schema | bool, new: Schema | bool, path: str) -> Iterator[str]:
        if isinstance(old, bool) or isinstance(new, bool):
            if old != new:
                yield f"{path} may hold something else than before"
            return
        yield from self.differences(old, new, path)


def _members(old: Schema, new: Schema, path: str) -> Iterator[str]:
    before, after = _enumerated(old), _enumerated(new)
    if before is None and after is None:
        return
    if before is None or after is None:
        yield f"{_at(path)} {'became' if before is None else 'is no longer'} an enumeration"
        return
    for gone in (member for member in before if member not in after):
        yield f"{_at(path)} may no longer be {gone!r}"


def _enumerated(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """What a reference stands for, and what stands beside it, such as a default."""
    if "$ref" not in schema:
        return schema
    beside = {keyword: value for keyword, value in schema.items() if keyword != "$ref"}
    return {**_resolved(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions), **beside}


def _as_wide(keyword: str, old: Any, new: Any) -> bool:
    if old == new and type(old) is type(new):
        return True
    if keyword in _CEILINGS | _FLOORS and old is not None:
        return new is None or (new >= old if keyword in _CEILINGS else new <= old)
    return False


def _at(path: str) -> str:
    return path or "the whole"


def _need(required: bool) -> str:
    return "required" if required else "optional"


def _told(schema: Schema, keyword: str) -> str:
    return repr(schema[keyword]) if keyword in schema else "not said"
