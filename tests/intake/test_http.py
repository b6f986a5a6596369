from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.intake.conftest import RunningIntake
from tests.intake.messages import adt, code

pytestmark = pytest.mark.stack

HL7 = {"Content-Type": "application/hl7-v2"}
PERSON = {
    "authority": "NORTH",
    "mrn": "700300",
    "family_name": "Starling",
    "given_name": "Ida",
    "birth_date": "1979-04-05",
    "member_id": "MEM-9",
    "payer_id": "PAY-9",
    "kind": "registered",
    "occurred_at": "2026-03-02T10:15:00Z",
}


@pytest.fixture
async def http(running: RunningIntake) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{running.ports.http}", timeout=30) as client:
        yield client


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["detail"].endswith(".")
    return answer.status_code, body["code"]


async def test_a_message_over_http_is_acknowledged_like_one_over_mllp(
    http: httpx2.AsyncClient, running: RunningIntake
) -> None:
    first = await http.post("/messages", content=adt("A04"), headers=HL7)
    again = await http.post("/messages", content=adt("A04"), headers={"Content-Type": "x-application/hl7-v2+er7"})
    assert (first.status_code, first.headers["content-type"], code(first.content)) == (200, HL7["Content-Type"], "AA")
    assert first.content == again.content
    assert await running.settled() == {"done": 1}


async def test_a_message_that_wants_no_answer_gets_none(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/messages", content=adt("A04", header="|||NE|NE"), headers=HL7)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_what_cannot_be_read_or_used_is_a_problem_and_kept(
    http: httpx2.AsyncClient, running: RunningIntake
) -> None:
    nobody = adt("A04").replace(b"700100^^^NORTH^MR", b"")
    assert problem(await http.post("/messages", content=b"hello", headers=HL7)) == (400, "no-msh")
    assert problem(await http.post("/messages", content=nobody, headers=HL7)) == (422, "no-record-number")
    assert problem(await http.post("/messages", content=nobody, headers=HL7)) == (422, "no-record-number")
    assert problem(await http.post("/messages", content=b"x", headers={"Content-Type": "text/plain"})) == (
        415,
        "content-type",
    )
    assert problem(await http.post("/messages", content=b"x" * 5_300_000, headers=HL7)) == (413, "too-large")
    kept = await running.rows("select reason_code from intake.quarantine order by 1")
    assert kept == [("no-msh",), ("no-record-number",)]


async def test_the_event_of_a_message_over_http_is_found_or_refused(
    http: httpx2.AsyncClient, running: RunningIntake
) -> None:
    in_evn_1 = adt("A04", control_id="1").replace(b"ADT^A04", b"adt").replace(b"EVN|", b"EVN|a04")
    nowhere = adt("A04", control_id="2").replace(b"ADT^A04", b"ADT")
    assert code((await http.post("/messages", content=in_evn_1, headers=HL7)).content) == "AA"
    assert problem(await http.post("/messages", content=nowhere, headers=HL7)) == (422, "no-trigger")
    assert await running.settled() == {"done": 1, "quarantined": 1}
    assert len(running.gate.opened) == 1


async def test_an_admission_document_opens_a_journey_once(http: httpx2.AsyncClient, running: RunningIntake) -> None:
    first = await http.post("/admissions", json=PERSON, headers={"Idempotency-Key": "k1"})
    assert first.status_code == 202
    assert await running.settled() == {"done": 1}
    again = await http.post("/admissions", json=PERSON, headers={"Idempotency-Key": "k1"})
    [journey_id] = running.gate.opened
    assert again.json() == {"message_id": first.json()["message_id"], "journey_id": journey_id}
    assert running.gate.calls == 1


async def test_one_client_by_json_and_by_hl7_has_one_journey(http: httpx2.AsyncClient, running: RunningIntake) -> None:
    await http.post("/admissions", json=PERSON, headers={"Idempotency-Key": "k1"})
    await http.post("/messages", content=adt("A01", mrn="700300"), headers=HL7)
    assert await running.settled() == {"done": 2}
    assert (len(running.gate.opened), len(running.gate.repeated)) == (1, 1)


async def test_an_idempotency_key_is_asked_for_and_belongs_to_one_body(http: httpx2.AsyncClient) -> None:
    assert problem(await http.post("/admissions", json=PERSON)) == (400, "no-idempotency-key")
    await http.post("/admissions", json=PERSON, headers={"Idempotency-Key": "k1"})
    other = await http.post("/admissions", json=PERSON | {"mrn": "2"}, headers={"Idempotency-Key": "k1"})
    assert problem(other) == (422, "key-reused")


@pytest.mark.parametrize(
    "change",
    [{"mrn": ""}, {"occurred_at": "2026-03-02T10:15:00"}, {"kind": "escaped"}, {"extra": 1}, {"visit": "\x00"}],
)
async def test_a_bad_document_is_refused_and_kept(
    http: httpx2.AsyncClient, running: RunningIntake, change: dict[str, object]
) -> None:
    answer = await http.post("/admissions", json=PERSON | change, headers={"Idempotency-Key": "k"})
    assert problem(answer) == (400, "bad-admission")
    assert await running.rows("select reason_code from intake.quarantine") == [("bad-admission",)]


async def test_health(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/health")).json() == {"status": "ok"}
