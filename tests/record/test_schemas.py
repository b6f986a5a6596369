"""The committed schemas are those of this release, and a version once committed is never taken back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from domain.events import BaseEvent
from domain.values import Role
from record.compatibility import Schema
from record.schemas import INDEX, SchemaFolder, SchemasBroken, current_schemas, schema_of
from record.upcasting import EVENT_TYPES, Shape

COMMITTED = Path(__file__).parents[2] / "docs" / "schemas"
RESTORE = "restore it from version control"
ONE, TWO = Shape("visit.kept", 1), Shape("visit.kept", 2)
OLD_NAME = Shape("session.kept", 1)


class Visit(BaseEvent):
    """A visit took place."""

    type: Literal["visit.kept"] = "visit.kept"
    minutes: int
    led_by: Role
    note: str | None = None


class VisitWithPlace(Visit):
    place: str | None = None


class VisitNeedsPlace(Visit):
    place: str


class VisitInHours(BaseEvent):
    type: Literal["visit.kept"] = "visit.kept"
    hours: int
    led_by: Role
    note: str | None = None


FIRST, WIDER, NEEDY, OTHER = (schema_of(kind) for kind in (Visit, VisitWithPlace, VisitNeedsPlace, VisitInHours))


def folder(path: Path, current: dict[Shape, Schema], *older: Shape) -> SchemaFolder:
    return SchemaFolder(path, current, older)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with version 1 of a visit in it."""
    assert folder(tmp_path, {ONE: FIRST}).write() == [INDEX, "visit.kept.v1.json"]
    return tmp_path


def faults(of: SchemaFolder) -> list[str]:
    with pytest.raises(SchemasBroken) as checked:
        of.stale()
    with pytest.raises(SchemasBroken) as refused:
        of.write()
    assert checked.value.faults == refused.value.faults
    return list(checked.value.faults)


def contents(path: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in path.iterdir()}


def test_the_committed_schemas_are_those_of_this_release() -> None:
    stale = SchemaFolder(COMMITTED).stale()
    assert stale == [], f"{stale}: run `throughline events schemas --write docs/schemas`"
    listed = json.loads((COMMITTED / INDEX).read_text(encoding="utf-8"))["schemas"]
    assert {INDEX, *(each["file"] for each in listed)} == {path.name for path in COMMITTED.iterdir()}


def test_every_type_has_a_schema_of_its_data_alone() -> None:
    made = current_schemas()
    assert {shape.type for shape in made} == set(EVENT_TYPES)
    for shape, schema in made.items():
        assert schema["title"] == str(shape)
        assert not {"type", "at", "cause"} & schema["properties"].keys()
        assert set(schema["required"]) <= schema["properties"].keys()
        assert "additionalProperties" not in json.dumps(schema), "a later optional property must not be against it"


def test_what_is_up_to_date_is_not_written_again(kept: Path) -> None:
    assert folder(kept, {ONE: FIRST}).stale() == []
    assert folder(kept, {ONE: FIRST}).write() == []


def test_a_compatible_change_is_stale_until_written(kept: Path) -> None:
    assert folder(kept, {ONE: WIDER}).stale() == [INDEX, "visit.kept.v1.json"]
    assert folder(kept, {ONE: FIRST}).stale() == [], "looking does not write"
    assert folder(kept, {ONE: WIDER}).write() == [INDEX, "visit.kept.v1.json"]
    assert folder(kept, {ONE: WIDER}).stale() == []
    gone = f"{ONE}: place is gone: raise the schema_version and write an upcaster"
    assert faults(folder(kept, {ONE: FIRST})) == [gone]


def test_an_incompatible_change_is_refused_and_nothing_is_written(kept: Path) -> None:
    before = contents(kept)
    advice = "raise the schema_version and write an upcaster"
    assert faults(folder(kept, {ONE: NEEDY})) == [f"{ONE}: place is new and required: {advice}"]
    assert faults(folder(kept, {ONE: OTHER, Shape("visit.missed", 1): FIRST})) == [
        f"{ONE}: minutes is gone: {advice}",
        f"{ONE}: hours is new and required: {advice}",
    ]
    assert contents(kept) == before


def test_a_new_version_stands_beside_the_old_one_which_is_kept_as_it_was(kept: Path) -> None:
    old = (kept / "visit.kept.v1.json").read_bytes()
    raised = folder(kept, {TWO: OTHER}, ONE)
    assert raised.write() == [INDEX, "visit.kept.v2.json"]
    assert raised.stale() == []
    assert (kept / "visit.kept.v1.json").read_bytes() == old
    listed = json.loads((kept / INDEX).read_text())["schemas"]
    assert [(each["version"], each["current"]) for each in listed] == [(1, False), (2, True)]


@pytest.mark.parametrize("current", [{ONE: FIRST}, {TWO: OTHER}], ids=["current", "older"])
def test_a_committed_file_that_was_touched_or_lost_is_to_be_restored(kept: Path, current: dict[Shape, Schema]) -> None:
    older = () if ONE in current else (ONE,)
    folder(kept, current, *older).write()
    path = kept / "visit.kept.v1.json"
    path.write_text(path.read_text().replace("minutes", "hours"))
    assert faults(folder(kept, current, *older)) == [
        f"{path.name} is not as it was written: restore it from version control"
    ]
    path.unlink()
    assert faults(folder(kept, current, *older)) == [f"{path.name} is gone: {RESTORE}"]


def test_a_lost_or_damaged_index_does_not_open_a_way_round(kept: Path) -> None:
    (kept / INDEX).write_text("{")
    assert faults(folder(kept, {ONE: OTHER})) == [f"{INDEX} cannot be read: {RESTORE}"]
    (kept / INDEX).unlink()
    assert faults(folder(kept, {ONE: OTHER})) == [
        f"{INDEX} does not list visit.kept.v1.json: restore it from version control"
    ]


def test_a_version_or_type_once_recorded_is_never_taken_back(kept: Path) -> None:
    assert faults(folder(kept, {TWO: OTHER}))[0].startswith(f"{ONE} was once recorded and nothing reads it")
    assert faults(folder(kept, {}))[0].startswith(f"{ONE} was once recorded and nothing reads it")


def test_an_old_name_needs_the_schema_it_had(kept: Path) -> None:
    assert faults(folder(kept, {ONE: FIRST}, OLD_NAME)) == [
        f"{OLD_NAME} has no committed schema: write it with the release that wrote such events"
    ]
