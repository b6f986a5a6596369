"""Finds a client by name or record number, for a person who works at one of the sites where the client has a journey.

Who has no journey there is passed over as if they did not exist: they are not counted either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from clientkeys.errors import KeyDestroyed
from clientkeys.keys import Keyring
from domain.values import Value
from intake import search_words
from intake.person import Person
from intake.privacy import Privacy, Sealed
from intake.registry import IntakePool
from intake.search_words import SearchWord

MOST = 20
"""The most clients that one search shows."""
_MOST_WORDS = 12
_FIND = """
with found as (
    select client_ref from intake.search_words where word_hash = any (%(hashes)s)
    group by client_ref having count(*) = cardinality(%(hashes)s::bytea[]))
select c.client_ref, c.sealed, c.key_id, array_agg(j.journey_id order by j.opened_at desc, j.journey_id),
       array_agg(j.site order by j.opened_at desc, j.journey_id)
from found join intake.clients c using (client_ref) join intake.journeys j using (client_ref)
where c.sealed is not null and (%(sites)s::text[] is null or j.site = any (%(sites)s))
group by c.client_ref
limit %(most)s
"""


class TooMany(Exception):
    """More clients fit than may be shown. Nothing about any of them was read."""


class NothingAsked(ValueError):
    """There is no word to look for, or there are too many."""


class FoundJourney(NamedTuple):
    """A journey of a client who was found."""

    journey_id: str
    site: str


class FoundClient(Value):
    """What is shown of a client, so that a person chooses the right one. Never more.

    Attributes:
        journeys: Those at the sites where the person works, the latest first; at least one.
    """

    client_ref: UUID
    family_name: str
    given_name: str
    birth_date: date | None
    journeys: tuple[FoundJourney, ...]


class Finder:
    """Looks clients up in intake's index.

    Any call may raise psycopg's errors, `PoolTimeout` and `KeysUnavailable`.
    """

    def __init__(self, pool: IntakePool, keyring: Keyring) -> None:
        self._pool = pool
        self._privacy = Privacy(keyring)

    async def by_name(self, name: str, born: date | None, sites: Collection[str] | None) -> list[FoundClient]:
        """The clients whose names have all of these words, by family name.

        Args:
            name: Words of given and family names, in any order and way of writing.
            born: Their birth date, if it is known: it narrows, and finds nobody by itself.
            sites: Where the person works; None for every site.

        Raises:
            NothingAsked: There is no word in `name`, or there are too many.
            TooMany: Ask for another word or the birth date.
        """
        return await self._found(search_words.by_name(name, born), sites)

    async def by_number(self, number: str, sites: Collection[str] | None) -> list[FoundClient]:
        """The clients with this record number, of any issuer: two issuers may have given it to two clients."""
        return await self._found([search_words.by_number(number)], sites)

    async def _found(self, words: Collection[SearchWord], sites: Collection[str] | None) -> list[FoundClient]:
        if not 0 < len(words) <= _MOST_WORDS or not all(each.word for each in words):
            raise NothingAsked
        rows = await self._rows(await self._privacy.hashes_of_words(words), sites)
        if len(rows) > MOST:
            raise TooMany
        opened = [await self._opened(row) for row in rows]
        return sorted((each for each in opened if each is not None), key=_order)

    async def _rows(self, hashes: Iterable[bytes], sites: Collection[str] | None) -> list[tuple[Any, ...]]:
        values = {"hashes": list(hashes), "sites": None if sites is None else list(sites), "most": MOST + 1}
        async with self._pool.connection() as connection:
            return await (await connection.execute(_FIND, values)).fetchall()

    async def _opened(self, row: tuple[Any, ...]) -> FoundClient | None:
        client_ref, sealed, key_id, journeys, sites = row
        try:
            person = await self._privacy.open_person(Sealed(sealed, key_id), client_ref)
        except KeyDestroyed:
            return None
        return _shown(client_ref, person, zip(map(str, journeys), sites, strict=True))


def _shown(client_ref: UUID, person: Person, journeys: Iterable[tuple[str, str]]) -> FoundClient:
    return FoundClient(
        client_ref=client_ref,
        family_name=person.family_name,
        given_name=person.given_name,
        birth_date=person.birth_date,
        journeys=tuple(FoundJourney(*each) for each in journeys),
    )


def _order(found: FoundClient) -> tuple[str, str, str]:
    return found.family_name.casefold(), found.given_name.casefold(), str(found.client_ref)
