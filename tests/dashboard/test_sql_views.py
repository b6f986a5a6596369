"""The page about the SQL views names each view that dashboards may read, with each of its columns and their types."""

from __future__ import annotations

import re
from pathlib import Path

from tests.dashboard.keeping import ask

PAGE = Path(__file__).parents[2] / "docs" / "sql-views.md"
_SECTION = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \| ([\w\[\]]+) \| \S.* \|$", re.MULTILINE)
_REST = re.compile(r"The other columns are those of \[`(\w+)`\]")
_GRANTED = """
select c.relname as view, a.attname as column, replace(format_type(a.atttypid, null), 'timestamp with time zone',
       'timestamptz') as type
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'dash'::regnamespace and has_table_privilege('throughline_dashboards', c.oid, 'select')
"""


def described() -> dict[str, dict[str, str]]:
    """Each view with its columns and their types, as the page says."""
    sections = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8")))
    own = {view: dict(_ROW.findall(text)) for view, text in sections.items()}
    rest = {view: found[1] for view, text in sections.items() if (found := _REST.search(text))}
    return {view: {**columns, **own.get(rest.get(view, ""), {})} for view, columns in own.items()}


async def test_each_view_and_column_is_described(migrated_database: str) -> None:
    wanted: dict[str, dict[str, str]] = {}
    for row in await ask(migrated_database, _GRANTED):
        wanted.setdefault(row["view"], {})[row["column"]] = row["type"]
    assert len(wanted) >= 11
    assert described() == wanted
