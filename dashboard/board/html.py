"""Renders pages. Everything that is put into a template is escaped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from dashboard.board import words
from dashboard.board.visit import Visit
from dashboard.queries.duties import why_stuck
from dashboard.queries.moment import Moment
from dashboard.queries.today import STEP_UP_WITHIN, StepUp
from domain.benefit_words import price, summary
from domain.pathway import DECISIONS, OBLIGATIONS
from domain.reference import reference
from domain.values import Value
from domain.wording import in_hours

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_HTMX = {
    "allowEval": False,
    "includeIndicatorStyles": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "(2..|3..|409|422|503)", "swap": True},
        {"code": "...", "swap": False, "error": True},
    ],
}
_DECISIONS = {each.name(): each for each in DECISIONS}


class AsOf(Value):
    """As of which event of the record a page is, and how far behind that is."""

    position: int
    behind: int
    at: datetime


def as_of(moment: Moment) -> AsOf:
    """The same of a moment of the read models."""
    return AsOf(position=moment.as_of, behind=moment.behind, at=moment.now)


def page(name: str, visit: Visit, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for a signed-in person."""
    given = {"visit": visit, "now": visit.now, "csrf": visit.session.csrf_token(), **values}
    return HTMLResponse(_environment().get_template(name).render(given), status)


def plain_page(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for a person who is not known."""
    return HTMLResponse(_environment().get_template(name).render(values), status)


@cache
def asset(name: str) -> str:
    """The address of a file in `static`, with a hash of its content, so that browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    made.globals.update(
        asset=asset, htmx_config=json.dumps(_HTMX), decision=_DECISIONS.get, kind=OBLIGATIONS.get, zone=words.zone_of
    )
    return made


def _called(journey: Any) -> str:
    """What people call a journey; the first part of its id while its number is not known."""
    return reference(journey.number) if journey.number is not None else str(journey.journey_id)[:8]


def _used(move: StepUp, now: datetime) -> int:
    """How much of a step-up's time is used, in per cent."""
    return max(0, min(100, round(100 * (1 - move.left(now) / STEP_UP_WITHIN))))


def next_action(kind: str) -> Mapping[str, str]:
    """The decision that usually ends a duty of this kind: its name, and its label as a verb."""
    known = OBLIGATIONS.get(kind)
    found = _DECISIONS.get(known.ended_by) if known else None
    return {"name": found.name(), "label": found.declared.label} if found else {"name": "", "label": "Open"}


_FILTERS = {
    "clock": words.clock,
    "day": words.day,
    "deadline": words.deadline,
    "at_site": words.at_site,
    "time_left": words.time_left,
    "pressure": words.pressure,
    "role": words.role,
    "holder": words.holder,
    "stage": words.stage,
    "flag": words.flag,
    "called": _called,
    "called_by_number": lambda journey: reference(journey["number"]),
    "used": _used,
    "why_stuck": why_stuck,
    "benefits": summary,
    "price": price,
    "next_action": next_action,
    "hours": in_hours,
}
