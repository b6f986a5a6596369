"""`throughline events schemas` on a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import run
from cli.output import Exit
from record.upcasting import EVENT_TYPES

ROOT = Path(__file__).parents[2]


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["events", "schemas", *arguments])
    return code, *capsys.readouterr()


def test_what_was_written_checks_and_is_what_is_committed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "schemas"
    code, out, err = call(capsys, "--write", str(made))
    assert (code, err) == (Exit.OK, "")
    assert out.count("written ") == len(EVENT_TYPES) + 1
    assert call(capsys, "--check", str(made))[0] == Exit.OK
    assert "up to date" in call(capsys, "--write", str(made))[1]
    code, _, err = call(capsys, "--write", str(made / "index.json"))
    assert code == Exit.FAILED and "cannot use" in err
    committed = ROOT / "docs" / "schemas"
    assert {each.name: each.read_bytes() for each in made.iterdir()} == {
        each.name: each.read_bytes() for each in committed.iterdir()
    }


def test_a_folder_that_is_behind_is_told_how_to_catch_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, "--check", str(tmp_path))
    assert (code, out) == (Exit.FAILED, "")
    assert err.startswith("throughline: not up to date: ")
    assert err.endswith(f"run `throughline events schemas --write {tmp_path}`\n")
    assert list(tmp_path.iterdir()) == [], "checking does not write"


def test_a_folder_that_contradicts_the_release_is_refused_either_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(capsys, "--write", str(tmp_path))
    (tmp_path / "journey.closed.v1.json").unlink()
    for option in ("--check", "--write"):
        code, out, err = call(capsys, option, str(tmp_path))
        assert (code, out) == (Exit.FAILED, "")
        assert err == "throughline: journey.closed.v1.json is gone: restore it from version control\n"


def test_the_list_and_the_json_name_every_type(capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys)[1]
    assert all(name in shown for name in EVENT_TYPES)
    schemas = json.loads(call(capsys, "--json")[1])
    assert set(schemas) == {f"{name}.v{kind.schema_version}" for name, kind in EVENT_TYPES.items()}
    assert schemas["journey.closed.v1"]["required"] == ["reason"]


def test_writing_and_checking_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "--write", str(tmp_path), "--check", str(tmp_path))
    assert code == Exit.USAGE
    assert "--write" in err and "--check" in err
