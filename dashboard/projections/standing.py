"""How far the read models are, and whether a projector is active."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from dashboard.projections.model import ReadModel
from dashboard.projections.projector import NAME
from eventstore.following.bulk import Session, open_session
from eventstore.postgres import translated

_GENERATIONS = """
select substr(c.consumer, 6), c.generation, c.status, c.position,
       (select coalesce(max(e.position), 0) from es.events e), c.updated_at, c.holder, c.alarm
from es.checkpoints c
where c.consumer = any (%s)
order by array_position(%s, c.consumer), c.generation desc
"""
_IS_KEPT = """
select exists (
    select from pg_locks
    where locktype = 'advisory' and granted and objsubid = 1
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = hashtextextended('throughline consumer ' || %s, 0)
)
"""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a read model.

    Attributes:
        status: The view shows the `live` one; others are `building` or `retired`.
        position: The last event processed.
        head: The record's last event.
        holder: The process that wrote last.
        alarm: Why it has stopped, if it has.
    """

    read_model: str
    generation: int
    status: str
    position: int
    head: int
    updated_at: datetime
    holder: str | None
    alarm: str | None


async def generations(database_url: str, models: Sequence[ReadModel]) -> tuple[list[Generation], bool]:
    """Every generation of these models, and whether a projector is active. Raises `EventStoreError`."""
    consumers = [model.consumer for model in models]
    async with await open_session(database_url, "list") as session:
        try:
            rows = await session.execute(_GENERATIONS, [consumers, consumers])
            return [Generation(*row) async for row in rows], await is_kept(session)
        except psycopg.Error as error:
            raise translated(error) from None


async def is_kept(session: Session) -> bool:
    """Whether a projector is active."""
    row = await (await session.execute(_IS_KEPT, [NAME])).fetchone()
    return bool(row and row[0])
