"""The record as its database sees it: a refusal has its own SQLSTATE, and each role may do what it is for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection, errors

from eventstore import PostgresEventStore
from eventstore.verify import verify
from tests.eventstore.facts import NOON, fact, numbers

APPEND = "select replayed, version, first_position, last_position from es.append(%s, %s, %s, %s, %s, %s)"


def listed(*values: int) -> str:
    return json.dumps(
        [
            {
                "event_id": str(uuid4()),
                "type": "test.counted",
                "schema_version": 1,
                "occurred_at": NOON.isoformat(),
                "data": {"number": value},
                "meta": {},
            }
            for value in values
        ]
    )


@contextmanager
def acting_as(url: str, role: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"set role {role}".encode())
        yield connection


@pytest.fixture
def writer(database_url: str) -> Iterator[Connection[Any]]:
    with acting_as(database_url, "throughline_writer") as connection:
        yield connection


def append(connection: Connection[Any], *values: int, key: str = "k", expected: int = 0, close: bool = False) -> object:
    arguments = ["a", expected, key, b"digest of %d" % sum(values), close, listed(*values)]
    return connection.execute(APPEND, arguments).fetchone()


async def test_plain_sql_appends_and_repeats(writer: Connection[Any], postgres_store: PostgresEventStore) -> None:
    assert append(writer, 1, 2) == (False, 2, 1, 2)
    assert append(writer, 3, key="k2", expected=2) == (False, 3, 3, 3)
    assert append(writer, 1, 2) == (True, 2, 1, 2)
    assert numbers(await postgres_store.read("a")) == [1, 2, 3]


@pytest.mark.parametrize(
    ("ask", "code", "detail"),
    [
        ({"key": "k2", "expected": 0}, "TL001", "2"),
        ({"key": "k2", "expected": 3}, "TL001", "2"),
        ({"key": "k"}, "TL002", "2"),
        ({"key": "k2", "expected": 9, "stream": "closed"}, "TL003", "1"),
    ],
)
def test_each_refusal_has_its_own_sqlstate(
    ask: dict[str, Any], code: str, detail: str, writer: Connection[Any]
) -> None:
    append(writer, 1, 2)
    writer.execute(APPEND, ["closed", 0, "k", b"x", True, listed(1)])
    arguments = [ask.get("stream", "a"), ask.get("expected", 0), ask["key"], b"other", False, listed(9)]
    with pytest.raises(psycopg.DatabaseError) as refused:
        writer.execute(APPEND, arguments)
    assert (refused.value.sqlstate, refused.value.diag.message_detail) == (code, detail)


def test_an_append_without_an_event_is_refused(writer: Connection[Any]) -> None:
    with pytest.raises(errors.InvalidParameterValue):
        append(writer)


@pytest.mark.parametrize("sizes", [(1, 1), (3,), (2, 1), (0, 2), (-1, 3)])
def test_sizes_and_events_that_do_not_match_are_refused(
    sizes: tuple[int, ...], writer: Connection[Any], database_url: str
) -> None:
    heads = [
        {"stream": f"s{n}", "expected": 0, "key": "k", "digest": "00", "close": False, "size": size}
        for n, size in enumerate(sizes)
    ]
    events = listed(1, 2) if sizes != (1, 1) else listed(1)
    with pytest.raises((errors.InvalidParameterValue, errors.CheckViolation)):
        writer.execute("select * from es.append_many(%s, %s)", [json.dumps(heads), events])
    assert verify(database_url).events == 0


@pytest.mark.parametrize(
    "statement",
    [
        "select * from es.events",
        "select * from es.appends",
        "select * from es.streams",
        "insert into es.streams values ('x', 1)",
        "insert into es.events select * from es.events",
        "update es.streams set version = 9",
        "delete from es.events",
        "truncate es.events",
        "select es.latch()",
        "create table es.mine ()",
        "drop table es.events",
        "alter table es.events disable trigger append_only",
        "create or replace function es.refuse_change() returns trigger language plpgsql as 'begin return new; end'",
    ],
)
def test_a_writer_may_append_and_nothing_else(statement: str, writer: Connection[Any]) -> None:
    append(writer, 1)
    with pytest.raises(errors.InsufficientPrivilege):
        writer.execute(statement.encode())


@pytest.mark.parametrize("role", ["reader", "auditor", "projector", "dashboards"])
@pytest.mark.parametrize(
    "statement",
    [
        "select es.append('a', 1, 'k2', 'x', false, '[{}]')",
        "insert into es.streams values ('x', 1)",
        "update es.events set type = 'x.y'",
        "delete from es.events",
        "truncate es.events",
    ],
)
def test_who_reads_cannot_write(role: str, statement: str, writer: Connection[Any], database_url: str) -> None:
    append(writer, 1)
    with (
        acting_as(database_url, f"throughline_{role}") as connection,
        pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)),
    ):
        connection.execute(statement.encode())


async def test_an_auditor_can_check_the_record(database_url: str, postgres_store: PostgresEventStore) -> None:
    await postgres_store.append("a", expected_version=0, key="k", events=[fact(1)])
    assert verify(f"{database_url}&options=-c%20role%3Dthroughline_auditor").events == 1


def test_who_projects_does_not_see_what_is_sealed(database_url: str) -> None:
    with acting_as(database_url, "throughline_projector") as connection:
        connection.execute("select position, data, meta from es.events")
        for column in ("sealed", "key_id", "*"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(f"select {column} from es.events".encode())


def test_dashboards_see_nothing_of_the_record_and_cannot_keep_the_server_busy(database_url: str) -> None:
    with psycopg.connect(database_url.replace("postgres@", "throughline_dashboards@")) as connection:
        settings = [connection.execute(f"show {name}".encode()).fetchone() for name in (
            "default_transaction_read_only", "statement_timeout", "idle_in_transaction_session_timeout",
        )]  # fmt: skip
        assert settings == [("on",), ("15s",), ("30s",)]
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("select stream from es.events")


def test_a_stream_does_not_go_back(writer: Connection[Any], database_url: str) -> None:
    append(writer, 1, 2)
    append(writer, 3, key="end", expected=2, close=True)
    for change in ("version = 1", "version = version", "closed_at = null, version = 9", "stream = 'b', version = 9"):
        with psycopg.connect(database_url) as owner, pytest.raises(psycopg.DatabaseError, match="append-only"):
            owner.execute(f"update es.streams set {change}".encode())


def test_the_database_and_python_mean_the_same_chain(writer: Connection[Any], database_url: str) -> None:
    """Old rows get their hashes from one statement, new ones from another, and Python computes its own."""
    append(writer, 1, 2)
    append(writer, 3, key="k2", expected=2)
    with psycopg.connect(database_url) as connection:
        again = connection.execute(
            "select bool_and(hash = again) from (select hash, es.chain(es.no_hash(), es.content(position, version,"
            " occurred_at, recorded_at, event_id, schema_version, closes, stream, type, data::text, meta::text, key_id,"
            " sealed)) over (order by position) as again from es.events) e"
        ).fetchone()
    assert again == (True,)
