"""The centre's people by the command: the list, who is on call, and what is wrong with their file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from centre.files import EXAMPLE
from centre.staff_file import read_staff
from cli.demo.play import _STAFF
from cli.output import Exit
from tests.cli.conftest import Answer, Call

GOOD = (EXAMPLE / "staff.toml").read_text()


@pytest.fixture
def staff(call: Call, tmp_path: Path) -> Call:
    """Runs `throughline staff` on a folder whose staff.toml a test may change."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)

    def calling(*arguments: str | Path) -> Answer:
        return call("staff", *arguments, centre=tmp_path)

    return calling


def changed(tmp_path: Path, old: str, new: str) -> None:
    assert old in GOOD
    (tmp_path / "staff.toml").write_text(GOOD.replace(old, new))


def test_the_people_are_listed(staff: Call) -> None:
    shown = staff("show")
    assert shown.code == Exit.OK
    assert shown.err == ""
    assert [line.split()[0] for line in shown.out.splitlines()[1:]] == [
        each["id"] for each in staff("show", "--json").json["people"]
    ]
    assert "clinical-supervisor, clinician" in shown.out
    found = staff("show", "--json").json
    assert found["people"][0]["caseload_clients"] == 24
    assert found["people"][0]["absences"][0] == {"first_day": "2027-07-05", "last_day": "2027-07-16", "cover": "s-112"}


def test_who_is_absent_today_is_shown_with_their_cover(staff: Call, tmp_path: Path) -> None:
    changed(tmp_path, "first_day = 2027-07-05 ", "first_day = 2020-01-01 ")
    shown = staff("show").out
    assert "until 2027-07-16, cover s-112" in shown


def test_who_is_on_call_at_a_moment(staff: Call) -> None:
    def told(at: str, *more: str) -> list[str]:
        found = staff("on-call", "--role", "clinician", "--at", at, "--json", *more).json
        return [each["staff_id"] for line in found if line["channel"] == "page" for each in line["told"]]

    assert told("2026-03-02T12:00-08:00") == ["s-102", "s-112", "s-105", None]
    assert told("2026-03-02T22:00-08:00") == ["s-105", "s-112", "s-102", None]
    assert told("2027-07-05T12:00-07:00", "--site", "main") == ["s-112", "s-105", None]
    shown = staff("on-call", "--at", "2027-07-05T12:00-07:00").out
    assert "s-112 in place of s-102" in shown
    assert "medical-director@pager.clinic.example" in shown


def test_a_good_file_is_said_to_be_good_with_its_warnings(staff: Call) -> None:
    shown = staff("check")
    assert shown.code == Exit.OK
    assert "warning: staff.toml, line 5: no one is on call as admissions" in shown.out
    assert "staff.toml can be used: 10 people, 2 warnings" in shown.out
    assert len(staff("check", "--json").json["warnings"]) == 2


def test_every_fault_is_named_with_its_line(staff: Call, tmp_path: Path) -> None:
    changed(tmp_path, '["s-103", "s-113"]', '["s-102", "s-999"]')
    shown = staff("check")
    assert shown.code == Exit.FAILED
    lines = [line for line in shown.out.splitlines() if line.startswith("error: staff.toml, line ")]
    assert [reason.split(": ")[2][:30] for reason in lines] == [
        "s-102 is not case-manager; add",
        "there is no person with the id",
    ]
    assert shown.err == "throughline: staff.toml cannot be used; correct each error\n"
    answer = staff("check", "--json")
    assert answer.code == Exit.FAILED
    assert len(json.loads(answer.out)["errors"]) == 2


def test_a_site_that_is_not_there_is_refused(staff: Call) -> None:
    answer = staff("on-call", "--site", "nowhere")
    assert answer.code == Exit.USAGE and "there is no site 'nowhere'" in answer.err


@pytest.mark.parametrize("command", ["show", "check", "on-call"])
def test_a_file_that_cannot_be_read_at_all_is_one_line(staff: Call, tmp_path: Path, command: str) -> None:
    changed(tmp_path, 'roles = ["operations"]', 'roles = ["porter"]')
    answer = staff(command)
    assert answer.code == Exit.FAILED
    assert answer.err.startswith("throughline: staff.toml, line ")
    assert answer.err.count("\n") == 1
    assert "Henry" not in answer.err


def test_a_folder_that_is_not_there_is_one_line(call: Call, tmp_path: Path) -> None:
    answer = call("staff", "check", centre=tmp_path / "nowhere")
    assert answer.code == Exit.FAILED
    assert (
        answer.err == "throughline: nowhere: is not a folder; set THROUGHLINE_CENTRE to the folder with centre.toml\n"
    )


def test_without_a_folder_the_example_is_shown_and_said_to_be_one(call: Call) -> None:
    answer = call("staff", "show")
    assert answer.code == Exit.OK
    assert "set THROUGHLINE_CENTRE" in answer.err


def test_the_staff_of_the_demonstration_are_in_the_example() -> None:
    staff = read_staff(EXAMPLE / "staff.toml")
    for role, staff_id in _STAFF.items():
        person = staff.person(staff_id)
        assert person is not None and role in person.roles
