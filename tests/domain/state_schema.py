"""What `STATE_SCHEMA` stands for, kept beside it: `python -m tests.domain.state_schema` writes it anew.

Kept are the fields and types of `JourneyState`, and what each example of an event makes of a journey just opened.
Names of enumeration members and bounds are left out: a state that has none of the new ones is the same as before.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from domain.comparing import fingerprint
from domain.evolve import fold
from domain.state import STATE_SCHEMA, JourneyState
from record.codec import from_record
from record.upcasting import current_shapes
from tests.record import examples

FILE = Path(__file__).with_suffix(".json")
RAISE_IT = (
    "The journey's state has changed its shape or its meaning: raise STATE_SCHEMA in domain/state.py, "
    "then run `python -m tests.domain.state_schema`"
)
_OF_THE_SHAPE = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "default",
    "format",
    "items",
    "oneOf",
    "prefixItems",
    "type",
}
_NAMED = {"$defs", "properties"}


def current() -> dict[str, Any]:
    """What this release's state is."""
    return {"schema": STATE_SCHEMA, "shape": shape(), "after_events": after_events()}


def kept() -> dict[str, Any]:
    """What it was when `STATE_SCHEMA` was last raised."""
    content: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def shape() -> str:
    """A digest of all fields and their types."""
    return _digest(_reduced(JourneyState.model_json_schema(mode="serialization")))


def after_events() -> dict[str, str]:
    """For each example of an event, a digest of the state after it."""
    opened = from_record(examples.stored("journey.opened.v1.json"))
    names = [name for name in examples.NAMES if examples.shape(name) in current_shapes()]
    states = {name: fold([opened, from_record(examples.stored(name))]) for name in names}
    return {name: fingerprint(state).digest[:16] for name, state in states.items()}


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of `old` is no longer so; what `new` has besides is none of it."""
    before, now = old["after_events"], new["after_events"]
    others = [name for name in before if name in now and before[name] != now[name]]
    return [*(["fields or types"] if old["shape"] != new["shape"] else []), *others]


def write() -> None:
    """Writes the file.

    Raises:
        SystemExit: The state has changed and its number has not.
    """
    new = current()
    if FILE.exists() and kept()["schema"] == STATE_SCHEMA and (different := changed(kept(), new)):
        sys.exit(f"{RAISE_IT}. It differs in: {', '.join(different)}")
    FILE.write_text(json.dumps(new, indent=2) + "\n", encoding="utf-8")


def _reduced(node: Any) -> Any:
    if isinstance(node, list):
        return [_reduced(each) for each in node]
    if not isinstance(node, dict):
        return node
    named = {key: {name: _reduced(each) for name, each in node[key].items()} for key in _NAMED & node.keys()}
    return {**named, **{key: _reduced(node[key]) for key in _OF_THE_SHAPE & node.keys()}}


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


if __name__ == "__main__":
    write()
