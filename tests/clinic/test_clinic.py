"""The simulated clinic by itself: what it refuses, what it remembers, what it listens on."""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import Any

import pytest

from tests.clinic.process import ClinicProcess

PATIENT: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "M1"}]}


def episode(**change: Any) -> dict[str, Any]:
    base = {"resourceType": "EpisodeOfCare", "status": "active", "patient": {"reference": "Patient/1"}}
    return {**base, **change}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("EpisodeOfCare", episode(status="bogus"), 422),
        ("EpisodeOfCare", episode(unknownField=1), 422),
        ("EpisodeOfCare", episode(patient={"reference": "1"}), 422),
        ("EpisodeOfCare", episode(statusHistory=[]), 422),
        ("EpisodeOfCare", {"resourceType": "EpisodeOfCare", "status": "active"}, 422),
        ("Task", {"resourceType": "Task", "status": "requested", "intent": "bogus"}, 422),
        ("Patient", episode(), 422),
        ("Observation", {}, 404),
        ("EpisodeOfCare", episode(), 201),
    ],
)
def test_resources_are_checked(clinic: ClinicProcess, path: str, body: dict[str, Any], status: int) -> None:
    answer = clinic.post(f"/fhir/{path}", json=body)
    assert answer.status_code == status
    assert status == 201 or answer.json()["resourceType"] == "OperationOutcome"


def test_conditional_create_and_stale_update(clinic: ClinicProcess) -> None:
    once = {"If-None-Exist": "identifier=urn:mrn|M1"}
    first = clinic.post("/fhir/Patient", json=PATIENT, headers=once)
    second = clinic.post("/fhir/Patient", json=PATIENT, headers=once)
    assert (first.status_code, second.status_code) == (201, 200)
    known = first.json()
    stale = {"If-Match": first.headers["etag"]}
    address = f"/fhir/Patient/{known['id']}"
    assert clinic.put(address, json={**known, "gender": "female"}, headers=stale).status_code == 200
    assert clinic.put(address, json=known, headers=stale).status_code == 412
    assert len(clinic.get(f"{address}/_history")["entry"]) == 2


def test_search_has_pages_and_no_total(clinic: ClinicProcess) -> None:
    clinic.script("*", quirks={"page_size": 3})
    first = clinic.get("/fhir/Slot", status="free")
    assert "total" not in first
    assert len(first["entry"]) == 3
    assert first["link"][0]["relation"] == "next"
    assert clinic.post("/fhir/Slot/_search", data={"colour": "red"}).status_code == 400


@pytest.mark.parametrize("body", [b"", b"ISA*00*", b"hello", b"\xff\xfe"])
def test_a_bad_270_is_answered_by_ta1(clinic: ClinicProcess, body: bytes) -> None:
    answer = clinic.post("/x12", content=body, headers={"Content-Type": "application/EDI-X12"})
    assert "TA1*" in answer.text
    assert clinic.ledger() == []


def test_scripts_are_checked_merged_and_forgotten(clinic: ClinicProcess) -> None:
    clinic.script("*", copay=10)
    clinic.script("M1", staff={"clinician": False})
    clinic.script("M1", coverage="inactive")
    assert clinic.get("/script/M1/staff/clinician") == {"answers": False}
    assert clinic.get("/script/M1/staff/supervisor") == {"answers": True}
    found = clinic.get("/script/M1")
    assert (found["copay"], found["coverage"]) == ("10", "inactive")
    assert clinic.post("/script/M1", json={"coverage": "maybe"}).status_code == 422
    assert clinic.post("/script/M1", json={"colour": "red"}).status_code == 422
    clinic.reset()
    assert clinic.get("/script/M1")["coverage"] == "active"


def test_it_remembers_over_a_kill(tmp_path: Path) -> None:
    arguments = ("--state", str(tmp_path / "state.db"), "--places", "2")
    first = ClinicProcess(*arguments)
    try:
        known = first.post("/fhir/Patient", json=PATIENT).json()
        first.script("M1", coverage="inactive", ehr_failures=3)
        with smtplib.SMTP("127.0.0.1", first.smtp_port) as mail:
            mail.sendmail("a@x.invalid", ["b@x.invalid"], "Message-ID: <1@x.invalid>\r\nSubject: s\r\n\r\nbody\r\n")
    finally:
        first.stop(kill=True)
    second = ClinicProcess(*arguments)
    try:
        assert second.get(f"/fhir/Patient/{known['id']}") == known
        assert second.get("/script/M1")["ehr_failures"] == 3
        assert [message["id"] for message in second.get("/mailbox")] == ["<1@x.invalid>"]
        assert [entry["system"] for entry in second.ledger()] == ["ehr", "mail"]
        assert len(second.fhir("Slot")) == 8
    finally:
        second.stop()


def test_the_ready_file_says_where_it_listens(tmp_path: Path) -> None:
    clinic = ClinicProcess("--ready-file", str(tmp_path / "ready.json"))
    try:
        assert f'"http_port": {clinic.http_port}' in (tmp_path / "ready.json").read_text()
        assert clinic.get("/health") == {"ok": True}
    finally:
        clinic.stop()
