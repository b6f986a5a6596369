"""Writes a batch of rows into a generation's table with COPY. The database merges them by key."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.sql import SQL, Composable, Composed, Identifier

from dashboard.projections.generations import shape_of
from dashboard.projections.model import ReadModel, TableRow
from eventstore.following.bulk import Session


async def prepare(session: Session, models: Sequence[ReadModel]) -> None:
    """Creates the temporary tables that `write` needs. They last as long as the session."""
    for model in models:
        await session.execute(
            SQL("create temporary table if not exists {} (like {}) on commit delete rows").format(
                _batch(model), shape_of(model)
            )
        )


async def write(session: Session, model: ReadModel, table: Composable, rows: Sequence[TableRow]) -> None:
    """Inserts `rows`, replacing rows with the same keys, in the caller's transaction."""
    if not rows:
        return
    columns = SQL(", ").join(Identifier(name) for name in model.columns)
    into = table if model.grows_only else _batch(model)
    async with session.cursor().copy(SQL("copy {} ({}) from stdin").format(into, columns)) as copy:
        for row in rows:
            await copy.write_row(row)
    if not model.grows_only:
        await session.execute(_merge(model, table, columns))


def _merge(model: ReadModel, table: Composable, columns: Composable) -> Composed:
    changed = [name for name in model.columns if name not in model.key]
    return SQL("insert into {} ({}) select {} from {} on conflict ({}) do update set {}").format(
        table,
        columns,
        columns,
        _batch(model),
        SQL(", ").join(Identifier(name) for name in model.key),
        SQL(", ").join(SQL("{} = excluded.{}").format(Identifier(name), Identifier(name)) for name in changed),
    )


def _batch(model: ReadModel) -> Identifier:
    return Identifier(f"batch_of_{model.name}")
