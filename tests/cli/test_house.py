"""The command against a running house: from an admission to enrolment, and every way to be told no."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import pytest

from cli.output import Exit
from deploy.settings import Settings
from tests.cli.conftest import PATIENCE_SECONDS, Call, Command, command, processes_on
from tests.cli.desk import ADMISSIONS, CASE_MANAGER, CLINICIAN, SCREENED, admission

pytestmark = pytest.mark.stack


def admitted(there: Call, folder: Path, stage: str = "PLACEMENT") -> str:
    """The journey of a client who was just admitted, once they were screened and the payer has answered."""
    known = {each["journey_id"] for each in there("journeys", "--all", "--json").json}
    assert there("send", admission(folder)).code == Exit.OK
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        new = [each for each in there("journeys", "--json").json if each["journey_id"] not in known]
        if ready := [each for each in new if each["stage"] == stage]:  # one of an earlier test may show up late
            journey = str(max(ready, key=lambda each: str(each["opened_at"]))["journey_id"])
            assert there("complete-screening", journey, *SCREENED).code == Exit.OK
            return journey
        assert time.monotonic() < deadline, f"no new journey at {stage}: {new}"
        time.sleep(0.05)


def shown(there: Call, journey: str) -> Any:
    answer = there("journey", journey, "--json")
    assert answer.code == Exit.OK
    return answer.json


def until_at(there: Call, journey: str, stage: str) -> Any:
    """The journey once it is at this stage."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (told := shown(there, journey))["journey"]["stage"] != stage:
        assert time.monotonic() < deadline, told["journey"]["stage"]
        time.sleep(0.05)
    return told


def test_a_client_comes_from_an_admission_to_enrolment_by_the_command_alone(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    placed = there("decide-placement", journey, "--recommended", "IOP", "--actual", "IOP", *CLINICIAN, "--json").json
    assert (placed["stage"], placed["estimate"]) == ("COST_REVIEW", "estimate-1")
    accepted = there("accept-cost", journey, "--estimate", "estimate-1", *ADMISSIONS)
    assert accepted.code == Exit.OK
    assert "ENROLLING" in accepted.out
    enrolled = there("confirm-enrolment", journey, "--track", "evening", *ADMISSIONS, "--json").json
    assert (enrolled["stage"], enrolled["level"], enrolled["journey_id"]) == ("ENROLLED", None, journey)

    began = f"{datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"
    session = ("--type", "group", "--starts-at", began, "--site", "main", "--skill", "dbt")
    early = there("sessions", "enter", journey, "--outcome", "kept", *session, *CASE_MANAGER)
    assert early.code == Exit.REFUSED and "not-yet" in early.err
    assert there("sessions", "enter", journey, "--outcome", "planned", *session, *CASE_MANAGER).code == Exit.OK
    time.sleep(1.5)
    kept = there("sessions", "enter", journey, "--outcome", "kept", *session, *CASE_MANAGER)
    assert kept.code == Exit.OK and kept.out.strip() == "1 entered"
    told = until_at(there, journey, "ACTIVE")
    listed = there("sessions", "list", journey)
    assert "group dbt" in listed.out and "next: nothing booked" in listed.out
    assert there("sessions", "list", journey, "--json").json["next_planned"] is None
    assert [each["version"] for each in told["events"]] == list(range(1, len(told["events"]) + 1))
    assert told["events"][0]["sentence"].startswith("Journey opened")
    assert {each["kind"] for each in told["obligations"]} >= {"review", "draft-discharge-plan"}
    assert journey in there("journeys").out

    page = there("journey", journey).out
    for words in ("ACTIVE", "Review the level of care", "Enrolled in IOP, evening track", "Care at IOP began"):
        assert words in page
    assert "Clinic system answered" not in page
    assert "Clinic system answered" in there("journey", journey, "--everything").out


def test_what_the_payer_wrote_reaches_the_person_who_must_judge_it(house: Command, there: Call, tmp_path: Path) -> None:
    file = admission(tmp_path)
    clinic = Settings.load({"THROUGHLINE_HOME": str(house.home)}).require_clinic_url()
    asked = {"messages": ["AUTHORIZATION IS REQUIRED", "FOR IOP"], "other_payer": "HARBOR MIND CARE"}
    httpx2.post(f"{clinic}/script/M{file.stem}", json=asked).raise_for_status()
    known = {each["journey_id"] for each in there("journeys", "--all", "--json").json}
    assert there("send", file).code == Exit.OK
    deadline, journey, page = time.monotonic() + PATIENCE_SECONDS, "", ""
    while "NEEDS_REVIEW" not in page:
        assert time.monotonic() < deadline, page
        new = [each["journey_id"] for each in there("journeys", "--json").json if each["journey_id"] not in known]
        journey, page = (new[0], there("journey", new[0]).out) if new else ("", "")
    assert "HARBOR MIND CARE" in page and f"throughline benefits {journey}" in page
    assert "FOR IOP" not in page and "FOR IOP" not in there("journey", journey, "--json").out
    told = there("benefits", journey).out
    for words in ("NEEDS_REVIEW", "AUTHORIZATION IS REQUIRED", "FOR IOP", "HARBOR MIND CARE", "an authorisation"):
        assert words in told
    (answer,) = there("benefits", journey, "--json").json
    assert answer["evidence"][0]["text"] == "AUTHORIZATION IS REQUIRED\nFOR IOP"
    verified = ("--verdict", "CLEAR_AUTH_REQUIRED", "--note", "called", "--copay", "0", "--coinsurance", "0.3")
    left = ("--deductible-remaining", "700", "--out-of-pocket-remaining", "5000")
    assert there("record-benefits", journey, *verified, *left, *ADMISSIONS).code == Exit.OK
    verified_by_hand = there("benefits", journey).out
    assert "What they noted" in verified_by_hand and "called" in verified_by_hand
    assert "admissions s-2" in verified_by_hand and "AUTHORIZATION IS REQUIRED" in verified_by_hand
    assert there("complete-screening", journey, *SCREENED).code == Exit.OK
    assert there("decide-placement", journey, "--recommended", "IOP", "--actual", "IOP", *CLINICIAN).code == Exit.OK
    priced = there("journey", journey).out
    assert "estimate-1: $3010.00" in priced and "the deductible left of $700 is paid first" in priced


def test_no_process_of_the_house_is_the_database_s_superuser(house: Command) -> None:
    settings = Settings.load({"THROUGHLINE_HOME": str(house.home)})
    keyholders = {"throughline_worker", "throughline_intake", "throughline_board"}
    expected = {
        settings.require_database_url(): {*keyholders, "throughline_projections"},
        settings.require_keys_url(): keyholders,
    }
    for url, logins in expected.items():
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "select usename from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert {role for (role,) in rows} == logins


def test_an_obligation_is_acknowledged_and_one_done_by_hand_only_where_it_may_be(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    owed = shown(there, journey)["obligations"][0]["id"]
    assert there("acknowledge-obligation", journey, "--obligation", owed, *CLINICIAN).code == Exit.OK
    assert there("acknowledge-obligation", journey, "--obligation", owed, *ADMISSIONS).code == Exit.REFUSED
    refused = there("complete-obligation", journey, "--obligation", "review-99", "--note", "done", *CLINICIAN)
    assert refused.code == Exit.REFUSED


def test_a_refused_decision_says_why_in_one_line_and_changes_nothing(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    refused = there("confirm-enrolment", journey, "--track", "evening", *ADMISSIONS, "--id", "too-early")
    assert refused.code == Exit.REFUSED
    assert refused.out == ""
    assert refused.err.startswith("throughline: refused (wrong-stage): ")
    assert refused.err.count("\n") == 1
    told = shown(there, journey)
    assert told["journey"]["stage"] == "PLACEMENT"
    assert "too-early" not in {each["meta"]["command_id"] for each in told["events"]}


def test_a_decision_repeated_with_its_id_is_done_once(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    line = ("decide-placement", journey, "--recommended", "OP", "--actual", "OP", *CLINICIAN, "--id", "d-1", "--json")
    first, again = there(*line), there(*line)
    assert (first.code, again.code) == (Exit.OK, Exit.OK)
    assert again.json == first.json
    types = [each["type"] for each in shown(there, journey)["events"]]
    assert types.count("placement.decided") == 1


def test_a_message_sent_again_is_accepted_and_opens_nothing(there: Call, tmp_path: Path) -> None:
    admitted(there, tmp_path)
    before = len(there("journeys", "--all", "--json").json)
    (file,) = tmp_path.iterdir()
    again = there("send", file)
    assert (again.code, again.out[:2]) == (Exit.OK, "AA")
    assert len(there("journeys", "--all", "--json").json) == before


def test_an_unknown_journey_is_told_so(there: Call) -> None:
    for line in (("journey", "nobody"), ("discharge", "nobody", "--reason", "moved", *CLINICIAN)):
        answer = there(*line)
        assert (answer.code, answer.out) == (Exit.NOT_FOUND, "")
        assert answer.err.count("\n") == 1


def test_every_message_gets_its_answer_even_behind_one_that_is_refused(there: Call, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.txt"
    garbage.write_bytes(b"not a message, but somebody sent it")
    good = tmp_path / "two.hl7"
    good.write_bytes(admission(tmp_path).read_bytes() + admission(tmp_path).read_bytes())
    answer = there("send", garbage, good, "--json")
    assert answer.code == Exit.NOT_ACCEPTED
    assert [each["code"] in ("AR", "AE") for each in answer.json] == [True, False, False]
    assert [(Path(each["file"]).name, each["number"]) for each in answer.json[1:]] == [("two.hl7", 1), ("two.hl7", 2)]
    assert [each["code"] for each in answer.json[1:]] == ["AA", "AA"]
    assert answer.err == "throughline: 1 of 3 messages not accepted; the answers above say why\n"
    lines = there("send", garbage, good).out.splitlines()
    assert [line[:2] for line in lines] == [answer.json[0]["code"], "AA", "AA"]


def test_all_is_well(there: Call) -> None:
    answer = there("status", "--json")
    assert (answer.code, answer.err) == (Exit.OK, "")
    assert {
        answer.json[name]
        for name in ("record", "keys", "temporal", "worker", "projector", "sessions", "intake", "clinic")
    } == {"ok"}


def test_a_reader_that_goes_away_ends_the_command_without_a_word(house: Command, there: Call, tmp_path: Path) -> None:
    admitted(there, tmp_path)
    with command(house.home, "journeys", "--all", stdout_closed=True) as cut:
        assert cut.ended() == Exit.CUT_OFF
        assert cut.err == ""


def test_every_listener_is_on_loopback(house: Command) -> None:
    listening = [
        connection.laddr.ip
        for process in processes_on(house.home)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 5  # MLLP, HTTP, the clinic's two, Temporal
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_a_second_house_on_the_same_data_is_turned_away(house: Command) -> None:
    with command(house.home, "up", "--free-ports") as second:
        assert second.ended() == Exit.FAILED
        assert second.err.count("\n") == 1
        assert str(house.home) in second.err
        assert "THROUGHLINE_HOME" in second.err
    assert house.process.poll() is None


def test_a_journey_is_named_by_its_reference_and_read_by_the_beginning_of_its_id(there: Call, tmp_path: Path) -> None:
    journey = admitted(there, tmp_path)
    told = shown(there, journey)["journey"]
    listed = {each["journey_id"]: each["reference"] for each in there("journeys", "--all", "--json").json}
    reference = told["reference"]
    assert listed[journey] == reference and "number" not in told
    assert reference in there("journey", journey).out and reference in there("journeys").out

    for short in (reference, reference.lower(), journey[:13]):
        assert shown(there, short)["journey"]["journey_id"] == journey
        assert there("benefits", short).code == there("why-due", short, "enrol-1").code == Exit.OK
    refused = there("decide-placement", journey[:13], "--recommended", "IOP", "--actual", "IOP", *CLINICIAN)
    assert (refused.code, "not a part of its id" in refused.err) == (Exit.USAGE, True)
    placed = there("decide-placement", reference, "--recommended", "IOP", "--actual", "IOP", *CLINICIAN, "--json")
    assert placed.json["journey_id"] == journey
    assert there("client", "index").out == there("client", "index").out != ""
