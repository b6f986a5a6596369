"""The lists of journeys and duties: as pages, and as files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import Response
from pydantic import Field

from access.rules import Action
from dashboard.api.conditions import Conditions, Freshness
from dashboard.api.files import Exported, Form, ListFile, form_in
from dashboard.api.list_models import DutyItem, DutyList, JourneyItem, JourneyList, as_of
from dashboard.board.visit import Allowed, ListsVisit, Visit
from dashboard.queries import duties, journeys
from dashboard.queries.filters import DutyFilter, JourneyFilter
from dashboard.queries.moment import Moment
from dashboard.queries.paging import Order
from domain.values import Value

router = APIRouter(tags=["Lists"])

ExportVisit = Annotated[Visit, Depends(Allowed(Action.EXPORT))]
Accept = Annotated[str | None, Header(description="`text/csv` or `application/x-ndjson` for the whole list as a file.")]
_AFTER = "The `next` of the page before, of the same list in the same order; left out for the first page."
_ORDER = (
    "`id`: each row is on one page only, whatever changes meanwhile. `pressing`: what presses first, as on the board; "
    "a row that changes while the pages are read can come up twice, or not at all."
)
_FILE_HEADERS = {
    "As-Of": {"description": "The last event of the record that the file has taken in.", "schema": {"type": "integer"}},
    "Total-Count": {"description": "How many rows it has when it is complete.", "schema": {"type": "integer"}},
}


def _file(*forms: Form) -> dict[int | str, dict[str, Any]]:
    content = {form.value: {"schema": {"type": "string"}} for form in forms}
    return {200: {"description": "The whole list.", "content": content, "headers": _FILE_HEADERS}}


class JourneysQuery(JourneyFilter):
    """Which page of which list."""

    after: str | None = Field(default=None, description=_AFTER)
    size: int = Field(default=50, ge=1, le=200, description="The most rows of a page.")
    order: Order = Field(default=Order.ID, description=_ORDER)


class DutiesQuery(DutyFilter):
    """Which page of which list."""

    after: str | None = Field(default=None, description=_AFTER)
    size: int = Field(default=50, ge=1, le=200, description="The most rows of a page.")
    order: Order = Field(default=Order.ID, description=_ORDER)


@router.get("/journeys", response_model=JourneyList, responses=_file(Form.CSV, Form.NDJSON))
async def list_journeys(
    visit: ListsVisit, conditions: Conditions, asked: Annotated[JourneysQuery, Query()], accept: Accept = None
) -> JourneyList | Response:
    """Journeys: a page of the list, or all of it as a file."""
    wanted = JourneyFilter.model_validate(_filter(asked))
    if (form := form_in(accept)) is not Form.JSON:
        return _all_journeys(visit, conditions, wanted, form)
    async with conditions.moment(visit) as moment:
        conditions.mark(visit, moment.as_of, moment.head)
        found = await visit.services.shared_reads.in_moment(
            moment,
            f"API journeys {asked.model_dump_json()}",
            lambda: journeys.journeys(moment, wanted, size=asked.size, after=asked.after, order=asked.order),
        )
        rows = [JourneyItem.of(each) for each in found.rows]
        return JourneyList.model_validate({"rows": rows, "total": found.total, "next": found.next, **as_of(moment)})


@router.get("/duties", response_model=DutyList, responses=_file(Form.CSV, Form.NDJSON))
async def list_duties(
    visit: ListsVisit, conditions: Conditions, asked: Annotated[DutiesQuery, Query()], accept: Accept = None
) -> DutyList | Response:
    """Open duties: a page of the list, or all of it as a file."""
    wanted = DutyFilter.model_validate(_filter(asked))
    if (form := form_in(accept)) is not Form.JSON:
        return _all_duties(visit, conditions, wanted, form)
    async with conditions.moment(visit) as moment:
        conditions.mark(visit, moment.as_of, moment.head)
        found = await visit.services.shared_reads.in_moment(
            moment,
            f"API duties {asked.model_dump_json()}",
            lambda: duties.duties(moment, wanted, size=asked.size, after=asked.after, order=asked.order),
        )
        rows = [DutyItem.of(each, moment.now) for each in found.rows]
        return DutyList.model_validate({"rows": rows, "total": found.total, "next": found.next, **as_of(moment)})


@router.get("/journeys.csv", response_class=Response, responses=_file(Form.CSV))
async def journeys_as_csv(
    visit: ExportVisit, freshness: Freshness, wanted: Annotated[JourneyFilter, Query()]
) -> Response:
    """All journeys of the list, as CSV."""
    return _all_journeys(visit, freshness, wanted, Form.CSV)


@router.get("/journeys.ndjson", response_class=Response, responses=_file(Form.NDJSON))
async def journeys_as_ndjson(
    visit: ExportVisit, freshness: Freshness, wanted: Annotated[JourneyFilter, Query()]
) -> Response:
    """All journeys of the list, as JSON, one a line."""
    return _all_journeys(visit, freshness, wanted, Form.NDJSON)


@router.get("/duties.csv", response_class=Response, responses=_file(Form.CSV))
async def duties_as_csv(visit: ExportVisit, freshness: Freshness, wanted: Annotated[DutyFilter, Query()]) -> Response:
    """All duties of the list, as CSV."""
    return _all_duties(visit, freshness, wanted, Form.CSV)


@router.get("/duties.ndjson", response_class=Response, responses=_file(Form.NDJSON))
async def duties_as_ndjson(
    visit: ExportVisit, freshness: Freshness, wanted: Annotated[DutyFilter, Query()]
) -> Response:
    """All duties of the list, as JSON, one a line."""
    return _all_duties(visit, freshness, wanted, Form.NDJSON)


def _all_journeys(visit: Visit, freshness: Freshness, wanted: JourneyFilter, form: Form) -> Response:
    async def rows(moment: Moment) -> AsyncIterator[JourneyItem]:
        async for each in journeys.every_journey(moment, wanted):
            yield JourneyItem.of(each)

    visit.require(Action.EXPORT)
    exported = Exported("journeys", JourneyItem, rows, lambda moment: journeys.count(moment, wanted), wanted)
    return ListFile(visit, freshness, exported, form)


def _all_duties(visit: Visit, freshness: Freshness, wanted: DutyFilter, form: Form) -> Response:
    async def rows(moment: Moment) -> AsyncIterator[DutyItem]:
        async for each in duties.every_duty(moment, wanted):
            yield DutyItem.of(each, moment.now)

    visit.require(Action.EXPORT)
    exported = Exported("duties", DutyItem, rows, lambda moment: duties.count(moment, wanted), wanted)
    return ListFile(visit, freshness, exported, form)


def _filter(asked: Value) -> dict[str, Any]:
    return asked.model_dump(exclude={"after", "size", "order"})
