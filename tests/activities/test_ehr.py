"""The EHR adapter against a FHIR server that validates, and that can be as awkward as real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from activities.ehr import FhirEhr
from activities.fhir import FhirClient
from activities.ports import (
    ClinicError,
    ClinicRefused,
    ClinicUnavailable,
    EhrRecord,
    EhrTask,
    EpisodeStatus,
    TaskStatus,
)
from clinic.scripts import SearchAnswer
from domain.values import Role
from tests.activities.conftest import PERSON, People, assert_says_nothing_of_the_client
from tests.clinic.process import ClinicProcess

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
DUTY = EhrTask(id="duty-1", status=TaskStatus.REQUESTED, description="Call back", owner=Role.CLINICIAN, due=MONDAY)


def record(revision: int = 1, **change: Any) -> EhrRecord:
    wish: dict[str, Any] = {
        "key": f"key-{revision}",
        "revision": revision,
        "journey_id": "journey-1",
        "client_ref": "client-1",
        "status": EpisodeStatus.PLANNED,
        "level": "IOP",
        "started": MONDAY,
        "tasks": (DUTY,),
    }
    return EhrRecord(**(wish | change))


async def at_once(seconds: float) -> None:
    """Takes no time."""


@pytest.fixture
async def ehr(clinic: ClinicProcess, directory: People) -> AsyncIterator[FhirEhr]:
    adapter = FhirEhr(FhirClient(f"{clinic.url}/fhir", "ehr", pause=at_once), directory)
    yield adapter
    await adapter.aclose()


def written(clinic: ClinicProcess) -> list[tuple[str, str]]:
    return [(e["kind"], e["target"].partition("/")[0]) for e in clinic.ledger(system="ehr")]


async def test_it_writes_the_episode_the_patient_and_the_duties(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    episode_id = await ehr.sync(record())
    (patient,), (episode,), (task,) = clinic.fhir("Patient"), clinic.fhir("EpisodeOfCare"), clinic.fhir("Task")
    assert episode["id"] == episode_id
    assert (episode["status"], episode["type"][0]["coding"][0]["code"]) == ("planned", "IOP")
    assert episode["patient"]["reference"] == f"Patient/{patient['id']}"
    assert task["focus"]["reference"] == f"EpisodeOfCare/{episode_id}"
    assert datetime.fromisoformat(task["restriction"]["period"]["end"]) == MONDAY
    assert patient["identifier"][0]["value"] == PERSON.mrn


async def test_a_repetition_has_no_second_effect(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    first = await ehr.sync(record())
    once = written(clinic)
    assert await ehr.sync(record()) == first
    assert written(clinic) == once
    assert sorted(once) == [("create", "EpisodeOfCare"), ("create", "Patient"), ("create", "Task")]


async def test_a_newer_wish_updates_and_keeps_the_status_history(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    await ehr.sync(record())
    await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    done = DUTY.model_copy(update={"status": TaskStatus.COMPLETED})
    await ehr.sync(record(3, status=EpisodeStatus.FINISHED, ended=MONDAY, tasks=(done,)))
    (episode,), (task,) = clinic.fhir("EpisodeOfCare"), clinic.fhir("Task")
    assert episode["status"] == "finished"
    assert [past["status"] for past in episode["statusHistory"]] == ["planned", "active"]
    assert "end" in episode["period"]
    assert task["status"] == "completed"


async def test_a_late_older_wish_changes_nothing(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    before = written(clinic)
    await ehr.sync(record(1))
    assert written(clinic) == before
    assert clinic.fhir("EpisodeOfCare")[0]["status"] == "active"


async def test_what_others_added_is_kept(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    await ehr.sync(record())
    (episode,) = clinic.fhir("EpisodeOfCare")
    theirs = {"system": "urn:example:visit", "value": "V9"}
    episode["identifier"].append(theirs)
    clinic.put(f"/fhir/EpisodeOfCare/{episode['id']}", json=episode).raise_for_status()
    await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    assert theirs in clinic.fhir("EpisodeOfCare")[0]["identifier"]


async def test_a_patient_the_ehr_knows_is_not_created_again(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    known = {"resourceType": "Patient", "identifier": [{"system": "urn:throughline:mrn", "value": PERSON.mrn}]}
    clinic.post("/fhir/Patient", json=known).raise_for_status()
    await ehr.sync(record())
    assert len(clinic.fhir("Patient")) == 1


@pytest.mark.parametrize(
    "quirks",
    [
        {"search_cache": True},
        {"ignore_if_none_exist": True},
        {"page_size": 1},
        {"ignore_criteria": True, "include_others": True},
        {"conflicts": 2, "conflict_status": 409},
        {"conflicts": 2, "conflict_status": 412},
        {"hit_mode": "include", "says_total": True},
        {"index_lag": 2, "ignore_if_none_exist": True},
        {"write_answer": "minimal"},
        {"adds_to_identifiers": True, "says_total": True},
    ],
)
async def test_awkward_servers(clinic: ClinicProcess, ehr: FhirEhr, quirks: dict[str, Any]) -> None:
    clinic.script("*", quirks=quirks)
    await ehr.sync(record())
    await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    (episode,) = clinic.fhir("EpisodeOfCare")
    assert episode["status"] == "active" and len(episode["identifier"]) == 1
    assert len(clinic.fhir("Patient")) == len(clinic.fhir("Task")) == 1


async def test_the_same_wish_twice_at_once_makes_one_of_each(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    await asyncio.gather(*(ehr.sync(record()) for _ in range(4)))
    assert sorted(written(clinic)) == [("create", "EpisodeOfCare"), ("create", "Patient"), ("create", "Task")]


async def test_conflicts_without_end_are_unavailable(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    await ehr.sync(record())
    clinic.script("*", quirks={"conflicts": 99})
    with pytest.raises(ClinicUnavailable) as caught:
        await ehr.sync(record(2))
    assert caught.value.code == "http-412"


async def test_a_lost_answer_is_not_a_second_effect(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    await ehr.sync(record())
    clinic.script("*", quirks={"lost_answers": 1})
    with pytest.raises(ClinicUnavailable):
        await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    assert len(clinic.get(f"/fhir/EpisodeOfCare/{clinic.fhir('EpisodeOfCare')[0]['id']}/_history")["entry"]) == 2


async def test_a_lost_create_makes_no_second_record(clinic: ClinicProcess, ehr: FhirEhr) -> None:
    clinic.script("*", quirks={"lost_creates": 1, "ignore_if_none_exist": True, "index_lag": 3})
    with pytest.raises(ClinicUnavailable):
        await ehr.sync(record())
    await ehr.sync(record())
    assert sorted(written(clinic)) == [("create", "EpisodeOfCare"), ("create", "Patient"), ("create", "Task")]


@pytest.mark.parametrize("answer", ["old", "accepted", "outcome"])
async def test_what_was_answered_and_not_done_is_not_done(clinic: ClinicProcess, ehr: FhirEhr, answer: str) -> None:
    await ehr.sync(record())
    clinic.script("*", quirks={"write_answer": answer})
    with pytest.raises(ClinicUnavailable, match="write-"):
        await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    clinic.script("*", quirks={"write_answer": "resource"})
    await ehr.sync(record(2, status=EpisodeStatus.ACTIVE))
    assert clinic.fhir("EpisodeOfCare")[0]["status"] == "active"


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ({"ehr_failures": 1}, ClinicUnavailable, "http-503"),
        ({"ehr_refused": True}, ClinicRefused, "http-422"),
    ],
)
async def test_failures_are_typed(
    clinic: ClinicProcess, ehr: FhirEhr, script: dict[str, Any], error: type[ClinicError], code: str
) -> None:
    clinic.script(PERSON.mrn, **script)
    with pytest.raises(error) as caught:
        await ehr.sync(record())
    assert caught.value.code == code
    assert_says_nothing_of_the_client(caught.value)


@pytest.mark.parametrize("answer", [each for each in get_args(SearchAnswer) if each != "searchset"])
async def test_what_is_no_searchset_leaves_the_ehr_as_it_is(clinic: ClinicProcess, ehr: FhirEhr, answer: str) -> None:
    clinic.script("*", quirks={"search_answer": answer})
    with pytest.raises(ClinicUnavailable):
        await ehr.sync(record())
    assert clinic.ledger() == []


async def test_a_slow_ehr_times_out(clinic: ClinicProcess, directory: People) -> None:
    clinic.script(PERSON.mrn, ehr_delay=30)
    adapter = FhirEhr(FhirClient(f"{clinic.url}/fhir", "ehr", timeout_seconds=0.2), directory)
    with pytest.raises(ClinicUnavailable) as caught:
        await adapter.sync(record())
    await adapter.aclose()
    assert caught.value.code == "timeout"


async def test_an_unknown_client_is_refused(ehr: FhirEhr) -> None:
    with pytest.raises(ClinicRefused) as caught:
        await ehr.sync(record(client_ref="nobody"))
    assert caught.value.code == "unknown-client"


async def test_what_is_no_fhir_server_is_refused(clinic: ClinicProcess, directory: People) -> None:
    adapter = FhirEhr(FhirClient(f"{clinic.url}/nowhere", "ehr"), directory)
    with pytest.raises(ClinicRefused) as caught:
        await adapter.sync(record())
    await adapter.aclose()
    assert caught.value.code == "http-404"
