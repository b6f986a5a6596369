"""Policies by the command: what they say, whether a file can be used, how two differ."""

from __future__ import annotations

import shutil
from pathlib import Path

from centre.files import EXAMPLE
from cli.output import Exit
from domain.pathway import OBLIGATIONS
from domain.policy import Numbers
from tests.cli.conftest import Call
from tests.policies import variant, write_php


def test_every_number_is_shown_with_its_source(call: Call) -> None:
    shown = call("policy", "show", "us-generic-1")
    assert shown.code == Exit.OK
    assert all(name in shown.out for name in (*Numbers.model_fields, *OBLIGATIONS, "INPATIENT"))
    told = call("policy", "show", "us-generic-1", "--json").json
    assert told["numbers"]["access_business_days"]["source"].startswith("SAMHSA")
    assert told["digest"] == call("policy", "show", "--json").json[0]["digest"]


def test_a_policy_that_is_not_there_is_refused(call: Call) -> None:
    answer = call("policy", "show", "us-lost-1")
    assert answer.code == Exit.USAGE and "there is no policy 'us-lost-1'" in answer.err


def test_a_good_file_can_be_used(call: Call, tmp_path: Path) -> None:
    answer = call("policy", "check", write_php(tmp_path))
    assert answer.code == Exit.OK and answer.out.startswith("us-php-1: can be used")


def test_a_broken_file_is_named_with_its_line(call: Call, tmp_path: Path) -> None:
    answer = call("policy", "check", variant(tmp_path, "us-x-1", ("value = [7, 30]", "value = [30, 7]")))
    assert answer.code == Exit.FAILED
    assert "us-x-1.toml, line " in answer.err and "must rise" in answer.err


def test_differences_are_named_by_their_place(call: Call, tmp_path: Path) -> None:
    same = call("policy", "diff", "us-generic-1", EXAMPLE / "policies" / "us-generic-1.toml")
    assert (same.code, same.out) == (Exit.OK, "there is no difference\n")
    answer = call("policy", "diff", "us-generic-1", write_php(tmp_path), "--json")
    assert answer.code == Exit.FAILED
    found = {each["where"]: (each["one"], each["other"]) for each in answer.json}
    assert found["levels.PHP.given_by"] == ("another", "us")
    assert found["levels.PHP.price.allowed_dollars"] == ("not there", "650.5")
    assert not any(where.startswith(("numbers", "obligations", "levels.IOP")) for where in found)


def test_the_order_of_a_steps_own_words_is_no_difference(call: Call, tmp_path: Path) -> None:
    step, turned = '{ hours = -12, tell = "clinical-supervisor",', '{ tell = "clinical-supervisor", hours = -12,'
    answer = call("policy", "diff", "us-generic-1", variant(tmp_path, "us-x-1", (step, turned)), "--json")
    assert [each["where"] for each in answer.json] == ["version"]
    assert "1 difference\n" in answer.err


def test_a_broken_file_stops_the_worker_at_its_start(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "centre"
    shutil.copytree(EXAMPLE, folder)
    file = folder / "policies" / "us-generic-1.toml"
    file.write_text(file.read_text().replace("[obligations.review]", "[obligations.revue]"))
    answer = call("worker", centre=folder)
    assert answer.code == Exit.FAILED
    assert "us-generic-1.toml, line " in answer.err and "there is no obligation revue" in answer.err
