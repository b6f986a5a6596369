"""Who owes what, by the command: a care team assigned, one person's work listed, and handed over everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.output import Exit
from tests.cli.conftest import Call
from tests.cli.test_house import admitted

pytestmark = pytest.mark.stack

SUPERVISOR = ("--by", "s-105", "--role", "clinical-supervisor")
WHY = ("--reason", "leaves the centre")


def owed_by(there: Call, *person: str) -> list[tuple[str, str, str | None]]:
    found = there("obligations", *person, "--json").json
    return [(each["journey_id"], each["id"], each["assignee"]) for each in found]


def test_a_persons_work_is_assigned_listed_and_handed_over(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    team = ("assign-care-team", journey, "--team-role", "clinician")
    assert there(*team, "--to", "s-102", *SUPERVISOR).code == Exit.OK
    assert "clinician s-102" in there("journey", journey).out
    assert owed_by(there, "--person", "s-102") == [(journey, "decide-placement-1", "s-102")]
    listed = there("obligations", "--person", "s-102").out
    assert "Decide the level of care" in listed and "1 open obligation" in listed
    assert (journey, "enrol-1", None) in owed_by(there, "--owner", "admissions", "--unassigned", "--site", "main")
    assert there("journeys", "--person", "s-101").out.startswith("no journey waits for s-101")
    to_admissions = ("assign-obligation", journey, "--obligation", "check-admission-time-1", "--to", "s-101")
    assert there(*to_admissions, *SUPERVISOR).code == Exit.OK
    assert [each["journey_id"] for each in there("journeys", "--person", "s-101", "--json").json] == [journey]

    wrong = there("staff", "hand-over", "s-102", "--to", "s-103", *WHY, *SUPERVISOR)
    assert wrong.code == Exit.DIFFERS
    assert journey in wrong.out and "s-103 is not clinician. Choose someone who is." in wrong.out
    assert "1 of 1 journeys are not handed over: ask again" in wrong.err
    counted = there("staff", "hand-over", "s-102", "--to", "s-112", *WHY, *SUPERVISOR, "--dry-run")
    assert counted.out.strip() == "s-102 owes something on 1 open journeys"

    done = there("staff", "hand-over", "s-102", "--to", "s-112", *WHY, *SUPERVISOR, "--json").json
    assert done == {"journeys": 1, "results": [{"journey_id": journey, "failed": None}]}
    assert owed_by(there, "--person", "s-102") == []
    assert owed_by(there, "--person", "s-112") == [(journey, "decide-placement-1", "s-112")]
    again = there("staff", "hand-over", "s-102", "--to", "s-112", *WHY, *SUPERVISOR)
    assert (again.code, again.out.strip()) == (Exit.OK, "0 of 0 journeys are handed over")


def test_a_person_nobody_knows_is_refused_by_the_command_and_by_the_journey(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    told = there("staff", "hand-over", "s-102", "--to", "s-999", *WHY, *SUPERVISOR)
    assert told.code == Exit.REFUSED and "s-999 is not in staff.toml" in told.err
    assigned = there("assign-obligation", journey, "--obligation", "enrol-1", "--to", "s-999", *SUPERVISOR)
    assert assigned.code == Exit.REFUSED
    assert "refused (person-unknown): s-999 is not on the centre's list of staff." in assigned.err
