"""The pages of sessions: those of a day, where a whole group is entered at once, and those of one client."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field, ValidationError

from attendance.listing import MOST_OF_DAY, Listed, sessions_named, sessions_of_day, sessions_on_record
from dashboard.board.entering import NewEntry, enter, enter_all, may_enter
from dashboard.board.filter_form import FilterForm
from dashboard.board.html import AsOf, page
from dashboard.board.looking import note, recorded
from dashboard.board.security import require_own_form
from dashboard.board.visit import DecisionVisit, JourneyVisit, ListsVisit, Visit
from dashboard.board.words import zone_of
from domain.authorship import Via
from domain.refusal import Refused
from domain.sessions.attendance import attendance_of_sessions
from domain.sessions.facts import Modality, Session, SessionOutcome, SessionType
from domain.sessions.hours import next_planned, weeks_of_care
from domain.sessions.makeups import doubtful_makeups
from domain.sites import all_sites, site_named

router = APIRouter(include_in_schema=False)

_WEEKS = 12
"""So many of the latest weeks are shown; the API and the command have all."""
_CAME_OF_IT = (
    *(SessionOutcome.KEPT, SessionOutcome.NO_SHOW, SessionOutcome.LATE_CANCEL),
    *(SessionOutcome.CANCELLED, SessionOutcome.CALLED_OFF, SessionOutcome.ENTERED_IN_ERROR),
)


class DayQuery(FilterForm):
    """The query of the page of a day.

    Attributes:
        day: At the site; today if it is left out.
        site: The site's id; the person's first if it is left out.
    """

    day: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))] | None = None
    site: str | None = None


class Wrong(NamedTuple):
    """An entry that was refused: which row of the form, and why."""

    row: int
    sentence: str


@router.get("/sessions")
async def day_page(visit: ListsVisit, asked: Annotated[DayQuery, Query()]) -> HTMLResponse:
    """The sessions of a site on a day."""
    return await _shown(visit, asked)


@router.post("/sessions")
async def enter_day(request: Request, visit: DecisionVisit, asked: Annotated[DayQuery, Query()]) -> Response:
    """Enters what came of the sessions of a day, row by row. Rows that were left alone stay as they are."""
    await require_own_form(request, visit.session)
    form = {name: str(value) for name, value in (await request.form()).items()}
    wrong = await _enter_rows(visit, form)
    if wrong:
        return await _shown(visit, asked, wrong)
    return RedirectResponse(f"/sessions?{request.url.query}", 303)


@router.get("/journeys/{journey_id}/sessions")
async def client_page(journey_id: str, visit: JourneyVisit) -> HTMLResponse:
    """One client's sessions, and the form to enter one."""
    return await _client(visit, journey_id, {}, "")


@router.post("/journeys/{journey_id}/sessions")
async def enter_one(journey_id: str, request: Request, visit: DecisionVisit) -> Response:
    """Enters one session of one client."""
    await require_own_form(request, visit.session)
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    try:
        said = _said(form, zone_of(form.get("site")))
        await enter(visit, NewEntry(journey_id, form.get("entry") or str(uuid.uuid4()), said), Via.BOARD)
    except Refused as refused:
        return await _client(visit, journey_id, form, refused.refusal.sentence)
    except (ValidationError, ValueError) as error:
        return await _client(visit, journey_id, form, _in_words(error))
    return RedirectResponse(f"/journeys/{journey_id}/sessions", 303)


async def _enter_rows(visit: Visit, form: Mapping[str, str]) -> list[Wrong]:
    """What is wrong with rows; the others were entered, or left alone."""
    rows = [row for row in range(MOST_OF_DAY) if form.get(f"outcome-{row}")]
    names = {row: (form.get(f"journey-{row}", ""), form.get(f"session-{row}", "")) for row in rows}
    async with visit.services.pool.connection() as connection:
        held = await sessions_named(connection, list(names.values()))
    wrong: dict[int, str] = {}
    new: dict[int, NewEntry] = {}
    for row, name in names.items():
        try:
            if (entry := _changed(form, row, name[0], held.get(name))) is not None:
                new[row] = entry
        except Refused as refused:
            wrong[row] = refused.refusal.sentence
        except ValidationError as error:
            wrong[row] = _in_words(error)
    outcomes = await enter_all(visit, list(new.values()), Via.BOARD)
    of_rows = zip(new, outcomes, strict=True)
    wrong |= {row: each.refusal.sentence for row, each in of_rows if isinstance(each, Refused)}
    return [Wrong(row, wrong[row]) for row in sorted(wrong)]


def _changed(form: Mapping[str, str], row: int, journey: str, held: Session | None) -> NewEntry | None:
    """What the row says of the session; None if that is what is known. Raises Refused or ValidationError."""
    if held is None:
        raise Refused("not-listed", "This session is no longer on the list. Load the page again.")
    outcome, noted = form[f"outcome-{row}"], f"noted-{row}" in form
    kept = outcome == SessionOutcome.KEPT
    attended = form.get(f"attended-{row}") or str(held.minutes)
    changes = {"outcome": outcome, "attended": attended if kept else None, "noted": noted and kept}
    said = Session.model_validate({**held.model_dump(), **changes})
    return NewEntry(journey, form.get(f"entry-{row}") or str(uuid.uuid4()), said) if said != held else None


def _said(form: Mapping[str, str], zone: ZoneInfo) -> Session:
    """The session that the form describes. A time without a zone is on the site's clock."""
    starts_at = datetime.fromisoformat(form.get("starts_at", ""))
    fields: dict[str, Any] = {name: form.get(name) or None for name in Session.model_fields}
    kept = form.get("outcome") == SessionOutcome.KEPT
    fields["session"] = form.get("session") or str(uuid.uuid4())
    fields["starts_at"] = starts_at if starts_at.tzinfo else starts_at.replace(tzinfo=zone)
    fields["attended"] = (form.get("attended") or form.get("minutes")) if kept else None
    fields["noted"] = kept and "noted" in form
    return Session.model_validate({name: value for name, value in fields.items() if value is not None})


def _in_words(error: ValidationError | ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]).replace("_", " ")
        what = str(first["msg"]).removeprefix("Value error, ")
        return f"{where.capitalize()}: {what}." if where else f"{what[:1].upper()}{what[1:]}."
    return "Starts at: give a day and a time, such as 2026-03-16T17:00."


async def _shown(visit: Visit, asked: DayQuery, wrong: Sequence[Wrong] = ()) -> HTMLResponse:
    sites = [each.id for each in all_sites() if visit.viewer.works_at(each.id)]
    site = asked.site if asked.site in sites else (sites[0] if sites else None)
    day = asked.day or visit.now.astimezone(zone_of(site)).date()
    found: tuple[Listed, ...] = ()
    if site is not None:
        calendar = site_named(site).calendar
        async with visit.services.pool.connection() as connection:
            found = await sessions_of_day(connection, calendar.day_begins(day), calendar.day_ends(day), [site])
    return page(
        "sessions.html",
        visit,
        422 if wrong else 200,
        here="/sessions",
        as_of=_now(visit),
        found=found,
        most=MOST_OF_DAY,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        site=site,
        sites=sites,
        site_of_page=site,
        outcomes=_CAME_OF_IT,
        wrong={each.row: each.sentence for each in wrong},
        ids=[str(uuid.uuid4()) for _ in found],
    )


async def _client(visit: Visit, journey_id: str, given: Mapping[str, str], wrong: str) -> HTMLResponse:
    found = await recorded(visit, journey_id)
    await note(visit, found, "sessions")
    async with visit.services.pool.connection() as connection:
        sessions = await sessions_on_record(connection, journey_id)
    site = found.state.admission.site
    return page(
        "client-sessions.html",
        visit,
        422 if wrong else 200,
        here="/sessions",
        as_of=_now(visit),
        journey_id=journey_id,
        number=found.events[0].position,
        site_of_page=site,
        sessions=tuple(reversed(sessions)),
        attendance=attendance_of_sessions(sessions),
        booked=next_planned(sessions, visit.now),
        expected=found.state.care.is_ours,
        weeks=weeks_of_care(found.state, sessions, visit.now)[: -_WEEKS - 1 : -1],
        level=found.state.level,
        doubts=doubtful_makeups(sessions),
        missed=[each for each in sessions if each.outcome.is_missed],
        may_enter=may_enter(visit, found),
        outcomes=[SessionOutcome.PLANNED, *_CAME_OF_IT],
        types=list(SessionType),
        modalities=list(Modality),
        sites=[each.id for each in all_sites()],
        given={"site": site, "minutes": "60", "outcome": "kept", **given},
        entry=given.get("entry") or str(uuid.uuid4()),
        wrong=wrong,
    )


def _now(visit: Visit) -> AsOf:
    return AsOf(position=visit.services.changes.position, behind=0, at=visit.now)
