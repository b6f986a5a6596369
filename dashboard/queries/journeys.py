"""Journeys: a page of them, and how many there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, LiteralString

from dashboard.lists import ROW_COLUMNS, row_from
from dashboard.queries.duties import STUCK, STUCK_AFTER
from dashboard.queries.filters import JourneyFilter, Standing
from dashboard.queries.moment import Moment, Row
from dashboard.queries.paging import Key, Order, Page, as_values, key_by_id, key_in, page_of
from dashboard.reading import JourneyRow

_OPEN = "(j.ended_at is null or j.open_count > 0)"
_STANDING: dict[Standing, LiteralString] = {
    Standing.OPEN: _OPEN,
    Standing.OVERDUE: f"{_OPEN} and j.next_due < %(now)s",
    Standing.URGENT: f"{_OPEN} and (j.urgent_open or j.next_due < %(now)s)",
    Standing.STEP_UP: f"{_OPEN} and j.moving_to is not null and j.move_direction = 'up'",
    Standing.STUCK: f"""{_OPEN} and j.journey_id in (
        select o.journey_id from dash.obligations o where o.ended_at is null and {STUCK})""",  # noqa: S608
    Standing.ENDED: "j.ended_at is not null",
}
_FILTERS: LiteralString = """
  and (%(sites)s::text[] is null or j.site = any (%(sites)s))
  and (%(site)s::text is null or j.site = %(site)s)
  and (%(stage)s::text is null or j.stage = %(stage)s)
  and (%(level)s::text is null or j.level = %(level)s)
  and (%(waiting_for)s::text is null or j.waiting_for = %(waiting_for)s)
  and (%(person)s::text is null or j.waiting_for_person = %(person)s)
"""
_KEYS: LiteralString = """
select j.journey_id, case when j.urgent_open or coalesce(j.next_due < %(now)s, false) then 0 else 1 end as presses,
       coalesce(array_position(array['safety', 'clinical', 'coverage', 'administrative'], j.priority), 5) as rank,
       coalesce(extract(epoch from j.next_due)::float8, 'infinity') as due_epoch
from dash.journeys j where
"""
_BY: dict[Order, tuple[LiteralString, LiteralString]] = {
    Order.PRESSING: (
        "presses, rank, due_epoch, journey_id",
        "%(k_presses)s::integer, %(k_rank)s::integer, %(k_due)s::float8, %(k_journey)s::text",
    ),
    Order.ID: ("journey_id", "%(k_journey)s::text"),
}
"""By order: its columns, and the place after which the page begins."""
_ROWS: LiteralString = f"""
select total.count as total, page.presses, page.rank, page.due_epoch, {ROW_COLUMNS}
from (select count(*) from found) as total
     left join page on true
     left join dash.journeys j using (journey_id)
     left join dash.journey_numbers n using (journey_id)
"""  # noqa: S608 - made of constants
_EXTRA = ("total", "presses", "rank", "due_epoch")


async def journeys(
    moment: Moment,
    wanted: JourneyFilter,
    *,
    size: int = 50,
    after: str | None = None,
    order: Order = Order.PRESSING,
) -> Page[JourneyRow]:
    """A page of journeys: the urgent first, then by priority and what is due next; or by id.

    Raises:
        CursorUnreadable: `after` is not from a page of this list in this order.
    """
    values = {**_values(wanted), **as_values(key_in(after, order)), "most": size + 1}
    found = await moment.rows(_page(wanted, order), values)
    rows = [each for each in found if each["journey_id"] is not None]
    return page_of([_journey(row) for row in rows], [_key(row, order) for row in rows], size, found[0]["total"])


async def every_journey(moment: Moment, wanted: JourneyFilter) -> AsyncIterator[JourneyRow]:
    """All rows of the list, in the order of its pages."""
    values = {**_values(wanted), **as_values(None), "most": None}
    async for row in moment.each(_page(wanted, Order.PRESSING), values):
        if row["journey_id"] is not None:
            yield _journey(row)


def _page(wanted: JourneyFilter, order: Order) -> LiteralString:
    by, place = _BY[order]
    found: LiteralString = f"{_KEYS} {_STANDING[wanted.standing]} {_FILTERS}"
    page: LiteralString = f"select * from found where ({by}) > ({place}) order by {by} limit %(most)s"  # noqa: S608
    return f"with found as materialized ({found}), page as ({page}) {_ROWS} order by {by}"


async def count(moment: Moment, wanted: JourneyFilter) -> int:
    """How many journeys the whole list has."""
    query = f"select count(*) from dash.journeys j where {_STANDING[wanted.standing]} {_FILTERS}"  # noqa: S608
    return await moment.count(query, _values(wanted))


def _values(wanted: JourneyFilter) -> dict[str, Any]:
    return {**wanted.model_dump(mode="json"), "stuck_after": STUCK_AFTER}


def _journey(row: Row) -> JourneyRow:
    return row_from({name: held for name, held in row.items() if name not in _EXTRA})


def _key(row: Row, order: Order) -> Key:
    if order is Order.ID:
        return key_by_id(row["journey_id"])
    return row["presses"], row["rank"], row["due_epoch"], row["journey_id"], ""
