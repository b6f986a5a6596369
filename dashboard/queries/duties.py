"""Open duties: a page of them, how many there are, and which are stuck."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dashboard.open_obligations import OpenObligation
from dashboard.queries.filters import DutyFilter
from dashboard.queries.moment import Moment, Row
from dashboard.queries.paging import Key, Page, as_values, key_in, page_of
from domain.sites import all_sites

STUCK_AFTER = timedelta(hours=24)
"""Elapsed. Something overdue for longer has passed everyone whom its escalation tells first."""

_DUTIES = """
with ends (site, today_ends) as (select * from unnest(%(zone_sites)s::text[], %(today_ends)s::timestamptz[])),
found as (
    select o.journey_id, n.number, o.site, o.obligation_id as id, o.kind, o.owner, o.assignee, o.due_at,
           o.urgent, o.status,
           coalesce(o.owner_since_version, 0) as owner_since_version,
           coalesce(o.priority, 'administrative') as priority, o.waived_until,
           coalesce(o.falls_due, o.due_at) as falls_due, o.window_opens is not null as in_window,
           coalesce(o.undelivered, false) as undelivered,
           (o.waived_until is null and (o.urgent or o.due_at < %(now)s)) as presses,
           (o.waived_until is null and o.due_at < %(now)s) as overdue,
           coalesce(array_position(array['safety', 'clinical', 'coverage', 'administrative'], o.priority), 4) as rank,
           extract(epoch from coalesce(o.falls_due, o.due_at))::float8 as due_epoch
    from dash.obligations o left join ends on ends.site = o.site
         left join dash.journey_numbers n on n.journey_id = o.journey_id
    where o.ended_at is null
      and (%(sites)s::text[] is null or o.site = any (%(sites)s))
      and (%(site)s::text is null or o.site = %(site)s)
      and (%(kind)s::text is null or o.kind = %(kind)s)
      and (%(owner)s::text is null or o.owner = %(owner)s)
      and (%(person)s::text is null or o.assignee = %(person)s)
      and (%(priority)s::text is null or o.priority = %(priority)s)
      and case %(due)s::text
          when 'overdue' then o.waived_until is null and o.due_at < %(now)s
          when 'today' then o.waived_until is null and o.due_at >= %(now)s and o.due_at <= ends.today_ends
          when 'week' then o.waived_until is null and o.due_at >= %(now)s
                           and o.due_at < %(now)s::timestamptz + interval '7 days'
          else true end
      and (not %(stuck)s or (o.waived_until is null and (
          o.kind in ('resolve-effect', 'deliver-page') or coalesce(o.undelivered, false)
          or o.due_at < %(now)s::timestamptz - %(stuck_after)s)))
)
"""
_COUNT = f"{_DUTIES} select count(*) as count from found"  # noqa: S608 - made of constants
_PAGE = f"""{_DUTIES}
select * from found
where (case when presses then 0 else 1 end, rank, due_epoch, journey_id, id)
      > (%(k_presses)s::integer, %(k_rank)s::integer, %(k_due)s::float8, %(k_journey)s::text, %(k_item)s::text)
order by case when presses then 0 else 1 end, rank, due_epoch, journey_id, id
limit %(most)s
"""  # noqa: S608 - made of constants
_EXTRA = ("presses", "overdue", "rank", "due_epoch")


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
    moment: Moment, wanted: DutyFilter, *, size: int = 50, after: str | None = None
) -> Page[OpenObligation]:
    """A page of open duties: what presses first, then by clinical priority and due time.

    Raises:
        CursorUnreadable: `after` is not from a page of this list.
    """
    values = {**_values(moment, wanted), **as_values(key_in(after)), "most": size + 1}
    rows = await moment.rows(_PAGE, values)
    return page_of([_duty(row) for row in rows], [_key(row) for row in rows], size, await count(moment, wanted))


async def count(moment: Moment, wanted: DutyFilter) -> int:
    """How many duties the whole list has."""
    return await moment.count(_COUNT, _values(moment, wanted))


def _values(moment: Moment, wanted: DutyFilter) -> dict[str, Any]:
    sites = all_sites()
    ends = [each.calendar.day_ends(each.calendar.local_date(moment.now)) for each in sites]
    return {
        **wanted.model_dump(mode="json"),
        "zone_sites": [each.id for each in sites],
        "today_ends": ends,
        "stuck_after": STUCK_AFTER,
    }


def _duty(row: Row) -> OpenObligation:
    return OpenObligation.model_validate({name: held for name, held in row.items() if name not in _EXTRA})


def _key(row: Row) -> Key:
    return (0 if row["presses"] else 1, row["rank"], row["due_epoch"], row["journey_id"], row["id"])
