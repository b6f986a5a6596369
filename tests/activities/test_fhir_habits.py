"""Small habits of HTTP and FHIR servers that must change nothing, or be told as what they are."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx2
import pytest

from activities.ehr import FhirEhr
from activities.fhir import FhirClient, Resource, VersionConflict
from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable
from clinic.fhir_store import FhirStore
from clinic.state import State
from tests.activities.conftest import PERSON, People
from tests.activities.foreign import ForeignFhir
from tests.activities.test_ehr import record

PATIENT: Resource = {"resourceType": "Patient", "id": "1", "meta": {"versionId": "7"}, "active": True}


def answering(*responses: httpx2.Response) -> tuple[FhirClient, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []
    left = list(responses)

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return FhirClient("https://ehr.invalid/fhir", "ehr", client=http, headers={"Authorization": "Bearer s"}), seen


TEXT = json.dumps(PATIENT)
NO_GZIP = httpx2.ByteStream(b"no gzip")


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, content=gzip.compress(TEXT.encode()), headers={"Content-Encoding": "gzip"}),
        httpx2.Response(200, content=b"\xef\xbb\xbf" + TEXT.encode()),
        httpx2.Response(200, content=TEXT, headers={"Content-Type": "text/plain; charset=iso-8859-1"}),
        httpx2.Response(203, content=TEXT, headers={"ETag": 'W/"7-gzip"'}),
    ],
)
async def test_a_resource_is_read_however_it_is_packed(response: httpx2.Response) -> None:
    fhir, _ = answering(response)
    assert await fhir.read("Patient", "1") == PATIENT


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (httpx2.Response(304), ClinicUnavailable, "http-304"),
        (httpx2.Response(200, stream=NO_GZIP, headers={"Content-Encoding": "gzip"}), ClinicUnavailable, "unreachable"),
        (httpx2.Response(204), ClinicUnavailable, "not-json"),
        (httpx2.Response(403), ClinicRefused, "http-403"),
        (httpx2.Response(405), ClinicRefused, "http-405"),
        (httpx2.Response(503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), ClinicUnavailable, "http-503"),
        (httpx2.Response(200, json={**PATIENT, "id": "2"}), ClinicUnavailable, "wrong-resource"),
        (httpx2.Response(200, json={**PATIENT, "id": 1}), ClinicUnavailable, "wrong-resource"),
    ],
)
async def test_what_cannot_be_read_is_told(response: httpx2.Response, error: type[ClinicError], code: str) -> None:
    fhir, _ = answering(response)
    with pytest.raises(error) as caught:
        await fhir.read("Patient", "1")
    assert code in caught.value.code


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_credentials_do_not_follow_a_redirect(status: int) -> None:
    fhir, seen = answering(httpx2.Response(status, headers={"Location": "https://other.invalid/fhir/Patient/1"}))
    with pytest.raises(ClinicRefused, match=f"http-{status}"):
        await fhir.read("Patient", "1")
    assert len(seen) == 1


@pytest.mark.parametrize("status", [404, 409, 410, 412])
async def test_what_has_changed_or_is_gone_is_looked_at_again(status: int) -> None:
    fhir, _ = answering(httpx2.Response(status))
    with pytest.raises(VersionConflict):
        await fhir.update(PATIENT, lambda held: True, key="k")


@pytest.mark.parametrize(
    ("meta", "etag"), [({"versionId": "7"}, None), ({"versionId": 7}, None), ({}, 'W/"7"'), ({}, '"7"')]
)
async def test_a_write_names_the_version_that_was_read(meta: Resource, etag: str | None) -> None:
    headers = {} if etag is None else {"ETag": etag}
    fhir, seen = answering(httpx2.Response(200, json={**PATIENT, "meta": meta}, headers=headers))
    await fhir.update(await fhir.read("Patient", "1"), lambda held: True, key="k")
    assert (seen[1].headers["if-match"], seen[1].headers["idempotency-key"]) == ('W/"7"', "k/Patient/1/7")


@pytest.mark.parametrize(
    "location",
    [
        "https://ehr.invalid/fhir/Patient/1/_history/1",
        "http://behind-the-proxy.invalid:8080/r4/Patient/1",
        "/fhir/Patient/1/",
        "Patient/1",
    ],
)
async def test_a_location_names_what_was_created_wherever_it_points(location: str) -> None:
    fhir, _ = answering(httpx2.Response(201, headers={"Location": location}))
    assert (await fhir.post({"resourceType": "Patient"}, headers={}, key="k")).id == "1"


@pytest.mark.parametrize("location", ["", "https://ehr.invalid/jobs/1", "Patient/", "Patient/../Slot/1", "Task/1"])
async def test_a_location_that_names_no_such_resource_names_nothing(location: str) -> None:
    fhir, _ = answering(httpx2.Response(202, headers={"Location": location}))
    assert (await fhir.post({"resourceType": "Patient"}, headers={}, key="k")).id == ""


@pytest.mark.parametrize("number", ["A,1", "A|1", "A$1", "A\\1", "A\\,1", "A 1&b=c+%2C"])
async def test_a_record_number_is_searched_for_as_it_is(number: str) -> None:
    """A comma would ask for one or the other, a bar would part system and value."""
    server, person = ForeignFhir(honours_if_none_exist=True), PERSON.model_copy(update={"mrn": number})
    server.put("Patient", "other", identifier=[{"system": "urn:throughline:mrn", "value": number[0]}])
    before = server.get("Patient", "other")
    for revision in (1, 2):
        await FhirEhr(server.client(), People(person)).sync(record(revision))
    assert len(server.all("Patient")) == 2 and server.get("Patient", "other") == before


def test_the_simulated_ehr_reads_an_escaped_identifier() -> None:
    store = FhirStore(State())
    kept: Any = store.write("Patient", None, {"identifier": [{"system": "s", "value": "A,|1"}]})
    assert store.search("Patient", {"identifier": "s|A\\,\\|1"}) == [kept]
