"""SQL is written in small letters, in Python as in files of SQL, so that a search finds it."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_CAPITALS = re.compile(
    r"\b(SELECT\b.*\bFROM|SELECT \w+\(|INSERT INTO|UPDATE \S+ SET|DELETE FROM|ON CONFLICT|ORDER BY|GROUP BY|VALUES \("
    r"|RETURNING|LEFT JOIN|FOR UPDATE|SKIP LOCKED|(CREATE|ALTER|DROP) (TABLE|VIEW|INDEX|SCHEMA|FUNCTION|TRIGGER|ROLE"
    r"|DATABASE)|SET ROLE|GRANT \S+ (ON|TO)|PRAGMA)\b",
    re.DOTALL,
)
_QUOTED = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_LEFT = {
    "0101.intake.sql",  # was applied, and so is never edited
    Path(__file__).name,
    "schema.py",  # names what `pg_dump` writes
}


def capitals_in(python: str) -> Iterator[str]:
    """Every keyword of SQL in capitals in a string of Python code; docstrings are strings too."""
    for token in tokenize.generate_tokens(io.StringIO(python).readline):
        if token.type == tokenize.STRING and (found := _CAPITALS.search(token.string)):
            yield f"line {token.start[0]}: {found[0][:40]}"


def files(ending: str) -> list[Path]:
    """The files of the project, without environments and caches."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    found = [*ROOT.glob(f"*{ending}"), *(path for folder in folders for path in folder.rglob(f"*{ending}"))]
    assert found
    return [path for path in found if path.name not in _LEFT]


def test_sql_in_python_is_in_small_letters() -> None:
    found = {str(path.relative_to(ROOT)): list(capitals_in(path.read_text(encoding="utf-8"))) for path in files(".py")}
    assert not {name: lines for name, lines in found.items() if lines}


def test_files_of_sql_are_in_small_letters() -> None:
    for path in files(".sql"):
        found = _CAPITALS.search(_QUOTED.sub("", path.read_text(encoding="utf-8")))
        assert found is None, f"{path.name}: {found[0][:40]}"


@pytest.mark.parametrize(
    "sql", ["SELECT a FROM b", "INSERT INTO b", "update b set c = 1 WHERE d ORDER BY e", "DROP TABLE b"]
)
def test_capitals_are_found(sql: str) -> None:
    assert list(capitals_in(f'query = "{sql}"'))
