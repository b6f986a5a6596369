"""Lets the command line act as a person who has signed in at the board."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from access.cli_codes import is_challenge
from access.sessions import Session
from dashboard.board.errors import NoSuchPage
from dashboard.board.html import as_of, page
from dashboard.board.security import require_own_form
from dashboard.board.visit import ListsVisit, Public, SignedIn, Visit, services_of

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/cli", include_in_schema=False)


class Redeemed(BaseModel):
    """What the command sends: the code that the person was shown, and its own secret."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    code: str = Field(max_length=64)
    verifier: str = Field(max_length=128)


class CliSession(BaseModel):
    """A session for the command line; `token` is None if the code was wrong, too old, or used already."""

    token: str | None = None
    person: str | None = None
    ends_at: datetime | None = None


@router.get("")
async def ask(visit: ListsVisit, challenge: str = "") -> HTMLResponse:
    """Asks the person whether the command line may act as them."""
    if not is_challenge(challenge):
        raise NoSuchPage
    return await _page(visit, challenge, None)


@router.post("")
async def offer(request: Request, visit: ListsVisit, challenge: Annotated[str, Form()]) -> HTMLResponse:
    """Shows the code."""
    await require_own_form(request, visit.session)
    if not is_challenge(challenge) or visit.session.used_for != "board":  # a command cannot renew itself
        raise NoSuchPage
    code = await visit.services.cli_codes.offer(visit.session, challenge, datetime.now(UTC))
    return await _page(visit, challenge, code)


@router.post("/session", dependencies=[Depends(Public("the code and the command's secret say who it is"))])
async def redeem(request: Request, given: Redeemed) -> CliSession:
    """Begins a session for the command line."""
    services, now = services_of(request), datetime.now(UTC)
    found = await services.cli_codes.redeem(given.code.strip(), given.verifier, now)
    if found is None:
        log.warning("cli-sign-in-refused")
        return CliSession()
    person, ends_at = found
    session = await services.sessions.begin(person, "cli", now, no_longer_than=ends_at)
    log.info("cli-signed-in", person=person)
    return CliSession(token=session.token, person=person, ends_at=session.ends_at)


@router.post("/end", status_code=204)
async def end(request: Request, session: Annotated[Session, Depends(SignedIn())]) -> None:
    """Ends the command line's session."""
    if session.used_for != "cli":
        raise NoSuchPage
    await services_of(request).sessions.end(session, datetime.now(UTC))


async def _page(visit: Visit, challenge: str, code: str | None) -> HTMLResponse:
    async with visit.moment() as moment:
        return page("cli.html", visit, here="/cli", as_of=as_of(moment), challenge=challenge, code=code)
