"""The API as an application, which the board's process mounts: the same sessions, access function and read models."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute

from dashboard.api import centre, decisions, journey, lists, openapi, problems, sessions
from dashboard.api.conditions import Unchanged, unchanged
from dashboard.board.body_limit import BodyLimit
from dashboard.board.services import Services
from dashboard.board.visit import Public

PATH = "/api/v1"
_ABOUT = (
    "Journeys, duties and decisions of a centre. Every list answers as of one event of the record and says which. "
    "Who may see what is decided for each request by the person's roles and sites. See docs/api.md."
)


def create_api(services: Services) -> FastAPI:
    """The API on `services`."""
    app = FastAPI(
        title="Throughline",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name,
    )
    app.state.services = services
    problems.add_to(app)
    app.add_middleware(BodyLimit)
    app.add_exception_handler(Unchanged, unchanged)
    for each in (lists, journey, decisions, sessions, centre):
        app.include_router(each.router)
    app.add_api_route(
        "/openapi.json",
        _description,
        tags=["About"],
        dependencies=[Depends(Public("says how to ask, and nothing about anybody; tools read it before they sign in"))],
        openapi_extra={"x-public": True},
    )
    return app


def _name(route: APIRoute) -> str:
    return route.name


async def _description(request: Request) -> dict[str, Any]:
    """This description (OpenAPI 3.1)."""
    app: FastAPI = request.app
    if app.openapi_schema is None:
        app.openapi_schema = openapi.describe(app, PATH)
    return app.openapi_schema
