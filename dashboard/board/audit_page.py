"""The auditor's page: who looked at whom, the newest first."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import model_validator

from dashboard.board.html import as_of, page
from dashboard.board.visit import AuditVisit
from domain.reference import ReferenceWrong, number_in, reference
from domain.values import Key, Value

router = APIRouter(include_in_schema=False)

_SIZE = 100
_BY_NUMBER = "select journey_id from dash.journey_numbers where number = %(number)s"
_NUMBERS = "select journey_id, number from dash.journey_numbers where journey_id = any (%(journeys)s)"


class AuditQuery(Value):
    """Which looks the page shows: of a person, at a journey by its reference, before a row."""

    person: Key | None = None
    reference: str | None = None
    before: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if value != ""}


@router.get("/audit")
async def audit_page(visit: AuditVisit, asked: Annotated[AuditQuery, Query()]) -> HTMLResponse:
    """Who looked at whom. Looking here is noted too."""
    audit = visit.services.audit
    async with visit.moment() as moment:
        journey, wrong = None, ""
        if asked.reference:
            try:
                rows = await moment.rows(_BY_NUMBER, {"number": number_in(asked.reference)})
            except ReferenceWrong as error:
                rows, wrong = [], f"{str(error)[0].upper()}{str(error)[1:]}."
            journey = rows[0]["journey_id"] if rows else ""
        await audit.add(visit.wall_clock, visit.viewer.person, "read-audit", journey or None)
        looks = await audit.looks(person=asked.person, journey=journey, before=asked.before, most=_SIZE)
        known = await moment.rows(_NUMBERS, {"journeys": [each.journey_id for each in looks if each.journey_id]})
        return page(
            "audit.html",
            visit,
            here="/audit",
            as_of=as_of(moment),
            looks=looks,
            called={each["journey_id"]: reference(each["number"]) for each in known},
            asked=asked,
            wrong=wrong,
            more=looks[-1].number if len(looks) == _SIZE else None,
        )
