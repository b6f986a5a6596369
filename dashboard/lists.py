"""The list of journeys, read from the read model and brought up to date with the record."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import psycopg

from dashboard.projections import JOURNEYS, NUMBERS, ReadModel
from dashboard.projections.folding import Folding
from dashboard.projections.standing import is_kept
from dashboard.reading import JourneyRow, row, urgency
from domain.obligations import flags
from eventstore.following.bulk import Session, open_session, read_head, read_page
from eventstore.postgres import translated

_PAUSE_SECONDS = 0.02
ROW_COLUMNS: LiteralString = """
j.journey_id, n.number, j.site, j.stage, j.level, j.waiting_for, j.waiting_for_person, j.next_obligation, j.next_due,
coalesce(j.next_due < %(now)s, false) as overdue,
j.urgent_open or coalesce(j.next_due < %(now)s, false) as urgent, j.opened_at, j.version, j.priority,
coalesce(j.window_closes < %(now)s, false) as missed_window, j.urgent_open,
coalesce(j.undelivered, false) as undelivered, j.waived_until,
case when j.weeks_from is not null
     then greatest(1, ceil(((%(now)s at time zone j.zone)::date - j.weeks_from) / 7.0)::integer) end as week,
j.last_week
"""
"""What `row_from` takes, from `dash.journeys j` and `dash.journey_numbers n`."""
_LIST = f"""
select {ROW_COLUMNS} from dash.journeys j left join dash.journey_numbers n using (journey_id)
where %(all)s or j.ended_at is null or j.open_count > 0
"""  # noqa: S608 - made of constants
_NUMBERS = "select stream, position from es.events where stream = any (%s) and version = 1"
_POSITION = "select min(position) from es.checkpoints where consumer = any (%s) and status = 'live'"


@dataclass(frozen=True, slots=True)
class Listing:
    """Journeys as of an event of the record. `head` was the newest event when they were read."""

    rows: list[JourneyRow]
    as_of: int
    head: int

    @property
    def behind(self) -> int:
        """How many events the list is behind."""
        return max(0, self.head - self.as_of)


async def list_journeys(
    database_url: str, now: datetime, *, ended: bool = False, patience_seconds: float = 2.0, folded: int = 20_000
) -> Listing:
    """Open journeys and ended ones that still owe something, the urgent first, then by what is due next.

    `ended` adds the other ended ones; the ended come last.

    The projector gets a moment to catch up with the record. Events that it has not processed by then, or all if none
    runs, are folded here, unless there are too many: then the listing is behind.

    Args:
        database_url: `postgresql://...`, of a migrated database.
        now: The time at which to judge what is overdue.
        ended: Whether ended journeys are listed too.
        patience_seconds: Time for the projector to catch up, elapsed.
        folded: The most events to fold here.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    async with await open_session(database_url, "journeys") as session:
        try:
            head = await read_head(session)
            await wait_for(session, head, patience_seconds, JOURNEYS, NUMBERS)
            async with session.transaction():
                await session.execute("set transaction isolation level repeatable read")
                as_of = await position(session, JOURNEYS, NUMBERS)
                cursor = await session.execute(_LIST, {"now": now, "all": ended})
                names = [column.name for column in cursor.description or ()]
                rows = {each[0]: row_from(dict(zip(names, each, strict=True))) async for each in cursor}
            if as_of < head <= as_of + folded:
                as_of = await _fold_rest(session, as_of, folded, rows, now, ended=ended)
        except psycopg.Error as error:
            raise translated(error) from None
    return Listing(sorted(rows.values(), key=urgency), as_of, head)


def row_from(found: dict[str, Any]) -> JourneyRow:
    """The row from `ROW_COLUMNS` of a query."""
    own = {name: found.pop(name) for name in ("missed_window", "urgent_open", "undelivered", "waived_until")}
    urgent = own.pop("urgent_open")
    return JourneyRow.model_validate({**found, "flags": flags(overdue=found["overdue"], urgent=urgent, **own)})


async def wait_for(session: Session, head: int, patience_seconds: float, *models: ReadModel) -> None:
    """Gives the projector a moment to bring these read models to `head`, an event of the record."""
    until = asyncio.get_running_loop().time() + patience_seconds
    while await position(session, *models) < head and await is_kept(session):
        if asyncio.get_running_loop().time() > until:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _fold_rest(
    session: Session, as_of: int, most: int, rows: dict[str, JourneyRow], now: datetime, *, ended: bool
) -> int:
    events = await read_page(session, as_of, most)
    changes = await Folding(session).changes(events)
    numbers = await _numbers(session, {change.recorded.stream for change in changes})
    for change in changes:
        stream = change.recorded.stream
        rows.pop(stream, None)
        if ended or not change.after.stage.is_end or change.after.obligations.open:
            rows[stream] = row(change.after, now).changed(number=numbers[stream])
    return as_of + len(events)


async def _numbers(session: Session, journeys: Collection[str]) -> dict[str, int]:
    """The position of each journey's first event, which is its number."""
    return dict(await (await session.execute(_NUMBERS, [list(journeys)])).fetchall())


async def position(session: Session, *models: ReadModel) -> int:
    """The last event that all of these read models have taken in."""
    found = await (await session.execute(_POSITION, [[model.consumer for model in models]])).fetchone()
    return int(found[0]) if found and found[0] is not None else 0
