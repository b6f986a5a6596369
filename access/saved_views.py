"""Filters that a person has saved under a name, each their own."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from psycopg_pool import AsyncConnectionPool

ListName = Literal["journeys", "duties"]
MOST_VIEWS = 20
"""For one list and person."""
LONGEST_NAME = 40
LONGEST_QUERY = 400

_LIST = "select name, query from access.saved_views where person = %s and list = %s order by lower(name)"
_SAVE = """
insert into access.saved_views (person, list, name, query)
select %(person)s, %(list)s, %(name)s, %(query)s
where (select count(*) from access.saved_views
       where person = %(person)s and list = %(list)s and name <> %(name)s) < %(most)s
on conflict (person, list, name) do update set query = excluded.query
"""
_REMOVE = "delete from access.saved_views where person = %s and list = %s and name = %s"


class SavedView(NamedTuple):
    """A name and the query of the list's address."""

    name: str
    query: str


class SavedViews:
    """Saved views in the schema `access` of the record's database."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def of(self, person: str, of_list: ListName) -> list[SavedView]:
        """The person's views of a list, by name."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_LIST, (person, of_list))
            return [SavedView(*row) for row in await cursor.fetchall()]

    async def save(self, person: str, of_list: ListName, name: str, query: str) -> bool:
        """Saves a view, in place of one with the same name; False if the person has as many as they may."""
        values = {"person": person, "list": of_list, "name": name, "query": query, "most": MOST_VIEWS}
        async with self._pool.connection() as connection:
            return bool((await connection.execute(_SAVE, values)).rowcount)

    async def remove(self, person: str, of_list: ListName, name: str) -> None:
        """Removes a view, if it is there."""
        async with self._pool.connection() as connection:
            await connection.execute(_REMOVE, (person, of_list, name))
