"""Journeys: a page of them, and how many there are."""

from __future__ import annotations

from typing import Any

from dashboard.lists import row_from
from dashboard.queries.duties import STUCK_AFTER
from dashboard.queries.filters import JourneyFilter
from dashboard.queries.moment import Moment, Row
from dashboard.queries.paging import Key, Page, as_values, key_in, page_of
from dashboard.reading import JourneyRow

_JOURNEYS = """
with found as (
    select journey_id, n.number, site, stage, level, waiting_for, waiting_for_person, next_obligation, next_due,
           coalesce(next_due < %(now)s, false) as overdue,
           urgent_open or coalesce(next_due < %(now)s, false) as urgent, opened_at, version, priority,
           coalesce(window_closes < %(now)s, false) as missed_window, urgent_open,
           coalesce(undelivered, false) as undelivered, waived_until,
           case when weeks_from is not null
                then greatest(1, ceil(((%(now)s at time zone zone)::date - weeks_from) / 7.0)::integer) end as week,
           last_week,
           coalesce(array_position(array['safety', 'clinical', 'coverage', 'administrative'], priority), 5) as rank,
           coalesce(extract(epoch from next_due)::float8, 'infinity') as due_epoch
    from dash.journeys j left join dash.journey_numbers n using (journey_id)
    where case when %(standing)s = 'ended' then ended_at is not null else ended_at is null or open_count > 0 end
      and (%(sites)s::text[] is null or site = any (%(sites)s))
      and (%(site)s::text is null or site = %(site)s)
      and (%(stage)s::text is null or stage = %(stage)s)
      and (%(level)s::text is null or level = %(level)s)
      and (%(waiting_for)s::text is null or waiting_for = %(waiting_for)s)
      and (%(person)s::text is null or waiting_for_person = %(person)s)
      and case %(standing)s
          when 'overdue' then next_due < %(now)s
          when 'urgent' then urgent_open or next_due < %(now)s
          when 'step-up' then moving_to is not null and move_direction = 'up'
          when 'stuck' then exists (
              select from dash.obligations o
              where o.journey_id = j.journey_id and o.ended_at is null and o.waived_until is null
                and (o.kind in ('resolve-effect', 'deliver-page') or coalesce(o.undelivered, false)
                     or o.due_at < %(now)s::timestamptz - %(stuck_after)s))
          else true end
)
"""
_COUNT = f"{_JOURNEYS} select count(*) as count from found"  # noqa: S608 - made of constants
_PAGE = f"""{_JOURNEYS}
select * from found
where (case when urgent then 0 else 1 end, rank, due_epoch, journey_id)
      > (%(k_presses)s::integer, %(k_rank)s::integer, %(k_due)s::float8, %(k_journey)s::text)
order by case when urgent then 0 else 1 end, rank, due_epoch, journey_id
limit %(most)s
"""  # noqa: S608 - made of constants
_EXTRA = ("rank", "due_epoch")


async def journeys(
    moment: Moment, wanted: JourneyFilter, *, size: int = 50, after: str | None = None
) -> Page[JourneyRow]:
    """A page of journeys: the urgent first, then by priority and what is due next.

    Raises:
        CursorUnreadable: `after` is not from a page of this list.
    """
    values = {**_values(wanted), **as_values(key_in(after)), "most": size + 1}
    rows = await moment.rows(_PAGE, values)
    return page_of([_journey(row) for row in rows], [_key(row) for row in rows], size, await count(moment, wanted))


async def count(moment: Moment, wanted: JourneyFilter) -> int:
    """How many journeys the whole list has."""
    return await moment.count(_COUNT, _values(wanted))


def _values(wanted: JourneyFilter) -> dict[str, Any]:
    return {**wanted.model_dump(mode="json"), "stuck_after": STUCK_AFTER}


def _journey(row: Row) -> JourneyRow:
    return row_from({name: held for name, held in row.items() if name not in _EXTRA})


def _key(row: Row) -> Key:
    return (0 if row["urgent"] else 1, row["rank"], row["due_epoch"], row["journey_id"], "")
