"""Role by site by route: the whole board, from the routes that the running application has."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

from access.rules import TABLE, Action, may
from clientkeys.errors import KeysUnavailable
from dashboard.board.visit import Allowed, Public, SignedIn
from domain.pathway.crisis import CrisisPlace, RecordCrisis
from domain.pathway.discharge import UpdateDischargePlan
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.handoff import RecordHandoff
from domain.pathway.taper import PlanTaper
from domain.pathway.treatment_decisions import SetGoal, UpdateTreatmentPlan
from domain.values import Role
from tests.dashboard.api.served import STAFF, Served, serving
from tests.domain import walk

pytestmark = pytest.mark.stack

PAGES = {
    "/": Action.SEE_LISTS,
    "/journeys": Action.SEE_LISTS,
    "/duties": Action.SEE_LISTS,
    "/live": Action.SEE_LISTS,
    "/in-use": Action.SEE_LISTS,
    "/tracks": Action.SEE_LISTS,
    "/messages": Action.SEE_MESSAGES,
    "/audit": Action.READ_AUDIT,
    "/journeys/{journey_id}": Action.READ_JOURNEY,
    "/journeys/{journey_id}/decisions/{name}": Action.TAKE_DECISION,
    "/views/{of_list}": Action.SEE_LISTS,
    "/views/{of_list}/remove": Action.SEE_LISTS,
    "/find": Action.READ_JOURNEY,
    "/cli": Action.SEE_LISTS,
    "/codec/decode": Action.READ_PAYLOADS,
}
"""What each page needs, written out by hand."""
PUBLIC = {"/health", "/sign-in", "/sign-in/answer", "/openapi.json", "/cli/session"}


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    async with serving(migrated_database) as opened:
        yield opened


def routes(of: Any) -> Iterator[tuple[BaseRoute, str]]:
    """Every route of the application and of what it mounts."""
    for route in of.routes:
        if isinstance(route, Mount) and getattr(route.app, "routes", None):
            yield from routes(route.app)
        elif (included := getattr(route, "original_router", None)) is not None:
            yield from routes(included)
        else:
            yield route, getattr(route, "path", "")


def rules_of(route: APIRoute) -> list[object]:
    """What lets a person in: the rules among the route's dependencies."""
    found: list[object] = []
    waiting = [route.dependant]
    while waiting:
        each = waiting.pop()
        waiting += each.dependencies
        if isinstance(each.call, Allowed | Public | SignedIn):
            found.append(each.call)
    return found


async def test_every_route_has_one_rule_and_the_boards_are_these(served: Served) -> None:
    found: dict[str, set[object]] = {}
    for route, path in routes(served.app):
        if isinstance(route, Mount):
            assert path == "/static"
            continue
        assert isinstance(route, APIRoute), f"{path} is a route of a kind that has no rule"
        rules = rules_of(route)
        assert len(rules) == 1, f"{path} has {len(rules)} rules: give it Allowed, SignedIn or Public"
        [rule] = rules
        if isinstance(rule, Public):
            assert rule.because and (path in PUBLIC or "OPTIONS" in (route.methods or ())), path
        elif isinstance(rule, Allowed):
            found.setdefault(path, set()).add(rule.action)
    assert {path: actions for path, actions in found.items() if path in PAGES} == {p: {a} for p, a in PAGES.items()}


async def test_each_person_sees_the_pages_that_the_table_says(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    for person, viewer in STAFF.items():
        cookie, _ = await served.browser(person)
        for path, action in PAGES.items():
            if "{" in path or path in ("/live", "/in-use", "/cli", "/codec/decode"):
                continue
            answer = await served.http.get(path, headers=cookie)
            assert answer.status_code == (200 if may(viewer, action) else 403), (person, path)


async def test_words_are_shown_to_those_who_may_read_them_and_a_journey_elsewhere_to_nobody(served: Served) -> None:
    walked = walk.enrolled()
    plan = {"follow_ups": ["CANARY appointment"], "crisis_contacts": ["988"], "resources": []}
    walked.do(UpdateDischargePlan, plan=plan)
    walked.do(SetGoal, words="CANARY sings", measure="CANARY diary", target="2026-06-01")
    criteria = ("CANARY is steady",)
    walked.do(UpdateTreatmentPlan, step_down_criteria=criteria, discharge_criteria=criteria, participation="agreed")
    await served.keep({"here": walked})
    for person, viewer in STAFF.items():
        cookie, _ = await served.browser(person)
        page = await served.http.get("/journeys/here?everything=true", headers=cookie)
        if not viewer.works_at("main"):
            assert page.status_code == 404 and "week" not in page.text
            continue
        assert page.status_code == 200
        reads = bool(set(viewer.roles) & (TABLE[Action.READ_WORDS].keys() - {Role.ADMISSIONS}))
        assert ("CANARY" in page.text) is reads, person
        assert ("CANARY sings (CANARY diary)" in page.text, "0 of 2 goals met" in page.text) == (reads, True)
        looks = await served.services.audit.looks(person=person)
        assert [each.did for each in looks] == (["read-words"] if reads else ["opened-journey"])


async def test_what_people_wrote_stands_at_what_happened_for_those_who_may_read_it(served: Served) -> None:
    walked = walk.enrolled()
    walked.do(RecordCrisis, place=CrisisPlace.EMERGENCY_DEPARTMENT, facility="CANARY General", reason="CANARY reason")
    await served.keep({"here": walked})
    for person, reads in (("clinician-1", True), ("operations-1", False)):
        cookie, _ = await served.browser(person)
        page = (await served.http.get("/journeys/here", headers=cookie)).text
        assert ("<q>CANARY reason</q>" in page, "at CANARY General" in page) == (reads, reads)
        assert "In a crisis" in page and (reads or "CANARY" not in page)


async def test_a_move_is_shown_with_its_handoff_first_visit_and_taper(served: Served) -> None:
    walked = walk.stepping_down()
    walked.do(BookFirstVisit, first_visit_at=walk.MONDAY + timedelta(days=2))
    walked.do(PlanTaper, until=walk.MONDAY.date() + timedelta(days=14))
    walked.do(RecordHandoff, to="CANARY, charge nurse", how="phone")
    await served.keep({"here": walked})
    for person, reads in (("clinician-1", True), ("operations-1", False)):
        cookie, _ = await served.browser(person)
        page = (await served.http.get("/journeys/here", headers=cookie)).text
        assert "<dt>Handoff</dt><dd>to OP, not read back, without medication list" in page
        assert "<dt>First visit</dt><dd>booked for " in page and "some IOP sessions until 2026-03-30" in page
        assert ("CANARY" in page) is reads


async def test_a_journey_is_shown_without_its_words_while_the_keys_do_not_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        raise KeysUnavailable("gone")

    walked = walk.enrolled()
    walked.do(
        UpdateDischargePlan, plan={"follow_ups": ["CANARY appointment"], "crisis_contacts": ["988"], "resources": []}
    )
    await served.keep({"here": walked})
    cookie, _ = await served.browser("supervisor-1")
    assert "CANARY" in (await served.http.get("/journeys/here", headers=cookie)).text
    monkeypatch.setattr(served.sealer, "open", gone)
    page = await served.http.get("/journeys/here", headers=cookie)
    assert page.status_code == 200
    assert "the database of keys does not answer" in page.text
    assert "CANARY" not in page.text


async def test_why_something_is_due_then_names_the_number_and_its_source(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    cookie, _ = await served.browser("clinician-1")
    page = (await served.http.get("/journeys/here", headers=cookie)).text
    assert "policy us-generic-1, levels.IOP.review." in page
    assert re.search(r"levels\.IOP\.review\.\w+: .+ Checked \d{4}-\d\d-\d\d\.", page)


async def test_what_temporal_cannot_record_is_on_the_first_page_of_those_who_may_see_it(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})

    async def stopped() -> dict[str, str]:
        return {"here": "the keys do not answer", "unheard-of": "the keys do not answer"}

    async def silence() -> None:
        return None

    for ask, person, shown in (
        (stopped, "operations-1", "the keys do not answer"),
        (silence, "operations-1", "Temporal does not answer"),
        (stopped, "north-1", ""),
    ):
        served.app.state.services = replace(served.services, standing_still=ask)
        cookie, _ = await served.browser(person)
        page = (await served.http.get("/", headers=cookie)).text
        assert page.count("the keys do not answer") == (shown == "the keys do not answer")
        assert shown in page


async def test_who_could_not_be_told_of_sessions_is_on_the_first_page_of_those_who_may_see_it(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    async with served.services.pool.connection() as connection:
        await connection.execute(
            "insert into attendance.journeys (journey_id, entries, trouble) values ('here', 1, 'no answer from it')"
        )
    for person, shown in (("operations-1", True), ("north-1", False)):
        cookie, _ = await served.browser(person)
        page = (await served.http.get("/", headers=cookie)).text
        assert ("no answer from it" in page) is ("not told of sessions" in page) is shown


async def test_a_form_from_elsewhere_or_of_another_session_does_nothing(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    cookie, csrf = await served.browser("clinician-1")
    _, others = await served.browser("clinician-2")
    address = "/journeys/here/decisions/request-step-up"
    form = {"to": "PHP", "reason": "worse", "decision_id": "d-1"}
    for headers, given in (
        ({}, form),
        ({}, {**form, "csrf": others}),
        ({"sec-fetch-site": "cross-site"}, {**form, "csrf": csrf}),
        ({"sec-fetch-site": "same-site"}, {**form, "csrf": csrf}),
    ):
        answer = await served.http.post(address, data=given, headers={**cookie, **headers})
        assert answer.status_code == 403
    assert served.journeys.told == []
    taken = await served.http.post(address, data={**form, "csrf": csrf}, headers=cookie)
    assert taken.status_code == 303
    [command] = served.journeys.told
    signature = command.signature  # type: ignore[attr-defined]
    assert signature is not None and (signature.via, signature.roles) == ("board", STAFF["clinician-1"].roles)


async def test_a_decision_that_is_no_longer_offered_is_refused_with_what_was_typed(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    cookie, csrf = await served.browser("clinician-1")
    form = {"facility": "typed and not lost", "decision_id": "d-1", "csrf": csrf}
    answer = await served.http.post("/journeys/here/decisions/confirm-arrival", data=form, headers=cookie)
    assert answer.status_code == 409 and "Nothing has changed" in answer.text and "typed and not lost" in answer.text


async def test_a_form_sent_again_is_one_decision_and_a_changed_one_another(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    cookie, csrf = await served.browser("clinician-1")
    form = {"team_role": "clinician", "to": "", "reason": "one", "decision_id": "d-1", "csrf": csrf}
    for changed in ({}, {}, {"reason": "another"}):
        await served.http.post("/journeys/here/decisions/assign-care-team", data={**form, **changed}, headers=cookie)
    first, again, other = [each.id for each in served.journeys.told]
    assert first == again != other
    assert all(each.startswith("board/clinician-1/") and "d-1" not in each for each in (first, other))


async def test_a_page_that_says_it_shows_itself_again_is_noted_unless_it_is_known(served: Served) -> None:
    await served.keep({"here": walk.enrolled()})
    cookie, _ = await served.browser("clinician-1")
    for headers in ({"x-live": "1"}, {"x-live": "1"}, {}):
        assert (await served.http.get("/journeys/here", headers={**cookie, **headers})).status_code == 200
    assert [each.did for each in await served.services.audit.looks()] == ["read-words"] * 2


@pytest.mark.parametrize(
    "path",
    [
        "/journeys/here?known_at=9999-12-31",
        "/journeys/here?known_at=0001-01-01",
        "/duties?person=%00",
        "/audit?before=x",
    ],
)
async def test_odd_addresses_are_said_to_be_odd(served: Served, path: str) -> None:
    await served.keep({"here": walk.enrolled()})
    cookie, csrf = await served.browser("clinician-1")
    assert (await served.http.get(path, headers=cookie)).status_code in (403, 404, 422)
    named = await served.http.post("/views/duties", data={"name": "a\x00b", "csrf": csrf}, headers=cookie)
    assert named.status_code == 422


async def test_a_command_line_cannot_renew_its_own_sign_in(served: Served) -> None:
    session = await served.session("clinician-1", "cli")
    form = {"csrf": session.csrf_token(), "challenge": "x" * 43}
    headers = {"Authorization": f"Bearer {session.token}"}
    assert (await served.http.post("/cli", data=form, headers=headers)).status_code == 404


async def test_nobody_is_sent_to_another_site_by_a_sign_in(served: Served) -> None:
    answer = await served.http.get("/duties?due=overdue")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?to=/duties%3Fdue%3Doverdue")


async def test_every_answer_has_the_headers_that_keep_it_safe(served: Served) -> None:
    cookie, _ = await served.browser("clinician-1")
    for path in ("/", "/nothing", "/health", "/static/board.css", "/api/v1/me", "/sign-in/answer"):
        answer = await served.http.get(path, headers=cookie)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        kept = answer.headers["cache-control"]
        assert ("immutable" in kept) if path.startswith("/static") else ("no-store" in kept or "no-cache" in kept), path
