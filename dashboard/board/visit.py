"""One request of a signed-in person: who they are, what they may do, and the moment at which they look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request

from access.rules import About, Action, Viewer, may
from access.sessions import Session
from dashboard.board.services import Services
from dashboard.queries.moment import Moment, moment

SESSION_COOKIE = "throughline-session"
SEEN_COOKIE = "throughline-seen"
LIVE_HEADER = "x-live"
"""Says that the page fetched itself again, so that a session nobody uses still ends."""
_MOST_SEEN = 19
_BEARER = "bearer "


class SignInNeeded(Exception):
    """Nobody is signed in. The page sends the person to sign in and back."""

    def __init__(self, return_to: str) -> None:
        super().__init__("nobody is signed in")
        self.return_to = return_to


class Forbidden(Exception):
    """The person may not do that. The page says so and names whom to ask."""

    def __init__(self, action: Action) -> None:
        super().__init__(action.value)
        self.action = action


class NotOnTheList(Exception):
    """The person signed in at the provider and is not on the centre's list of staff."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request by a person who may make it.

    Attributes:
        now: The time by which the journeys live.
        seen: The position of the record that their own last decision reached.
    """

    services: Services
    session: Session
    viewer: Viewer
    now: datetime
    seen: int = 0

    @property
    def wall_clock(self) -> datetime:
        """The time by which people live, also in a demonstration."""
        return datetime.now(UTC)

    @property
    def sites(self) -> tuple[str, ...] | None:
        """The sites they may see; None for every site."""
        return self.viewer.sites or None

    def may(self, action: Action, about: About | None = None) -> bool:
        """Whether they may take `action`."""
        return may(self.viewer, Action(action), about or About())

    def require(self, action: Action, about: About | None = None) -> None:
        """Raises Forbidden if they may not take `action`."""
        if not self.may(action, about):
            raise Forbidden(action)

    @asynccontextmanager
    async def moment(self) -> AsyncIterator[Moment]:
        """The read models as this person may see them, their own last decision included."""
        async with moment(self.services.pool, self.now, self.sites, seen=self.seen) as opened:
            yield opened


class Allowed:
    """A route's rule, as a dependency: whom it lets in. A route without a rule does not pass the tests.

    What depends on the journey or the site is asked again by the page, with what it is about.
    """

    def __init__(self, action: Action) -> None:
        """`action`: what the route does."""
        self.action = action

    async def __call__(self, request: Request) -> Visit:
        """The visit. Raises SignInNeeded, NotOnTheList or Forbidden."""
        visit = await _visit(request)
        visit.require(self.action)
        return visit


class Public:
    """The rule of a route that needs no sign-in, with the reason."""

    def __init__(self, because: str) -> None:
        """`because`: why anybody may use it."""
        self.because = because

    async def __call__(self) -> None:
        """Lets everybody in."""


class SignedIn:
    """The rule of a route for anybody who is signed in, on the list of staff or not."""

    async def __call__(self, request: Request) -> Session:
        """The session. Raises SignInNeeded."""
        return await _session(request)


def services_of(request: Request) -> Services:
    """What the process was started with."""
    services: Services = request.app.state.services
    return services


async def _visit(request: Request) -> Visit:
    services = services_of(request)
    session = await _session(request)
    viewer = services.viewer(session.person)
    if viewer is None:
        raise NotOnTheList
    return Visit(services, session, viewer, await services.now(), _seen(request))


async def _session(request: Request) -> Session:
    bearer = bearer_in(request)
    token, used_for = (request.cookies.get(SESSION_COOKIE, ""), "board") if bearer is None else (bearer, "cli")
    sessions = services_of(request).sessions
    is_live = request.headers.get(LIVE_HEADER) is not None or request.url.path == "/live"
    session = await (sessions.look if is_live else sessions.use)(token, datetime.now(UTC))
    if session is None or session.used_for != used_for:  # a token is good only where its session was begun for
        raise SignInNeeded(_return_to(request))
    return session


def bearer_in(request: Request) -> str | None:
    """The token of a program, such as the command line: `Authorization: Bearer ...`."""
    given = request.headers.get("authorization", "")
    return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else None


def _return_to(request: Request) -> str:
    """The page to come back to. A form is not sent again."""
    if request.method != "GET":
        return "/"
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path, safe="/") + query


def _seen(request: Request) -> int:
    text = request.cookies.get(SEEN_COOKIE, "")
    return int(text) if text.isdecimal() and len(text) < _MOST_SEEN else 0


ListsVisit = Annotated[Visit, Depends(Allowed(Action.SEE_LISTS))]
JourneyVisit = Annotated[Visit, Depends(Allowed(Action.READ_JOURNEY))]
DecisionVisit = Annotated[Visit, Depends(Allowed(Action.TAKE_DECISION))]
MessagesVisit = Annotated[Visit, Depends(Allowed(Action.SEE_MESSAGES))]
AuditVisit = Annotated[Visit, Depends(Allowed(Action.READ_AUDIT))]
