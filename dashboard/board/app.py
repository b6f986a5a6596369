"""The board as a web application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import Depends, FastAPI
from fastapi.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from dashboard.api.app import PATH as API
from dashboard.api.app import create_api
from dashboard.board import (
    audit_page,
    cli_sign_in,
    codec_server,
    errors,
    find_page,
    journey_page,
    lists,
    live,
    plan_page,
    saved_views,
    sessions_page,
    signing_in,
    today,
    tracks_page,
)
from dashboard.board.body_limit import BodyLimit
from dashboard.board.html import STATIC
from dashboard.board.security import SecurityHeaders
from dashboard.board.services import Services
from dashboard.board.visit import Public

_LARGEST_BYTES = 5 * 1024 * 1024
"""For payloads that the Temporal UI wants decrypted. Forms are far smaller."""


def create_app(services: Services) -> FastAPI:
    """The board on `services`. While it runs, it hears what changes."""

    @asynccontextmanager
    async def following(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(services.changes.follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = FastAPI(title="Throughline", lifespan=following, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    errors.add_to(app, apart=API)
    app.add_middleware(BodyLimit, largest_bytes=_LARGEST_BYTES)
    app.add_middleware(SecurityHeaders)
    for each in (
        today,
        lists,
        saved_views,
        sessions_page,
        tracks_page,
        plan_page,
        journey_page,
        find_page,
        audit_page,
        cli_sign_in,
        codec_server,
        signing_in,
        live,
    ):
        app.include_router(each.router)
    app.add_api_route(
        "/health", _health, include_in_schema=False, dependencies=[Depends(Public("says only that it runs"))]
    )
    app.mount(API, create_api(services), name="api")
    app.router.routes.append(Mount("/static", StaticFiles(directory=STATIC), name="static"))
    return app


async def _health() -> PlainTextResponse:
    return PlainTextResponse("ok")
