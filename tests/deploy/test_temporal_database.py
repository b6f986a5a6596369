"""What a new start makes of the Temporal server's files, in whatever state they were left."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.temporal_database import NAME, UNREADABLE, mark_ready, prepare_database


def served(folder: Path) -> Path:
    """A folder whose server has served; its database."""
    database = folder / NAME
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create table namespaces (name text)")
        connection.executemany("insert into namespaces values (?)", [("x" * 500,)] * 200)
    mark_ready(folder)
    return database


def test_a_readable_database_is_used(tmp_path: Path) -> None:
    before = served(tmp_path).read_bytes()
    assert prepare_database(tmp_path) is False
    assert (tmp_path / NAME).read_bytes() == before


def test_a_first_start_begins_empty(tmp_path: Path) -> None:
    assert prepare_database(tmp_path) is True


def test_files_of_a_first_start_that_was_cut_short_are_removed(tmp_path: Path) -> None:
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm"):
        (tmp_path / name).write_text("half")
    assert prepare_database(tmp_path) is True
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_gone_is_begun_anew(tmp_path: Path) -> None:
    served(tmp_path).unlink()
    (tmp_path / f"{NAME}-wal").write_text("of the one that is gone")
    assert prepare_database(tmp_path) is True
    assert list(tmp_path.iterdir()) == []


def half(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def overwritten_inside(whole: bytes) -> bytes:
    return whole[:8192] + b"\xff" * 16384 + whole[8192 + 16384 :]


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"not a database" * 100, half, overwritten_inside])
def test_a_database_that_cannot_be_read_is_set_aside(tmp_path: Path, damage: object) -> None:
    database = served(tmp_path)
    assert callable(damage)
    damaged = damage(database.read_bytes())
    for _ in range(2):  # the latest is kept, an earlier one makes room
        database.write_bytes(damaged)
        mark_ready(tmp_path)
        assert prepare_database(tmp_path) is True
        assert [file.name for file in tmp_path.iterdir()] == [UNREADABLE]
        assert (tmp_path / UNREADABLE / NAME).read_bytes() == damaged


def test_a_database_that_another_holds_is_left_alone(tmp_path: Path) -> None:
    database = served(tmp_path)
    before = database.read_bytes()
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("begin exclusive")
        with pytest.raises(StackError, match="SQLITE_BUSY"):
            prepare_database(tmp_path)
    assert database.read_bytes() == before
    assert prepare_database(tmp_path) is False


def test_a_database_that_lacks_a_table_is_set_aside(tmp_path: Path) -> None:
    """What another took away, the server misses only once it needs it."""
    database = served(tmp_path)
    with closing(sqlite3.connect(database)) as connection, connection:
        for name in ("executions", "timer_tasks", "shards"):
            connection.execute(f"create table {name} (id text)")
    mark_ready(tmp_path)
    assert prepare_database(tmp_path) is False
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("drop table timer_tasks")
    assert prepare_database(tmp_path) is True
    assert [file.name for file in tmp_path.iterdir()] == [UNREADABLE]


@pytest.mark.stack
def test_each_table_of_the_real_server_is_missed(temporal_address: str, session_home: Path, tmp_path: Path) -> None:
    source = next(session_home.rglob(NAME))
    database = tmp_path / NAME
    with closing(sqlite3.connect(source)) as server, closing(sqlite3.connect(database)) as copy:
        server.backup(copy)
        tables = [name for (name,) in copy.execute("select name from sqlite_master where type = 'table'")]
    whole = database.read_bytes()
    own = [each for each in tables if "_fts_" not in each]  # the others are parts of SQLite's own search index
    assert {"namespaces", "executions", "history_node", "timer_tasks", "executions_visibility"} <= set(own)
    for name in own:
        database.write_bytes(whole)
        mark_ready(tmp_path)
        assert prepare_database(tmp_path) is False
        with closing(sqlite3.connect(database)) as connection, connection:
            for (trigger,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
                connection.execute(f'drop trigger "{trigger}"')
            connection.execute(f'drop table "{name}"')
        assert prepare_database(tmp_path) is True, name
