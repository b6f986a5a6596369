"""How a database is brought up to date, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
import pytest
from psycopg import sql

from deploy.home import Home
from deploy.postgres import start_postgres
from deploy.processes import Supervisor, free_ports
from migrations import DatabaseUnavailable, MigrationFailed, migrate, pending

_GATE = 4711
PASSWORD = "p@ss:/w%rd ?#ü"


def put(folder: Path, name: str, sql: str) -> Path:
    """A migration file that holds `sql`."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.sql"
    file.write_text(f"-- migrate:up\n{sql}\n\n-- migrate:down\n")
    return file


def one(url: str, query: str) -> tuple[object, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchone()


@contextmanager
def closed_gate(url: str) -> Iterator[None]:
    """While it is closed, a migration that does `pass_gate()` waits."""
    with psycopg.connect(url, autocommit=True) as keeper:
        keeper.execute("select pg_advisory_lock(%s)", [_GATE])
        yield


def pass_gate() -> str:
    return f"select pg_advisory_xact_lock({_GATE});"


def until(url: str, query: str) -> None:
    """Returns once `query` gives true."""
    patience = time.monotonic() + 30
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(query.encode()).fetchone() != (True,):
            assert time.monotonic() < patience, query


_WAITING = "from pg_stat_activity where datname = current_database() and wait_event = 'advisory'"


def waits_in(statement: str) -> str:
    return f"select count(*) > 0 {_WAITING} and query ~ '{statement}'"


def cut_what_waits(url: str) -> None:
    assert one(url, f"select pg_terminate_backend(pid) {_WAITING}") == (True,)


def test_migrating_twice_changes_nothing(fresh_database: str) -> None:
    waiting = pending(fresh_database)
    assert "0001.event-store" in waiting
    assert pending(fresh_database) == waiting, "asking must not apply"
    assert migrate(fresh_database) == waiting
    assert migrate(fresh_database) == pending(fresh_database) == []


def test_of_migrators_at_once_one_does_the_work(fresh_database: str) -> None:
    waiting = pending(fresh_database)
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(lambda _: migrate(fresh_database), range(4)))
    assert sorted(applied, key=len) == [[], [], [], waiting]


def test_numbers_give_the_order_over_all_folders_and_a_bad_file_leaves_nothing(
    fresh_database: str, tmp_path: Path
) -> None:
    one_, two = tmp_path / "one", tmp_path / "two"
    put(one_, "0002.second", "create table second ();")
    put(two, "0101.refers", "alter table second add column third text;")
    bad = put(two, "0102.bad", "create table half ();\nselect 1 / 0;")

    with pytest.raises(MigrationFailed, match=r"0102\.bad.*22012"):
        migrate(fresh_database, two, one_)
    assert pending(fresh_database, two, one_) == ["0102.bad"]
    assert one(fresh_database, "select to_regclass('second'), to_regclass('half')") == ("second", None)

    put(two, bad.stem, "create table half ();")
    assert migrate(fresh_database, two, one_) == ["0102.bad"]
    put(two, "0002.other", "select 1;")
    with pytest.raises(MigrationFailed, match="same number"):
        migrate(fresh_database, two, one_)


def test_a_number_below_those_applied_is_still_applied(fresh_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001.one", "create table one ();")
    put(tmp_path, "0101.two", "create table two ();")
    assert migrate(fresh_database, tmp_path) == ["0001.one", "0101.two"]
    put(tmp_path, "0002.between", "create table between_ ();")
    assert migrate(fresh_database, tmp_path) == ["0002.between"]


@pytest.mark.parametrize("name", ["new.sql", "1.short.sql", "0001-dash.sql", "00011.long.sql"])
def test_a_file_whose_name_would_be_passed_over_is_refused(name: str, fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("-- migrate:up\n-- migrate:down\n")
    with pytest.raises(MigrationFailed, match=f"rename {name}"):
        migrate(fresh_database, tmp_path)


def test_a_file_without_its_two_parts_is_refused(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001.bare.sql").write_text("create table bare ();")
    with pytest.raises(MigrationFailed, match="dbmate stopped at"):
        migrate(fresh_database, tmp_path)
    assert one(fresh_database, "select to_regclass('bare')") == (None,)


@pytest.mark.parametrize(
    "name",
    [
        "0001.event-store",
        "0002.chain-seal-roles",
        "0003.checkpoints",
        "0101.intake",
        "0104.names",
        "0201.read-models",
        "0203.weeks-at-a-level",
        "0204.ways-out",
        "0205.owners",
        "0206.missed-duties",
        "0210.tracks-goals-and-mode",
    ],
)
def test_there_is_no_way_back(name: str) -> None:
    (file,) = Path(__file__).parents[2].glob(f"*/migrations/{name}.sql")
    way_back = file.read_text().partition("-- migrate:down\n")[2]
    assert "raise exception 'there is no way back" in way_back


def test_a_file_that_was_edited_after_it_was_applied_is_noticed(fresh_database: str, tmp_path: Path) -> None:
    file = put(tmp_path, "0001.one", "create table one ();")
    migrate(fresh_database, tmp_path)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(fresh_database, tmp_path) == [], "line ends are no edit"

    put(tmp_path, "0001.one", "create table one (number integer);")
    put(tmp_path, "0002.two", "create table two ();")
    for call in (pending, migrate):
        with pytest.raises(MigrationFailed, match=r"0001\.one was edited"):
            call(fresh_database, tmp_path)
    assert one(fresh_database, "select to_regclass('two')") == (None,)

    put(tmp_path, "0001.one", "create table one ();")
    assert migrate(fresh_database, tmp_path) == ["0002.two"]


def test_a_file_may_be_edited_until_it_has_been_applied(fresh_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001.one", "create table one (;")
    with pytest.raises(MigrationFailed, match="42601: syntax error"):
        migrate(fresh_database, tmp_path)
    put(tmp_path, "0001.one", "create table one ();")
    assert migrate(fresh_database, tmp_path) == ["0001.one"]
    assert migrate(fresh_database, tmp_path) == []


@pytest.mark.parametrize(
    ("statement", "state"),
    [
        ("select 'canary-7f3a'::integer", "22P02"),
        ("insert into told values ('canary-7f3a'), ('canary-7f3a')", "23505"),
        ("do $$ begin raise exception 'no' using detail = 'canary-7f3a', hint = 'canary-7f3a'; end $$", "P0001"),
    ],
)
def test_what_is_in_a_row_is_not_told(statement: str, state: str, fresh_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001.bad", f"create table told (word text primary key);\n{statement};")
    with pytest.raises(MigrationFailed, match=state) as refused:
        migrate(fresh_database, tmp_path)
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None and refused.value.__context__ is None


def test_a_body_with_semicolons_is_one_statement(fresh_database: str, tmp_path: Path) -> None:
    put(
        tmp_path,
        "0001.bodies",
        "create function one() returns integer language sql begin atomic select 7; select 1; end;\n"
        "create function two() returns text language plpgsql as $$ begin return 'a;--b'; end $$;",
    )
    migrate(fresh_database, tmp_path)
    assert one(fresh_database, "select one(), two()") == (1, "a;--b")


def test_a_migration_whose_session_is_cut_is_taken_back(fresh_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001.slow", f"create table slow ();\n{pass_gate()}")
    with ThreadPoolExecutor(1) as thread:
        with closed_gate(fresh_database):
            migrating = thread.submit(migrate, fresh_database, tmp_path)
            until(fresh_database, waits_in("slow"))
            cut_what_waits(fresh_database)
        with pytest.raises(DatabaseUnavailable):
            migrating.result()
    assert one(fresh_database, "select to_regclass('slow')") == (None,)
    assert migrate(fresh_database, tmp_path) == ["0001.slow"]


def test_when_the_migrating_process_is_killed_the_next_one_waits_for_what_it_began(
    fresh_database: str, tmp_path: Path
) -> None:
    put(tmp_path, "0001.slow", f"create table slow ();\n{pass_gate()}")
    put(tmp_path, "0002.next", "create table next ();")
    call = "import sys, pathlib, migrations; migrations.migrate(sys.argv[1], pathlib.Path(sys.argv[2]))"
    with ThreadPoolExecutor(1) as thread:
        with closed_gate(fresh_database):
            first = subprocess.Popen([sys.executable, "-c", call, fresh_database, str(tmp_path)])
            until(fresh_database, waits_in("slow"))
            first.kill()
            first.wait()
            second = thread.submit(migrate, fresh_database, tmp_path)
            until(fresh_database, waits_in("lock_timeout"))  # dbmate's own lock
        second.result()
    assert pending(fresh_database, tmp_path) == []
    assert one(fresh_database, "select to_regclass('slow'), to_regclass('next')") == ("slow", "next")


def test_the_command_line_holds_no_password(fresh_database: str, tmp_path: Path) -> None:
    put(tmp_path, "0001.slow", pass_gate())
    url = fresh_database.replace("postgres@", "postgres:canary-7f3a@")
    with ThreadPoolExecutor(1) as thread, closed_gate(fresh_database):
        migrating = thread.submit(migrate, url, tmp_path)
        until(fresh_database, waits_in(str(_GATE)))
        (program,) = _children(lambda argv: str(tmp_path) in argv)
        assert "dbmate" in program[0] and "canary" not in " ".join(program)
        cut_what_waits(fresh_database)
        assert "canary" not in str(migrating.exception())


def _children(chosen: Callable[[list[str]], bool]) -> list[list[str]]:
    argvs = [child.cmdline() for child in psutil.Process().children()]
    return [argv for argv in argvs if chosen(argv)]


@pytest.fixture
async def over_tcp(session_home: Path) -> AsyncIterator[str]:
    """A server that asks for a password, by its TCP address."""
    home = Home(session_home / "tcp")
    home.create()
    lock = await home.lock(60, lambda: None)
    supervisor = await asyncio.to_thread(Supervisor.open, home.logs, home.journal, lock)
    try:
        server = await start_postgres(supervisor, home.postgres)
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("alter role postgres password {}").format(PASSWORD))
        access = home.postgres / "pg_hba.conf"
        access.write_text(f"host all all 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
        await supervisor.stop(server.process)

        (port,) = free_ports(1)
        more = ["-c", "listen_addresses=127.0.0.1", "-c", f"port={port}"]
        command = server.process.command
        await supervisor.start(replace(command, argv=[*command.argv, *more]), ready=lambda: _answers(port))
        yield f"127.0.0.1:{port}"
    finally:
        await supervisor.close()
        os.close(lock)


async def _answers(port: int) -> bool:
    """The port is open some time before the server takes sessions."""
    url = f"postgresql://postgres:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/throughline"
    try:
        await (await psycopg.AsyncConnection.connect(url)).close()
    except psycopg.OperationalError:
        return False
    return True


async def test_over_tcp_with_a_password_that_needs_escaping(over_tcp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = over_tcp.split(":")
    plain = f"postgresql://postgres@{over_tcp}/throughline"
    with pytest.raises(DatabaseUnavailable) as refused:
        migrate(plain.replace("postgres@", "postgres:canary-7f3a@"))
    assert "canary" not in str(refused.value)

    url = plain.replace("postgres@", f"postgres:{quote(PASSWORD, safe='')}@")
    waiting = pending(url)
    assert migrate(url) == waiting
    with psycopg.connect(url) as connection:
        connection.execute("drop schema es, intake, dash, access, attendance, migrations cascade")

    # Words that libpq knows and dbmate's driver does not, and what libpq takes from the environment.
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    monkeypatch.setenv("PGSERVICEFILE", "/nowhere")
    monkeypatch.setenv("PGGSSENCMODE", "disable")
    assert migrate(f"host={host},{host} port=1,{port} user=postgres dbname=throughline keepalives=1") == waiting
