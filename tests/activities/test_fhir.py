"""What the FHIR client makes of answers that no sound server gives."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from activities.fhir import FhirClient, Patient, Resource
from activities.ports import ClinicRefused, ClinicUnavailable


def client_answering(*bodies: Any) -> tuple[FhirClient, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []
    left = list(bodies)

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        body = left.pop(0) if len(left) > 1 else left[0]
        return httpx2.Response(200, content=body if isinstance(body, str) else json.dumps(body))

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return FhirClient("http://ehr.invalid/fhir", "ehr", client=http), seen


def searchset(*resources: Any, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources], **more}


def any_of_it(resource: Resource) -> bool:
    return True


def is_good(resource: Resource) -> bool:
    return resource == GOOD


GOOD: dict[str, Any] = {"resourceType": "Slot", "id": "1", "vendorField": {"a": 1}}
ERROR = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}
HINT = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}


async def test_what_a_server_adds_to_a_match_is_left_out() -> None:
    included = {"resource": {"resourceType": "Schedule", "id": "9"}, "search": {"mode": "include"}}
    same_type = {"resource": {"resourceType": "Slot", "id": "9"}, "search": {"mode": "include"}}
    hint = {"resource": HINT, "search": {"mode": "outcome"}}
    fhir, _ = client_answering(searchset(entry=[included, {"resource": GOOD}, same_type, hint, {"resource": HINT}]))
    assert await fhir.search("Slot", is_good, status="free") == [GOOD]


@pytest.mark.parametrize("search", [{"search": {"mode": "include"}}, {"search": {"mode": "match"}}, {"search": 7}, {}])
async def test_what_was_searched_for_counts_however_it_is_marked(search: Resource) -> None:
    fhir, _ = client_answering(searchset(entry=[{"resource": GOOD, **search}], total=1))
    assert await fhir.search("Slot", is_good, status="free") == [GOOD]


OTHER = {"resourceType": "Slot", "id": "9"}
SCHEDULE = {"resourceType": "Schedule", "id": "9"}


@pytest.mark.parametrize(
    "body",
    [
        searchset(entry=[{"resource": GOOD, "search": {"mode": "outcome"}}]),
        searchset(entry=[{"resource": GOOD, "search": {"mode": "outcome"}}], total=1),
        searchset(
            entry=[{"resource": {"resourceType": "Schedule", "id": "9"}, "search": {"mode": "include"}}], total=1
        ),
        searchset(entry=[{"resource": OTHER, "search": {"mode": "include"}}], total=1),
        searchset(OTHER, total=1),
    ],
)
async def test_a_searchset_that_contradicts_itself_is_not_understood(body: Any) -> None:
    fhir, _ = client_answering(body)
    with pytest.raises(ClinicUnavailable, match="search-"):
        await fhir.search("Slot", is_good, status="free")


@pytest.mark.parametrize(
    "address", ["http://ehr.invalid/fhir/Slot?_count=50", "http://ehr.invalid/fhir/Slot", "Slot?status=free"]
)
async def test_a_search_without_our_criteria_is_believed_only_if_each_hit_meets_them(address: str) -> None:
    links = [{"relation": "self", "url": address}]
    criteria = {"status": "free", "service_type": "x|IOP"}
    fhir, _ = client_answering(searchset(GOOD, link=links))
    assert await fhir.search("Slot", is_good, **criteria) == [GOOD]
    for hits in ([GOOD, OTHER], [OTHER]):
        fhir, _ = client_answering(searchset(*hits, link=links))
        with pytest.raises(ClinicUnavailable, match="criteria-ignored"):
            await fhir.search("Slot", is_good, **criteria)


async def test_a_search_that_names_our_criteria_may_show_others_too() -> None:
    links = [{"relation": "self", "url": "http://ehr.invalid/fhir/Slot?service-type:in=x%7CIOP&status=free&_count=9"}]
    fhir, _ = client_answering(searchset(GOOD, OTHER, link=links))
    assert await fhir.search("Slot", is_good, status="free", service_type="x|IOP") == [GOOD]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!doctype html><title>maintenance</title>",
        "[]",
        "7",
        "null",
        '{"resourceType": "Bundle", "type": "searchset", "entry": [',
        "[" * 100_000,
        {},
        {"entry": []},
        ERROR,
        HINT,
        {"resourceType": "Bundle", "type": "collection", "entry": []},
        {"resourceType": "Bundle", "entry": []},
        {"resourceType": "Slot", "id": "1"},
        searchset(entry=None),
        searchset(entry={"resource": GOOD}),
        searchset(entry=[None]),
        searchset(entry=[{"fullUrl": "http://ehr.invalid/fhir/Slot/1"}]),
        searchset(entry=[{"resource": 7}]),
        searchset({"id": "1"}),
        searchset({"resourceType": "Basic", "id": "1"}),
        searchset({"resourceType": "Slot"}),
        searchset({"resourceType": "Slot", "id": "../Patient/1"}),
        searchset({"resourceType": "Slot", "id": 1}),
        searchset(GOOD, ERROR),
        searchset(GOOD, {"resourceType": "OperationOutcome"}),
        searchset(total=3),
        searchset(entry=[{"resource": HINT}], total=1),
        searchset(GOOD, link={"relation": "next"}),
        searchset(GOOD, link=[{"relation": "next"}]),
        {"resourceType": "Bundle", "type": "searchset", "total": 1},
    ],
)
async def test_what_is_no_answer_to_the_search_is_unknown_and_never_none(body: Any) -> None:
    fhir, _ = client_answering(body)
    with pytest.raises(ClinicUnavailable):
        await fhir.search("Slot", any_of_it, status="free")


@pytest.mark.parametrize("body", [searchset(), searchset(total=0), {"resourceType": "Bundle", "type": "searchset"}])
async def test_a_searchset_without_entries_is_none(body: Any) -> None:
    fhir, _ = client_answering(body)
    assert await fhir.search("Slot", any_of_it, status="free") == []


async def test_fewer_results_than_there_are_is_unknown_only_if_none_of_them_counts() -> None:
    fhir, _ = client_answering(searchset(GOOD, total=2))
    assert await fhir.search("Slot", any_of_it) == [GOOD]
    with pytest.raises(ClinicUnavailable, match="search-incomplete"):
        await fhir.search("Slot", lambda resource: False)


async def test_search_criteria_stay_out_of_the_address_and_ask_for_fresh_results() -> None:
    fhir, seen = client_answering(searchset())
    await fhir.search("Patient", any_of_it, identifier="urn:mrn|SECRET")
    assert "SECRET" not in str(seen[0].url)
    assert seen[0].headers["cache-control"] == "no-cache"


def next_link(address: str) -> dict[str, Any]:
    return searchset(link=[{"relation": "self", "url": "x"}, {"relation": "next", "url": address}])


async def test_next_links_without_end_are_refused() -> None:
    fhir, seen = client_answering(*(next_link(f"http://ehr.invalid/fhir?p={number}") for number in range(200)))
    with pytest.raises(ClinicRefused, match="too-many-pages"):
        await fhir.search("Slot", any_of_it, status="free")
    assert len(seen) < 100


@pytest.mark.parametrize("circle", [("?p=1",), ("?p=1", "http://ehr.invalid/fhir/?p=2")])
async def test_next_links_in_a_circle_are_followed_once(circle: tuple[str, ...]) -> None:
    fhir, seen = client_answering(*(next_link(address) for _ in range(100) for address in circle))
    with pytest.raises(ClinicRefused, match="too-many-pages"):
        await fhir.search("Slot", any_of_it, status="free")
    assert len(seen) == 1 + len(circle)


@pytest.mark.parametrize(
    "address",
    [
        "http://other.invalid/fhir?p=1",
        "https://ehr.invalid/fhir?p=1",
        "http://ehr.invalid:8080/fhir?p=1",
        "//other.invalid/fhir?p=1",
        "http://ehr.invalid@other.invalid/fhir?p=1",
        "http://ehr.invalid:x/fhir",
        "http://someone:else@ehr.invalid/fhir?p=1",
    ],
)
async def test_a_next_link_elsewhere_is_not_followed(address: str) -> None:
    fhir, seen = client_answering(next_link(address))
    with pytest.raises(ClinicRefused, match="foreign-link"):
        await fhir.search("Slot", any_of_it, status="free")
    assert len(seen) == 1


@pytest.mark.parametrize("address", ["http://EHR.invalid:80/fhir?p=1", "?p=1", "/fhir?p=1"])
async def test_a_match_on_a_later_page_is_found_once(address: str) -> None:
    second = {**GOOD, "id": "2"}
    fhir, seen = client_answering({**next_link(address), "entry": [{"resource": GOOD}]}, searchset(GOOD, second))
    assert await fhir.search("Slot", any_of_it) == [GOOD, second]
    assert len(seen) == 2


@pytest.mark.parametrize("status", [404, 410])
async def test_a_page_that_is_gone_is_asked_for_again_from_the_start(status: int) -> None:
    answers = [httpx2.Response(200, json=next_link("?p=1")), httpx2.Response(status)]
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda request: answers.pop(0)))
    with pytest.raises(ClinicUnavailable):
        await FhirClient("http://ehr.invalid/fhir", "ehr", client=http).search("Slot", any_of_it)


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", "7", "null", ERROR, {**GOOD, "id": "2"}, {"resourceType": "Task", "id": "1"}]
)
async def test_what_is_not_the_resource_that_was_read_is_unknown(body: Any) -> None:
    fhir, _ = client_answering(body)
    with pytest.raises(ClinicUnavailable):
        await fhir.read("Slot", "1")


OURS = Patient(id="p1", system="urn:mrn", value="M1", base="http://ehr.invalid/fhir/")
NUMBER = {"system": "urn:mrn", "value": "M1"}


@pytest.mark.parametrize(
    ("pointer", "is_ours"),
    [
        ({"reference": "Patient/p1"}, True),
        ({"reference": "Patient/p1/_history/3"}, True),
        ({"reference": "http://ehr.invalid/fhir/Patient/p1"}, True),
        ({"reference": "http://ehr.invalid:80/fhir/Patient/p1/_history/3"}, True),
        ({"reference": "Patient/p1", "identifier": NUMBER}, True),
        ({"reference": "Patient/p1", "identifier": {"system": "urn:other", "value": "X"}}, True),
        ({"identifier": NUMBER}, True),
        ({"reference": "urn:uuid:0", "identifier": NUMBER}, True),
        ({"reference": "#p"}, True),
        ({"reference": "#q"}, False),
        ({"reference": "Patient/p11"}, False),
        ({"reference": "Patient/p2", "identifier": NUMBER}, False),
        ({"reference": "Patient/p1", "identifier": {"system": "urn:mrn", "value": "M2"}}, False),
        ({"reference": "http://other.invalid/fhir/Patient/p1"}, False),
        ({"reference": "http://ehr.invalid/fhir/tenant/Patient/p1"}, False),
        ({"reference": "Group/p1"}, False),
        ({"reference": "urn:uuid:0"}, False),
        ({"reference": 7, "identifier": NUMBER}, False),
        ({"identifier": {"value": "M1"}}, False),
        ({"display": "Patient/p1"}, False),
        ("Patient/p1", False),
        (None, False),
    ],
)
def test_whose_a_resource_is(pointer: Any, is_ours: bool) -> None:
    contained = [
        {"resourceType": "Patient", "id": "p", "identifier": [NUMBER]},
        {"resourceType": "Patient", "id": "q", "identifier": [{"system": "urn:mrn", "value": "M2"}]},
    ]
    assert OURS.is_meant_by(pointer, contained) is is_ours
