"""What a person sees when something goes wrong: what it is and what to do. Never what the error says of a client."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from urllib.parse import quote

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from access.errors import ProviderUnreachable, SignInFailed
from access.rules import Action
from clientkeys.errors import ClientKeysError
from dashboard.board.codec_server import NotOurs
from dashboard.board.html import plain_page
from dashboard.board.security import FormNotOurs
from dashboard.board.visit import LIVE_HEADER, Forbidden, NotOnTheList, SignInNeeded
from dashboard.queries.paging import CursorUnreadable
from eventstore.errors import EventStoreError

log = structlog.get_logger(__name__)

_BEGINS_WITHIN_SECONDS = 15.0
"""Elapsed, for what only reads. A decision has a time limit of its own."""
NO_ANSWER = "The database does not answer. Nothing is lost; try again in a minute. If it stays, call operations."
_HOME = ("/", "To Today")
_AGAIN = ("/sign-in", "Sign in")
_ASK = {
    Action.SEE_MESSAGES: "admissions or operations",
    Action.READ_AUDIT: "an auditor",
    Action.READ_WORDS: "the clinician or the supervisor",
}


class NoSuchPage(Exception):
    """There is nothing at that address, or not for this person: the two look the same."""


def add_to(app: FastAPI, *, apart: str) -> None:
    """Has every error answered as a page, except below `apart`, where the API answers its own."""
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(NotOnTheList, _not_on_the_list)
    app.add_exception_handler(SignInFailed, _sign_in_failed)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(FormNotOurs, _form_not_ours)
    app.add_exception_handler(NotOurs, _form_not_ours)
    app.add_exception_handler(NoSuchPage, _not_found)
    app.add_exception_handler(CursorUnreadable, _not_understood)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _http)
    for each in (EventStoreError, ClientKeysError, psycopg.OperationalError):  # PoolTimeout is one of the last
        app.add_exception_handler(each, _database)
    app.add_middleware(FaultsOfOurs, apart=apart)


async def _sign_in(request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    address = f"/sign-in?to={quote(error.return_to, safe='/')}"
    if request.headers.get(LIVE_HEADER) or request.url.path in ("/live", "/codec/decode"):
        return Response(status_code=401)
    if request.headers.get("hx-request"):  # what was typed stays in the page, which says that the sign-in is over
        return Response(status_code=401)
    return RedirectResponse(address, 303)


async def _not_on_the_list(_: Request, __: Exception) -> HTMLResponse:
    return problem(403, "You are not on the list of staff", "Ask operations to add you to the centre's list of staff.")


async def _sign_in_failed(_: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, SignInFailed)
    log.warning("sign-in-failed", code=error.code)
    status = 503 if isinstance(error, ProviderUnreachable) else 400
    return problem(status, "You are not signed in", error.sentence, _AGAIN, error.code)


async def _forbidden(_: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, Forbidden)
    whom = _ASK.get(error.action, "a colleague whose role it is")
    return problem(403, "This is not open to your role", f"Ask {whom}. Nothing has changed.", _HOME, error.action)


async def _form_not_ours(_: Request, __: Exception) -> HTMLResponse:
    text = "The form was too old, or came from elsewhere. Nothing has changed: open the page again and repeat it."
    return problem(403, "Not done", text, _HOME, "form-not-ours")


async def _not_found(_: Request, __: Exception) -> HTMLResponse:
    return problem(404, "There is no such page", "The address is wrong, or it is not open to you.", _HOME)


async def _not_understood(_: Request, __: Exception) -> HTMLResponse:
    text = "A filter in the address has a value that does not exist. Choose again from the lists."
    return problem(422, "The address is not understood", text, _HOME)


async def _http(request: Request, error: Exception) -> HTMLResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return await _not_found(request, error)
    return problem(error.status_code, "Not done", "The board does not do that. Nothing has changed.", _HOME)


async def _database(_: Request, error: Exception) -> HTMLResponse:
    log.error("board-database", error=type(error).__name__)
    return problem(503, "Nothing can be shown now", NO_ANSWER, _HOME, type(error).__name__)


class FaultsOfOurs:
    """Answers what nobody expected, and logs its type alone: its text could quote a client.

    A page that has not begun to answer in time is answered too: a database can hang without an error.
    """

    def __init__(
        self, app: ASGIApp, answer: Callable[[Exception], Response] | None = None, apart: str | None = None
    ) -> None:
        """`answer`: what to say; a page, if it is left out. `apart`: where another application keeps its own time."""
        self._app = app
        self._answer = answer or _unexpected
        self._apart = apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        started = False
        is_timed = scope.get("method") == "GET" and not (self._apart and scope["path"].startswith(self._apart))
        try:
            async with asyncio.timeout(_BEGINS_WITHIN_SECONDS if is_timed else None) as limit:

                async def noting(message: Message) -> None:
                    nonlocal started
                    if not started and message["type"] == "http.response.start":
                        started = True
                        limit.reschedule(None)
                    await send(message)

                await self._app(scope, receive, noting)
        except Exception as error:
            log.error("board-error", error=type(error).__name__, at=_where(error), route=_route(scope))
            if not started and scope["type"] == "http":
                await self._answer(error)(scope, receive, send)


def _unexpected(error: Exception) -> HTMLResponse:
    if isinstance(error, TimeoutError):
        return problem(503, "Nothing can be shown now", NO_ANSWER, _HOME, type(error).__name__)
    text = "This is a fault of ours. What you did may not be done: look at the page again. Tell operations."
    return problem(500, "Something went wrong", text, _HOME, type(error).__name__)


def _where(error: Exception) -> str:
    """The line of our code at which it happened."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"


def problem(
    status: int, title: str, text: str, action: tuple[str, str] | None = None, code: str | None = None
) -> HTMLResponse:
    """A page that says what is wrong and what to do."""
    return plain_page("problem.html", status, title=title, text=text, action=action, code=code)


def _route(scope: Scope) -> str | None:
    """The pattern of the address, never the address itself."""
    return getattr(scope.get("route"), "path", None)
