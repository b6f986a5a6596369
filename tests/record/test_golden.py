"""Every version of every event ever written is read by this release, and no example of one ever changes.

An example is `golden/<type>.v<version>[.<what is special>].json`. To add one, write the file and its line of
`sha256sum`; one that is there already stays as it is.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from dashboard.words import actor_role
from domain.evolve import evolve, fold
from domain.pathway import Event
from domain.pathway.admission import Admission
from domain.state import JourneyState
from record.codec import from_record, to_record
from record.upcasting import EVENT_TYPES, STEPS, Chain, Shape, current_shapes
from tests.domain import walk
from tests.record import examples
from tests.record.json_schema import filled, fits, places

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
CURRENT = [name for name in examples.NAMES if examples.shape(name) in current_shapes()]
OF_SHAPE: dict[Shape, list[str]] = {}
for _name in examples.NAMES:
    OF_SHAPE.setdefault(examples.shape(_name), []).append(_name)

every_file = pytest.mark.parametrize("name", examples.NAMES)
every_current_file = pytest.mark.parametrize("name", CURRENT)
every_type = pytest.mark.parametrize("shape", current_shapes(), ids=str)


def data_of(event: Event) -> dict[str, Any]:
    return to_record(event).data


def schema_of(shape: Shape) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{shape}.json".replace(" ", ".")).read_text(encoding="utf-8"))
    return schema


def test_no_example_ever_changes_or_vanishes() -> None:
    committed = examples.listed()
    changed = [name for name in examples.NAMES if name in committed and examples.digest(name) != committed[name]]
    assert changed == [], f"{changed}: what was recorded stays so; add a new version instead"
    gone = sorted(committed.keys() - set(examples.NAMES))
    assert gone == [], f"{gone}: the record still holds such events; keep the example and add a new version instead"
    assert sorted(set(examples.NAMES) - committed.keys()) == [], "add the sums of new examples: sha256sum FILE"


def test_every_version_this_release_writes_or_lifts_has_an_example() -> None:
    assert set(OF_SHAPE) == {*current_shapes(), *(step.source for step in STEPS)}


@every_file
def test_an_example_is_named_after_what_it_is(name: str) -> None:
    shape = examples.shape(name)
    assert name.startswith(f"{shape.type}.v{shape.version}.")


@every_file
def test_every_example_reads_as_an_event_of_today(name: str) -> None:
    stored = examples.stored(name)
    before = copy.deepcopy(stored.data)
    event = from_record(stored)
    assert stored.data == before, "reading changes nothing"
    assert type(event) in EVENT_TYPES.values()
    assert event.at == stored.occurred_at
    assert event.cause == stored.meta["command_id"]
    again = to_record(event)
    assert Shape(again.type, again.schema_version) in current_shapes()
    assert from_record(examples.stored(name, **again.model_dump(include={"type", "schema_version", "data"}))) == event
    assert Chain().lift(Shape(again.type, again.schema_version), again.data) == (again.type, again.data)


@every_current_file
def test_what_was_said_is_said_again(name: str) -> None:
    """A field that came later without a new version may stand beside it, with its default."""
    said = examples.recorded(name)["data"]
    again = data_of(from_record(examples.stored(name)))
    assert _only(again, said) == said


@every_type
def test_the_newest_version_has_an_example_that_is_written_exactly_so(shape: Shape) -> None:
    exact = [
        name
        for name in OF_SHAPE[shape]
        if data_of(from_record(examples.stored(name))) == examples.recorded(name)["data"]
        and to_record(from_record(examples.stored(name))).occurred_at == examples.stored(name).occurred_at
    ]
    assert exact, f"{shape} has come to say more: add an example golden/{shape.type}.v{shape.version}.<what>.json"


@every_type
def test_the_examples_fill_every_field_and_leave_out_every_optional_one(shape: Shape) -> None:
    schema = schema_of(shape)
    definitions = schema.get("$defs", {})
    said = [set(filled(examples.recorded(name)["data"])) for name in OF_SHAPE[shape]]
    for place, optional in places(schema, definitions):
        assert any(place in each for each in said), f"no example of {shape} fills {place}"
        if optional:
            assert any(place not in each for each in said), f"every example of {shape} fills {place}, which is optional"


@every_file
def test_every_example_fits_the_schema_of_its_version(name: str) -> None:
    data, schema = examples.recorded(name)["data"], schema_of(examples.shape(name))
    definitions = schema.get("$defs", {})
    assert fits(data, schema, definitions)
    for field in schema["required"]:
        assert not fits({key: value for key, value in data.items() if key != field}, schema, definitions)


@every_current_file
def test_an_event_from_before_its_optional_fields_reads_the_same(name: str) -> None:
    event = from_record(examples.stored(name))
    bare = event.model_dump(mode="json", exclude={"type", "at", "cause"}, exclude_defaults=True)
    assert from_record(examples.stored(name, data=bare)) == event


@every_file
def test_every_example_is_folded_from_anywhere_and_has_a_sentence(name: str) -> None:
    event = from_record(examples.stored(name))
    for walked in (walk.opened(), walk.stepping_up(), walk.discharging()):
        assert evolve(walked.state, event).version == walked.state.version + 1
    assert evolve(JourneyState(admission=Admission(policy_version="us-generic-1")), event).version == 1
    assert event.sentence().strip()
    by = examples.recorded(name)["data"].get("by")
    assert actor_role(event) == (by and by["role"])


def test_all_examples_in_a_row_are_folded_too() -> None:
    events = [from_record(examples.stored(name)) for name in examples.NAMES]
    assert fold(events, walk.opened().state).version == walk.opened().state.version + len(events)


def _only(value: Any, like: Any) -> Any:
    """`value` without the keys that `like` does not have."""
    match value, like:
        case dict(), dict():
            return {key: _only(value[key], like[key]) for key in value if key in like}
        case list(), list() if len(value) == len(like):
            return [_only(each, model) for each, model in zip(value, like, strict=True)]
    return value
