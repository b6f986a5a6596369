"""The first page: what is on a clock, what is owed next, who is stuck, how full we are, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from access.rules import Action
from attendance.listing import untold
from dashboard.board.html import as_of, page
from dashboard.board.visit import ListsVisit, Visit
from dashboard.queries import duties, journeys, today
from dashboard.queries.filters import DutyFilter, JourneyFilter, Standing
from dashboard.queries.moment import Moment
from dashboard.queries.today import CensusCell

router = APIRouter()

_DUE_NEXT = 5
_STEP_UPS = 4
_STUCK = 2
_UNTOLD = 3
_CHANGES = 3


class Tile(NamedTuple):
    """A number at the top, which is the length of the list at its address."""

    number: int
    label: str
    address: str
    bad: bool = False


@router.get("/", include_in_schema=False)
async def today_page(visit: ListsVisit) -> HTMLResponse:
    """The page, all of it as of one event of the record."""
    stopped = await visit.services.standing_still()
    async with visit.moment() as moment:
        values = await visit.services.shared_reads.in_moment(moment, "today", lambda: _read(moment))
        return page(
            "today.html",
            visit,
            here="/",
            as_of=as_of(moment),
            **{**values, "tiles": [*values["tiles"], *await _messages(visit, moment)]},
            stopped=[(each, (stopped or {})[each.journey_id]) for each in await today.named(moment, stopped or ())],
            untold=await untold(moment.connection, moment.sites),
            most_untold=_UNTOLD,
            temporal_answers=stopped is not None,
        )


async def _read(moment: Moment) -> dict[str, Any]:
    """What everybody with these sites sees."""
    return {
        "tiles": await _tiles(moment),
        "step_ups": await today.step_ups(moment, most=_STEP_UPS),
        "step_up_count": await journeys.count(moment, JourneyFilter(standing=Standing.STEP_UP)),
        "duties": await duties.duties(moment, DutyFilter(), size=_DUE_NEXT),
        "stuck": await duties.duties(moment, DutyFilter(stuck=True), size=_STUCK),
        "census": _by_level(await today.census(moment)),
        "changes": await today.changes(moment, most=_CHANGES),
    }


async def _tiles(moment: Moment) -> list[Tile]:
    owed = await duties.counts(moment)
    return [
        Tile(owed.overdue, "overdue", "/duties?due=overdue", bad=True),
        Tile(owed.today, "due later today", "/duties?due=today"),
        Tile(owed.stuck, "stuck", "/duties?stuck=true"),
        Tile(await journeys.count(moment, JourneyFilter()), "open journeys", "/journeys"),
    ]


async def _messages(visit: Visit, moment: Moment) -> list[Tile]:
    """The tile of messages that wait, for those who may see them."""
    if not visit.may(Action.SEE_MESSAGES):
        return []
    waiting = await today.messages_count(moment)
    label = "message waits for a person" if waiting == 1 else "messages wait for a person"
    return [Tile(waiting, label, "/messages")]


class Level(NamedTuple):
    """A line of the census."""

    name: str
    at: dict[str, int]
    on_leave: int
    came: int
    went: int


class Census(NamedTuple):
    """The census as a table."""

    sites: list[str]
    levels: list[Level]


def _by_level(cells: Sequence[CensusCell]) -> Census:
    sites = sorted({each.site for each in cells})
    levels = []
    for name in dict.fromkeys(each.level for each in cells):
        ours = [each for each in cells if each.level == name]
        at = dict.fromkeys(sites, 0) | {each.site: each.count for each in ours}
        sums = (sum(getattr(each, what) for each in ours) for what in ("on_leave", "came", "went"))
        levels.append(Level(name, at, *sums))
    return Census(sites, levels)
