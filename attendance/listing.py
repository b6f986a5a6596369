"""Reads the sessions as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from attendance.following import CONSUMER
from domain.sessions.facts import Session, SessionOutcome

_FIELDS = tuple(Session.model_fields)
_COLUMNS = SQL(", ").join(Identifier("s", name) for name in _FIELDS)
_OF_JOURNEY = SQL("select {} from attendance.sessions s where journey_id = %s order by starts_at, session").format(
    _COLUMNS
)
_OF_DAY = SQL(
    "select s.journey_id, n.number, s.entered_at, {}"
    " from attendance.sessions s left join dash.journey_numbers n on n.journey_id = s.journey_id"
    " where s.starts_at >= %(since)s and s.starts_at < %(until)s"
    " and (%(sites)s::text[] is null or s.site = any (%(sites)s)) and s.outcome <> 'entered-in-error'"
    " order by s.starts_at, s.skill, s.led_by, s.journey_id, s.session limit %(limit)s"
).format(_COLUMNS)
_NAMED = SQL(
    "select s.journey_id, {} from attendance.sessions s"
    " join unnest(%s::text[], %s::text[]) as wanted (journey_id, session) using (journey_id, session)"
    " where s.outcome <> 'entered-in-error'"
).format(_COLUMNS)
_UNTOLD = """
select u.journey_id, n.number, j.site, u.changed_at, u.attempts, u.trouble
from attendance.journeys u
     left join dash.journeys j using (journey_id) left join dash.journey_numbers n using (journey_id)
where u.told < u.entries and (u.trouble is not null or u.changed_at < now() - make_interval(secs => %(patience)s))
  and (%(sites)s::text[] is null or j.site = any (%(sites)s))
order by u.changed_at, u.journey_id
"""
_ALARM = "select alarm from es.checkpoints where consumer = %s and status = 'live'"
_USUALLY_TOLD_WITHIN_SECONDS = 60
_TOLD = "select told from attendance.journeys where journey_id = %s"
MOST_OF_DAY = 500
"""Sessions of one day that are listed at most."""


class Listed(NamedTuple):
    """A session in a list of several journeys.

    Attributes:
        number: Of the journey, for its short reference; None until the read models have it.
    """

    journey_id: str
    number: int | None
    entered_at: datetime
    said: Session


class Untold(NamedTuple):
    """A journey that could not be told of its client's sessions, so that nothing follows from them yet.

    Attributes:
        number: Of the journey, for its short reference; None until the read models have it, and so for `site`.
        since: When what it must hear changed last.
        trouble: Why it could not be told; None if nobody has tried.
    """

    journey_id: str
    number: int | None
    site: str | None
    since: datetime
    attempts: int
    trouble: str | None

    @property
    def why(self) -> str:
        """The same for people."""
        return self.trouble or "nothing tells journeys of sessions: see that `throughline intake` runs"


async def sessions_on_record(connection: AsyncConnection[Any], journey_id: str) -> tuple[Session, ...]:
    """A client's sessions, by when they start; those entered in error are left out."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(_OF_JOURNEY, [journey_id])).fetchall()
    found = (_session(row) for row in rows)
    return tuple(each for each in found if each.outcome is not SessionOutcome.ENTERED_IN_ERROR)


async def sessions_named(
    connection: AsyncConnection[Any], wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Session]:
    """Those of these sessions that are listed, by journey and id; those entered in error are not."""
    names = [each for each in wanted if "\0" not in each[0] + each[1]]
    journeys, sessions = [journey for journey, _ in names], [session for _, session in names]
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(_NAMED, [journeys, sessions])).fetchall()
    found = ((row[0], _session(row[1:])) for row in rows)
    return {(journey, each.session): each for journey, each in found}


async def sessions_of_day(
    connection: AsyncConnection[Any], since: datetime, until: datetime, sites: Sequence[str] | None
) -> tuple[Listed, ...]:
    """Sessions that start in [`since`, `until`) at these sites, or at every site for None; `MOST_OF_DAY` at most."""
    values = {"since": since, "until": until, "sites": list(sites) if sites else None, "limit": MOST_OF_DAY}
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(_OF_DAY, values)).fetchall()
    return tuple(Listed(row[0], row[1], row[2], _session(row[3:])) for row in rows)


async def untold(connection: AsyncConnection[Any], sites: Sequence[str] | None = None) -> tuple[Untold, ...]:
    """The journeys at these sites, or at every site for None, that could not be told, the longest first.

    Those that are being told just now are not among them.
    """
    values = {"patience": _USUALLY_TOLD_WITHIN_SECONDS, "sites": list(sites) if sites is not None else None}
    async with connection.cursor(row_factory=tuple_row) as cursor:
        return tuple(Untold(*row) for row in await (await cursor.execute(_UNTOLD, values)).fetchall())


async def why_stopped(connection: AsyncConnection[Any]) -> str | None:
    """Why entries about sessions are no longer taken from the record; None if they are."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        row = await (await cursor.execute(_ALARM, [CONSUMER])).fetchone()
    return row[0] if row else None


async def told_of(connection: AsyncConnection[Any], journey_id: str) -> int:
    """How many of its entries the journey has been told of, or need not be."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        row = await (await cursor.execute(_TOLD, [journey_id])).fetchone()
    return int(row[0]) if row else 0


def _session(row: Sequence[Any]) -> Session:
    return Session.model_validate(dict(zip(_FIELDS, row, strict=True)))
