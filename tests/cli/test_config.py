"""`throughline config` tells each setting, where it comes from, and no password."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.configuration import masked
from cli.main import run
from cli.output import Exit
from deploy.home import Home
from deploy.layers import variable_of
from deploy.settings import Settings
from tests.cli.conftest import Call

Told = dict[str, dict[str, Any]]


@pytest.fixture
def stack_home(tmp_path: Path) -> Path:
    """A home where a stack runs, by its note."""
    env = {"TEMPORAL_ADDRESS": "127.0.0.1:1111", "DATABASE_URL": "postgresql://care:hunter2@db.example.org/x"}
    Home(tmp_path).publish({**env, "THROUGHLINE_HTTP_PORT": "2222"})
    return tmp_path


def told(out: str) -> Told:
    return {each["variable"]: each for each in json.loads(out)}


def test_each_setting_says_where_it_comes_from(
    stack_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THROUGHLINE_HOME", str(stack_home))
    monkeypatch.setenv("THROUGHLINE_HTTP_PORT", "3333")
    monkeypatch.setenv("TEMPORAL_ADDRESS", " ")
    assert run(["config", "--json"]) == Exit.OK
    found = told(capsys.readouterr().out)
    sources = {name: (found[name]["value"], found[name]["source"]) for name in found}
    assert sources["THROUGHLINE_HTTP_PORT"] == (3333, "environment")
    assert sources["TEMPORAL_ADDRESS"] == ("127.0.0.1:1111", "running stack")
    assert sources["THROUGHLINE_MLLP_PORT"] == (2575, "default")
    assert sources["DATABASE_URL"] == ("postgresql://care:***@db.example.org/x", "running stack")
    assert found["THROUGHLINE_MLLP_MAX_BYTES"]["unit"] == "bytes"


def test_all_settings_are_told_and_no_password(stack_home: Path, call: Call) -> None:
    assert set(told(call("config", "--json", home=stack_home).out)) == set(map(variable_of, Settings.model_fields))
    text = call("config", home=stack_home).out
    assert all(f"{variable_of(name)} " in text for name in Settings.model_fields)
    assert "hunter2" not in text and "5242880 bytes" in text


def test_a_bad_value_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THROUGHLINE_WORKER_MOST_CALLS", "hunter2")
    assert run(["config"]) == Exit.USAGE
    said = capsys.readouterr().err
    assert "THROUGHLINE_WORKER_MOST_CALLS must be a whole number of calls, from 1" in said and "hunter2" not in said


def test_a_variable_that_no_setting_reads_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THROUGHLINE_MLLP_MAX_BITES", "hunter2")
    monkeypatch.setenv("THROUGHLINE_TRACEBACK", "1")
    assert run(["config"]) == Exit.OK
    assert capsys.readouterr().err == "throughline: no setting reads THROUGHLINE_MLLP_MAX_BITES\n"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://care:hunter2@db.example.org:5432/x", "postgresql://care:***@db.example.org:5432/x"),
        ("postgresql://care@/x?host=/run&password=hunter2", "postgresql://care@/x?***"),
        ("postgresql://care:hunter2@one,two:5433/x", "postgresql://care:***@one,two:5433/x"),
        ("postgresql://:hunter2@[::1]/x", "postgresql://:***@[::1]/x"),
        ("postgresql://care:hunt/er2@db/x", "postgresql://***"),
        ("postgresql://care:hunt@er2@db/x", "postgresql://***"),
        ("https://care:hunter2@clinic.example.org/base/", "https://care:***@clinic.example.org/base/"),
        ("http://127.0.0.1:8490", "http://127.0.0.1:8490"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown
