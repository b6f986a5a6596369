"""Finding a journey by its reference, and a client by name or record number.

What is looked for is never in an address, a log or the audit. Who may not see a client is told what they would be told
if there were no such client.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from datetime import date
from typing import NamedTuple

import psycopg
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from psycopg_pool import PoolTimeout

from access.rules import Action
from clientkeys.errors import ClientKeysError
from dashboard.board.html import as_of, page
from dashboard.board.security import require_own_form
from dashboard.board.visit import JourneyVisit, Visit
from dashboard.queries.numbers import journey_numbered
from domain.reference import ReferenceWrong, number_in
from domain.values import LevelOfCare, Stage, Value
from intake.finding import MOST, FoundClient, NothingAsked, TooMany

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

_LONGEST = 200
_DAY = re.compile(r"\b\d{4}-\d{1,2}-\d{1,2}\b")
_STANDING = """
select journey_id, n.number, stage, level from dash.journeys left join dash.journey_numbers n using (journey_id)
where journey_id = any (%(journeys)s)
"""


class Asked(NamedTuple):
    """What a person looks for, as they wrote it. `born` is a birth date as text."""

    wanted: str = ""
    born: str = ""

    @property
    def has_digit(self) -> bool:
        """Whether it can be a record number."""
        return any(each.isdigit() for each in self.wanted)


class Standing(Value):
    """Where a journey is; without a stage while the read models have not heard of it."""

    journey_id: str
    number: int | None = None
    stage: Stage | None = None
    level: LevelOfCare | None = None


class _NothingToShow(Exception):
    """Nobody is listed. The page says why and what to do; it is an error if it has a status of one."""

    def __init__(self, title: str, text: str, status: int = 200) -> None:
        super().__init__(title)
        self.title = title
        self.text = text
        self.status = status


@router.get("/find")
async def find_page(visit: JourneyVisit) -> HTMLResponse:
    """The form, with room for a birth date."""
    return await _shown(visit, Asked(), None)


@router.post("/find")
async def find(request: Request, visit: JourneyVisit) -> Response:
    """Goes to the journey with that reference, or lists the clients with that name or record number."""
    await require_own_form(request, visit.session)
    form = await request.form()
    asked = _asked(str(form.get("wanted", "")), str(form.get("born", "")))
    try:
        journey = await _by_reference(visit, asked)
        if journey is not None:
            return RedirectResponse(f"/journeys/{journey}", 303)
        return await _shown(visit, asked, await _clients(visit, asked))
    except _NothingToShow as nothing:
        return await _shown(visit, asked, None, nothing)


def _asked(wanted: str, born: str) -> Asked:
    """A birth date may stand beside the name."""
    wanted = wanted[:_LONGEST]
    found = _DAY.search(wanted)
    name = (wanted[: found.start()] + wanted[found.end() :]).strip() if found else ""
    if found is None or born or not name:
        return Asked(wanted.strip(), born.strip())
    return Asked(name, found.group())


async def _by_reference(visit: Visit, asked: Asked) -> str | None:
    """The journey with this reference, at a site of theirs. Also a name such as Jackson can be read as a reference."""
    try:
        number = number_in(asked.wanted)
    except ReferenceWrong:
        return None
    async with visit.moment() as moment:
        journey = await journey_numbered(moment, number)
    if journey or asked.has_digit:
        await _note_search(visit, "reference", 1 if journey else 0)
    return journey


async def _clients(visit: Visit, asked: Asked) -> list[FoundClient]:
    """The clients to show. That they were looked for, and who was found, is noted before. Raises _NothingToShow."""
    if not visit.may(Action.FIND_CLIENT):
        raise _NothingToShow("No journey is found.", _why_no_reference(asked))
    try:
        found = await _looked_up(visit, asked)
        for each in found:
            for journey in each.journeys:
                await visit.services.audit.add(
                    visit.wall_clock, visit.viewer.person, "found-client", journey.journey_id
                )
    except (ClientKeysError, psycopg.Error, PoolTimeout) as error:
        log.error("find-unavailable", error=type(error).__name__)
        text = "Try again in a minute; if it stays, call operations."
        raise _NothingToShow("The search does not answer now.", text, 503) from None
    if not found:
        raise _NothingToShow("Nobody fits.", _why_nobody(asked))
    return found


async def _looked_up(visit: Visit, asked: Asked) -> list[FoundClient]:
    """By record number if it can be one, else by name."""
    finder, sites = visit.services.finder, visit.sites
    found = await _noted(visit, "number", finder.by_number(asked.wanted, sites)) if asked.has_digit else []
    return found or await _noted(visit, "name", finder.by_name(asked.wanted, _day(asked.born), sites))


async def _noted(visit: Visit, kind: str, looking: Awaitable[list[FoundClient]]) -> list[FoundClient]:
    try:
        found = await looking
    except NothingAsked:
        text = "Write a name, a record number or a reference. A birth date alone finds nobody."
        raise _NothingToShow("There is nothing to look for.", text, 422) from None
    except TooMany:
        await _note_search(visit, kind, "too-many")
        text = "Add another word of the name, or the birth date."
        raise _NothingToShow(f"More than {MOST} clients fit.", text) from None
    await _note_search(visit, kind, len(found))
    return found


async def _note_search(visit: Visit, kind: str, results: object) -> None:
    await visit.services.audit.add(visit.wall_clock, visit.viewer.person, "searched", about=f"{kind} {results}")


def _day(written: str) -> date | None:
    if not written:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        text = "Write it like 1987-06-11."
        raise _NothingToShow("The birth date is not understood.", text, 422) from None


def _why_no_reference(asked: Asked) -> str:
    try:
        number_in(asked.wanted)
        sentence = "there is no journey with that reference"
    except ReferenceWrong as wrong:
        sentence = str(wrong)
    return f"{sentence[0].upper()}{sentence[1:]}. Names and record numbers are not open to your role."


def _why_nobody(asked: Asked) -> str:
    if asked.has_digit and asked.wanted[:1] in "jJ":
        return (
            "Nobody with that name or record number has a journey at your sites. If it is a reference, a character of "
            "it is wrong or missing: ask for it again."
        )
    return (
        "Nobody with that name or record number has a journey at your sites. Each word must be whole and all must fit: "
        "try fewer words, or another way to write the name."
    )


async def _shown(
    visit: Visit, asked: Asked, found: Sequence[FoundClient] | None, nothing: _NothingToShow | None = None
) -> HTMLResponse:
    journeys = [each.journey_id for client in found or () for each in client.journeys]
    async with visit.moment() as moment:
        rows = await moment.rows(_STANDING, {"journeys": journeys}) if journeys else []
        standing = {each: Standing(journey_id=each) for each in journeys}
        standing |= {row["journey_id"]: Standing.model_validate(row) for row in rows}
        return page(
            "find.html",
            visit,
            nothing.status if nothing else 200,
            here="/find",
            as_of=as_of(moment),
            asked=asked,
            found=found,
            standing=standing,
            nothing=nothing,
        )
