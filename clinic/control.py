"""The control endpoints, for tests and demonstrations: scripts, staff, mailbox, ledger, reset."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from clinic.ledger import Ledger
from clinic.mailbox import Mailbox
from clinic.scripts import Scripts


class Control:
    """Serves the control addresses."""

    def __init__(self, scripts: Scripts, mailbox: Mailbox, ledger: Ledger, reset: Callable[[], None]) -> None:
        self._scripts = scripts
        self._mailbox = mailbox
        self._ledger = ledger
        self._reset = reset

    def routes(self) -> list[BaseRoute]:
        """All control addresses."""
        return [
            Route("/health", self._health),
            Route("/script/{client}", self._script, methods=["GET", "PUT", "POST", "DELETE"]),
            Route("/script/{client}/staff/{role}", self._staff),
            Route("/mailbox", self._mail),
            Route("/ledger", self._entries),
            Route("/reset", self._forget_all, methods=["POST", "DELETE"]),
        ]

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def _script(self, request: Request) -> Response:
        client = request.path_params["client"]
        if request.method == "DELETE":
            self._scripts.forget(client)
        elif request.method in ("PUT", "POST"):
            try:
                self._scripts.set(client, await request.json(), replace=request.method == "PUT")
            except (ValidationError, ValueError, AttributeError) as error:
                return JSONResponse({"error": f"not a script: {error}"}, 422)
        return JSONResponse(self._scripts.of(client).model_dump(mode="json"))

    async def _staff(self, request: Request) -> Response:
        script = self._scripts.of(request.path_params["client"])
        return JSONResponse({"answers": script.staff.get(request.path_params["role"], True)})

    async def _mail(self, request: Request) -> Response:
        return JSONResponse(self._mailbox.messages())

    async def _entries(self, request: Request) -> Response:
        return JSONResponse(self._ledger.entries(dict(request.query_params)))

    async def _forget_all(self, request: Request) -> Response:
        self._reset()
        return JSONResponse({"ok": True})
