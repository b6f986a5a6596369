"""The journeys that intake handed over. One that has no record and no running workflow was lost."""

from __future__ import annotations

import psycopg

from domain.pathway.admission import OpenJourney
from eventstore.postgres import translated
from intake.temporal_gate import opening

_HANDED_OVER = """
    select journey_id, client_ref, site, opened_by, admitted_at from intake.journeys
    where started_at is not null and closed_at is null order by started_at"""


class HandedOver:
    """The open journeys in the register, as the commands that opened them."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    async def openings(self) -> tuple[OpenJourney, ...]:
        """One command for each journey that was handed over and, as far as intake knows, is not over.

        Raises:
            StoreUnavailable: The database does not answer.
            SchemaMissing: The database is not migrated, or this role may not read the register.
        """
        try:
            async with await psycopg.AsyncConnection.connect(self._url) as connection:
                rows = await (await connection.execute(_HANDED_OVER)).fetchall()
        except psycopg.Error as error:
            raise translated(error) from None
        return tuple(
            opening(str(journey), str(client), site, str(message), admitted_at)
            for journey, client, site, message, admitted_at in rows
        )
