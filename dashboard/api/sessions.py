"""Sessions of care over HTTP: entering them, many at once, and reading them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from attendance.entering import Entered
from attendance.listing import sessions_of_day, sessions_on_record
from dashboard.api.journey import JourneyId
from dashboard.board import entering
from dashboard.board.looking import note, recorded
from dashboard.board.security import require_own_request
from dashboard.board.visit import DecisionVisit, JourneyVisit, ListsVisit
from domain.authorship import Via
from domain.refusal import Refused
from domain.sessions.attendance import Attendance, attendance_of_sessions
from domain.sessions.facts import Session
from domain.sessions.hours import WeekOfCare, next_planned, weeks_of_care
from domain.sessions.makeups import MakeupDoubt, doubtful_makeups
from domain.sites import all_sites, site_named
from domain.values import Key

router = APIRouter(tags=["Sessions"])

_AT_ONCE = 200


class NewEntry(BaseModel):
    """Something said about one session of one client."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    journey_id: str = Field(max_length=200, description="The client's journey, as the lists give it.")
    id: Key = Field(
        max_length=100,
        description="Yours, and new for each entry of yours. Sent again with the same id, it is entered once only.",
    )
    said: Session = Field(description="The session. A later entry about the same session replaces an earlier one.")


class NewEntries(BaseModel):
    """Entries of one or many clients, such as all who were in a group."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    entries: list[NewEntry] = Field(min_length=1, max_length=_AT_ONCE, description="Each is entered by itself.")


class EntryOutcome(BaseModel):
    """What became of one entry."""

    journey_id: str = Field(description="As it was given.")
    id: str = Field(description="As it was given.")
    outcome: Literal["entered", "known", "refused"] = Field(
        description="Known: the same was entered before under this id. Refused: nothing was kept."
    )
    code: str | None = Field(default=None, description="Short and stable; of a refusal.")
    detail: str | None = Field(default=None, description="What is wrong and what to do; of a refusal.")


class EntriesTaken(BaseModel):
    """What became of each entry, in their order."""

    rows: list[EntryOutcome] = Field(description="One for each entry.")
    refused: int = Field(description="How many were refused: mend those and send them again.")


class SessionsOfClient(BaseModel):
    """A client's sessions as they stand."""

    rows: list[Session] = Field(description="By when they start.")
    attendance: Attendance = Field(description="The same in a few facts, as the journey is told.")
    next_planned: Session | None = Field(description="The next that is booked; null where nothing is.")
    weeks: list[WeekOfCare] = Field(description="The weeks at the present level; none without care by the centre.")
    doubtful_makeups: dict[str, MakeupDoubt] = Field(
        description="Sessions, by id, that are said to make up for another, and why they may not."
    )


class SessionOfDay(BaseModel):
    """A session in the list of a day."""

    journey_id: str = Field(description="The client's journey.")
    said: Session = Field(description="The last word on it.")


class SessionsOfDay(BaseModel):
    """The sessions that start on one day."""

    rows: list[SessionOfDay] = Field(description="By when they start.")


@router.post("/sessions")
async def enter_sessions(body: NewEntries, request: Request, visit: DecisionVisit) -> EntriesTaken:
    """Enters sessions: planned, kept, missed or cancelled, for one client or a whole group.

    One that is refused keeps no other from being entered.
    """
    require_own_request(request, visit.session)
    via = Via.CLI if visit.session.used_for == "cli" else Via.API
    made = await entering.enter_all(
        visit, [entering.NewEntry(each.journey_id, each.id, each.said) for each in body.entries], via
    )
    rows = [_outcome(each, of) for each, of in zip(body.entries, made, strict=True)]
    return EntriesTaken(rows=rows, refused=sum(each.outcome == "refused" for each in rows))


@router.get("/sessions")
async def read_sessions(
    visit: ListsVisit,
    day: Annotated[date, Query(ge=date(2000, 1, 1), le=date(2999, 12, 31), description="The day at the site.")],
    site: Annotated[str, Query(max_length=200, description="The site's id.")],
) -> SessionsOfDay:
    """The sessions of a site on a day."""
    if not visit.viewer.works_at(site) or site not in {each.id for each in all_sites()}:
        return SessionsOfDay(rows=[])
    calendar = site_named(site).calendar
    async with visit.services.pool.connection() as connection:
        found = await sessions_of_day(connection, calendar.day_begins(day), calendar.day_ends(day), [site])
    return SessionsOfDay(rows=[SessionOfDay(journey_id=each.journey_id, said=each.said) for each in found])


@router.get("/journeys/{journey_id}/sessions")
async def read_sessions_of_client(journey_id: JourneyId, visit: JourneyVisit) -> SessionsOfClient:
    """A client's sessions, and what the journey knows of them."""
    found = await recorded(visit, journey_id)
    await note(visit, found, "sessions")
    async with visit.services.pool.connection() as connection:
        sessions = await sessions_on_record(connection, journey_id)
    return SessionsOfClient(
        rows=list(sessions),
        attendance=attendance_of_sessions(sessions),
        next_planned=next_planned(sessions, visit.now),
        weeks=list(weeks_of_care(found.state, sessions, visit.now)),
        doubtful_makeups=dict(doubtful_makeups(sessions)),
    )


def _outcome(given: NewEntry, of: Entered | Refused) -> EntryOutcome:
    if isinstance(of, Refused):
        code, detail = of.refusal.code, of.refusal.sentence
        return EntryOutcome(journey_id=given.journey_id, id=given.id, outcome="refused", code=code, detail=detail)
    return EntryOutcome(journey_id=given.journey_id, id=given.id, outcome=of.outcome)
