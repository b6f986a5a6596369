"""The eligibility adapter against the clearinghouse process, whose X12 is written independently."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from activities.eligibility import PayerProfile, X12Eligibility
from activities.ports import ClinicError, ClinicRefused, ClinicUnavailable, EligibilityInquiry
from activities.x12.inquiry import Submitter
from domain.benefits import Verdict
from domain.cost import estimate
from domain.policy import policy_named
from tests.activities.conftest import PERSON, People, assert_says_nothing_of_the_client
from tests.clinic.process import ClinicProcess

SUBMITTER = Submitter(
    sender_id="CENTRE", receiver_id="HOUSE", name="Example Centre", npi="1999999984", company_id="1999999999", usage="T"
)
MEMBER = str(PERSON.member_id)


def inquiry(key: str = "key-1", client_ref: str = "client-1") -> EligibilityInquiry:
    return EligibilityInquiry(key=key, client_ref=client_ref, service_date=date(2026, 1, 5))


@pytest.fixture
async def eligibility(clinic: ClinicProcess, directory: People) -> AsyncIterator[X12Eligibility]:
    adapter = X12Eligibility(f"{clinic.url}/x12", directory, SUBMITTER)
    yield adapter
    await adapter.aclose()


async def test_active_coverage_is_clear_and_priced(eligibility: X12Eligibility) -> None:
    found = await eligibility.check(inquiry())
    assert found.verdict is Verdict.CLEAR
    assert found.cost_share is not None
    assert (found.cost_share.copay, found.cost_share.deductible_remaining) == (Decimal(30), Decimal(500))
    assert found.payer == "PAYER1"
    assert found.trace


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ({"coverage": "auth_required"}, Verdict.CLEAR_AUTH_REQUIRED),
        ({"coverage": "inactive"}, Verdict.INACTIVE),
        ({"coverage": "excluded"}, Verdict.NOT_COVERED),
        ({"coverage": "unknown"}, Verdict.NEEDS_REVIEW),
        ({"coverage": "aaa:72"}, Verdict.FIX_AND_RESUBMIT),
        ({"coverage": "aaa:79"}, Verdict.PAYER_SIDE),
        ({"coverage": "aaa:42:Y"}, Verdict.NEEDS_REVIEW),
        ({"eligibility_answer": "dependent"}, Verdict.CLEAR),
    ],
)
async def test_answers(
    clinic: ClinicProcess, eligibility: X12Eligibility, script: dict[str, Any], verdict: Verdict
) -> None:
    clinic.script(MEMBER, **script)
    assert (await eligibility.check(inquiry())).verdict is verdict


HABITS: dict[str, tuple[dict[str, Any], Verdict]] = {
    "this year and next": ({"spans": ["20260101-20261231", "20270101-20271231"]}, Verdict.CLEAR),
    "last year and this": ({"spans": ["20250101-20251231", "20260101-20261231"]}, Verdict.CLEAR),
    "next year only, yet begun last year": ({"spans": ["20270101-20271231"]}, Verdict.NEEDS_REVIEW),
    "an ended plan beside": ({"ended_plan": True}, Verdict.CLEAR),
    "asks in words": ({"messages": ["PRIOR AUTHORIZATION IS", "REQUIRED FOR IOP"]}, Verdict.NEEDS_REVIEW),
    "denies in words": ({"messages": ["NO AUTHORIZATION REQUIRED"]}, Verdict.CLEAR),
    "names another": ({"other_payer": "HARBOR MIND CARE"}, Verdict.NEEDS_REVIEW),
    "names another as payer": ({"other_payer": "HARBOR MIND CARE", "other_payer_code": "PRP"}, Verdict.NEEDS_REVIEW),
}


@pytest.mark.parametrize(("script", "verdict"), HABITS.values(), ids=HABITS)
async def test_habits_of_payers(
    clinic: ClinicProcess, eligibility: X12Eligibility, script: dict[str, Any], verdict: Verdict
) -> None:
    clinic.script(MEMBER, **script)
    found = await eligibility.check(inquiry())
    assert found.verdict is verdict, found
    said = "\n".join(each.text for each in found.evidence)
    assert all(message in said for message in script.get("messages", ()))
    assert script.get("other_payer") in (None, *(each.other_payer for each in found.evidence))


async def test_a_copay_of_nothing_beside_coinsurance_is_priced_by_the_coinsurance(
    clinic: ClinicProcess, eligibility: X12Eligibility
) -> None:
    clinic.script(MEMBER, copay=0, coinsurance="0.3", deductible_total=900, deductible_remaining=700)
    share = (await eligibility.check(inquiry())).cost_share
    assert share is not None and (share.copay, share.coinsurance) == (Decimal(0), Decimal("0.3"))
    priced = estimate(1, policy_named("us-generic-1").level("IOP"), share, self_pay=False)
    assert priced.low == priced.high == Decimal(3010)  # 700 + 0.3 x 7700


async def test_the_clients_own_name_is_taken_out_of_the_payers_words(
    clinic: ClinicProcess, eligibility: X12Eligibility
) -> None:
    told = (
        f"{PERSON.family_name.upper()}, {PERSON.given_name} ({MEMBER}) BORN {PERSON.birth_date:%m/%d/%Y}: AUTH REQUIRED"
    )
    clinic.script(MEMBER, messages=[told.replace(":", ";")])
    (said,) = (await eligibility.check(inquiry())).evidence
    assert said.text == "[client], [client] ([client]) BORN [client]; AUTH REQUIRED"


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ({"coverage": "aaa:42:R"}, ClinicUnavailable, "aaa-42"),
        ({"coverage": "aaa:80:P"}, ClinicUnavailable, "aaa-80"),
        ({"eligibility_failures": 1}, ClinicUnavailable, "http-503"),
        ({"eligibility_answer": "html"}, ClinicUnavailable, "html"),
        ({"eligibility_answer": "truncated"}, ClinicUnavailable, "x12-truncated"),
        ({"eligibility_answer": "999"}, ClinicRefused, "999"),
        ({"eligibility_answer": "ta1"}, ClinicRefused, "ta1"),
        ({"eligibility_answer": "garbage"}, ClinicRefused, "x12-no-isa"),
        ({"eligibility_answer": "wrong_trace"}, ClinicRefused, "trace-mismatch"),
    ],
)
async def test_failures_are_typed_and_never_an_answer(
    clinic: ClinicProcess, eligibility: X12Eligibility, script: dict[str, Any], error: type[ClinicError], code: str
) -> None:
    clinic.script(MEMBER, **script)
    with pytest.raises(error) as caught:
        await eligibility.check(inquiry())
    assert caught.value.code == code
    assert_says_nothing_of_the_client(caught.value)


async def test_it_recovers_after_the_failures(clinic: ClinicProcess, eligibility: X12Eligibility) -> None:
    clinic.script(MEMBER, eligibility_failures=1)
    with pytest.raises(ClinicUnavailable):
        await eligibility.check(inquiry())
    assert (await eligibility.check(inquiry())).verdict is Verdict.CLEAR


async def test_a_repetition_is_the_same_bytes(clinic: ClinicProcess, eligibility: X12Eligibility) -> None:
    await eligibility.check(inquiry())
    await eligibility.check(inquiry())
    first, second = clinic.ledger(system="eligibility")
    assert (first["key"], first["bytes"]) == (second["key"], second["bytes"])
    assert (first["repeat"], second["repeat"]) == (False, True)


async def test_it_asks_the_next_service_until_the_cost_is_known(
    clinic: ClinicProcess, eligibility: X12Eligibility
) -> None:
    clinic.script(MEMBER, priced_for=["A8"], copay=20)
    found = await eligibility.check(inquiry())
    assert found.cost_share is not None
    assert found.cost_share.copay == Decimal(20)
    assert [entry["service_type"] for entry in clinic.ledger(system="eligibility")] == ["MH", "A8"]


async def test_unpriced_is_unknown_and_not_nothing(clinic: ClinicProcess, eligibility: X12Eligibility) -> None:
    clinic.script(MEMBER, priced_for=[])
    found = await eligibility.check(inquiry())
    assert (found.verdict, found.cost_share) == (Verdict.CLEAR, None)


async def test_a_payer_profile_says_what_to_ask(clinic: ClinicProcess, directory: People) -> None:
    profiles = {"PAYER1": PayerProfile(service_types=("CH",))}
    adapter = X12Eligibility(f"{clinic.url}/x12", directory, SUBMITTER, profiles=profiles)
    await adapter.check(inquiry())
    await adapter.aclose()
    assert [entry["service_type"] for entry in clinic.ledger(system="eligibility")] == ["CH"]


async def test_a_slow_clearinghouse_times_out(clinic: ClinicProcess, directory: People) -> None:
    clinic.script(MEMBER, eligibility_delay=30)
    adapter = X12Eligibility(f"{clinic.url}/x12", directory, SUBMITTER, timeout_seconds=0.2)
    with pytest.raises(ClinicUnavailable) as caught:
        await adapter.check(inquiry())
    await adapter.aclose()
    assert caught.value.code == "timeout"


async def test_nobody_there_is_unavailable(directory: People) -> None:
    adapter = X12Eligibility("http://127.0.0.1:1/x12", directory, SUBMITTER)
    with pytest.raises(ClinicUnavailable) as caught:
        await adapter.check(inquiry())
    await adapter.aclose()
    assert caught.value.code == "unreachable"
    assert_says_nothing_of_the_client(caught.value)


async def test_an_unknown_client_is_refused(eligibility: X12Eligibility) -> None:
    with pytest.raises(ClinicRefused) as caught:
        await eligibility.check(inquiry(client_ref="nobody"))
    assert caught.value.code == "unknown-client"


async def test_a_missing_member_number_is_for_admissions(clinic: ClinicProcess) -> None:
    people = People(PERSON.model_copy(update={"member_id": None}))
    adapter = X12Eligibility(f"{clinic.url}/x12", people, SUBMITTER)
    found = await adapter.check(inquiry())
    await adapter.aclose()
    assert (found.verdict, found.reasons) == (Verdict.FIX_AND_RESUBMIT, ("OWN-NO-MEMBER-ID",))
    assert clinic.ledger() == []
