"""The ways out of a journey by the command, against a running house; and how an admission after the end is taken."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.output import Exit
from tests.cli.conftest import PATIENCE_SECONDS, Call
from tests.cli.desk import ADMISSIONS, CLINICIAN
from tests.cli.test_house import admitted, shown

pytestmark = pytest.mark.stack

SUPERVISOR = ("--by", "s-3", "--role", "clinical-supervisor")
CANARY = "CANARYREASON"


def stage(there: Call, journey: str) -> str:
    return str(shown(there, journey)["journey"]["stage"])


def listed(there: Call, *options: str) -> set[str]:
    return {each["journey_id"] for each in there("journeys", "--json", *options).json}


def test_a_crisis_a_mistaken_death_and_a_withdrawal_by_the_command(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    crisis = ("--place", "inpatient", "--facility", "Harbor Hospital", "--reason", CANARY)
    assert there("record-crisis", journey, *crisis, *ADMISSIONS).code == Exit.OK
    told = there("journey", journey)
    assert "EXTERNAL" in told.out and "inpatient at [sealed]" in told.out
    assert "Harbor" not in told.out and CANARY not in told.out
    assert "arrange-return-1" in told.out and "Waiting duties" in told.out

    refused = there("end-crisis", journey, "--note", "home", *CLINICIAN)
    assert (refused.code, "safety-check-first" in refused.err) == (Exit.REFUSED, True)
    assert there("end-crisis", journey, "--note", "home", "--safety-rechecked", *CLINICIAN).code == Exit.OK
    assert stage(there, journey) == "PLACEMENT"

    assert there("record-death", journey, "--source", CANARY, *ADMISSIONS).code == Exit.OK
    assert stage(there, journey) == "DECEASED"
    assert journey in listed(there), "the review is still owed"
    assert there("correct-death", journey, "--reason", "another client", *SUPERVISOR).code == Exit.OK
    assert stage(there, journey) == "PLACEMENT"

    why = ("--reason", "moved-away", "--initiator", "client", "--risk", "low")
    assert there("record-withdrawal", journey, *why, *ADMISSIONS).code == Exit.OK
    assert stage(there, journey) == "WITHDRAWN"
    assert journey not in listed(there) and journey in listed(there, "--all")
    assert "Final from" in there("journey", journey).out
    assert there("take-back-withdrawal", journey, "--reason", CANARY, *ADMISSIONS).code == Exit.OK
    assert stage(there, journey) == "PLACEMENT" and journey in listed(there)


def test_after_a_withdrawal_the_same_clients_admission_opens_a_new_journey(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    why = ("--reason", "client-withdrew", "--initiator", "client", "--risk", "low")
    assert there("record-withdrawal", journey, *why, *ADMISSIONS).code == Exit.OK
    before = listed(there, "--all")
    [file] = tmp_path.glob("*.hl7")
    again = tmp_path / "again.hl7"
    later = file.read_bytes().replace(b"20260302101600", b"20260402101600")
    again.write_bytes(later.replace(b"ADT^A04|", b"ADT^A04|X"))
    assert there("send", again).code == Exit.OK
    assert client(there, newcomer(there, before)) == client(there, journey)


def client(there: Call, journey: str) -> str:
    return str(shown(there, journey)["events"][0]["data"]["client_ref"])


def newcomer(there: Call, before: set[str]) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (new := listed(there) - before):
        assert time.monotonic() < deadline, "no new journey was opened"
        time.sleep(0.05)
    return new.pop()
