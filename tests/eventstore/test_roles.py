"""What each process's own role may do with the record, and what it is refused."""

from __future__ import annotations

import psycopg
import pytest

from deploy.roles import make_login_roles
from eventstore import SchemaMissing, open_store
from migrations import migrate, pending
from tests.eventstore.facts import fact, numbers, record

LOGINS = ("throughline_worker", "throughline_intake", "throughline_projections")


def as_role(url: str, role: str) -> str:
    return url.replace("//postgres@", f"//{role}@")


@pytest.fixture
def with_roles(database_url: str) -> str:
    """An empty record, and the login roles of the embedded house."""
    make_login_roles(database_url)
    make_login_roles(database_url)  # twice changes nothing
    return database_url


def assert_refused(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(statement.encode())
            assert refused.value.sqlstate == "42501", statement


async def test_a_worker_appends_and_reads(with_roles: str) -> None:
    async with open_store(as_role(with_roles, "throughline_worker")) as store:
        await record(store, "a", 1, 2)
        again = await store.append("a", expected_version=0, key="step-0", events=[fact(1)])
        assert again.replayed
        assert numbers(await store.read_all()) == numbers(await store.read("a")) == [1, 2]


@pytest.mark.parametrize("login", LOGINS)
async def test_nobody_writes_to_the_record_s_tables(login: str, with_roles: str) -> None:
    async with open_store(with_roles) as store:
        await record(store, "a", 1)
    mine = as_role(with_roles, login)
    for table in ("es.events", "es.appends", "es.streams"):
        assert_refused(
            mine,
            f"insert into {table} select * from {table}",
            f"insert into {table} default values",
            f"update {table} set stream = 'b'",
            f"delete from {table}",
            f"truncate {table}",
            f"alter table {table} disable trigger all",
            f"drop table {table}",
        )
    assert_refused(
        mine,
        "create table es.more ()",
        "create or replace function es.latch() returns bigint language sql return 1",
        "set role throughline_owner",
    )


async def test_an_intake_reads_the_record_and_appends_nothing(with_roles: str) -> None:
    async with open_store(with_roles) as owner:
        await record(owner, "a", 1)
    async with open_store(as_role(with_roles, "throughline_intake")) as store:
        assert numbers(await store.read("a")) == [1]
        with pytest.raises(SchemaMissing, match="check the role"):
            await record(store, "a", 2)


def test_a_worker_sees_who_clients_are_and_when_they_were_handed_over_and_no_message(with_roles: str) -> None:
    worker = as_role(with_roles, "throughline_worker")
    with psycopg.connect(worker) as connection:
        connection.execute("select * from intake.clients")
        connection.execute(
            "select journey_id, client_ref, opened_by, site, admitted_at, started_at, closed_at from intake.journeys"
        )
    assert_refused(
        worker,
        "update intake.clients set client_ref = client_ref",
        "delete from intake.clients",
        "select * from intake.messages",
        "select * from intake.quarantine",
        "select * from intake.journeys",
        "select visit from intake.journeys",
        "update intake.journeys set closed_at = null",
        "delete from intake.journeys",
    )


def test_the_board_finds_a_client_and_their_journeys_and_sees_no_message(with_roles: str) -> None:
    mine = as_role(with_roles, "throughline_board")
    with psycopg.connect(mine) as connection:
        connection.execute("select * from intake.search_words")
        connection.execute("select client_ref, sealed, key_id from intake.clients")
        connection.execute("select journey_id, client_ref, site, opened_at from intake.journeys")
    assert_refused(
        mine,
        "select * from intake.clients",
        "select visit from intake.journeys",
        "select * from intake.known",
        "select * from intake.messages",
        "insert into intake.search_words select * from intake.search_words",
        "update intake.search_words set client_ref = client_ref",
        "delete from intake.search_words",
    )


@pytest.mark.parametrize("login", ["throughline_worker", "throughline_projections"])
def test_nobody_else_reads_by_what_clients_are_found(login: str, with_roles: str) -> None:
    assert_refused(as_role(with_roles, login), "select * from intake.search_words")


def test_an_intake_keeps_what_it_has_received(with_roles: str) -> None:
    mine = as_role(with_roles, "throughline_intake")
    with psycopg.connect(mine) as connection:
        for table in ("messages", "quarantine", "clients", "journeys"):
            connection.execute(f"select * from intake.{table} for update".encode())
            copied = f"insert into intake.{table} overriding system value select * from intake.{table}"
            connection.execute(copied.encode())
    assert_refused(mine, "delete from intake.messages", "truncate intake.quarantine", "create table intake.more ()")


def test_tables_that_intake_gets_later_are_its_own_too(with_roles: str) -> None:
    with psycopg.connect(with_roles) as connection:
        connection.execute("create table intake.later (number integer)")
    with psycopg.connect(as_role(with_roles, "throughline_intake")) as connection:
        connection.execute("insert into intake.later values (1)")


def test_projections_see_no_sealed_word_and_no_client(with_roles: str) -> None:
    mine = as_role(with_roles, "throughline_projections")
    with psycopg.connect(mine) as connection:
        connection.execute("select position, type, data, meta from es.events")
    assert_refused(mine, "select sealed from es.events", "select * from intake.clients", "select * from es.appends")


@pytest.mark.parametrize("login", LOGINS)
def test_any_role_may_ask_what_is_pending_and_none_may_migrate(login: str, fresh_database: str) -> None:
    migrate(fresh_database)
    make_login_roles(fresh_database)
    mine = as_role(fresh_database, login)
    assert pending(fresh_database) == pending(mine) == migrate(mine) == []
    assert_refused(mine, "insert into migrations.applied values ('9999')", "create schema mine")
