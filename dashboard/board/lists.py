"""The pages of lists: journeys, duties, and messages that wait. Their filters stand in the address, by codes only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from dashboard.board.filter_form import FilterForm
from dashboard.board.html import as_of, page
from dashboard.board.saved_views import query_of
from dashboard.board.visit import ListsVisit, MessagesVisit
from dashboard.queries import duties, journeys, today
from dashboard.queries.filters import Due, DutyFilter, JourneyFilter, Standing
from domain.obligation_terms import Priority
from domain.pathway import OBLIGATIONS
from domain.sites import all_sites
from domain.values import Role, Stage

router = APIRouter()

_SIZE = 50
_STANDING = {
    Standing.OPEN: "open",
    Standing.OVERDUE: "overdue",
    Standing.URGENT: "urgent",
    Standing.STUCK: "stuck",
    Standing.STEP_UP: "stepping up",
    Standing.ENDED: "ended",
}
_DUE = {Due.OVERDUE: "overdue", Due.TODAY: "later today", Due.WEEK: "within 7 days"}


class _PageOfList(FilterForm):
    """Which page of a list."""

    after: str | None = None


class JourneysQuery(_PageOfList, JourneyFilter):
    """The query of the page of journeys."""


class DutiesQuery(_PageOfList, DutyFilter):
    """The query of the page of duties."""


@router.get("/journeys", include_in_schema=False)
async def journeys_page(visit: ListsVisit, asked: Annotated[JourneysQuery, Query()]) -> HTMLResponse:
    """Journeys, the urgent first."""
    wanted = JourneyFilter.model_validate(asked.model_dump(exclude={"after"}))
    views = await visit.services.saved_views.of(visit.viewer.person, "journeys")
    async with visit.moment() as moment:
        found = await visit.services.shared_reads.in_moment(
            moment,
            f"journeys {asked.model_dump_json()}",
            lambda: journeys.journeys(moment, wanted, size=_SIZE, after=asked.after),
        )
        return page(
            "journeys.html",
            visit,
            here="/journeys",
            as_of=as_of(moment),
            found=found,
            wanted=wanted,
            after=asked.after,
            query=query_of(wanted),
            views=views,
            standings=_STANDING,
            temporal=_temporal_views(visit.services.temporal_ui, visit.now),
            **_choices(),
        )


@router.get("/duties", include_in_schema=False)
async def duties_page(visit: ListsVisit, asked: Annotated[DutiesQuery, Query()]) -> HTMLResponse:
    """Open duties, what presses first."""
    wanted = DutyFilter.model_validate(asked.model_dump(exclude={"after"}))
    views = await visit.services.saved_views.of(visit.viewer.person, "duties")
    async with visit.moment() as moment:
        found = await visit.services.shared_reads.in_moment(
            moment,
            f"duties {asked.model_dump_json()}",
            lambda: duties.duties(moment, wanted, size=_SIZE, after=asked.after),
        )
        return page(
            "duties.html",
            visit,
            here="/duties",
            as_of=as_of(moment),
            found=found,
            wanted=wanted,
            after=asked.after,
            query=query_of(wanted),
            views=views,
            dues=_DUE,
            kinds={each.kind: each.title for each in OBLIGATIONS.values()},
            **_choices(),
        )


@router.get("/messages", include_in_schema=False)
async def messages_page(visit: MessagesVisit) -> HTMLResponse:
    """Messages that wait for a person."""
    async with visit.moment() as moment:
        found, total = await today.messages(moment), await today.messages_count(moment)
        return page("messages.html", visit, here="/messages", as_of=as_of(moment), found=found, total=total)


def _temporal_views(address: str | None, now: datetime) -> list[tuple[str, str]]:
    """Filtered lists of the Temporal UI: name and address of each."""
    if address is None:
        return []
    running = "ExecutionStatus = 'Running'"
    views = {
        "urgent": f"{running} and Urgent = true",
        "overdue": f"{running} and NextDeadline < '{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}'",
        "cannot record": f"{running} and NotRecorded is not null",
    }
    return [(name, f"{address}?{urlencode({'query': query})}") for name, query in views.items()]


def _choices() -> Mapping[str, Any]:
    return {
        "sites": [each.id for each in all_sites()],
        "roles": list(Role),
        "stages": list(Stage),
        "priorities": list(Priority),
    }
