"""Open duties: a page of them, how many there are, and which are stuck."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple

from dashboard.open_obligations import ROW_COLUMNS, OpenObligation
from dashboard.queries.filters import DutyFilter
from dashboard.queries.moment import Moment, Row
from dashboard.queries.paging import Key, Order, Page, as_values, key_by_id, key_in, page_of
from domain.sites import all_sites

STUCK_AFTER = timedelta(hours=24)
"""Elapsed. Something overdue for longer has passed everyone whom its escalation tells first."""

_OVERDUE = "(o.waived_until is null and o.due_at < %(now)s)"
_TODAY = """(o.waived_until is null and o.due_at >= %(now)s
    and o.due_at <= (%(today_ends)s::timestamptz[])[array_position(%(zone_sites)s::text[], o.site)])"""
_WEEK = """(o.waived_until is null and o.due_at >= %(now)s
    and o.due_at < %(now)s::timestamptz + interval '7 days')"""
STUCK = """(o.waived_until is null and (
    o.kind in ('resolve-effect', 'deliver-page') or o.undelivered
    or o.due_at < %(now)s::timestamptz - %(stuck_after)s))"""
"""What `why_stuck` says, as a condition on `dash.obligations o`."""
_THEIRS = "o.ended_at is null and (%(sites)s::text[] is null or o.site = any (%(sites)s))"
_FOUND = f"""
select o.journey_id, o.obligation_id,
       case when o.waived_until is null and (o.urgent or o.due_at < %(now)s) then 0 else 1 end as presses,
       coalesce(array_position(array['safety', 'clinical', 'coverage', 'administrative'], o.priority), 4) as rank,
       extract(epoch from coalesce(o.falls_due, o.due_at))::float8 as due_epoch
from dash.obligations o
where {_THEIRS}
  and (%(site)s::text is null or o.site = %(site)s)
  and (%(kind)s::text is null or o.kind = %(kind)s)
  and (%(owner)s::text is null or o.owner = %(owner)s)
  and (%(person)s::text is null or o.assignee = %(person)s)
  and (%(priority)s::text is null or o.priority = %(priority)s)
  and case %(due)s::text when 'overdue' then {_OVERDUE} when 'today' then {_TODAY} when 'week' then {_WEEK}
      else true end
  and (not %(stuck)s or {STUCK})
"""  # noqa: S608 - made of constants
_BY: dict[Order, tuple[LiteralString, LiteralString]] = {
    Order.PRESSING: (
        "presses, rank, due_epoch, journey_id, obligation_id",
        "%(k_presses)s::integer, %(k_rank)s::integer, %(k_due)s::float8, %(k_journey)s::text, %(k_item)s::text",
    ),
    Order.ID: ("journey_id, obligation_id", "%(k_journey)s::text, %(k_item)s::text"),
}
"""By order: its columns, and the place after which the page begins."""
_ROWS: LiteralString = f"""
select total.count as total, page.presses, page.rank, page.due_epoch, n.number, {ROW_COLUMNS}
from (select count(*) from found) as total
     left join page on true
     left join dash.obligations o using (journey_id, obligation_id)
     left join dash.journey_numbers n using (journey_id)
"""  # noqa: S608 - made of constants
_COUNTS = f"""
select count(*) as all, count(*) filter (where {_OVERDUE}) as overdue, count(*) filter (where {_TODAY}) as today,
       count(*) filter (where {STUCK}) as stuck
from dash.obligations o where {_THEIRS}
"""  # noqa: S608 - made of constants
_EXTRA = ("total", "presses", "rank", "due_epoch")


class DutyCounts(NamedTuple):
    """How many open duties there are, each number the length of the list with that filter."""

    all: int
    overdue: int
    today: int
    stuck: int


def why_stuck(duty: OpenObligation, now: datetime) -> str | None:
    """Why a duty does not move without help, and None if it does not need any. What the filter `stuck` selects."""
    if duty.waived_until is not None:
        return None
    if duty.kind == "resolve-effect":
        return "a clinic system refused"
    if duty.kind == "deliver-page" or duty.undelivered:
        return "nobody could be told"
    if duty.due_at < now - STUCK_AFTER:
        return f"overdue for {(now - duty.due_at).days} days" if (now - duty.due_at).days > 1 else "overdue for a day"
    return None


async def duties(
    moment: Moment,
    wanted: DutyFilter,
    *,
    size: int = 50,
    after: str | None = None,
    order: Order = Order.PRESSING,
) -> Page[OpenObligation]:
    """A page of open duties: what presses first, then by clinical priority and due time; or by journey and id.

    Raises:
        CursorUnreadable: `after` is not from a page of this list in this order.
    """
    values = {**_values(moment, wanted), **as_values(key_in(after, order)), "most": size + 1}
    found = await moment.rows(_page(order), values)
    rows = [each for each in found if each["journey_id"] is not None]
    return page_of([_duty(row) for row in rows], [_key(row, order) for row in rows], size, found[0]["total"])


async def every_duty(moment: Moment, wanted: DutyFilter) -> AsyncIterator[OpenObligation]:
    """All rows of the list, in the order of its pages."""
    values = {**_values(moment, wanted), **as_values(None), "most": None}
    async for row in moment.each(_page(Order.PRESSING), values):
        if row["journey_id"] is not None:
            yield _duty(row)


async def count(moment: Moment, wanted: DutyFilter) -> int:
    """How many duties the whole list has."""
    return (await duties(moment, wanted, size=1)).total


def _page(order: Order) -> LiteralString:
    by, place = _BY[order]
    page: LiteralString = f"select * from found where ({by}) > ({place}) order by {by} limit %(most)s"  # noqa: S608
    return f"with found as materialized ({_FOUND}), page as ({page}) {_ROWS} order by {by}"


async def counts(moment: Moment) -> DutyCounts:
    """How many there are of what the first page shows, in one look."""
    [row] = await moment.rows(_COUNTS, _times(moment))
    return DutyCounts(**row)


def _values(moment: Moment, wanted: DutyFilter) -> dict[str, Any]:
    return {**wanted.model_dump(mode="json"), **_times(moment)}


def _times(moment: Moment) -> dict[str, Any]:
    sites = all_sites()
    ends = [each.calendar.day_ends(each.calendar.local_date(moment.now)) for each in sites]
    return {"zone_sites": [each.id for each in sites], "today_ends": ends, "stuck_after": STUCK_AFTER}


def _duty(row: Row) -> OpenObligation:
    return OpenObligation.model_validate({name: value for name, value in row.items() if name not in _EXTRA})


def _key(row: Row, order: Order) -> Key:
    if order is Order.ID:
        return key_by_id(row["journey_id"], row["id"])
    return row["presses"], row["rank"], row["due_epoch"], row["journey_id"], row["id"]
