"""Every route × role × site: what people wrote is in an answer only for those who may read it, and a journey only for
those who work at its site. The routes are those of the running application, so that a new one is asked too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import product

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from access.rules import TABLE, Action, Viewer, may
from dashboard.board.app import create_app
from dashboard.board.journey import about
from dashboard.board.visit import SESSION_COOKIE
from dashboard.reading import state_of
from domain.pathway.crisis import CrisisPlace, RecordCrisis
from domain.pathway.discharge import UpdateDischargePlan
from domain.pathway.treatment_decisions import SetGoal, UpdateTreatmentPlan
from domain.values import Role
from tests.dashboard.api.served import Served, serving
from tests.domain import walk
from tests.domain.walk import Walk

pytestmark = pytest.mark.stack

CANARY = "Quillfeather"
PLAN = {
    "follow_ups": [CANARY],
    "crisis_contacts": [CANARY],
    "resources": [CANARY],
    "medication": [CANARY],
    "summary": [CANARY],
}
SITES: tuple[tuple[str, ...], ...] = ((), ("main",), ("north",))
PEOPLE = {
    person.person: person
    for role, sites in product(Role, SITES)
    for person in [Viewer(person=f"{role}-{'-'.join(sites) or 'all'}", roles=(role,), sites=sites)]
} | {"auditor": Viewer(person="auditor", roles=(), auditor=True)}
JOURNEYS = ("in-care", "before-care")
QUERIES = ("", "?everything=true", "?decide=update-discharge-plan", "?decide=record-crisis")
ASIDE = {
    "/live": "a stream without an end; tests/dashboard/test_board_changes.py has what it says",
    "/sign-in": "needs a provider; nobody is signed in yet",
    "/sign-in/answer": "the same",
}


def with_words(walked: Walk) -> Walk:
    walked.do(RecordCrisis, place=CrisisPlace.EMERGENCY_DEPARTMENT, facility=CANARY, reason=f"{CANARY} at night")
    return walked


def in_care() -> Walk:
    walked = walk.enrolled()
    walked.do(UpdateDischargePlan, plan=PLAN)
    walked.do(SetGoal, words=CANARY, measure=CANARY)
    walked.do(UpdateTreatmentPlan, step_down_criteria=(CANARY,), discharge_criteria=(CANARY,), participation="agreed")
    return with_words(walked)


@pytest.fixture
async def served(migrated_database: str) -> AsyncIterator[Served]:
    async with serving(migrated_database) as opened:
        await opened.keep({"in-care": in_care(), "before-care": with_words(walk.answered())})
        app = create_app(replace(opened.services, viewer=PEOPLE.get))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://board.example") as http:
            yield replace(opened, app=app, http=http)


def applications(app: FastAPI, prefix: str = "") -> Iterator[tuple[str, FastAPI]]:
    """The application, and those mounted in it, each with where it is."""
    yield prefix, app
    for each in app.routes:
        if isinstance(each, Mount) and isinstance(each.app, FastAPI):
            yield from applications(each.app, f"{prefix}{each.path}")


def pages(app: FastAPI) -> Iterator[tuple[str, str | None]]:
    """The addresses that can be looked at, each with the journey that it is about."""
    for prefix, part in applications(app):
        for context in iter_route_contexts(part.routes):
            route, path = context.original_route, f"{prefix}{context.path}"
            if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()) or path in ASIDE:
                continue
            if "{journey_id}" not in path:
                yield path, None
                continue
            for journey, query in product(JOURNEYS, QUERIES if part is app else ("",)):
                yield path.replace("{journey_id}", journey) + query, journey


async def test_no_answer_holds_more_than_the_person_may_read(served: Served) -> None:
    concerns = {each: about(state_of(await served.store.read(each))) for each in JOURNEYS}
    asked, shown = 0, 0
    for person in PEOPLE.values():
        session = await served.session(person.person, "board")
        for path, journey in pages(served.app):
            assert "{" not in path, f"give {path} its parts here"
            answer = await served.http.get(path, headers={"Cookie": f"{SESSION_COOKIE}={session.token}"})
            where, asked = f"{person.person} at {path}", asked + 1
            assert answer.status_code < 500, where
            readable = journey is not None and may(person, Action.READ_WORDS, concerns[journey])
            assert CANARY not in answer.text or readable, where
            shown += CANARY in answer.text
            for name in JOURNEYS:
                sees = person.works_at(concerns[name].site or "") and may(person, Action.READ_JOURNEY, concerns[name])
                assert (f'"{name}"' not in answer.text and f"/journeys/{name}" not in answer.text) or sees, where
            if readable and path == f"/journeys/{journey}?everything=true":
                assert CANARY in answer.text, where
    assert asked > len(PEOPLE) * 20 and shown > 0
    assert {role for role in Role if role in TABLE[Action.READ_WORDS]} < set(Role), "somebody must not read words"
