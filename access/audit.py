"""Who looked at whom. It is written before anything is shown: what cannot be written is not shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from domain.values import Instant, Value

_ADD = "insert into access.audit (at, person, did, journey_id, about) values (%s, %s, %s, %s, %s)"
_ADD_ONCE = """
insert into access.audit (at, person, did, journey_id, about)
select %(at)s, %(person)s, %(did)s, %(journey)s, %(about)s
where not exists (
    select from access.audit
    where journey_id = %(journey)s and person = %(person)s and did = %(did)s and about = %(about)s and at > %(since)s)
"""
_LIST = """
select number, at, person, did, journey_id, about from access.audit
where number < coalesce(%(before)s, 9223372036854775807)
  and (%(person)s::text is null or person = %(person)s)
  and (%(journey)s::text is null or journey_id = %(journey)s)
order by number desc limit %(most)s
"""


class Look(Value):
    """One thing that a person looked at.

    Attributes:
        did: What they did, as a code: `opened-journey`, `read-words`, `exported`, `searched`.
        journey_id: The journey that was shown; None where it was a list or a search.
        about: Codes that say which part, or which filter.
    """

    number: int
    at: Instant
    person: str
    did: str
    journey_id: str | None
    about: str


class Audit:
    """The audit, in the schema `access` of the record's database."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def add(self, at: datetime, person: str, did: str, journey_id: str | None = None, about: str = "") -> None:
        """Notes that `person` is about to be shown something. Raises psycopg's errors: then nothing may be shown."""
        async with self._pool.connection() as connection:
            await connection.execute(_ADD, (at, person, did, journey_id, about))

    async def add_once(
        self, at: datetime, since: datetime, person: str, did: str, journey_id: str, about: str = ""
    ) -> None:
        """The same for a page that shows itself again: nothing is added if the same look is there `since` then."""
        values = {"at": at, "since": since, "person": person, "did": did, "journey": journey_id, "about": about}
        async with self._pool.connection() as connection:
            await connection.execute(_ADD_ONCE, values)

    async def looks(
        self, *, person: str | None = None, journey: str | None = None, before: int | None = None, most: int = 100
    ) -> list[Look]:
        """The newest first, before the row `before`."""
        values = {"person": person, "journey": journey, "before": before, "most": most}
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(Look)) as cursor:
            await cursor.execute(_LIST, values)
            return list(await cursor.fetchall())
