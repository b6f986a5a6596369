"""`throughline migrate` brings both databases up to date and says what it did."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from cli.main import run
from cli.output import Exit
from migrations import KEYS, migrate_keys, pending
from tests.cli.conftest import Answer

Migrate = Callable[..., Answer]


@pytest.fixture
def keys_url(database_url_factory: Callable[[], str]) -> str:
    return database_url_factory()


@pytest.fixture
def migrate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Migrate:
    def migrating(record: str, keys: str, *options: str) -> Answer:
        monkeypatch.setenv("THROUGHLINE_HOME", "/nowhere")
        monkeypatch.setenv("DATABASE_URL", record)
        monkeypatch.setenv("THROUGHLINE_KEYS_URL", keys)
        return Answer(run(["migrate", *options]), *capsys.readouterr())

    return migrating


@pytest.mark.stack
def test_both_databases_are_brought_up_to_date_and_each_migration_is_named(
    fresh_database: str, keys_url: str, migrate: Migrate
) -> None:
    waiting = [*pending(fresh_database), *pending(keys_url, *KEYS)]
    answer = migrate(fresh_database, keys_url)
    assert answer.code == Exit.OK, answer.err
    assert [line.split()[1] for line in answer.out.splitlines() if line.startswith("applied ")] == waiting
    # The record, intake, the read models, the keys, access and attendance.
    assert {each[:2] for each in waiting} == {"00", "01", "02", "03", "04", "05"}
    assert not pending(fresh_database) and not pending(keys_url, *KEYS)
    assert migrate(fresh_database, keys_url).out.count("up to date, nothing to apply") == 2


@pytest.mark.stack
def test_programs_get_one_object(migrated_database: str, keys_url: str, migrate: Migrate) -> None:
    waiting = pending(keys_url, *KEYS)
    assert migrate(migrated_database, keys_url, "--json").json == {"record": [], "keys": waiting}


@pytest.mark.stack
def test_a_refusal_names_the_database_and_what_was_done_before_is_said(
    fresh_database: str, keys_url: str, migrate: Migrate
) -> None:
    migrate_keys(keys_url)
    with psycopg.connect(keys_url) as connection:
        connection.execute("update migrations.files set sha256 = 'another'")
    answer = migrate(fresh_database, keys_url)
    assert answer.code == Exit.FAILED
    assert "applied 0001.event-store" in answer.out
    assert "the keys' database: 0301" in answer.err and "was edited after" in answer.err


@pytest.mark.parametrize(
    ("record", "keys", "saying"),
    [
        ("", "", "DATABASE_URL is not set"),
        ("postgresql://x:secret@127.0.0.1:9/x", "", "THROUGHLINE_KEYS_URL is not set"),
        ("postgresql://x:secret@127.0.0.1:9/x", "postgresql://x@127.0.0.1:9/y", "the record's database (record"),
    ],
)
def test_what_is_not_named_or_does_not_answer_is_said(record: str, keys: str, saying: str, migrate: Migrate) -> None:
    answer = migrate(record, keys)
    assert answer.code == Exit.UNREACHABLE
    assert saying in answer.err and "secret" not in answer.err
