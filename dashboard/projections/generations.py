"""The tables behind read models: one for each generation, one view over the live one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg.sql import SQL, Composed, Identifier

from dashboard.projections.model import ReadModel
from eventstore.following.bulk import Session
from eventstore.following.checkpoints import Checkpoint

_OWNER = Identifier("throughline_projector")
_NEXT = "select coalesce(max(generation), 0) + 1 from es.checkpoints where consumer = %s"
_BEGIN = "insert into es.checkpoints (consumer, generation, status, position) values (%s, %s, 'building', 0)"
_OF_STATUS = (
    "select consumer, generation, position from es.checkpoints"
    " where consumer = %s and status = any (%s) order by generation desc"
)
_SET_STATUS = "update es.checkpoints set status = %s where consumer = %s and generation = %s"
_FORGET = "delete from es.checkpoints where consumer = %s and generation = %s"
_STAND_STILL = (
    "select consumer, generation, position from es.checkpoints"
    " where consumer = any (%s) and status = 'live' order by consumer for update"
)
_MISSING = (
    "select 1 from unnest(%s::text[]) as wanted (name)"
    " where not exists (select from pg_attribute"
    " where attrelid = to_regclass(%s) and attname = wanted.name and not attisdropped)"
)


def table_of(model: ReadModel, generation: int) -> Identifier:
    """The table with a generation's rows."""
    return Identifier("dash", f"{model.name}_g{generation}")


def shape_of(model: ReadModel) -> Identifier:
    """The empty table that is the template for every generation."""
    return Identifier("dash", f"{model.name}_shape")


async def begin(session: Session, model: ReadModel) -> Checkpoint:
    """Creates a new empty generation, at the start of the record."""
    row = await (await session.execute(_NEXT, [model.consumer])).fetchone()
    generation = int(row[0]) if row else 1
    table = table_of(model, generation)
    async with session.transaction():
        await session.execute(SQL("drop table if exists {}").format(table))
        await session.execute(SQL("create table {} (like {} including all)").format(table, shape_of(model)))
        await session.execute(SQL("alter table {} owner to {}").format(table, _OWNER))
        await session.execute(_BEGIN, [model.consumer, generation])
    return Checkpoint(model.consumer, generation, 0)


async def of_status(session: Session, model: ReadModel, *status: str) -> list[Checkpoint]:
    """The generations that have one of these statuses, the newest first."""
    return [Checkpoint(*row) async for row in await session.execute(_OF_STATUS, [model.consumer, list(status)])]


async def discard(session: Session, model: ReadModel, generation: int) -> None:
    """Drops a generation."""
    async with session.transaction():
        await session.execute(_FORGET, [model.consumer, generation])
        await session.execute(SQL("drop table if exists {}").format(table_of(model, generation)))


async def set_status(session: Session, checkpoint: Checkpoint, status: str) -> None:
    """Sets the status of a generation."""
    await session.execute(_SET_STATUS, [status, checkpoint.consumer, checkpoint.generation])


async def stand_still(session: Session, models: Iterable[ReadModel]) -> list[Checkpoint]:
    """Locks the live generations and returns them. None of them changes until this transaction ends."""
    consumers = [model.consumer for model in models]
    return [Checkpoint(*row) async for row in await session.execute(_STAND_STILL, [consumers])]


async def show(session: Session, model: ReadModel, generation: int) -> None:
    """Makes the view show this generation. It may have new columns at the end, but no changed ones."""
    await session.execute(_view(model, generation))


async def fits(session: Session, model: ReadModel, generation: int) -> bool:
    """Whether a generation has every column that this release fills."""
    where = table_of(model, generation).as_string(session)
    return await (await session.execute(_MISSING, [list(model.columns), where])).fetchone() is None


def _view(model: ReadModel, generation: int) -> Composed:
    return SQL("create or replace view {} as select * from {}").format(
        Identifier("dash", model.name), table_of(model, generation)
    )


def by_consumer(models: Sequence[ReadModel]) -> dict[str, ReadModel]:
    """The models by the names of their checkpoints."""
    return {model.consumer: model for model in models}
