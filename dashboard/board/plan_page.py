"""The discharge plan as a document, to be given to the client."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from access.rules import Action
from dashboard.board.errors import problem
from dashboard.board.looking import note, recorded
from dashboard.board.visit import JourneyVisit
from dashboard.discharge_document import CannotPrint, discharge_document
from domain.evolve import fold
from domain.reference import reference
from domain.refusal import UnknownHere
from domain.sites import site_named

router = APIRouter(include_in_schema=False)


@router.get("/journeys/{journey_id}/discharge-plan.pdf")
async def discharge_plan(
    journey_id: str, visit: JourneyVisit, large: Annotated[bool, Query(description="In large print.")] = False
) -> Response:
    """The plan as it stands, as a PDF; only for those who may read what people wrote about this client."""
    found = await recorded(visit, journey_id)
    visit.require(Action.READ_WORDS, found.concerns)
    await note(visit, found, "discharge-plan")
    state = fold(await visit.services.sealer.open(found.events))
    called = reference(found.events[0].position)
    page = (f"/journeys/{journey_id}", "To the client's page")
    try:
        contacts = site_named(state.admission.site).contacts
        made = discharge_document(state.discharge.plan, called, contacts, large=large)
    except UnknownHere:
        return problem(503, "This plan cannot be printed now", _no_contacts(state.admission.site), page)
    except CannotPrint as error:
        text = f"The document's font lacks these letters: {error.letters}. Print the client's page instead."
        return problem(422, "This plan cannot be a PDF", text, page)
    name = f"discharge-plan-{called}{'-large-print' if large else ''}.pdf"
    return Response(made, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}"'})


def _no_contacts(site: str) -> str:
    return (
        f"Whom the client can call is in the site's file sites/{site}.toml, which is missing here. "
        "No plan is printed without those numbers. Ask operations to put the file back."
    )
