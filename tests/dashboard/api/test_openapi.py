"""The description of the API, and that the API does what it says: drawn requests get described answers."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from dashboard.api import openapi
from dashboard.api.app import PATH
from domain.decision_options import options_of
from domain.pathway import DECISIONS
from tests.campaigns.report import any_seed
from tests.dashboard.api.served import API, Served
from tests.dashboard.test_read_models import WALKS

EXAMPLES = 3
"""For each operation and each kind of request. More find more: raise it for a longer look."""
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
_JOURNEYS = st.sampled_from([*WALKS, "nobody"])


async def described(served: Served) -> dict[str, Any]:
    return dict((await served.http.get(f"{API}/openapi.json")).json())


async def test_each_decision_is_described_with_its_fields_roles_and_stages(filled: Served) -> None:
    found = await described(filled)
    for decision in DECISIONS:
        told = found["paths"][f"/journeys/{{journey_id}}/decisions/{decision.name()}"]["post"]
        assert told["summary"] == decision.declared.label
        assert told["x-roles"] == list(decision.declared.by)
        assert told["x-stages"] == list(decision.declared.at)
        assert decision.description() in told["description"]
        body = told["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        fields = found["components"]["schemas"][body]
        assert {"id", *(each.name for each in options_of(decision))} <= fields["properties"].keys()
        assert {"401", "403", "404", "409", "422", "503"} <= told["responses"].keys()


async def test_every_operation_says_what_it_is_and_how_it_fails(filled: Served) -> None:
    found = await described(filled)
    assert (found["openapi"][:3], found["servers"]) == ("3.1", [{"url": PATH}])
    for path, operations in found["paths"].items():
        for told in operations.values():
            assert told["description"]
            assert told.get("security") or path == "/openapi.json"
            problems = {status: each for status, each in told["responses"].items() if status >= "4"}
            assert all(list(each["content"]) == ["application/problem+json"] for each in problems.values())
            assert all(each.get("description") for each in told.get("parameters", ())), path
    assert "HTTPValidationError" not in str(found)


async def test_every_field_is_described(filled: Served) -> None:
    schemas = (await described(filled))["components"]["schemas"]
    fields = {(of, name): field for of, made in schemas.items() for name, field in made.get("properties", {}).items()}
    assert len(fields) > 200
    # One that says what the description of its type says already is left out.
    kinds = {name: schemas[str(each.get("$ref", "Problem")).rpartition("/")[2]] for name, each in fields.items()}
    assert [name for name, each in fields.items() if not (each.get("description") or "$ref" in each)] == []
    assert [name for name, each in kinds.items() if not each.get("description")] == []


async def test_the_api_answers_as_it_is_described(served: Served, record_property: Any) -> None:
    number = int(os.environ.get("API_SEED") or any_seed())
    record_property("campaign", f"the API was asked with API_SEED={number}")
    await served.keep({name: make() for name, make in WALKS.items()})
    found = schemathesis.openapi.from_dict(await described(served))
    headers = await served.headers("supervisor-1")
    statuses: Counter[int] = Counter()
    for result in found.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        for mode in GenerationMode:
            for case in drawn(operation.as_strategy(generation_mode=mode), number):
                answer = await ask(served.http, case, headers)
                assert answer.status_code < 500 or answer.json()["code"] == "not-there-yet", case.as_curl_command()
                case.validate_response(answer, checks=CHECKS)
                statuses[answer.status_code] += 1
    assert {200, 404, 409, 422} <= statuses.keys(), statuses


def drawn(strategy: st.SearchStrategy[Case[Any]], number: int) -> list[Case[Any]]:
    """Some cases, the same for the same seed."""
    found: list[Case[Any]] = []

    @seed(number)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy, journey=_JOURNEYS)
    def draw(case: Case[Any], journey: str) -> None:
        if "journey_id" in case.path_parameters:
            case.path_parameters["journey_id"] = journey
        found.append(case)

    with suppress(Unsatisfiable):  # an operation without anything to give cannot be asked wrongly
        draw()
    return found


async def ask(http: httpx2.AsyncClient, case: Case[Any], headers: dict[str, str]) -> httpx2.Response:
    """What the API answers."""
    wanted = case.as_transport_kwargs(base_url=f"http://board.example{API}", headers=headers)
    given_ = {
        "params": wanted.get("params"),
        "json": wanted.get("json"),
        "content": wanted.get("data"),
        "headers": wanted["headers"],
    }
    return await http.request(wanted["method"], wanted["url"], **given_)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json/"])
async def test_no_page_loads_anything_from_elsewhere(filled: Served, path: str) -> None:
    assert (await filled.get(path)).status_code == 404


def test_every_status_of_a_problem_is_described() -> None:
    assert openapi._PROBLEMS.keys() >= {"401", "403", "422", "500", "503"}
