"""The EHR and the places adapter against servers with habits of their own: nothing of another patient is touched,
and what is not known is never taken for none.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.ehr import DUTY, JOURNEY, FhirEhr
from activities.places import HOLD, FhirPlaces
from activities.ports import ClinicRefused, ClinicUnavailable, EpisodeStatus, PlaceRequest
from tests.activities.conftest import PERSON, People, assert_says_nothing_of_the_client
from tests.activities.foreign import BASE, ForeignFhir, Resource, slot
from tests.activities.holding import hold
from tests.activities.test_ehr import DUTY as TASK
from tests.activities.test_ehr import MONDAY, record

NUMBER = {"system": "urn:throughline:mrn", "value": PERSON.mrn}
EPISODE = {"system": JOURNEY, "value": "journey-1"}
NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
EMPTY = {"resourceType": "Bundle", "type": "searchset"}


def warning(code: str) -> Resource:
    """An outcome that is no error and still says that not everything was looked at."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": code}]}


UNKNOWN = [
    json.dumps(OUTCOME).encode(),
    b"",
    b"<html>down for maintenance</html>",
    b"[]",
    json.dumps(EMPTY).encode()[:-1],
    json.dumps({**EMPTY, "type": "history"}).encode(),
    json.dumps({**EMPTY, "total": 2}).encode(),
    json.dumps({**EMPTY, "entry": [{"fullUrl": "urn:uuid:0"}]}).encode(),
    json.dumps({**EMPTY, "entry": [{"resource": OUTCOME, "search": {"mode": "outcome"}}]}).encode(),
    json.dumps({**EMPTY, "total": "1"}).encode(),
    *(
        json.dumps({**EMPTY, "entry": [{"resource": warning(code), "search": {"mode": "outcome"}}]}).encode()
        for code in ("incomplete", "timeout", "throttled", "suppressed")
    ),
]


def ehr(server: ForeignFhir) -> FhirEhr:
    return FhirEhr(server.client(), People(PERSON))


def places(server: ForeignFhir) -> FhirPlaces:
    return FhirPlaces(server.client("places"))


def wanted(key: str = "key-1") -> PlaceRequest:
    return PlaceRequest(
        key=key,
        journey_id="journey-1",
        client_ref="client-1",
        level="IOP",
        wanted_from=NOW,
        wanted_by=NOW + timedelta(hours=24),
    )


def others(server: ForeignFhir) -> list[Resource]:
    """Records of other patients, each resembling ours in one thing."""
    theirs = {"reference": "Patient/other"}
    return [
        server.put("Patient", "other", identifier=[{**NUMBER, "value": "MRN-OTHER"}]),
        server.put("Patient", "elsewhere", identifier=[{**NUMBER, "system": "urn:oid:1.2"}]),
        server.put("Patient", "unnumbered", identifier=[{"value": PERSON.mrn}]),
        server.put("EpisodeOfCare", "other", status="active", identifier=[{"value": "journey-1"}], patient=theirs),
        server.put("EpisodeOfCare", "bare", status="active", patient=theirs),
        server.put("Task", "other", status="requested", identifier=[{"system": DUTY, "value": "9"}], **{"for": theirs}),
    ]


@pytest.mark.parametrize("page_size", [1, 50])
@pytest.mark.parametrize("says_mode", [True, False])
async def test_hits_that_are_not_ours_are_left_alone(page_size: int, says_mode: bool) -> None:
    server = ForeignFhir(ignores_criteria=True, page_size=page_size, says_mode=says_mode)
    before = others(server)
    await ehr(server).sync(record())
    await ehr(server).sync(record(2, status=EpisodeStatus.ACTIVE))
    assert [server.get(each["resourceType"], each["id"]) for each in before] == before
    ours = [each for each in server.all("EpisodeOfCare") if EPISODE in each.get("identifier", ())]
    assert [each["status"] for each in ours] == ["active"]
    assert (len(server.all("Patient")), len(server.all("EpisodeOfCare")), len(server.all("Task"))) == (4, 3, 2)


@pytest.mark.parametrize("mode", ["include", "match", "other"])
@pytest.mark.parametrize("total", ["hits", "absent"])
async def test_our_records_are_ours_however_a_search_marks_them(mode: str, total: str) -> None:
    server = ForeignFhir(mode=mode, total=total)
    for revision in range(1, 4):
        await ehr(server).sync(record(revision))
    assert [len(server.all(kind)) for kind in ("Patient", "EpisodeOfCare", "Task")] == [1, 1, 1]


@pytest.mark.parametrize("total", ["hits", "absent"])
async def test_a_record_of_ours_marked_as_an_outcome_is_not_understood(total: str) -> None:
    server = ForeignFhir(mode="outcome", total=total)
    episode(server, "1", {"reference": "Patient/1"})
    with pytest.raises(ClinicUnavailable, match="search-contradictory"):
        await ehr(server).sync(record())
    assert server.written() == []


async def test_an_included_record_of_another_patient_is_not_ours() -> None:
    theirs = {"resourceType": "EpisodeOfCare", "id": "included", "identifier": [EPISODE], "status": "active"}
    server = ForeignFhir(extra_entries=[{"resource": theirs, "search": {"mode": "include"}}])
    with pytest.raises(ClinicRefused, match="other-patient"):
        await ehr(server).sync(record())
    assert server.written() == ["POST Patient"]


NOT_IN_FORCE = [
    {"use": "old"},
    {"period": {"end": "2025"}},
    {"period": {"end": "2025-12"}},
    {"period": {"start": "2020-01-01", "end": "2025-12-31"}},
    {"period": {"end": "2026-01-04T23:59:59Z"}},
]
IN_FORCE: list[Resource] = [
    {"use": "usual"},
    {"use": "temp", "period": {"start": "2020"}},
    {"period": {"end": "2026"}},
    {"period": {"end": "2026-01-05"}},
    {"period": {"end": "9999-12-31"}},
    {"period": {"end": "2026-01-05T09:00:01Z"}},
    {"period": {"end": "unknown"}},
    {"period": 7},
]


@pytest.mark.parametrize("more", NOT_IN_FORCE)
async def test_an_identifier_that_is_no_longer_in_force_names_nothing(more: Resource) -> None:
    server = ForeignFhir(honours_if_none_exist=True)
    patient = server.put("Patient", "formerly", identifier=[{**NUMBER, **more}])
    episode = server.put("EpisodeOfCare", "formerly", status="active", identifier=[{**EPISODE, **more}])
    for revision in (1, 2):
        await ehr(server).sync(record(revision, as_of=MONDAY))
    assert (server.get("Patient", "formerly"), server.get("EpisodeOfCare", "formerly")) == (patient, episode)
    assert [len(server.all(kind)) for kind in ("Patient", "EpisodeOfCare", "Task")] == [2, 2, 1]


@pytest.mark.parametrize("more", IN_FORCE)
async def test_an_identifier_in_force_names_its_record(more: Resource) -> None:
    server = ForeignFhir()
    server.put("Patient", "1", identifier=[{**NUMBER, **more}])
    await ehr(server).sync(record(as_of=MONDAY))
    assert len(server.all("Patient")) == 1


async def test_a_reference_by_an_old_record_number_is_not_our_patients() -> None:
    server = ForeignFhir()
    episode(server, "1", {"identifier": {**NUMBER, "use": "old"}})
    with pytest.raises(ClinicRefused, match="other-patient"):
        await ehr(server).sync(record(as_of=MONDAY))


@pytest.mark.parametrize("body", UNKNOWN)
async def test_an_ehr_that_gives_no_answer_is_not_written_to(body: bytes) -> None:
    server = ForeignFhir(search_body=body)
    with pytest.raises(ClinicUnavailable) as caught:
        await ehr(server).sync(record())
    assert server.written() == []
    assert_says_nothing_of_the_client(caught.value)


@pytest.mark.parametrize("body", UNKNOWN)
async def test_no_answer_about_places_is_not_none(body: bytes) -> None:
    server = ForeignFhir(search_body=body)
    with pytest.raises(ClinicUnavailable):
        await hold(places(server), wanted())
    with pytest.raises(ClinicUnavailable):
        await places(server).release("key-1", "journey-1")
    assert server.written() == []


async def test_an_ehr_whose_search_shows_what_it_deleted_gets_no_second_record() -> None:
    server = ForeignFhir()
    two_episodes(server)
    server.delete("EpisodeOfCare", "2")

    def deleted_once_found(resource: Resource) -> Resource:
        server.delete(resource["resourceType"], resource["id"])
        return resource

    server.habits.shown = deleted_once_found
    with pytest.raises(ClinicUnavailable):
        await ehr(server).sync(record())
    assert server.written() == []


def two_patients(server: ForeignFhir) -> None:
    for id_ in ("1", "2"):
        server.put("Patient", id_, identifier=[NUMBER])


def inactive_patient(server: ForeignFhir) -> None:
    server.put("Patient", "1", identifier=[NUMBER], active=False)


def unclear_patient(server: ForeignFhir) -> None:
    server.put("Patient", "1", identifier=[NUMBER], active="false")


def merged_patient(server: ForeignFhir) -> None:
    server.put("Patient", "1", identifier=[NUMBER], link=[{"other": {"reference": "Patient/2"}, "type": "replaced-by"}])


def episode(server: ForeignFhir, id_: str, patient: Any, status: str = "active") -> None:
    server.put("Patient", "1", identifier=[NUMBER])
    server.put("EpisodeOfCare", id_, identifier=[EPISODE], status=status, patient=patient)


def two_episodes(server: ForeignFhir) -> None:
    episode(server, "1", {"reference": "Patient/1"})
    episode(server, "2", {"reference": "Patient/1"})


def another_patients_episode(server: ForeignFhir) -> None:
    episode(server, "1", {"reference": "Patient/2"})


def episode_in_error(server: ForeignFhir) -> None:
    episode(server, "1", {"reference": "Patient/1"}, "entered-in-error")


def another_patients_task(server: ForeignFhir) -> None:
    episode(server, "1", {"reference": "Patient/1"})
    marked = [{"system": DUTY, "value": TASK.id}]
    server.put("Task", "1", identifier=marked, status="requested", **{"for": {"reference": "Patient/2"}})


@pytest.mark.parametrize(
    ("held", "code"),
    [
        (two_patients, "several-matches"),
        (inactive_patient, "out-of-use"),
        (unclear_patient, "out-of-use"),
        (merged_patient, "out-of-use"),
        (two_episodes, "several-matches"),
        (another_patients_episode, "other-patient"),
        (episode_in_error, "out-of-use"),
        (another_patients_task, "other-patient"),
    ],
)
async def test_a_doubt_about_whose_record_it_is_goes_to_a_person(
    held: Callable[[ForeignFhir], None], code: str
) -> None:
    server = ForeignFhir()
    held(server)
    kind, before = ("Task" if held is another_patients_task else "EpisodeOfCare"), server.all("Patient")
    doubtful = server.all(kind)
    with pytest.raises(ClinicRefused) as caught:
        await ehr(server).sync(record())
    assert caught.value.code == code
    assert (server.all("Patient"), server.all(kind)) == (before, doubtful)
    assert_says_nothing_of_the_client(caught.value)


async def test_our_record_counts_although_another_patients_bears_our_identifier() -> None:
    server = ForeignFhir()
    episode(server, "theirs", {"reference": "Patient/2"})
    episode(server, "ours", {"reference": "Patient/1"})
    before = server.get("EpisodeOfCare", "theirs")
    assert await ehr(server).sync(record()) == "ours"
    assert server.get("EpisodeOfCare", "theirs") == before


async def test_the_patient_in_use_counts_where_the_other_was_replaced() -> None:
    server = ForeignFhir()
    server.put("Patient", "old", identifier=[NUMBER], active=False)
    server.put("Patient", "new", identifier=[{**NUMBER, "use": "official"}])
    await ehr(server).sync(record())
    assert [each["patient"]["reference"] for each in server.all("EpisodeOfCare")] == ["Patient/new"]


def absolute(resource: Resource) -> Resource:
    pointers: Resource = {
        k: {"reference": f"{BASE}/{resource[k]['reference']}"} for k in ("patient", "for") if k in resource
    }
    return {**resource, **pointers}


def logical(resource: Resource) -> Resource:
    pointers: Resource = {k: {"identifier": NUMBER} for k in ("patient", "for") if k in resource}
    return {**resource, **pointers}


def contained(resource: Resource) -> Resource:
    pointers: Resource = {k: {"reference": "#p"} for k in ("patient", "for") if k in resource}
    held = {"contained": [{"resourceType": "Patient", "id": "p", "identifier": [NUMBER]}]} if pointers else {}
    return {**resource, **pointers, **held}


@pytest.mark.parametrize("shown", [absolute, logical, contained])
@pytest.mark.parametrize("versions", ["uuid", "integer", "etag", "none"])
@pytest.mark.parametrize(("stale_status", "total"), [(409, "hits"), (412, "absent")])
async def test_the_same_record_is_found_again(
    shown: Callable[[Resource], Resource], versions: str, stale_status: int, total: str
) -> None:
    server = ForeignFhir(
        shown=shown, versions=versions, stale_status=stale_status, total=total, page_size=1, caches_searches=True
    )
    for revision, status in enumerate((EpisodeStatus.PLANNED, EpisodeStatus.ACTIVE, EpisodeStatus.FINISHED), 1):
        await ehr(server).sync(record(revision, status=status))
    assert [len(server.all(kind)) for kind in ("Patient", "EpisodeOfCare", "Task")] == [1, 1, 1]
    assert server.all("EpisodeOfCare")[0]["status"] == "finished"


async def test_a_record_is_written_only_as_the_version_that_was_read() -> None:
    server = ForeignFhir(versions="etag")
    await ehr(server).sync(record())
    await ehr(server).sync(record(2))
    puts = [request for request in server.requests if request.method == "PUT"]
    assert puts and all(request.headers["if-match"].startswith('W/"') for request in puts)


UNUSABLE = {
    "past": slot(NOW - timedelta(days=300)),
    "just-begun": slot(NOW - timedelta(seconds=1)),
    "too-late": slot(NOW + timedelta(hours=24, seconds=1)),
    "no-start": slot(None),
    "naive": slot("2026-05-04T12:00:00"),
    "day-only": slot("2026-05-04"),
    "unreadable": slot("2026-05-04T25:61:00Z"),
    "a-number": slot(20260504),
    "ends-first": slot(NOW + timedelta(hours=2), end=(NOW + timedelta(hours=1)).isoformat()),
    "no-length": slot(NOW + timedelta(hours=2), end=(NOW + timedelta(hours=2)).isoformat()),
    "end-unreadable": slot(NOW + timedelta(hours=2), end="soon"),
    "end-naive": slot(NOW + timedelta(hours=2), end="2026-05-04T20:00:00"),
    "busy": slot(NOW + timedelta(hours=2), status="busy"),
    "withdrawn": slot(NOW + timedelta(hours=2), status="busy-unavailable"),
    "in-error": slot(NOW + timedelta(hours=2), status="entered-in-error"),
    "overbooked": slot(NOW + timedelta(hours=2), overbooked=True),
    "overbooked-text": slot(NOW + timedelta(hours=2), overbooked="true"),
    "overbooked-unclear": slot(NOW + timedelta(hours=2), overbooked="false"),
    "inactive-schedule": slot(NOW + timedelta(hours=2), schedule={"reference": "Schedule/inactive"}),
    "inactive-absolute": slot(NOW + timedelta(hours=2), schedule={"reference": f"{BASE}/Schedule/inactive"}),
    "inactive-version": slot(NOW + timedelta(hours=2), schedule={"reference": "Schedule/inactive/_history/1"}),
    "inactive-text": slot(NOW + timedelta(hours=2), schedule={"reference": "Schedule/inactive-text"}),
    "inactive-contained": slot(
        NOW + timedelta(hours=2),
        schedule={"reference": "#s"},
        contained=[{"resourceType": "Schedule", "id": "s", "active": False}],
    ),
    "schedule-of-other-level": slot(NOW + timedelta(hours=2), schedule={"reference": "Schedule/outpatient"}),
    "schedule-elsewhere": slot(NOW + timedelta(hours=2), schedule={"reference": "http://other.invalid/Schedule/1"}),
    "no-schedule": slot(NOW + timedelta(hours=2), schedule={"reference": "Location/1"}),
    "other-level": slot(NOW + timedelta(hours=2), level="OP"),
    "no-level": {**slot(NOW + timedelta(hours=2)), "serviceType": []},
    "other-system": {**slot(NOW + timedelta(hours=2)), "serviceType": [{"coding": [{"code": "IOP"}]}]},
}


def with_unusable_places(**habits: Any) -> ForeignFhir:
    server = ForeignFhir(**habits)
    server.put("Schedule", "1", serviceType=slot(NOW)["serviceType"], active=True)
    server.put("Schedule", "inactive", active=False)
    server.put("Schedule", "inactive-text", active="false")
    server.put("Schedule", "outpatient", serviceType=slot(NOW, level="OP")["serviceType"])
    for id_, fields in UNUSABLE.items():
        server.put("Slot", id_, **fields)
    return server


@pytest.mark.parametrize("ignores_criteria", [True, False])
async def test_a_place_that_is_no_use_is_never_held(ignores_criteria: bool) -> None:
    server = with_unusable_places(ignores_criteria=ignores_criteria)
    assert await hold(places(server), wanted()) is None
    assert server.written() == []


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (NOW, {}),
        (NOW + timedelta(hours=24), {}),
        ("2026-05-04T14:00:00+02:00", {"end": "2026-05-04T12:30:00Z"}),
        ("2026-05-04T23:59:59.999Z", {"overbooked": False}),
    ],
)
async def test_a_place_that_starts_in_the_time_wanted_is_held(start: Any, more: Resource) -> None:
    server = with_unusable_places(ignores_criteria=True)
    server.put("Slot", "good", **slot(start, **more))
    place = await hold(places(server), wanted())
    assert place is not None and place.slot == "good"
    assert server.written() == ["PUT Slot/good"]
    assert server.get("Slot", "good")["status"] == "busy-tentative"


async def test_the_earliest_start_is_the_earliest_moment_whatever_its_zone() -> None:
    server = ForeignFhir()
    server.put("Slot", "noon-utc", **slot("2026-05-04T12:00:00Z"))
    server.put("Slot", "eleven-utc", **slot("2026-05-04T13:00:00+02:00"))
    place = await hold(places(server), wanted())
    assert place is not None and place.slot == "eleven-utc"


async def test_a_place_that_changes_between_search_and_reading_is_not_held() -> None:
    server = ForeignFhir()
    server.put("Slot", "moved", **slot(NOW + timedelta(hours=2)))

    def moved_once_it_was_found(resource: Resource) -> Resource:
        server.put("Slot", "moved", **slot(NOW + timedelta(days=40)))
        return resource

    server.habits.shown = moved_once_it_was_found
    assert await hold(places(server), wanted()) is None
    assert server.written() == []


async def test_a_place_that_is_gone_since_the_search_does_not_keep_the_next_from_being_held() -> None:
    server = ForeignFhir()
    server.put("Slot", "gone", **slot(NOW + timedelta(hours=1)))
    server.put("Slot", "next", **slot(NOW + timedelta(hours=2)))

    def found_for_the_last_time(resource: Resource) -> Resource:
        server.delete("Slot", "gone")
        return resource

    server.habits.shown = found_for_the_last_time
    place = await hold(places(server), wanted())
    assert place is not None and place.slot == "next"


async def test_a_held_place_whose_time_has_passed_is_given_back_for_one_that_is_to_come() -> None:
    server = ForeignFhir()
    mark = [{"system": HOLD, "value": "key-1"}]
    server.put("Slot", "past", **slot(NOW - timedelta(hours=1), status="busy-tentative", identifier=mark))
    server.put("Slot", "next", **slot(NOW + timedelta(hours=1)))
    place = await hold(places(server), wanted())
    assert place is not None and place.slot == "next"
    assert server.get("Slot", "past")["status"] == "free"


async def test_a_place_that_its_facility_withdrew_is_not_ours_any_more_and_stays_withdrawn() -> None:
    server = ForeignFhir()
    mark = [{"system": HOLD, "value": "key-1"}]
    server.put("Slot", "1", **slot(NOW + timedelta(hours=1), status="busy-unavailable", identifier=mark))
    assert await hold(places(server), wanted()) is None
    await places(server).release("key-1", "journey-1")
    kept = server.get("Slot", "1")
    assert (kept["status"], "identifier" in kept) == ("busy-unavailable", False)


async def test_places_held_for_others_are_not_given_back() -> None:
    server = ForeignFhir(ignores_criteria=True)
    mark = [{"system": HOLD, "value": "key-2"}]
    before = server.put("Slot", "theirs", **slot(NOW + timedelta(hours=1), status="busy", identifier=mark))
    await places(server).release("key-1", "journey-1")
    assert await hold(places(server), wanted()) is None
    assert server.get("Slot", "theirs") == before


async def test_the_search_for_places_asks_for_the_time_wanted() -> None:
    server = ForeignFhir()
    await hold(places(server), wanted())
    asked = [each for each in server.requests if each.url.path.endswith("Slot/_search")][-1].content.decode()
    assert "start=ge2026-05-04T09%3A00%3A00Z" in asked and "start=le2026-05-05T09%3A00%3A01Z" in asked


@pytest.mark.parametrize("schedule", ["Schedule/1", f"{BASE}/Schedule/1", "Schedule/unknown-here"])
async def test_a_place_is_held_unless_something_speaks_against_its_schedule(schedule: str) -> None:
    server = with_unusable_places()
    server.put("Slot", "good", **slot(NOW + timedelta(hours=2), schedule={"reference": schedule}))
    place = await hold(places(server), wanted())
    assert place is not None and place.slot == "good"


async def test_only_places_of_the_schedules_named_are_held() -> None:
    server = ForeignFhir()
    server.put("Slot", "other", **slot(NOW + timedelta(hours=1)))
    server.put("Slot", "none", **{**slot(NOW + timedelta(hours=1)), "schedule": {"display": "East Site"}})
    adapter = FhirPlaces(server.client("places"), schedules=["Schedule/2"])
    assert await hold(adapter, wanted()) is None
    server.put("Slot", "good", **slot(NOW + timedelta(hours=2), schedule={"reference": "Schedule/2"}))
    place = await hold(adapter, wanted())
    assert place is not None and place.slot == "good"


async def test_a_schedule_that_cannot_be_read_leaves_the_place_open() -> None:
    server = ForeignFhir(fails=("Schedule/1", 503))
    server.put("Slot", "1", **slot(NOW + timedelta(hours=1)))
    with pytest.raises(ClinicUnavailable, match="http-503"):
        await hold(places(server), wanted())
    assert server.written() == []


HELD = {"status": "busy-tentative", "identifier": [{"system": HOLD, "value": "key-1"}]}


@pytest.mark.parametrize(
    "change",
    [
        {"overbooked": True},
        {"schedule": {"reference": "Schedule/inactive"}},
        {"serviceType": slot(NOW, level="OP")["serviceType"]},
    ],
)
async def test_a_held_place_that_is_no_use_any_more_is_given_back(change: Resource) -> None:
    server = ForeignFhir()
    server.put("Schedule", "inactive", active=False)
    server.put("Slot", "held", **{**slot(NOW + timedelta(hours=1)), **HELD, **change})
    assert await hold(places(server), wanted()) is None
    assert server.get("Slot", "held")["status"] == "free"


async def test_a_place_entered_in_error_is_neither_ours_nor_written_to() -> None:
    server = ForeignFhir()
    before = server.put("Slot", "1", **{**slot(NOW + timedelta(hours=1)), **HELD, "status": "entered-in-error"})
    assert await hold(places(server), wanted()) is None
    await places(server).release("key-1", "journey-1")
    assert server.get("Slot", "1") == before


@pytest.mark.parametrize("requests", [1, 2, 3, 4])
async def test_a_place_that_begins_while_it_is_looked_for_is_not_held(requests: int) -> None:
    """Its start passes after so many requests: two searches, its Schedule, the place itself."""
    server = ForeignFhir()
    server.put("Slot", "soon", **slot(NOW + timedelta(seconds=40)))
    adapter = FhirPlaces(server.client("places"), elapsed=lambda: 99.0 if len(server.requests) >= requests else 0.0)
    assert await hold(adapter, wanted()) is None
    assert server.written() == []


async def test_a_place_that_went_by_as_it_was_held_is_given_back_and_the_caller_is_told() -> None:
    server = ForeignFhir()
    server.put("Slot", "soon", **slot(NOW + timedelta(seconds=40)))
    server.put("Slot", "later", **slot(NOW + timedelta(hours=2)))
    adapter = FhirPlaces(server.client("places"), elapsed=lambda: 99.0 if server.written() else 0.0)
    with pytest.raises(ClinicUnavailable) as caught:
        await hold(adapter, wanted())
    assert (caught.value.code, server.get("Slot", "soon")["status"]) == ("start-passed", "free")
    place = await hold(adapter, wanted())
    assert place is not None and place.slot == "soon"  # this call's own present is before it


@pytest.mark.parametrize("shows_current", [True, False])
async def test_a_search_that_does_not_show_a_hold_yet_leads_to_no_second_place(shows_current: bool) -> None:
    server = ForeignFhir(caches_searches=True, honours_no_cache=False, shows_current=shows_current)
    for number in (1, 2):
        server.put("Slot", str(number), **slot(NOW + timedelta(hours=number)))
    for _ in range(3):
        place = await hold(places(server), wanted())
        assert place is not None and place.slot == "1"
    assert server.get("Slot", "2")["status"] == "free"
