"""Signing in at the centre's provider and out again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import unquote

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from access.errors import SignInFailed
from access.sessions import Session
from dashboard.board.html import plain_page
from dashboard.board.security import require_own_form, set_cookie
from dashboard.board.visit import SEEN_COOKIE, SESSION_COOKIE, Public, SignedIn, services_of

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

_STATE_COOKIE = "throughline-sign-in"
_STATE_SECONDS = 600
_ANSWER = "/sign-in/answer"
_MOST_PATH = 500


@router.get("/sign-in", dependencies=[Depends(Public("the way in"))])
async def sign_in(request: Request, to: str = "/") -> Response:
    """Sends the browser to the provider."""
    services = services_of(request)
    begun = await services.provider.begin(services.base_url + _ANSWER)
    await services.sessions.ask(begun, _own_path(to), datetime.now(UTC))
    answer = RedirectResponse(begun.address, 303)
    # The browser that begins a sign-in is the one that ends it: nobody can be signed in as somebody else by a link.
    set_cookie(answer, services, _STATE_COOKIE, begun.state, seconds=_STATE_SECONDS, path="/sign-in")
    return answer


@router.get(_ANSWER, dependencies=[Depends(Public("the provider sends the browser back to it"))])
async def answered(request: Request, state: str = "", code: str = "") -> Response:
    """Begins a session for the person whom the provider vouches for."""
    services, now = services_of(request), datetime.now(UTC)
    if not state or request.cookies.get(_STATE_COOKIE) != state:
        raise SignInFailed("state", "This sign-in was not begun in this browser. Begin again.")
    asked = await services.sessions.answered(state, now)
    if asked is None:
        raise SignInFailed("too-late", "This sign-in took too long, or was used already. Begin again.")
    if not code:
        raise SignInFailed("no-code", "The sign-in service did not sign you in. Begin again.")
    person = await services.provider.finish(code, asked.verifier, asked.nonce, services.base_url + _ANSWER)
    session = await services.sessions.begin(person, "board", now)
    log.info("signed-in", person=person)
    answer = RedirectResponse(asked.return_to, 303)
    set_cookie(answer, services, SESSION_COOKIE, session.token)
    answer.delete_cookie(_STATE_COOKIE, path="/sign-in")
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, session: Annotated[Session, Depends(SignedIn())]) -> Response:
    """Ends the session."""
    await require_own_form(request, session)
    await services_of(request).sessions.end(session, datetime.now(UTC))
    log.info("signed-out", person=session.person)
    answer = plain_page("signed-out.html")
    answer.delete_cookie(SESSION_COOKIE, path="/")
    answer.delete_cookie(SEEN_COOKIE, path="/")
    return answer


def _own_path(to: str) -> str:
    """A path on the board, never another site's address."""
    path = unquote(to)
    if not path.startswith("/") or path.startswith(("//", "/\\")) or len(to) > _MOST_PATH or not path.isprintable():
        return "/"
    return to
