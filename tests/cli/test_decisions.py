"""What a decision declares is what runs: Temporal's Updates, the command line and the reference page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclopts import App
from temporalio import workflow

from cli.main import build
from cli.output import Exit
from domain.commands import Decision, SignedCommand
from domain.decision_options import given_as_fields, options_of
from domain.pathway import COMMANDS, DECISIONS
from domain.pathway.coverage import RecordBenefits
from domain.pathway.discharge import UpdateDischargePlan
from domain.values import Role, Stage
from tests.cli.conftest import Call
from workflows.journey import JourneyWorkflow

app = build()

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "decisions.md"
ENGINEERS = {"look-again"}
"""Updates that are no decision about a client."""


def updates() -> dict[str, Any]:
    return {str(name): each for name, each in workflow._Definition.must_from_class(JourneyWorkflow).updates.items()}


def test_the_workflow_takes_every_decision_and_message_and_nothing_else() -> None:
    signed = {name for name, kind in COMMANDS.items() if issubclass(kind, SignedCommand)}
    messages = signed - {each.name() for each in DECISIONS}
    assert updates().keys() == {each.name() for each in DECISIONS} | messages | ENGINEERS


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda kind: kind.__name__)
def test_each_update_reads_its_own_command_and_validates_it(decision: type[Decision]) -> None:
    update = updates()[decision.name()]
    assert update.description == decision.description()
    assert update.arg_types == [decision]
    assert update.validator is not None


def test_the_command_line_has_every_decision_with_its_options(call: Call) -> None:
    overview = call("--help").out
    for decision in DECISIONS:
        assert f" {decision.name()} " in overview
        text = call(decision.name(), "--help").out
        assert all(option.flag in text for option in options_of(decision))
        assert "--occurred-at" in text
        assert ("check twice" in " ".join(text.split())) is decision.declared.high_risk


def test_no_command_decides_that_is_not_declared() -> None:
    by_somebody = {
        name
        for name in app
        if not name.startswith("-") and _is_one_command(app[name]) and "--role" in _options_of_the_line(name)
    }
    assert by_somebody == {each.name() for each in DECISIONS}


def _is_one_command(of: App) -> bool:
    return of.default_command is not None


def _options_of_the_line(name: str) -> set[str]:
    return {flag for argument in app[name].assemble_argument_collection() for flag in argument.names}


def test_the_reference_page_is_up_to_date(call: Call) -> None:
    assert call("decisions", "--check", str(PAGE)).code == Exit.OK


def test_a_page_that_is_out_of_date_names_the_command_that_mends_it(call: Call, tmp_path: Path) -> None:
    page = tmp_path / "decisions.md"
    assert "cannot read" in call("decisions", "--check", str(page)).err
    page.write_text("old")
    assert f"--write {page}" in call("decisions", "--check", str(page)).err
    assert call("decisions", "--write", str(page)).code == Exit.OK
    nowhere = call("decisions", "--write", str(page / "below.md"))
    assert nowhere.code == Exit.FAILED and "cannot write" in nowhere.err
    assert call("decisions", "--check", str(page)).code == Exit.OK


def test_the_page_marks_each_role_and_stage_that_is_declared() -> None:
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| `") and "●" in line]
    marks = {row[1].strip(" `"): sum(cell.strip() == "●" for cell in row) for row in rows[: len(DECISIONS)]}
    assert marks == {each.name(): len(set(each.declared.at) & set(Stage)) for each in DECISIONS}
    marks = {row[1].strip(" `"): sum(cell.strip() == "●" for cell in row) for row in rows[len(DECISIONS) :]}
    assert marks == {each.name(): len(set(each.declared.by) & set(Role)) for each in DECISIONS}


def test_the_list_is_also_for_programs(call: Call) -> None:
    [first, *others] = json.loads(call("decisions", "--json").out)
    assert (first["name"], first["by"]) == ("adopt-calendar", ["operations"])
    assert len(others) == len(DECISIONS) - 1
    assert all(each["description"] and each["fields"]["properties"]["occurred_at"] for each in (first, *others))


def test_options_become_the_fields_they_are_part_of() -> None:
    given = {"verdict": "CLEAR", "copay": "30", "deductible_first": False, "note": "by phone", "coinsurance": None}
    share = {"copay": "30", "deductible_first": False}
    assert given_as_fields(RecordBenefits, given) == {"verdict": "CLEAR", "cost_share": share, "note": "by phone"}
    assert given_as_fields(RecordBenefits, {"verdict": "INACTIVE", "note": "x"}) == {"verdict": "INACTIVE", "note": "x"}
    assert given_as_fields(UpdateDischargePlan, {"follow_ups": ()}) == {"plan": {}}
    assert given_as_fields(UpdateDischargePlan, {"resources": ("a", "b")}) == {"plan": {"resources": ("a", "b")}}


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda kind: kind.__name__)
def test_no_two_options_of_a_decision_share_a_flag(decision: type[Decision]) -> None:
    flags = [option.flag for option in options_of(decision)]
    assert len(set(flags)) == len(flags)
    assert not set(flags) & {"--by", "--role", "--id", "--json", "--occurred-at", "--help"}
