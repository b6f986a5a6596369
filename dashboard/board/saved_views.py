"""Saving the filter of a list under a name, and removing it again."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import StringConstraints, ValidationError

from access.saved_views import LONGEST_NAME, LONGEST_QUERY, ListName
from dashboard.board.errors import problem
from dashboard.board.security import require_own_form
from dashboard.board.visit import ListsVisit
from dashboard.queries.filters import DutyFilter, JourneyFilter
from domain.values import Value

router = APIRouter(include_in_schema=False)

_FILTERS: dict[str, type[Value]] = {"journeys": JourneyFilter, "duties": DutyFilter}
_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$")
]
_TOO_MANY = "You have as many saved views of this list as there may be. Remove one first. Nothing has changed."
_NOT_A_FILTER = "That is no filter of this list. Nothing has changed."


def query_of(wanted: Value) -> str:
    """A filter as the query of an address, without what is left as it is anyway."""
    held: dict[str, Any] = wanted.model_dump(mode="json", exclude_defaults=True)
    return urlencode({name: "true" if value is True else value for name, value in held.items()})


@router.post("/views/{of_list}")
async def save(
    of_list: ListName,
    request: Request,
    visit: ListsVisit,
    name: Annotated[_Name, Form()],
    query: Annotated[str, Form()] = "",
) -> Response:
    """Saves the filter that is shown."""
    await require_own_form(request, visit.session)
    try:
        wanted = _FILTERS[of_list].model_validate(dict(parse_qsl(query)))
    except ValidationError:
        return problem(422, "Not saved", _NOT_A_FILTER, (f"/{of_list}", "Back to the list"))
    clean = query_of(wanted)
    if len(clean) > LONGEST_QUERY:
        return problem(422, "Not saved", _NOT_A_FILTER, (f"/{of_list}", "Back to the list"))
    if not await visit.services.saved_views.save(visit.viewer.person, of_list, name, clean):
        return problem(409, "Not saved", _TOO_MANY, (f"/{of_list}?{clean}", "Back to the list"))
    return RedirectResponse(f"/{of_list}?{clean}", 303)


@router.post("/views/{of_list}/remove")
async def remove(of_list: ListName, request: Request, visit: ListsVisit, name: Annotated[_Name, Form()]) -> Response:
    """Removes a saved view."""
    await require_own_form(request, visit.session)
    await visit.services.saved_views.remove(visit.viewer.person, of_list, name)
    return RedirectResponse(f"/{of_list}", 303)
