"""The files that say what the migrations come to are those of this release."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migrations import migrate, migrate_keys
from tests.migrations.schema import FILES, dumped, readable

_RENEW = "run `python -m tests.migrations.schema`, and read what it changed"
_SAID = ("create table", "create view", "create index", "create trigger", "create function", "constraint", "comment on")


@pytest.fixture(scope="module")
def dumps(database_url_factory: Callable[[], str]) -> dict[str, str]:
    record, keys = database_url_factory(), database_url_factory()
    migrate(record)
    migrate_keys(keys)
    return {"record": dumped(record), "keys": dumped(keys)}


@pytest.mark.parametrize("database", FILES)
def test_the_file_is_what_the_migrations_come_to(database: str, dumps: dict[str, str]) -> None:
    assert readable(dumps[database]) == FILES[database].read_text(encoding="utf-8"), _RENEW


@pytest.mark.parametrize("database", FILES)
@pytest.mark.parametrize("said", _SAID)
def test_nothing_is_lost_on_the_way(said: str, database: str, dumps: dict[str, str]) -> None:
    assert readable(dumps[database]).count(f"{said} ") == dumps[database].lower().count(f"{said} ")
