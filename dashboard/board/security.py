"""What every answer says to the browser, and the check that a form comes from our own page."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from access.sessions import Session
from dashboard.board.services import Services

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_PAGES = "no-store"
_ASSETS = "public, max-age=31536000, immutable"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf"


class FormNotOurs(Exception):
    """A form without this session's token. Nothing was done."""


class SecurityHeaders:
    """Adds the headers that every answer has. No cache keeps a page; an asset has its version in its address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message), scope, int(message["status"]))
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _complete(headers: MutableHeaders, scope: Scope, status: int) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    is_asset = str(scope["path"]).startswith("/static/") and status == 200
    headers.setdefault("Cache-Control", _ASSETS if is_asset else _PAGES)
    if scope["scheme"] == "https":
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


async def require_own_form(request: Request, session: Session) -> None:
    """Raises FormNotOurs unless the form was made for this session, and was not sent from another site."""
    form = await request.form()
    given = form.get(CSRF_FIELD) or request.headers.get(CSRF_HEADER)
    _require_own(request, session, str(given) if given else None)


def require_own_request(request: Request, session: Session) -> None:
    """The same for a request without a form, whose header has the token.

    One with a bearer token needs none: no browser sends that by itself.
    """
    if session.used_for == "board":
        _require_own(request, session, request.headers.get(CSRF_HEADER))


def _require_own(request: Request, session: Session, given: str | None) -> None:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormNotOurs
    if not session.accepts_form(given):
        raise FormNotOurs


def set_cookie(
    answer: Response, services: Services, name: str, value: str, *, seconds: int | None = None, path: str = "/"
) -> None:
    """A cookie that scripts cannot read, that other sites' forms do not send, and that plain HTTP does not carry."""
    secure = services.base_url.startswith("https://")
    answer.set_cookie(name, value, max_age=seconds, path=path, secure=secure, httponly=True, samesite="lax")
