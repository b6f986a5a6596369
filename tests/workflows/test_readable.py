"""What Temporal shows without a key is our own words, whatever people and other systems wrote."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

import workflows
from domain.benefits import Evidence
from domain.effects import HoldPlace, Notify
from domain.evolve import evolve
from domain.pathway import Event
from domain.pathway.crisis import CrisisRecorded
from domain.pathway.enrolment import Enrolled
from domain.pathway.moves import TransitionCompleted
from domain.state import JourneyState
from domain.values import Identifying, Value
from tests.domain import walk as walks
from tests.domain.walk import MONDAY, Walk
from workflows.calls import _call
from workflows.card import attributes, card, shown, timer_summary
from workflows.payloads import notice

CANARY = "Quillfeather"
WRITTEN = {
    (CrisisRecorded, "facility"),
    (TransitionCompleted, "facility"),
    (Enrolled, "track"),
    (Evidence, "other_payer"),
}
"""What people and payers write that the record keeps open. The rest of it is marked as `Identifying`."""
ASIDE = [walks.place_held, walks.window_missed, walks.returning, walks.cost_declined, walks.in_hospital]
ASIDE += [walks.in_emergency_department, walks.in_hospital_before_care]


def is_written(kind: type[Value], name: str) -> bool:
    def parts(annotation: Any) -> Iterator[Any]:
        yield annotation
        for part in get_args(annotation):
            yield from parts(part)

    field = kind.model_fields[name]
    return (kind, name) in WRITTEN or any(
        isinstance(part, Identifying) for part in (*field.metadata, *parts(field.annotation))
    )


def rewritten(value: Any) -> Any:
    """`value` as if everyone had written the canary, also where they wrote nothing."""
    if isinstance(value, tuple):
        return tuple(rewritten(each) for each in value)
    if not isinstance(value, Value):
        return value
    changes = {}
    for name in type(value).model_fields:
        old = getattr(value, name)
        if is_written(type(value), name):
            changes[name] = (CANARY,) if isinstance(old, tuple) else CANARY
        else:
            changes[name] = rewritten(old)
    return value.changed(**changes)


def readable(state: JourneyState) -> Iterator[str]:
    """All that Temporal shows of a journey in `state`."""
    yield card(state, MONDAY)
    yield str(attributes(shown(state, MONDAY, "0" * 64)))
    if due := state.next_deadline():
        yield timer_summary(state, due)
    for key, effect in state.pending().items():
        if not isinstance(effect, HoldPlace):  # its summary is a level and a time, and needs a running workflow
            yield _call(effect, state).summary
        if isinstance(effect, Notify):
            yield notice(state, effect, key).subject


@pytest.mark.parametrize("walk_to", [*walks.STAGES.values(), *ASIDE])
def test_whatever_was_written_is_not_shown(walk_to: Callable[[], Walk]) -> None:
    state, said = JourneyState(), 0
    for event in walk_to().record:
        changed: Event = rewritten(event)
        state = evolve(state, changed)
        for text in readable(state):
            said += 1
            assert CANARY not in text
    assert said >= 2


def test_the_walks_write_what_could_be_shown() -> None:
    written = {
        (type(event), name)
        for walk_to in [*walks.STAGES.values(), *ASIDE]
        for event in walk_to().record
        for name in type(event).model_fields
        if CANARY in str(getattr(rewritten(event), name))
    }
    assert len(written) > 10
    assert {(CrisisRecorded, "facility"), (CrisisRecorded, "reason"), (Enrolled, "track")} <= written


@cache
def calls() -> Counter[tuple[str, str]]:
    """How often each file of ours calls a function or method of that name."""
    root, found = Path(workflows.__file__).parents[1], Counter[tuple[str, str]]()
    packages = [each for each in root.iterdir() if (each / "__init__.py").exists() and each.name != "tests"]
    for file in (root / "worker.py", *(file for package in packages for file in package.rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                found[str(file.relative_to(root)), name] += 1
    return found


def callers(name: str) -> dict[str, int]:
    return {file: times for (file, called), times in calls().items() if called == name}


def test_every_card_is_known() -> None:
    assert callers("set_current_details") == {"workflows/display.py": 2, "workflows/reconciling.py": 1}


def test_every_text_that_is_marked_as_readable_is_known() -> None:
    """Read a new one before you add it here: nobody's words may be in it."""
    assert callers("mark_as_clear") == {"workflows/converter.py": 1}
    assert callers("ClearText") == {
        "dashboard/digest_activities.py": 1,
        "recovery/schedule.py": 1,
        "workflows/calls.py": 1,
        "workflows/client.py": 2,
        "workflows/deadline_timer.py": 1,
        "workflows/digests.py": 3,
        "workflows/journey_record.py": 1,
        "workflows/messages.py": 1,
        "workflows/newer_state.py": 1,
        "workflows/paging.py": 1,
        "workflows/payload_codec.py": 2,
        "workflows/reconciling.py": 3,
        "workflows/recording.py": 2,
    }


def test_no_workflow_loads_the_keys_or_what_uses_them() -> None:
    loaded = "import sys, workflows.journey, workflows.digests, workflows.reconciling; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True).stdout.split()
    assert "workflows.clear_text" in modules
    assert not {"cryptography", "workflows.payload_codec", "workflows.converter"} & set(modules)
