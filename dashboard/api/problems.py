"""Errors of the API as problems (RFC 9457): what is wrong and what to do, and never what the request held."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from clientkeys.errors import ClientKeysError
from dashboard.board.deciding import NotTaken
from dashboard.board.errors import NO_ANSWER, FaultsOfOurs, NoSuchPage
from dashboard.board.security import FormNotOurs
from dashboard.board.visit import Forbidden, NotOnTheList, SignInNeeded, bearer_in
from dashboard.queries.paging import CursorUnreadable
from eventstore.errors import EventStoreError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
_A_FIELD = re.compile(r"[a-zA-Z][a-zA-Z_-]{0,39}")
_WHERE = ("body", "query", "path", "header")
_SOON, _LATER = 1, 30
_HTTP = {
    405: ("method-not-allowed", "That address answers another method: see Allow."),
    413: ("body-too-large", "The body is larger than any decision needs."),
}


class FieldProblem(BaseModel):
    """One thing in the request that cannot be used."""

    field: str = Field(description="Its name; parts of a name are joined by a dot. Empty for the whole request.")
    detail: str = Field(description="What is wrong with it. The value is never repeated.")


class Problem(BaseModel):
    """Why the request was not done (RFC 9457)."""

    type: str = Field("about:blank", description="Always about:blank: `code` says more.")
    title: str = Field(description="The name of the HTTP status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what to do, for people.")
    code: str = Field(description="Short and stable, for programs; for a decision, the journey's refusal.")
    errors: list[FieldProblem] | None = Field(None, description="Which fields cannot be used.")


class ApiProblem(Exception):
    """A problem that only the API has."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


def problem(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldProblem] | None = None,
) -> JSONResponse:
    """The answer. No cache keeps it."""
    told = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=list(errors) if errors else None,
    )
    content = told.model_dump(exclude_none=True)
    return JSONResponse(content, status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA_TYPE)


def add_to(app: FastAPI) -> None:
    """Has every error answered as a problem."""
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(NotOnTheList, _not_on_the_list)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(FormNotOurs, _not_ours)
    app.add_exception_handler(NoSuchPage, _not_found)
    app.add_exception_handler(NotTaken, _not_taken)
    app.add_exception_handler(ApiProblem, _own)
    app.add_exception_handler(CursorUnreadable, _cursor)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(ValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _http)
    for each in (EventStoreError, ClientKeysError, psycopg.OperationalError):
        app.add_exception_handler(each, _database)
    app.add_middleware(FaultsOfOurs, answer=_unexpected)


async def _sign_in(request: Request, _: Exception) -> Response:
    says = 'Bearer error="invalid_token"' if bearer_in(request) is not None else "Bearer"
    text = "Nobody is signed in, or the session has ended. Sign in again and repeat the request."
    return problem(401, "sign-in-needed", text, {"WWW-Authenticate": says})


async def _not_on_the_list(_: Request, __: Exception) -> Response:
    return problem(403, "not-on-the-list", "Ask operations to add you to the centre's list of staff.")


async def _forbidden(_: Request, error: Exception) -> Response:
    assert isinstance(error, Forbidden)
    text = f"None of your roles may do this here ({error.action}). Ask a colleague whose role it is."
    return problem(403, "forbidden", text)


async def _not_ours(_: Request, __: Exception) -> Response:
    text = "A request with the session cookie needs the header X-CSRF, as in `/me`. Nothing has changed."
    return problem(403, "csrf-token-needed", text)


async def _not_found(_: Request, __: Exception) -> Response:
    return problem(404, "not-found", "There is nothing at that address, or it is not open to you.")


async def _not_taken(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotTaken)
    headers = {"Retry-After": str(_LATER)} if error.status == 503 else None
    return problem(error.status, error.code, error.sentence, headers)


async def _own(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiProblem)
    return problem(error.status, error.code, error.detail, error.headers)


async def _cursor(_: Request, __: Exception) -> Response:
    text = "The cursor is not one that this list gave in this order. Begin again without `after`."
    return problem(422, "cursor-unreadable", text, errors=[FieldProblem(field="after", detail=text)])


async def _not_understood(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | ValidationError)
    found = [FieldProblem(field=_name(each["loc"]), detail=str(each["msg"])) for each in error.errors()]
    named = ", ".join(dict.fromkeys(each.field for each in found if each.field))
    text = f"Correct these fields: {named}." if named else "The request is not understood: see `errors`."
    return problem(422, "not-understood", text, errors=found)


def _name(loc: Sequence[Any]) -> str:
    """The field's name. One that the caller made up is not repeated unless it looks like a name."""
    parts = [str(each) for each in loc[1 if loc and loc[0] in _WHERE else 0 :]]
    return ".".join(each for each in parts if _A_FIELD.fullmatch(each) or (each.isdecimal() and len(each) < 4))


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _not_found(_, error)
    code, detail = _HTTP.get(error.status_code, ("not-understood", "The request cannot be read."))
    return problem(error.status_code, code, detail, error.headers)


async def _database(_: Request, error: Exception) -> Response:
    log.error("api-database", error=type(error).__name__)
    return _no_answer()


def _no_answer() -> Response:
    return problem(503, "database-unreachable", NO_ANSWER, {"Retry-After": str(_LATER)})


def _unexpected(error: Exception) -> Response:
    if isinstance(error, TimeoutError):
        return _no_answer()
    text = "This is a fault of ours. What you asked for may not be done: look again. Tell operations."
    return problem(500, "unexpected", text)


def not_there_yet() -> ApiProblem:
    """The read models have not come to the position that was asked for."""
    text = "The read models have not come to the position in Wait-For yet. Ask again; nothing older is shown."
    return ApiProblem(503, "not-there-yet", text, {"Retry-After": str(_SOON)})


def beyond_the_record() -> ApiProblem:
    """The position that was asked for is not in the record."""
    text = "The record has no position that high. Give one that an answer of this API named."
    return ApiProblem(422, "beyond-the-record", text)


def too_many_files() -> ApiProblem:
    """As many lists as may be sent as files at once are being sent."""
    text = "Other lists are being sent as files now. Ask again in a little while."
    return ApiProblem(503, "too-many-files", text, {"Retry-After": str(_LATER)})
