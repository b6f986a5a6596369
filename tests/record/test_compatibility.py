"""Which changes of a schema keep the old events readable and the old readers right, and which do not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from record.compatibility import breaks

VISIT: dict[str, Any] = {
    "$defs": {
        "Person": {
            "type": "object",
            "description": "Somebody.",
            "properties": {"id": {"type": "string", "maxLength": 20}, "role": {"$ref": "#/$defs/Role"}},
            "required": ["id", "role"],
        },
        "Role": {"type": "string", "enum": ["clinician", "admissions"]},
        "Tree": {"type": "object", "properties": {"below": {"$ref": "#/$defs/Tree"}, "leaf": {"type": "string"}}},
    },
    "type": "object",
    "title": "visit.kept v1",
    "properties": {
        "minutes": {"type": "integer", "minimum": 10},
        "by": {"$ref": "#/$defs/Person"},
        "people": {"type": "array", "items": {"$ref": "#/$defs/Person"}, "maxItems": 5, "default": []},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "kind": {"const": "routine"},
        "first": {"type": "boolean", "default": False},
        "tree": {"$ref": "#/$defs/Tree"},
        "rooms": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[A-Z]"}},
    },
    "required": ["minutes", "by", "kind"],
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The schema with what stands at `path` replaced, or taken out if `value` is `...`."""
    schema = deepcopy(VISIT)
    *way, last = path.split("/")
    there: Any = schema
    for name in way:
        there = there[int(name)] if isinstance(there, list) else there[name]
    if value is ...:
        del there[last]
    else:
        there[last] = value
    return schema


OPTIONAL = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties/place", OPTIONAL),
        ("$defs/Person/properties/team", OPTIONAL),
        ("$defs/Role/enum", ["clinician", "admissions", "case-manager"]),
        ("$defs/Role/enum", ["admissions", "clinician"]),
        ("properties/kind", {"enum": ["routine", "urgent"]}),
        ("properties/kind", {"enum": ["routine"]}),
        ("properties/minutes/minimum", 5),
        ("properties/minutes/minimum", ...),
        ("properties/people/maxItems", 6),
        ("$defs/Person/properties/id/maxLength", 30),
        ("title", "another"),
        ("$defs/Person/description", "Somebody else."),
        ("properties/minutes/title", "Minutes"),
        ("$defs/Unused", {"type": "string"}),
        ("properties/by", {**VISIT["$defs"]["Person"]}),
    ],
)
def test_what_only_adds_or_widens_is_compatible(path: str, value: object) -> None:
    new = changed(path, value)
    assert new != VISIT
    assert breaks(VISIT, new) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("properties/note", ..., "note is gone"),
        ("$defs/Person/properties/role", ..., "by.role is gone"),
        ("$defs/Tree/properties/leaf", ..., "tree.leaf is gone"),
        ("properties/minutes/type", "number", "minutes: type was 'integer' and is 'number'"),
        ("$defs/Person/properties/id/type", "integer", "people[].id: type was 'string' and is 'integer'"),
        ("required", ["minutes", "by", "kind", "note"], "note was optional and is required"),
        ("required", ["minutes", "by"], "kind was required and is optional"),
        ("$defs/Person/required", ["id"], "by.role was required and is optional"),
        ("$defs/Role/enum", ["clinician"], "by.role may no longer be 'admissions'"),
        ("properties/kind/const", "urgent", "kind may no longer be 'routine'"),
        ("$defs/Role", {"type": "string"}, "by.role is no longer an enumeration"),
        ("properties/minutes/enum", [30, 60], "minutes became an enumeration"),
        ("properties/minutes/minimum", 20, "minutes: minimum was 10 and is 20"),
        ("properties/minutes/maximum", 90, "minutes: maximum was not said and is 90"),
        ("properties/people/maxItems", 4, "people: maxItems was 5 and is 4"),
        ("properties/first/default", True, "first: default was False and is True"),
        ("properties/first/default", 0, "first: default was False and is 0"),
        ("properties/first/default", ..., "first: default was False and is not said"),
        ("properties/minutes/anyOf", [{"type": "integer"}], "minutes had no alternatives and has 1"),
        ("properties/note", {"type": "string"}, "note had 2 alternatives and has none"),
        ("properties/note/anyOf/0/type", "integer", "note: type was 'string' and is 'integer'"),
        ("properties/people/items", ..., "people[] may hold something else than before"),
        ("properties/rooms/additionalProperties", False, "rooms[] may hold something else than before"),
        ("properties/rooms/additionalProperties/pattern", "^[a-z]", "rooms[]: pattern was '^[A-Z]' and is '^[a-z]'"),
        ("additionalProperties", False, "[] may hold something else than before"),
        ("properties/minutes/unheardOf", 1, "minutes: unheardOf was not said and is 1"),
        ("type", "array", "the whole: type was 'object' and is 'array'"),
    ],
)
def test_what_takes_away_or_narrows_is_a_break(path: str, value: object, said: str) -> None:
    assert said in breaks(VISIT, changed(path, value))


def test_a_new_required_property_is_a_break_wherever_it_stands() -> None:
    new = changed("required", [*VISIT["required"], "place"])
    new["properties"]["place"] = {"type": "string"}
    new["$defs"]["Person"]["required"].append("team")
    new["$defs"]["Person"]["properties"]["team"] = {"type": "string"}
    assert breaks(VISIT, new) == [
        "by.team is new and required",
        "people[].team is new and required",
        "place is new and required",
    ]


def test_what_may_be_left_out_may_not_come_to_be_refused() -> None:
    """The way back of a compatible change is a break, so the rule looks one way only."""
    for path, value in (("properties/place", OPTIONAL), ("properties/kind", {"enum": ["routine", "urgent"]})):
        assert breaks(changed(path, value), VISIT) != []


def test_a_schema_is_compatible_with_itself() -> None:
    assert breaks(VISIT, deepcopy(VISIT)) == []
