"""Decisions over HTTP: one route for each, taken as the person who is signed in, once for its id."""

from __future__ import annotations

import pytest

from dashboard.api.decision_bodies import body_of
from domain.commands import Decision
from domain.decision_options import options_of
from domain.pathway import DECISIONS
from record.sealing import MASK
from tests.dashboard.api.served import API, Served
from tests.dashboard.test_read_models import handed_over
from tests.domain import walk
from workflows.client import CommandNotRecorded, JourneyNotRunning, JourneysUnreachable, TooManyWaiting

STEP_UP = "/journeys/j/decisions/request-step-up"
ASKED = {"id": "d-1", "to": "PHP", "reason": "worse at night"}


@pytest.fixture
async def enrolled(served: Served) -> Served:
    await served.keep({"j": walk.enrolled()})
    return served


async def test_a_decision_is_taken_as_the_person_who_is_signed_in(enrolled: Served) -> None:
    answer = await enrolled.post(STEP_UP, "clinician-1", ASKED)
    assert answer.status_code == 200, answer.text
    taken = answer.json()
    events = (await enrolled.get("/journeys/j/events?size=200")).json()
    [started] = [each for each in events["rows"] if each["type"] == "transition.started"]
    assert started["by"] == {"person": "clinician-1", "role": "clinician"}
    assert started["words"] == {"/reason": "worse at night"}
    assert (taken["stage"], taken["version"], taken["position"]) == (
        "TRANSITION",
        events["version"],
        events["position"],
    )


async def test_the_same_decision_is_taken_once(enrolled: Served) -> None:
    first, second = [await enrolled.post(STEP_UP, "clinician-1", ASKED) for _ in range(2)]
    assert first.json() == second.json()
    assert len((await enrolled.get("/journeys?standing=step-up", "clinician-1")).json()["rows"]) == 0
    position = await enrolled.project()
    assert position == first.json()["position"]


async def test_who_decides_is_never_taken_from_the_body(enrolled: Served) -> None:
    forged = {**ASKED, "by": {"id": "director-1", "role": "medical-director"}}
    answer = await enrolled.post(STEP_UP, "clinician-1", forged)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["by"]


async def test_the_role_is_one_of_theirs_that_may_take_it(enrolled: Served) -> None:
    path = STEP_UP
    for person, role, status in (
        ("supervisor-1", "medical-director", 403),
        ("clinician-1", "clinical-supervisor", 403),
        ("case-manager-1", None, 403),
        ("case-manager-1", "case-manager", 403),
        ("supervisor-1", "clinician", 200),
    ):
        body = {**ASKED, **({"role": role} if role else {})}
        answer = await enrolled.post(path, person, body)
        assert answer.status_code == status, answer.text
        if status == 403:
            assert (answer.json()["code"], "clinician" in answer.json()["detail"]) == ("not-their-decision", True)
    events = (await enrolled.get("/journeys/j/events?size=200")).json()["rows"]
    [started] = [each for each in events if each["type"] == "transition.started"]
    assert started["by"] == {"person": "supervisor-1", "role": "clinician"}


async def test_a_refusal_is_a_problem_with_its_code_and_sentence(enrolled: Served) -> None:
    answer = await enrolled.post(STEP_UP, "clinician-1", {**ASKED, "to": "OP"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json()["code"] == "not-that-way"
    assert answer.json()["detail"].endswith("Nothing has changed.")


@pytest.mark.parametrize(
    ("fails", "status", "code"),
    [
        (JourneyNotRunning("no journey"), 409, "journey-ended"),
        (CommandNotRecorded("keys-unavailable", "The keys do not answer."), 503, "keys-unavailable"),
        (TooManyWaiting("too many"), 503, "too-many-waiting"),
        (JourneysUnreachable("no worker"), 503, "journeys-unreachable"),
    ],
)
async def test_what_cannot_be_done_now_says_what_to_do(
    enrolled: Served, fails: Exception, status: int, code: str
) -> None:
    enrolled.journeys.fails = fails
    answer = await enrolled.post(STEP_UP, "clinician-1", ASKED)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) is (status == 503)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "d-1", "to": "PHP"}, "reason"),
        ({"to": "PHP", "reason": "r"}, "id"),
        ({**ASKED, "id": "with space"}, "id"),
        ({**ASKED, "to": "low"}, "to"),
        ({**ASKED, "reason": "x" * 2001}, "reason"),
        ({**ASKED, "reason": "a\x00b"}, "reason"),
        ({**ASKED, "occurred_at": "2026-03-01T12:00"}, "occurred_at"),
        ({**ASKED, "role": "king"}, "role"),
    ],
)
async def test_a_field_that_cannot_be_used_is_named_and_its_value_is_not(
    enrolled: Served, body: dict[str, object], field: str
) -> None:
    answer = await enrolled.post(STEP_UP, "clinician-1", body)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (422, [field])
    assert not any(str(held) in answer.text for held in body.values() if len(str(held)) > 3)


async def test_sealed_words_are_not_written_back(enrolled: Served) -> None:
    for path, body in (
        (STEP_UP, {**ASKED, "reason": f"as before {MASK}"}),
        ("/journeys/j/decisions/update-discharge-plan", {"id": "d", "resources": ["a", MASK]}),
    ):
        answer = await enrolled.post(path, "clinician-1", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "sealed-words")


async def test_who_may_not_read_the_plan_cannot_overwrite_it(served: Served) -> None:
    await served.keep({"j": handed_over()})  # to the clinician s-112
    path, body = "/journeys/j/decisions/update-discharge-plan", {"id": "d", "resources": ["a"]}
    assert (await served.post(path, "clinician-1", body)).status_code == 403
    assert (await served.post(path, "supervisor-1", body)).status_code == 200
    cookie, csrf = await served.browser("clinician-1")
    form = {"csrf": csrf, "decision_id": "e", "resources": "a"}
    assert (await served.http.post(path, headers=cookie, data=form)).status_code == 403, "nor on the board"


async def test_a_browser_needs_the_token_of_its_session(enrolled: Served) -> None:
    cookie, csrf = await enrolled.browser("clinician-1")
    _, other = await enrolled.browser("clinician-1")
    for extra in ({}, {"X-CSRF": other}, {"X-CSRF": csrf, "Sec-Fetch-Site": "cross-site"}):
        answer = await enrolled.http.post(API + STEP_UP, headers={**cookie, **extra}, json=ASKED)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf-token-needed")
    answer = await enrolled.http.post(API + STEP_UP, headers={**cookie, "X-CSRF": csrf}, json=ASKED)
    assert answer.status_code == 200


async def test_two_people_who_choose_the_same_id_mean_two_decisions(enrolled: Served) -> None:
    assert (await enrolled.post(STEP_UP, "clinician-1", ASKED)).status_code == 200
    other = await enrolled.post(STEP_UP, "supervisor-1", ASKED)
    assert (other.status_code, other.json()["code"]) == (409, "already-moving-up"), (
        "it is not taken for the first one again"
    )
    assert (await enrolled.post(STEP_UP, "clinician-1", {**ASKED, "id": "x" * 101})).status_code == 422


async def test_the_form_of_the_board_takes_the_same_decision(enrolled: Served) -> None:
    cookie, csrf = await enrolled.browser("clinician-1")
    form = {"csrf": csrf, "decision_id": "d-1", "to": "PHP", "reason": "worse at night"}
    answer = await enrolled.http.post(STEP_UP, headers=cookie, data=form)
    assert answer.status_code == 303
    position = int(answer.cookies["throughline-seen"])
    assert (await enrolled.get("/journeys/j")).json()["position"] == position
    refused = await enrolled.http.post(STEP_UP, headers=cookie, data={**form, "decision_id": "d-2"})
    assert refused.status_code == 409
    assert "Nothing has changed." in refused.text


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda each: each.name())
def test_the_body_has_the_fields_of_the_command_line(decision: type[Decision]) -> None:
    fields = body_of(decision).model_fields
    options = {each.name: each for each in options_of(decision)}
    assert set(fields) - {"id", "occurred_at", "role"} == set(options)
    assert {name for name, each in fields.items() if each.is_required()} == {
        "id",
        *(name for name, each in options.items() if each.required),
    }
    assert all(each.description for each in fields.values())
