"""Waiting until one session of a database waits for another, so that an interleaving is made on purpose."""

from __future__ import annotations

import asyncio

from psycopg import AsyncConnection

_BLOCKED = "select 1 from pg_stat_activity where %s = any(pg_blocking_pids(pid)) limit 1"


async def until_blocked_by(url: str, pid: int) -> None:
    """Returns once some session waits for a lock that the server process `pid` holds."""
    async with asyncio.timeout(30), await AsyncConnection.connect(url, autocommit=True) as connection:
        while await (await connection.execute(_BLOCKED, [pid])).fetchone() is None:
            pass  # asking gives the others their turn
