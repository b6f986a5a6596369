"""The auditor's page: who looked at whom, the newest first."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from access.audit import Look
from dashboard.board.filter_form import FilterForm
from dashboard.board.html import as_of, page
from dashboard.board.visit import AuditVisit, Visit
from dashboard.queries.numbers import journey_numbered, numbers_of
from domain.reference import ReferenceWrong, number_in, reference
from domain.values import Key

router = APIRouter(include_in_schema=False)

_SIZE = 100


class AuditQuery(FilterForm):
    """Which looks the page shows: of a person, at a journey by its reference, before a row."""

    person: Key | None = None
    reference: str | None = None
    before: int | None = None


@router.get("/audit")
async def audit_page(visit: AuditVisit, asked: Annotated[AuditQuery, Query()]) -> HTMLResponse:
    """Who looked at whom. Looking here is noted too."""
    audit = visit.services.audit
    journey, wrong = await _journey(visit, asked)
    await audit.add(visit.wall_clock, visit.viewer.person, "read-audit", journey or None)
    looks = await audit.looks(person=asked.person, journey=journey, before=asked.before, most=_SIZE)
    async with visit.moment() as moment:
        numbers = await numbers_of(moment, [each.journey_id for each in looks if each.journey_id])
        return page(
            "audit.html",
            visit,
            here="/audit",
            as_of=as_of(moment),
            looks=looks,
            called={journey_id: reference(number) for journey_id, number in numbers.items()},
            asked=asked,
            wrong=wrong,
            older=_older(asked, looks),
        )


async def _journey(visit: Visit, asked: AuditQuery) -> tuple[str | None, str]:
    """The journey asked for, empty if there is none, and what is wrong with its reference."""
    if not asked.reference:
        return None, ""
    try:
        number = number_in(asked.reference)
    except ReferenceWrong as error:
        return "", f"{str(error)[0].upper()}{str(error)[1:]}."
    async with visit.moment() as moment:
        found = await journey_numbered(moment, number, everywhere=True)
    return (found, "") if found else ("", "There is no journey with that reference.")


def _older(asked: AuditQuery, looks: list[Look]) -> str | None:
    """The query of the next page; None on the last one."""
    if len(looks) < _SIZE:
        return None
    kept = {"person": asked.person, "reference": asked.reference}
    return urlencode({"before": looks[-1].number, **{name: value for name, value in kept.items() if value}})
