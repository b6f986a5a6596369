"""The read models as of one event, for a command that asks once and has no pool of connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import psycopg

from dashboard.lists import position, wait_for
from dashboard.projections import READ_MODELS
from dashboard.queries.moment import Moment
from eventstore.following.bulk import open_session, read_head
from eventstore.postgres import translated


@asynccontextmanager
async def one_moment(
    database_url: str, now: datetime, purpose: str, *, patience_seconds: float = 2.0
) -> AsyncIterator[Moment]:
    """Opens a moment of every site; the read models get some time to come to the record's head.

    Args:
        now: The time at which to judge what is overdue.
        purpose: What the connection is for, as the server knows it.
        patience_seconds: How long they get, elapsed.

    Raises:
        EventStoreError: The database does not answer, or is not migrated.
    """
    async with await open_session(database_url, purpose) as session:
        try:
            await wait_for(session, await read_head(session), patience_seconds, *READ_MODELS)
            async with session.transaction():
                await session.execute("set transaction isolation level repeatable read, read only")
                as_of = await position(session, *READ_MODELS)
                yield Moment(session, now, as_of, await read_head(session), None)
        except psycopg.Error as error:
            raise translated(error) from None
