"""The description of the API (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dashboard.api.problems import MEDIA_TYPE, Problem

_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A session of the command line."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "throughline-session",
        "description": "The board's session. A POST needs the header X-CSRF too.",
    },
}
_PROBLEMS = {
    "401": "Nobody is signed in, or the session has ended.",
    "403": "None of your roles may do this here.",
    "422": "Something in the request cannot be used.",
    "500": "A fault of ours.",
    "503": "Something does not answer now, or the read models have not come so far: see Retry-After.",
}
_OF_A_JOURNEY = {"404": "There is no such journey, or it is not open to you."}
_OF_A_BODY = {"400": "The body cannot be read.", "413": "The body is too large."}
_OF_A_DECISION = {"409": "The journey refuses: `code` and `detail` say why and what to do. Nothing has changed."}
_UNCHANGED = {"description": "You have this answer already."}
_METHODS = ("get", "post")


def describe(app: FastAPI, server: str) -> dict[str, Any]:
    """The description of `app`, which answers under the path `server`."""
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, servers=[{"url": server}]
    )
    parts = made.setdefault("components", {})
    parts["securitySchemes"] = _SCHEMES
    schemas = parts.setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in made["paths"].items():
        for method in _METHODS:
            if method in operations:
                _complete(operations[method], path)
    return made


def _complete(operation: dict[str, Any], path: str) -> None:
    """Says how the operation is signed in to, and how it can fail."""
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    if operation.get("x-public"):
        responses["500"] = _answer(_PROBLEMS["500"])
        return
    operation["security"] = [{"token": []}, {"session": []}]
    problems = {
        **_PROBLEMS,
        **(_OF_A_JOURNEY if "{journey_id}" in path else {}),
        **(_OF_A_BODY if "requestBody" in operation else {}),
        **(_OF_A_DECISION if "x-roles" in operation else {}),
    }
    responses.update({status: _answer(text) for status, text in problems.items()})
    if any(each["name"] == "If-None-Match" for each in operation.get("parameters", ())):
        responses["304"] = _UNCHANGED


def _answer(description: str) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}
