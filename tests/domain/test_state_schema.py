"""Nobody changes the state's shape without raising its number."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import create_model

from domain.pathway.care import Care
from domain.state import STATE_SCHEMA, JourneyState
from tests.domain import state_schema
from tests.domain.state_schema import RAISE_IT, changed, current, kept


def test_the_state_is_what_its_number_says() -> None:
    assert changed(kept(), current()) == [], RAISE_IT
    assert kept()["schema"] == STATE_SCHEMA, "run `python -m tests.domain.state_schema`"
    new = sorted(current()["after_events"].keys() - kept()["after_events"].keys())
    assert new == [], f"new examples of events ({', '.join(new)}): run `python -m tests.domain.state_schema`"


def test_one_more_field_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before = current()
    more = create_model("Care", __base__=Care, sessions=(int, 0))
    monkeypatch.setattr(state_schema, "JourneyState", create_model("S", __base__=JourneyState, care=(more, more())))
    assert changed(before, current()) == ["fields or types"]


def test_another_meaning_is_found_out() -> None:
    before = current()
    [name, *_] = before["after_events"]
    now = {**before, "after_events": {**before["after_events"], name: "another", "a-new-example.json": "new"}}
    assert changed(before, now) == [name]


def test_what_is_kept_is_only_written_anew_under_another_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "kept.json"
    monkeypatch.setattr(state_schema, "FILE", file)
    state_schema.write()
    state_schema.write()
    monkeypatch.setattr(state_schema, "shape", lambda: "another")
    with pytest.raises(SystemExit, match="raise STATE_SCHEMA"):
        state_schema.write()
    monkeypatch.setattr(state_schema, "STATE_SCHEMA", STATE_SCHEMA + 1)
    state_schema.write()
    assert kept()["shape"] == "another" and kept()["schema"] == STATE_SCHEMA + 1
