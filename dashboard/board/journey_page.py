"""The page of one journey, and the decisions that are taken on it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from access.rules import About
from dashboard.board import forms
from dashboard.board.deciding import NotTaken, Taken, may_take, require_may_take, take
from dashboard.board.errors import NoSuchPage
from dashboard.board.html import AsOf as PageAsOf
from dashboard.board.html import page
from dashboard.board.journey import JourneyView, view
from dashboard.board.looking import Recorded, note, opened_as_far_as_possible, recorded
from dashboard.board.security import require_own_form, set_cookie
from dashboard.board.visit import LIVE_HEADER, SEEN_COOKIE, DecisionVisit, JourneyVisit, Visit
from dashboard.board.words import zone_of
from dashboard.history import AsOf
from dashboard.queries.places import TrackPlaces, places
from dashboard.reading import row
from domain.authorship import Via
from domain.commands import Decision
from domain.pathway import DECISIONS, OBLIGATIONS
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.track_change import ChangeTrack
from domain.refusal import UnknownHere
from domain.sites import site_named
from domain.state import JourneyState
from domain.values import Value
from workflows.client import workflow_id

router = APIRouter(include_in_schema=False)

_DECISIONS = {each.name(): each for each in DECISIONS}
_LATEST = 8


class JourneyQuery(Value):
    """The query of the page.

    Attributes:
        known_at: The day at whose end, at the site, the record is looked at.
        everything: Whether all events are listed.
        decide: The decision whose form is open.
        about: The duty that it is about.
    """

    known_at: Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))] | None = None
    everything: bool = False
    decide: str | None = None
    about: str | None = None


class _Open(Value):
    """The form that is open, and what is wrong with it."""

    name: str
    given: Mapping[str, str] = {}
    about: str | None = None
    wrong_field: str = ""
    wrong: str = ""
    status: int = 200


@router.get("/journeys/{journey_id}")
async def journey_page(
    journey_id: str, request: Request, visit: JourneyVisit, asked: Annotated[JourneyQuery, Query()]
) -> HTMLResponse:
    """One journey, now or as known at the end of a day."""
    found = await recorded(visit, journey_id)
    opening = _Open(name=asked.decide, about=asked.about) if asked.decide else None
    return await _shown(request, visit, found, asked, opening)


@router.post("/journeys/{journey_id}/decisions/{name}")
async def decide(journey_id: str, name: str, request: Request, visit: DecisionVisit) -> Response:
    """Takes a decision on a journey, as the person who is signed in."""
    await require_own_form(request, visit.session)
    found = await recorded(visit, journey_id)
    decision = _DECISIONS.get(name)
    if decision is None:
        raise NoSuchPage
    require_may_take(visit, decision, found.concerns)
    form = {each: str(value) for each, value in (await request.form()).items()}
    outcome = await _taken(visit, journey_id, decision, form, zone_of(found.state.admission.site))
    if isinstance(outcome, _Open):
        return await _shown(request, visit, found, JourneyQuery(), outcome)
    answer = _to(request, f"/journeys/{journey_id}")
    set_cookie(answer, visit.services, SEEN_COOKIE, str(outcome.position))
    return answer


def _to(request: Request, address: str) -> Response:
    """Sends the browser to a page, also if htmx sent the form."""
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


async def _shown(
    request: Request, visit: Visit, found: Recorded, asked: JourneyQuery, opening: _Open | None
) -> HTMLResponse:
    every, state, concerns = found
    part = f"known-at={asked.known_at}" if asked.known_at else "everything" if asked.everything else ""
    await note(visit, found, part, again=request.headers.get(LIVE_HEADER) is not None)
    events, words_away = await opened_as_far_as_possible(visit, found)
    at, now = _as_of(visit, asked, state)
    if not at.of(every):
        raise NoSuchPage
    shown = view(every, events, at, now)
    offered = [] if asked.known_at else _offered(visit, shown.state, concerns)
    position = max(every[-1].position, visit.services.changes.position)  # read from the record: never behind
    return page(
        "journey.html",
        visit,
        opening.status if opening else 200,
        here="/journeys",
        now=now,
        journey=shown,
        sources=visit.services.sources,
        row=row(shown.state, now),
        site_of_page=state.admission.site,
        contacts=_contacts(state.admission.site),
        reads_words=found.reads_words(visit),
        words_away=words_away,
        known_at=asked.known_at,
        everything=asked.everything,
        happened=[each for each in shown.happened if asked.everything or not each.is_bookkeeping],
        latest=_LATEST,
        form=None if asked.known_at else _form(visit, shown, offered, opening, await _room(visit, offered)),
        others=offered,
        temporal=_temporal(visit, state.journey_id),
        as_of=PageAsOf(position=position, behind=0, at=visit.now),
        today=visit.now.astimezone(zone_of(state.admission.site)).date(),
    )


def _as_of(visit: Visit, asked: JourneyQuery, state: JourneyState) -> tuple[AsOf, datetime]:
    """Which events the page shows, and by which time it judges what is overdue."""
    if asked.known_at is None:
        return AsOf(), visit.now
    end = datetime.combine(asked.known_at + timedelta(days=1), datetime.min.time(), zone_of(state.admission.site))
    # A demonstration records months in a minute: there, what had happened by then stands for what was known.
    return (AsOf(true_at=end) if visit.services.virtual_time else AsOf(known_at=end)), min(end, visit.now)


def _offered(visit: Visit, state: JourneyState, concerns: About) -> list[type[Decision]]:
    """The decisions that this person may take now."""
    offered = (each for each in DECISIONS if forms.is_offered(each, state, visit.viewer))
    return [each for each in offered if may_take(visit, each, concerns)]


def _form(
    visit: Visit,
    shown: JourneyView,
    offered: Sequence[type[Decision]],
    opening: _Open | None,
    tracks: Sequence[TrackPlaces],
) -> Mapping[str, Any] | None:
    """The form that is open: the one asked for, else that of the first duty which this person can end."""
    by_name = {each.name(): each for each in offered}
    opening = opening or _due_first(shown, by_name)
    decision = by_name.get(opening.name) if opening else None
    if opening is not None and opening.wrong:  # what was typed stays, also where the journey has moved on meanwhile
        decision = _DECISIONS[opening.name]
    if opening is None or decision is None:
        return None
    return {
        "decision": decision,
        "controls": forms.controls(decision, shown.state, opening.given, opening.about, tracks),
        "roles": forms.roles_for(decision, visit.viewer),
        "role": opening.given.get(forms.ROLE, ""),
        "occurred_at": opening.given.get(forms.OCCURRED_AT, ""),
        "id": opening.given.get(forms.DECISION_ID) or str(uuid.uuid4()),
        "wrong": opening.wrong,
        "wrong_field": opening.wrong_field,
    }


async def _room(visit: Visit, offered: Sequence[type[Decision]]) -> Sequence[TrackPlaces]:
    """The tracks with their places, for those who may enrol the client now, or give them another."""
    if ConfirmEnrolment not in offered and ChangeTrack not in offered:
        return ()
    async with visit.moment() as moment:
        return await places(moment)


def _due_first(shown: JourneyView, offered: Mapping[str, type[Decision]]) -> _Open | None:
    for duty, _ in shown.owed:
        kind = OBLIGATIONS.get(duty.kind)
        if kind is not None and kind.ended_by in offered:
            return _Open(name=kind.ended_by, about=duty.id)
    return None


async def _taken(
    visit: Visit, journey_id: str, decision: type[Decision], form: Mapping[str, str], zone: ZoneInfo
) -> Taken | _Open:
    """Takes the decision; what to show at the form if it was not taken."""
    wrong = _Open(name=decision.name(), given=form, about=form.get("obligation"), status=422)
    try:
        return await take(visit, journey_id, forms.read(decision, form, visit.viewer, zone, visit.now), Via.BOARD)
    except forms.FormError as error:
        return wrong.changed(wrong_field=error.field, wrong=f"{error.sentence} Nothing has changed.")
    except NotTaken as error:
        return wrong.changed(wrong=error.sentence, status=error.status)


def _contacts(site: str) -> tuple[str, ...]:
    """Whom the client can call between sessions."""
    try:
        return site_named(site).contacts
    except UnknownHere:
        return ()


def _temporal(visit: Visit, journey_id: str) -> str | None:
    address = visit.services.temporal_ui
    return f"{address}/{workflow_id(journey_id)}" if address else None
