"""What must be known of journeys before sessions are entered on them: read for a whole group at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from attendance.codec import stream_of
from eventstore.errors import InvalidRequest
from eventstore.request import require_name
from record.codec import is_journey

_STANDING = """
select e.stream, e.data ->> 'site', j.closed_at is not null, coalesce(s.version, 0)
from unnest(%s::text[], %s::text[]) as wanted (journey, sessions)
     join es.events e on e.stream = wanted.journey and e.version = 1
     join es.streams j on j.stream = wanted.journey
     left join es.streams s on s.stream = wanted.sessions
where e.data ->> 'site' is not null
"""


class Standing(NamedTuple):
    """A journey that is on record.

    Attributes:
        site: Where it opened.
        ended: Whether its record takes no more.
        entries: How many entries there are about its client's sessions.
    """

    site: str
    ended: bool
    entries: int


async def standings(connection: AsyncConnection[Any], journeys: Iterable[str]) -> dict[str, Standing]:
    """Those of these journeys that are on record, by id."""
    names = sorted({each for each in journeys if _can_be_one(each)})
    async with connection.cursor(row_factory=tuple_row) as cursor:
        rows = await (await cursor.execute(_STANDING, [names, [stream_of(each) for each in names]])).fetchall()
    return {row[0]: Standing(*row[1:]) for row in rows}


def _can_be_one(name: str) -> bool:
    try:
        require_name("stream", name)
    except InvalidRequest:
        return False
    return is_journey(name)
