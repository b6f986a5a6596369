"""What the FHIR client makes of answers that no sound server gives."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from activities.fhir import FhirClient
from activities.ports import ClinicRefused


def client_answering(*bodies: Any) -> tuple[FhirClient, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []
    left = list(bodies)

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        body = left.pop(0) if len(left) > 1 else left[0]
        return httpx2.Response(200, content=body if isinstance(body, str) else json.dumps(body))

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return FhirClient("http://ehr.invalid/fhir", "ehr", client=http), seen


async def test_one_odd_entry_does_not_spoil_the_others() -> None:
    good = {"resourceType": "Slot", "id": "1", "vendorField": {"a": 1}}
    bundle = {"entry": [None, {"resource": 7}, {"resource": {"resourceType": "Basic"}}, {"resource": good}]}
    fhir, _ = client_answering(bundle)
    assert await fhir.search("Slot", status="free") == [good]


async def test_search_criteria_stay_out_of_the_address_and_ask_for_fresh_results() -> None:
    fhir, seen = client_answering({"entry": []})
    await fhir.search("Patient", identifier="urn:mrn|SECRET")
    assert "SECRET" not in str(seen[0].url)
    assert seen[0].headers["cache-control"] == "no-cache"


async def test_next_links_without_end_are_refused() -> None:
    fhir, seen = client_answering({"link": [{"relation": "next", "url": "http://ehr.invalid/fhir?p=1"}]})
    with pytest.raises(ClinicRefused, match="too-many-pages"):
        await fhir.search("Slot", status="free")
    assert len(seen) < 100


async def test_a_next_link_elsewhere_is_not_followed() -> None:
    fhir, seen = client_answering({"link": [{"relation": "next", "url": "http://other.invalid/fhir?p=1"}]})
    with pytest.raises(ClinicRefused, match="foreign-link"):
        await fhir.search("Slot", status="free")
    assert len(seen) == 1


@pytest.mark.parametrize("body", ["", "<html>", "[]", "7", "null"])
async def test_what_is_not_a_json_object_is_refused(body: str) -> None:
    fhir, _ = client_answering(body)
    with pytest.raises(ClinicRefused, match="not-json"):
        await fhir.read("Slot", "1")
