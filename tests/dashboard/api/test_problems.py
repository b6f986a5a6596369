"""What goes wrong is a problem (RFC 9457), never a page; and every route says whom it lets in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from clientkeys.errors import KeysUnavailable
from dashboard.board.visit import Allowed, Public, SignedIn
from domain.pathway import DECISIONS
from tests.dashboard.api.served import API, Served
from tests.domain import walk


def require_problem(answer: httpx2.Response, status: int, code: str) -> None:
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert {"type", "title", "status", "detail", "code"} <= told.keys()
    assert "<html" not in str(told)


async def test_nobody_gets_in_without_a_session(served: Served) -> None:
    for path in ("/journeys", "/me", "/journeys.csv", "/journeys/j", "/journeys/j/events", "/position"):
        answer = await served.http.get(API + path)
        require_problem(answer, 401, "sign-in-needed")
        assert answer.headers["www-authenticate"] == "Bearer"
    posted = await served.http.post(f"{API}/journeys/j/decisions/discharge", json={"id": "d", "reason": "moved"})
    require_problem(posted, 401, "sign-in-needed")


async def test_a_token_is_good_only_for_what_its_session_was_begun_for(served: Served) -> None:
    board, program = await served.session("supervisor-1", "board"), await served.session("supervisor-1", "cli")
    for headers in (
        {"Authorization": f"Bearer {board.token}"},
        {"Cookie": f"throughline-session={program.token}"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nonsense", "Cookie": f"throughline-session={board.token}"},
    ):
        answer = await served.http.get(f"{API}/me", headers=headers)
        require_problem(answer, 401, "sign-in-needed")
    assert (await served.http.get(f"{API}/me", headers={"Authorization": f"bEARER {program.token}"})).status_code == 200


async def test_errors_are_problems(served: Served) -> None:
    headers = await served.headers("supervisor-1")
    require_problem(await served.get("/nowhere"), 404, "not-found")
    require_problem(await served.get("/journeys/"), 404, "not-found")
    answer = await served.http.request("DELETE", f"{API}/journeys", headers=headers)
    require_problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]
    require_problem(await served.get("/journeys?stage=Secret"), 422, "not-understood")
    require_problem(await served.get("/me", "stranger"), 403, "not-on-the-list")
    require_problem(await served.get("/messages", "clinician-1"), 403, "forbidden")
    answer = await served.http.post(
        f"{API}/journeys/j/decisions/discharge",
        headers={**headers, "Content-Type": "application/json"},
        content=b'{"id": "Quillfeather',
    )
    require_problem(answer, 422, "not-understood")
    assert "Quillfeather" not in answer.text
    answer = await served.http.post(
        f"{API}/journeys/j/decisions/discharge", headers=headers, json={"id": "x" * 300_000, "reason": "moved"}
    )
    require_problem(answer, 413, "body-too-large")


async def test_values_are_not_repeated(served: Served) -> None:
    answer = await served.get(
        "/journeys?stage=Quillfeather&site=Ms%20Quillfeather&Ms%20Quillfeather=1&size=Quillfeather"
    )
    assert answer.status_code == 422
    assert "Quillfeather" not in answer.text
    assert {each["field"] for each in answer.json()["errors"]} >= {"stage", "site", "size"}


async def test_a_fault_of_ours_is_a_problem_without_its_text(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Quillfeather")

    monkeypatch.setattr("dashboard.api.lists.journeys.journeys", broken)
    answer = await served.get("/journeys")
    require_problem(answer, 500, "unexpected")
    assert "Quillfeather" not in answer.text + str(capsys.readouterr())


async def test_what_does_not_answer_now_is_said_with_what_to_do(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served.keep({"j": walk.enrolled()})

    async def gone(*_: object) -> None:
        raise KeysUnavailable("gone")

    monkeypatch.setattr(served.sealer, "open", gone)
    answers = [await served.get("/journeys/j")]
    async with await psycopg.AsyncConnection.connect(served.url, autocommit=True) as connection:
        await connection.execute("alter table es.checkpoints rename to gone")
    answers += [await served.get(path) for path in ("/journeys?standing=ended", "/duties.csv")]
    for answer in answers:
        require_problem(answer, 503, "database-unreachable")
        assert int(answer.headers["retry-after"]) > 1


async def test_a_database_that_hangs_is_said_in_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("dashboard.board.errors._BEGINS_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr("dashboard.api.lists.journeys.journeys", hangs)
    require_problem(await served.get("/journeys"), 503, "database-unreachable")
    headers, _ = await served.browser("supervisor-1")
    page = await served.http.get("/journeys", headers=headers)
    assert page.status_code == 503 and "does not answer" in page.text


async def test_pages_of_the_board_still_say_it_in_a_page(served: Served) -> None:
    assert (await served.http.get("/nowhere", headers=await served.headers("supervisor-1"))).status_code == 404
    assert (await served.http.get("/journeys")).status_code == 303


Rule = Allowed | Public | SignedIn


def rules_of(dependant: Dependant) -> Iterator[Rule]:
    """The rules among what a route depends on."""
    for each in dependant.dependencies:
        if isinstance(each.call, Rule):
            yield each.call
        yield from rules_of(each)


def routes_of(app: FastAPI, prefix: str = "") -> Iterator[tuple[str, Dependant | None]]:
    """Every route that the application answers, with what it depends on; None where it depends on nothing."""
    for context in iter_route_contexts(app.routes):
        route, path = context.original_route, f"{prefix}{context.path}"
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):
            yield from routes_of(route.app, path)
        else:
            yield path, context.dependant if isinstance(route, APIRoute) else None


async def test_every_route_says_whom_it_lets_in(served: Served) -> None:
    found = dict(routes_of(served.app))
    assert {"/", "/journeys/{journey_id}", f"{API}/journeys.csv", f"{API}/openapi.json"} <= found.keys()
    assert sum("/decisions/" in path for path in found) > len(DECISIONS), "the board's route and one for each"
    without = [path for path, dependant in found.items() if dependant is None or not list(rules_of(dependant))]
    assert without == ["/static"], "assets are in the package and say nothing about anybody"


async def test_a_route_without_a_rule_is_found(served: Served) -> None:
    served.app.add_api_route("/open", lambda: None)
    for path, dependant in routes_of(served.app):
        if path == "/open":
            assert dependant is not None and list(rules_of(dependant)) == []
            return
    raise AssertionError("the route was not looked at")
