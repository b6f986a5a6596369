"""The chain of steps: what it lifts, what it refuses to start with, and what it says of an event it cannot read.

No event is above version 1 yet, so the chain here is one of visits: 1 → 2 → 3, and a type that was renamed.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import BaseEvent
from domain.pathway.closing import JourneyClosed
from eventstore import StoredEvent
from eventstore.errors import UnreadableEvent
from eventstore.following.bulk import BulkEvent
from record import codec
from record.codec import decode, from_record, is_journey
from record.upcasting import EVENT_TYPES, STEPS, BrokenChain, Chain, Data, NotLifted, Shape, Upcast, current_shapes
from tests.eventstore.facts import NOON

VISIT = "visit.kept"
CURRENT = [Shape(VISIT, 3), Shape("visit.missed", 1)]


def minutes_instead_of_hours(data: Data) -> Data:
    return {"minutes": data["hours"] * 60, "people": data["people"]}


def the_lead_apart(data: Data) -> Data:
    data["people"].sort()  # careless: it is its own copy that it sorts
    return {"minutes": data["minutes"], "lead": data["people"][0], "others": data["people"][1:]}


def visit(data: Data) -> Data:
    return {"hours": data["length"], "people": [data["who"]]}


ONE_TO_TWO = Upcast(Shape(VISIT, 1), minutes_instead_of_hours)
TWO_TO_THREE = Upcast(Shape(VISIT, 2), the_lead_apart)
RENAMED = Upcast(Shape("session.kept", 1), visit, becomes=Shape(VISIT, 1))
STEPS_HERE = (ONE_TO_TWO, TWO_TO_THREE, RENAMED)
CHAIN = Chain(STEPS_HERE, CURRENT)
CLOSED_TWO = Shape("journey.closed", 2)

HOURS = st.integers(0, 12)
PEOPLE = st.lists(st.text(), min_size=1)
OLD_DATA: dict[Shape, st.SearchStrategy[Data]] = {
    Shape("session.kept", 1): st.fixed_dictionaries({"length": HOURS, "who": st.text()}),
    Shape(VISIT, 1): st.fixed_dictionaries({"hours": HOURS, "people": PEOPLE}),
    Shape(VISIT, 2): st.fixed_dictionaries({"minutes": HOURS, "people": PEOPLE}),
}
RECORDED = st.sampled_from(sorted(OLD_DATA)).flatmap(lambda shape: st.tuples(st.just(shape), OLD_DATA[shape]))


def test_data_is_lifted_step_by_step_to_the_current_version() -> None:
    newest = {"minutes": 120, "lead": "s-1", "others": ["s-2"]}
    assert CHAIN.lift(Shape(VISIT, 1), {"hours": 2, "people": ["s-2", "s-1"]}) == (VISIT, newest)
    assert CHAIN.lift(Shape(VISIT, 2), {"minutes": 120, "people": ["s-2", "s-1"]}) == (VISIT, newest)
    assert CHAIN.lift(Shape(VISIT, 3), newest) == (VISIT, newest)


def test_a_retired_type_is_read_as_the_one_that_took_over() -> None:
    lifted = CHAIN.lift(Shape("session.kept", 1), {"length": 1, "who": "s-1"})
    assert lifted == (VISIT, {"minutes": 60, "lead": "s-1", "others": []})


@given(RECORDED)
def test_lifting_changes_nothing_and_ends_in_the_same_place_every_time(recorded: tuple[Shape, Data]) -> None:
    shape, data = recorded
    before = copy.deepcopy(data)
    kind, lifted = CHAIN.lift(shape, data)
    assert data == before
    assert CHAIN.lift(shape, data) == (kind, lifted)
    assert CHAIN.lift(Shape(kind, 3), lifted) == (kind, lifted), "what is current is left alone"
    assert set(lifted) == {"minutes", "lead", "others"}


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ((TWO_TO_THREE,), f"{VISIT} v1 has no step"),
        ((ONE_TO_TWO,), f"{VISIT} v2 has no step"),
        ((ONE_TO_TWO, TWO_TO_THREE, TWO_TO_THREE), f"{VISIT} v2 has 2 steps"),
        ((*STEPS_HERE, Upcast(Shape("visit.mised", 1), visit)), "leads to visit.mised v2, which nothing reads"),
        ((*STEPS_HERE, Upcast(Shape(VISIT, 3), visit)), f"a step from {VISIT} v3, but {VISIT} is at v3"),
        (
            (*STEPS_HERE, Upcast(Shape("visit.missed", 4), visit)),
            "from visit.missed v4, but visit.missed is at v1",
        ),
        ((*STEPS_HERE, Upcast(Shape(VISIT, 0), visit)), "versions begin at 1"),
        ((*STEPS_HERE, Upcast(Shape("old.name", 2), visit, Shape(VISIT, 3))), "old.name v1 has no step"),
        (
            (*STEPS_HERE, Upcast(Shape("old.name", 1), visit, Shape(VISIT, 4))),
            f"{VISIT} v4, which nothing reads",
        ),
        ((Upcast(Shape(VISIT, 1), visit, Shape(VISIT, 3)), TWO_TO_THREE), "within a type it is one version at a time"),
        (
            (
                *STEPS_HERE,
                Upcast(Shape("a.a", 1), visit, Shape("b.b", 1)),
                Upcast(Shape("b.b", 1), visit, Shape("a.a", 1)),
            ),
            "the steps from a.a v1 go round in a circle",
        ),
    ],
)
def test_a_broken_chain_says_what_is_wrong(steps: tuple[Upcast, ...], fault: str) -> None:
    with pytest.raises(BrokenChain, match="nothing starts") as broken:
        Chain(steps, CURRENT)
    assert any(fault in each for each in broken.value.faults), broken.value.faults
    assert fault in str(broken.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(BrokenChain) as broken:
        Chain((RENAMED,), [Shape(VISIT, 4)])
    assert broken.value.faults[:3] == tuple(f"{VISIT} v{version} has no step" for version in (1, 2, 3))


def test_this_release_has_a_step_for_every_version_before_the_current_ones() -> None:
    chain = Chain()
    assert chain.older == {step.source for step in STEPS}
    assert {shape.type for shape in current_shapes()} == set(EVENT_TYPES)
    raised = [shape for shape in current_shapes() if shape.version > 1]
    assert {Shape(shape.type, shape.version - 1) for shape in raised} <= chain.older


@pytest.mark.parametrize("process", ["worker", "cli.journeys", "dashboard.reading", "activities.recorder"])
def test_no_process_that_reads_events_starts_with_a_broken_chain(process: str) -> None:
    raised = "from domain.pathway.admission import JourneyOpened; JourneyOpened.schema_version = 3; "
    started = subprocess.run(
        [sys.executable, "-c", f"{raised}import {process}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert started.returncode != 0
    said = started.stderr.strip().splitlines()[-1]
    assert "BrokenChain" in said
    assert "journey.opened v1 has no step; journey.opened v2 has no step" in said


def stored(kind: str, version: int, data: dict[str, Any]) -> StoredEvent:
    return StoredEvent(
        type=kind,
        schema_version=version,
        data=data,
        occurred_at=NOON,
        position=17,
        stream="j-1",
        version=1,
        event_id=UUID(int=1),
        recorded_at=NOON,
        meta={"command_id": "c-1"},
    )


def row(kind: str, version: int, data: dict[str, Any]) -> BulkEvent:
    """The same as `stored`, read in bulk."""
    text = json.dumps({"type": kind, "at": NOON.isoformat(), "cause": "c-1", **data})
    return BulkEvent(17, 1, version, "j", kind, str(NOON), str(NOON), text)


@pytest.mark.parametrize(
    ("event", "saying"),
    [
        (stored("journey.closed", 2, {"reason": "Quillfeather"}), "reads journey.closed up to v1, and the event is v2"),
        (stored("journey.mislaid", 1, {"reason": "Quillfeather"}), "does not know journey.mislaid"),
        (stored("journey.closed", 1, {"reason": "x", "Quillfeather": 1}), "its data is not of journey.closed v1"),
    ],
)
def test_an_event_this_release_cannot_read_says_which_one_can(event: StoredEvent, saying: str) -> None:
    with pytest.raises(UnreadableEvent, match=r"^event 17: .*deploy the release that wrote it, or newer$") as refused:
        from_record(event)
    assert saying in str(refused.value)
    assert "Quillfeather" not in str(refused.value)
    good = row("journey.closed", 1, {"reason": "followed-up"})
    with pytest.raises(UnreadableEvent) as also:
        decode([good, row(event.type, event.schema_version, event.data), good])
    assert str(also.value) == str(refused.value)


def test_a_step_that_stumbles_over_its_data_tells_the_shape_and_not_the_data() -> None:
    with pytest.raises(NotLifted) as refused:
        CHAIN.lift(Shape(VISIT, 1), {"Quillfeather": 1})
    assert str(refused.value) == f"its data is not of {VISIT} v1 (KeyError): find out who wrote it, or mend the step"
    with pytest.raises(NotLifted, match=f"reads {VISIT} up to v3, and the event is v4"):
        CHAIN.lift(Shape(VISIT, 4), {})
    with pytest.raises(NotLifted, match=r"reads session\.kept up to v1, and the event is v2"):
        CHAIN.lift(Shape("session.kept", 2), {})


def test_the_codec_reads_an_old_event_through_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (
        Upcast(Shape("journey.over", 1), lambda data: {"reason": data["why"]}, becomes=Shape("journey.closed", 1)),
        Upcast(Shape("journey.closed", 1), lambda data: {"reason": data["reason"].lower()}),
    )
    others = [shape for shape in current_shapes() if shape.type != CLOSED_TWO.type]
    chain = Chain(steps, [*others, CLOSED_TWO])
    monkeypatch.setattr(codec, "_CHAIN", chain)
    closed = JourneyClosed(at=NOON, cause="c-1", reason="followed-up")
    assert from_record(stored("journey.over", 1, {"why": "FOLLOWED-UP"})) == closed
    assert from_record(stored("journey.closed", 1, {"reason": "Followed-up"})) == closed
    assert from_record(stored("journey.closed", 2, {"reason": "followed-up"})) == closed
    assert decode(
        [
            row("journey.over", 1, {"why": "FOLLOWED-UP"}),
            row("journey.closed", 1, {"reason": "Followed-up"}),
            row("journey.closed", 2, {"reason": "followed-up"}),
        ]
    ) == [closed, closed, closed]


def test_types_are_told_apart_by_their_names_and_versions_by_their_classes() -> None:
    assert EVENT_TYPES["journey.closed"] is JourneyClosed
    assert all(
        issubclass(kind, BaseEvent) and "schema_version" not in kind.model_fields for kind in EVENT_TYPES.values()
    )


@pytest.mark.parametrize(("stream", "told"), [("4f3a0b32", True), ("client/4f3a0b32", False), ("a/b/c", False)])
def test_a_stream_with_a_slash_is_no_journey(stream: str, told: bool) -> None:
    assert is_journey(stream) is told
