"""Writes to servers with habits of their own: a create has one effect, and what was not carried out is not done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.calls import ClinicCalls
from activities.creations import Creations
from activities.ehr import FhirEhr
from activities.fhir import FhirClient
from activities.places import HOLD
from activities.ports import ClinicRefused, ClinicUnavailable, EhrRecord, EpisodeStatus
from tests.activities.conftest import CANARIES, PERSON, People
from tests.activities.foreign import ForeignFhir, Resource, slot
from tests.activities.holding import hold
from tests.activities.test_ehr import DUTY, MONDAY, record
from tests.activities.test_foreign_servers import NOW, ehr, places, wanted

KINDS = ("Patient", "EpisodeOfCare", "Task")
NOT_CARRIED_OUT = ("old", "accepted", "failed")


def counts(server: ForeignFhir) -> list[int]:
    return [len(server.all(kind)) for kind in KINDS]


async def attempts(server: ForeignFhir, wish: EhrRecord, most: int = 40) -> None:
    """One call as Temporal repeats it: each attempt in a new process, with what the last heartbeat said."""
    kept: list[Mapping[str, Sequence[str]]] = [{}]
    for _ in range(most):
        try:
            await ehr(server).sync(wish, Creations(kept[-1], kept.append))
        except ClinicUnavailable:
            continue
        return
    raise AssertionError("it never ended")


@pytest.mark.parametrize("lag", [1, 3, 6, 20, 100])
async def test_a_search_that_lags_makes_no_second_record(lag: int) -> None:
    server = ForeignFhir(index_lag=lag)
    for revision in range(1, 4):
        await attempts(server, record(revision, status=EpisodeStatus.ACTIVE))
    assert counts(server) == [1, 1, 1]


@pytest.mark.parametrize("lag", [1, 3])
async def test_a_call_ends_only_once_what_it_created_is_found(lag: int) -> None:
    """So the next call, which remembers nothing, finds it too."""
    server = ForeignFhir(index_lag=lag)
    for revision in range(1, 4):
        await ehr(server).sync(record(revision))
    assert counts(server) == [1, 1, 1]


async def test_what_no_search_finds_is_told_as_such_and_made_once() -> None:
    server = ForeignFhir(index_lag=10_000)
    adapter = ehr(server)
    for _ in range(5):
        with pytest.raises(ClinicUnavailable) as caught:
            await adapter.sync(record())
        assert caught.value.code == "not-searchable-yet"
    assert counts(server) == [1, 0, 0]


async def test_a_created_record_that_was_deleted_is_made_again() -> None:
    server = ForeignFhir(index_lag=10_000)
    adapter = ehr(server)
    with pytest.raises(ClinicUnavailable):
        await adapter.sync(record())
    server.delete("Patient", server.all("Patient")[0]["id"])
    server.habits.index_lag = 0
    await adapter.sync(record())
    assert counts(server) == [1, 1, 1]


@pytest.mark.parametrize("answer", ["lost", "accepted"])
async def test_an_unanswered_create_is_repeated_only_once_it_cannot_have_been_carried_out(answer: Any) -> None:
    server, clock = ForeignFhir(index_lag=14, writes=answer), [datetime(2026, 1, 5, tzinfo=UTC)]
    fhir = FhirClient(server.base, "ehr", client=server.http(), pause=server.pause, now=lambda: clock[0])
    adapter = FhirEhr(fhir, People(PERSON))
    for _ in range(3):
        with pytest.raises(ClinicUnavailable):
            await adapter.sync(record())
        clock[0] += timedelta(seconds=30)
    assert server.written() == ["POST Patient"]
    server.habits.writes, server.habits.index_lag = "kept", 0
    clock[0] += timedelta(minutes=5)
    await adapter.sync(record())
    assert counts(server) == [1, 1, 1]
    assert server.written().count("POST Patient") == (1 if answer == "lost" else 2)


async def test_a_create_that_was_turned_away_is_repeated_at_once() -> None:
    server = ForeignFhir(writes="failed")
    adapter = ehr(server)
    with pytest.raises(ClinicUnavailable, match="write-failed"):
        await adapter.sync(record())
    server.habits.writes = "kept"
    await adapter.sync(record())
    assert counts(server) == [1, 1, 1]


async def test_the_activity_carries_what_it_created_from_attempt_to_attempt() -> None:
    server, nothing = ForeignFhir(index_lag=20), object()
    beats: list[Any] = []
    for _ in range(20):
        environment = ActivityEnvironment()
        environment.on_heartbeat = lambda *details: beats.append(details)
        environment.info = replace(environment.info, heartbeat_details=beats[-1] if beats else ())
        calls = ClinicCalls(nothing, ehr(server), nothing, nothing)  # type: ignore[arg-type]
        try:
            await environment.run(calls.sync_ehr, record())
        except ApplicationError as error:
            assert error.type == "ehr/not-searchable-yet" and not error.non_retryable
    assert counts(server) == [1, 1, 1]
    assert not [canary for canary in CANARIES if canary in str(beats)]


@pytest.mark.parametrize("writes", ["kept", "minimal", "outcome"])
async def test_a_write_may_be_answered_without_the_resource(writes: str) -> None:
    server = ForeignFhir(writes=writes)
    for revision, status in enumerate((EpisodeStatus.PLANNED, EpisodeStatus.ACTIVE), 1):
        await ehr(server).sync(record(revision, status=status))
    assert counts(server) == [1, 1, 1]
    assert server.all("EpisodeOfCare")[0]["status"] == "active"


@pytest.mark.parametrize("writes", NOT_CARRIED_OUT)
async def test_an_update_that_was_not_carried_out_is_not_done(writes: Any) -> None:
    server = ForeignFhir()
    await ehr(server).sync(record())
    server.habits.writes = writes
    with pytest.raises(ClinicUnavailable, match="write-"):
        await ehr(server).sync(record(2, status=EpisodeStatus.ACTIVE))
    server.habits.writes = "kept"
    await ehr(server).sync(record(2, status=EpisodeStatus.ACTIVE))
    assert server.all("EpisodeOfCare")[0]["status"] == "active"


@pytest.mark.parametrize("writes", NOT_CARRIED_OUT)
async def test_a_hold_that_was_not_carried_out_is_no_place(writes: str) -> None:
    server = ForeignFhir(writes=writes)
    server.put("Slot", "1", **slot(NOW + timedelta(hours=1)))
    with pytest.raises(ClinicUnavailable, match="write-"):
        await hold(places(server), wanted())
    server.habits.writes = "kept"
    assert await hold(places(server), wanted()) is not None


@pytest.mark.parametrize("writes", NOT_CARRIED_OUT)
async def test_a_place_that_was_not_given_back_is_still_to_be_given_back(writes: str) -> None:
    mark = [{"system": HOLD, "value": "key-1"}]
    server = ForeignFhir(writes=writes)
    server.put("Slot", "1", **slot(NOW + timedelta(hours=1), status="busy-tentative", identifier=mark))
    with pytest.raises(ClinicUnavailable, match="write-"):
        await places(server).release("key-1", "journey-1")
    server.habits.writes = "kept"
    await places(server).release("key-1", "journey-1")
    assert server.get("Slot", "1")["status"] == "free"


async def test_a_server_that_drops_our_identifier_is_a_matter_for_a_person() -> None:
    server = ForeignFhir(shown=lambda resource: {k: v for k, v in resource.items() if k != "identifier"})
    with pytest.raises(ClinicRefused, match="write-unconfirmed"):
        await ehr(server).sync(record())
    assert server.written() == ["POST Patient"]


async def test_a_later_call_of_the_same_process_makes_none_where_the_first_one_was_never_found() -> None:
    server = ForeignFhir(index_lag=10_000)
    adapter = ehr(server)
    for revision in range(1, 4):
        with pytest.raises(ClinicUnavailable, match="not-searchable-yet"):
            await adapter.sync(record(revision), Creations())
    assert counts(server) == [1, 0, 0]


async def test_each_write_has_a_key_of_its_own() -> None:
    server = ForeignFhir()
    tasks = (DUTY, DUTY.model_copy(update={"id": "duty-2"}))
    server.put("Slot", "1", **slot(NOW + timedelta(hours=1)))
    for revision in (1, 2):
        await ehr(server).sync(record(revision, tasks=tasks))
    for _ in range(2):
        await hold(places(server), wanted())
        await places(server).release("key-1", "journey-1")
    assert max(Counter(server.keys()).values()) == 1
    assert len(server.keys()) == len(server.written()) == 4 + 3 + 4
    assert not [canary for canary in CANARIES if canary in str(server.keys())]


async def test_a_repeated_write_keeps_its_key() -> None:
    server = ForeignFhir()
    await ehr(server).sync(record())
    server.habits.writes = "accepted"
    for _ in range(2):
        with pytest.raises(ClinicUnavailable):
            await ehr(server).sync(record(2, status=EpisodeStatus.ACTIVE))
    first, second = server.keys()[-2:]
    assert first == second


def adds_to_identifiers(resource: Resource) -> Resource:
    more = {"use": "official", "type": {"text": "number"}, "assigner": {"display": "the EHR"}}
    return {**resource, "identifier": [{**each, **more} for each in resource.get("identifier", ())]}


def without_extensions(resource: Resource) -> Resource:
    return {name: value for name, value in resource.items() if name != "extension"}


async def test_a_server_that_keeps_no_extensions_is_written_to_all_the_same() -> None:
    server = ForeignFhir(shown=without_extensions)
    for revision, status in enumerate((EpisodeStatus.PLANNED, EpisodeStatus.ACTIVE), 1):
        await ehr(server).sync(record(revision, status=status))
    assert counts(server) == [1, 1, 1]
    assert server.all("EpisodeOfCare")[0]["status"] == "active"
    server.habits.writes = "old"
    with pytest.raises(ClinicUnavailable, match="write-unconfirmed"):
        await ehr(server).sync(record(3, status=EpisodeStatus.FINISHED))


async def test_identifiers_do_not_multiply_where_a_server_adds_to_them() -> None:
    server = ForeignFhir(shown=adds_to_identifiers)
    for revision in range(1, 5):
        await ehr(server).sync(record(revision))
    assert [len(server.all(kind)[0]["identifier"]) for kind in KINDS] == [1, 1, 1]
    assert server.all("EpisodeOfCare")[0]["identifier"][0]["assigner"] == {"display": "the EHR"}


async def test_a_status_ends_when_the_journey_says_so() -> None:
    server = ForeignFhir()
    for revision, status in enumerate((EpisodeStatus.PLANNED, EpisodeStatus.ACTIVE, EpisodeStatus.FINISHED), 1):
        await ehr(server).sync(record(revision, status=status, as_of=MONDAY + timedelta(days=revision)))
    assert [past["period"] for past in server.all("EpisodeOfCare")[0]["statusHistory"]] == [
        {"start": "2026-01-05T09:00:00+00:00", "end": "2026-01-07T09:00:00+00:00"},
        {"start": "2026-01-07T09:00:00+00:00", "end": "2026-01-08T09:00:00+00:00"},
    ]


async def test_a_status_that_ended_at_an_unknown_time_has_no_end() -> None:
    server = ForeignFhir()
    await ehr(server).sync(record())
    await ehr(server).sync(record(2, status=EpisodeStatus.ACTIVE))
    (past,) = server.all("EpisodeOfCare")[0]["statusHistory"]
    assert past["period"] == {"start": "2026-01-05T09:00:00+00:00"}
