"""The codec server: what it decrypts, for whom, and for which pages."""

from __future__ import annotations

import pytest
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from tests.dashboard.api.served import PAYLOAD_KEYS, TEMPORAL_UI, Served
from workflows.payload_codec import EncryptingCodec

NAMESPACE = "throughline"
WORDS = b'"worse at night"'
UI = {"Origin": TEMPORAL_UI, "X-Namespace": NAMESPACE}


async def encrypted() -> str:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=WORDS)
    return json_format.MessageToJson(Payloads(payloads=await EncryptingCodec(PAYLOAD_KEYS, NAMESPACE).encode([plain])))


async def ask(served: Served, person: str, body: str | None = None, **changed: str) -> tuple[int, bytes]:
    cookie, _ = await served.browser(person)
    headers = {**cookie, **UI, **{name.replace("_", "-"): value for name, value in changed.items()}}
    answer = await served.http.post("/codec/decode", headers=headers, content=body or await encrypted())
    if answer.status_code != 200:
        return answer.status_code, answer.content
    [found] = json_format.Parse(answer.content, Payloads()).payloads
    return answer.status_code, found.data


async def test_who_may_read_every_clients_words_reads_them_in_the_ui_and_it_is_noted(served: Served) -> None:
    assert await ask(served, "supervisor-1") == (200, WORDS)
    [look] = await served.services.audit.looks()
    assert (look.person, look.did, look.about) == ("supervisor-1", "decrypted-payloads", "payloads=1")


@pytest.mark.parametrize("person", ["clinician-1", "case-manager-1", "admissions-1", "operations-1", "north-1"])
async def test_nobody_else_does_not_even_those_who_lead_at_some_sites(served: Served, person: str) -> None:
    status, told = await ask(served, person)
    assert status == 403 and WORDS not in told
    assert await served.services.audit.looks() == []


@pytest.mark.parametrize("origin", ["http://evil.example", "", "null", f"{TEMPORAL_UI}.evil.example"])
async def test_no_other_page_may_ask(served: Served, origin: str) -> None:
    status, told = await ask(served, "supervisor-1", Origin=origin)
    assert status == 403 and WORDS not in told
    preflight = await served.http.options("/codec/decode", headers={"Origin": origin})
    assert preflight.status_code == 403 and "access-control-allow-origin" not in preflight.headers


async def test_the_ui_may_ask_with_the_persons_cookie(served: Served) -> None:
    preflight = await served.http.options("/codec/decode", headers=UI)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == TEMPORAL_UI
    assert preflight.headers["access-control-allow-credentials"] == "true"
    assert (await served.http.post("/codec/decode", headers=UI, content=await encrypted())).status_code == 401


async def test_what_cannot_be_decrypted_is_said_and_nothing_is_encrypted(served: Served) -> None:
    status, told = await ask(served, "supervisor-1", X_Namespace="another")
    assert status == 422 and WORDS not in told and b"another namespace" in told
    assert (await ask(served, "supervisor-1", "no payloads"))[0] == 403
    assert (await served.http.post("/codec/encode", headers=UI, content="{}")).status_code == 404
