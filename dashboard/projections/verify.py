"""Verifies the live read models: folds the record again elsewhere and compares row for row."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import IsolationLevel
from psycopg.sql import SQL, Composable, Composed, Identifier

from dashboard.projections.folding import Folding, no_pauses
from dashboard.projections.generations import of_status, shape_of, table_of
from dashboard.projections.model import Change, ReadModel
from dashboard.projections.writer import prepare, write
from eventstore.following.bulk import BulkEvent, Session, open_session, read_page
from eventstore.following.checkpoints import Checkpoint
from eventstore.following.subscription import catch_up
from eventstore.postgres import translated
from eventstore.verification.verify import ReportCount

PAGE = 20_000
SHOWN = 10
"""How many differing rows are listed for each read model."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that does not match the record.

    Attributes:
        key: The key of the row.
        found: `missing` from the live table, `extra` in it, or `changed` if values differ.
        columns: The columns that differ.
    """

    key: dict[str, str]
    found: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """The result for one read model.

    Attributes:
        generation: The live generation.
        position: The event up to which it was compared.
        rows: How many rows it should have.
        differing: How many rows differ; the first ten are in `first`.
    """

    read_model: str
    generation: int
    position: int
    rows: int
    differing: int
    first: tuple[Difference, ...]
    seconds: float


async def verify(
    database_url: str,
    models: Sequence[ReadModel],
    progress: ReportCount = lambda done, total: None,
    *,
    page: int = PAGE,
) -> list[Verified]:
    """Compares each model with the record at the model's position.

    Nothing is delayed: both sides are read in one snapshot, and the temporary tables end with the session.

    Raises:
        EventStoreError: As for any subscriber of the record.
    """
    started = time.monotonic()
    try:
        async with (
            await open_session(database_url, "verify") as writing,
            await open_session(database_url, "verify reading") as reading,
        ):
            check = _Check(writing, reading, models, progress, page)
            with no_pauses():
                return await check.run(started)
    except psycopg.Error as error:
        raise translated(error) from None


class _Check:
    def __init__(
        self, writing: Session, reading: Session, models: Sequence[ReadModel], progress: ReportCount, page: int
    ) -> None:
        self._writing, self._reading, self._models = writing, reading, models
        self._progress, self._page = progress, page
        self._folding = Folding(reading)

    async def run(self, started: float) -> list[Verified]:
        await prepare(self._writing, self._models)
        for model in self._models:
            make = SQL("create temporary table {} (like {} including all)").format(_again(model), shape_of(model))
            await self._writing.execute(make)
        # Most of it while others keep writing, then the rest in the snapshot in which the live side is read.
        near = min(each.position for each in (await self._live()).values())
        await self._fold(0, dict.fromkeys((model.name for model in self._models), near))
        await self._writing.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with self._writing.transaction():
            live = await self._live()
            await self._fold(near, {name: each.position for name, each in live.items()})
            return [await self._compare(model, live[model.name], started) for model in self._models]

    async def _live(self) -> dict[str, Checkpoint]:
        return {model.name: (await of_status(self._writing, model, "live"))[0] for model in self._models}

    async def _fold(self, after: int, until: dict[str, int]) -> None:
        last = max(until.values())

        async def read(position: int, limit: int) -> Sequence[BulkEvent]:
            return await read_page(self._reading, position, min(limit, last - position)) if position < last else ()

        async with aclosing(catch_up(read, after=after, page=self._page)) as pages:
            async for rows in pages:
                changes = await self._folding.changes(rows)
                for model in self._models:
                    await self._add(model, [each for each in changes if each.recorded.position <= until[model.name]])
                self._progress(rows[-1].position, last)

    async def _add(self, model: ReadModel, changes: Sequence[Change]) -> None:
        async with self._writing.transaction():
            await write(self._writing, model, _again(model), model.last_rows(changes))

    async def _compare(self, model: ReadModel, live: Checkpoint, started: float) -> Verified:
        table = table_of(model, live.generation)
        total = await (await self._writing.execute(SQL("select count(*) from {}").format(_again(model)))).fetchone()
        found = await (await self._writing.execute(_differing(model, table), [SHOWN])).fetchall()
        return Verified(
            read_model=model.name,
            generation=live.generation,
            position=live.position,
            rows=int(total[0]) if total else 0,
            differing=int(found[0][0]) if found else 0,
            first=tuple(_difference(model, row[1:]) for row in found),
            seconds=time.monotonic() - started,
        )


def _again(model: ReadModel) -> Identifier:
    return Identifier("pg_temp", f"{model.name}_again")


def _differing(model: ReadModel, table: Composable) -> Composed:
    """Counts the rows that differ. For the first ones, gives the key, which side lacks it and which values differ."""
    columns = [Identifier(name) for name in model.columns]
    keys = columns[: len(model.key)]
    return SQL(
        "select count(*) over (), {keys}, l.{key} is null, a.{key} is null, array[{apart}]"
        " from {live} l full join {again} a on {same} where row({left}) is distinct from row({right})"
        " order by {order} limit %s"
    ).format(
        keys=_listed("coalesce(l.{0}, a.{0})::text", keys),
        key=keys[0],
        apart=_listed("l.{0} is distinct from a.{0}", columns),
        live=table,
        again=_again(model),
        same=SQL(" and ").join(SQL("l.{0} = a.{0}").format(each) for each in keys),
        left=_listed("l.{0}", columns),
        right=_listed("a.{0}", columns),
        order=_listed("coalesce(l.{0}, a.{0})", keys),
    )


def _listed(pattern: LiteralString, columns: Sequence[Identifier]) -> Composed:
    return SQL(", ").join(SQL(pattern).format(each) for each in columns)


def _difference(model: ReadModel, row: Sequence[Any]) -> Difference:
    width = len(model.key)
    missing, extra, apart = row[width : width + 3]
    if missing or extra:
        return Difference(dict(zip(model.key, row, strict=False)), "missing" if missing else "extra", ())
    columns = tuple(name for name, differs in zip(model.columns, apart, strict=True) if differs)
    return Difference(dict(zip(model.key, row, strict=False)), "changed", columns)
