"""The list of journeys, read from the read model and brought up to the record's head."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from dashboard.projections import JOURNEYS
from dashboard.projections.folding import Folding
from dashboard.projections.standing import is_kept
from dashboard.reading import JourneyRow, flags, row, urgency
from eventstore.following.bulk import Session, open_session, read_head, read_page
from eventstore.postgres import translated

_PAUSE_SECONDS = 0.02
_LIST = """
select journey_id, site, stage, level, waiting_for, next_obligation, next_due,
       coalesce(next_due < %(now)s, false) as overdue,
       urgent_open or coalesce(next_due < %(now)s, false) as urgent, opened_at, version, priority,
       coalesce(window_closes < %(now)s, false) as missed_window, urgent_open,
       coalesce(undelivered, false) as undelivered, waived_until,
       case when weeks_from is not null
            then greatest(1, ceil(((%(now)s at time zone zone)::date - weeks_from) / 7.0)::integer) end as week,
       last_week
from dash.journeys
where %(all)s or stage not in ('CLOSED', 'CANCELLED')
"""
_POSITION = "select position from es.checkpoints where consumer = %s and status = 'live'"


@dataclass(frozen=True, slots=True)
class Listing:
    """Journeys, as of an event of the record; `head` was the last one when they were asked for."""

    rows: list[JourneyRow]
    as_of: int
    head: int

    @property
    def behind(self) -> int:
        """How many events are missing from it."""
        return max(0, self.head - self.as_of)


async def list_journeys(
    database_url: str, now: datetime, *, ended: bool = False, patience_seconds: float = 2.0, folded: int = 20_000
) -> Listing:
    """Open journeys, the urgent first, then by what is due next; `ended` adds the ended ones, last.

    The projector is given a moment to come to the record's head. What it has not taken in after that, or where
    none runs, is folded from the record here, unless it is too much to wait for: then the listing is behind.

    Args:
        database_url: `postgresql://...`, migrated before.
        now: What is overdue is overdue at this moment.
        ended: Whether ended journeys are listed too.
        patience_seconds: For the projector to come to the record's head, elapsed.
        folded: The most events that are folded here.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    async with await open_session(database_url, "journeys") as session:
        try:
            head = await read_head(session)
            await _wait_for(session, head, patience_seconds)
            async with session.transaction():
                await session.execute("set transaction isolation level repeatable read")
                as_of = await position_of(session, JOURNEYS.consumer)
                cursor = await session.execute(_LIST, {"now": now, "all": ended})
                names = [column.name for column in cursor.description or ()]
                rows = {each[0]: _row(dict(zip(names, each, strict=True))) async for each in cursor}
            if as_of < head <= as_of + folded:
                as_of = await _fold_rest(session, as_of, folded, rows, now, ended=ended)
        except psycopg.Error as error:
            raise translated(error) from None
    return Listing(sorted(rows.values(), key=urgency), as_of, head)


def _row(found: dict[str, Any]) -> JourneyRow:
    own = {name: found.pop(name) for name in ("missed_window", "urgent_open", "undelivered", "waived_until")}
    urgent = own.pop("urgent_open")
    return JourneyRow.model_validate({**found, "flags": flags(overdue=found["overdue"], urgent=urgent, **own)})


async def _wait_for(session: Session, head: int, patience_seconds: float) -> None:
    until = asyncio.get_running_loop().time() + patience_seconds
    while await position_of(session, JOURNEYS.consumer) < head and await is_kept(session):
        if asyncio.get_running_loop().time() > until:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _fold_rest(
    session: Session, as_of: int, most: int, rows: dict[str, JourneyRow], now: datetime, *, ended: bool
) -> int:
    events = await read_page(session, as_of, most)
    for change in await Folding(session).changes(events):
        rows.pop(change.recorded.stream, None)
        if ended or not change.after.stage.is_end:
            rows[change.recorded.stream] = row(change.after, now)
    return as_of + len(events)


async def position_of(session: Session, consumer: str) -> int:
    """The last event that this read model has taken in."""
    found = await (await session.execute(_POSITION, [consumer])).fetchone()
    return int(found[0]) if found else 0
