"""How far consumers of the record have come, and the one way a checkpoint moves: from where its mover left it."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from eventstore.errors import Fenced, StoreUnavailable
from eventstore.following.bulk import Session
from eventstore.postgres import translated

HOLDER = f"{socket.gethostname()}/{os.getpid()}"
"""This process, as it signs the checkpoints it moves."""

# Rows are locked in one order, so that two movers of the same checkpoints wait for each other and never both.
_MOVE = """
with wanted as (
    select * from unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[]) w (consumer, generation, old, new)
), held as materialized (
    select c.consumer, c.generation
    from es.checkpoints c join wanted w using (consumer, generation)
    order by c.consumer, c.generation
    for update of c
)
update es.checkpoints c
set position = w.new, updated_at = clock_timestamp(), holder = %s, alarm = null
from wanted w join held h using (consumer, generation)
where c.consumer = w.consumer and c.generation = w.generation and c.position = w.old and c.status <> 'retired'
returning c.consumer
"""
_FIRST = """
insert into es.checkpoints (consumer, generation, status, position) values (%s, 1, 'live', 0) on conflict do nothing
"""
_LIVE = "select consumer, generation, position from es.checkpoints where consumer = any (%s) and status = 'live'"
_ALARM = "update es.checkpoints set alarm = %s where consumer = any (%s) and status = 'live'"


class Checkpoint(NamedTuple):
    """Where one generation of a consumer stands."""

    consumer: str
    generation: int
    position: int


async def live_checkpoints(session: Session, consumers: Sequence[str]) -> list[Checkpoint]:
    """The live checkpoints of these consumers, made at position 0 for those that never had one."""
    try:
        for consumer in consumers:
            await session.execute(_FIRST, [consumer])
        return [Checkpoint(*row) async for row in await session.execute(_LIVE, [list(consumers)])]
    except psycopg.Error as error:
        raise translated(error) from None


async def advance(session: Session, checkpoints: Sequence[Checkpoint], position: int) -> list[Checkpoint]:
    """Moves checkpoints to `position`, as the first thing in a transaction that keeps what they stand for.

    Another program that moves one of them waits for that transaction, and is fenced once it commits.

    Raises:
        Fenced: One of them is not where it was left. Nothing may be committed.
    """
    names, generations, positions = zip(*checkpoints, strict=True)
    moved = await session.execute(
        _MOVE, [list(names), list(generations), list(positions), [position] * len(checkpoints), HOLDER]
    )
    if moved.rowcount != len(checkpoints):
        raise Fenced(set(names) - {row[0] async for row in moved})
    return [each._replace(position=position) for each in checkpoints]


async def raise_alarm(session: Session, consumers: Sequence[str], why: str) -> None:
    """Leaves word, where the consumer's position is looked up, why it has stopped. The database may be away, too."""
    try:
        await session.execute(_ALARM, [why, list(consumers)])
    except psycopg.Error as error:
        raise StoreUnavailable(type(error).__name__) from None
