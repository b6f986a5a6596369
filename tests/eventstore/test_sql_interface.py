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
from eventstore.jsontext import canonical
from eventstore.request import AppendRequest
from eventstore.verification.verify import verify
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


BATCH = "select stream, outcome, version, first_position, last_position from es.append_many(%s) order by stream"


def asked(stream: str, *values: int, expected: int = 0, key: str = "k", close: bool = False) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(
        AppendRequest(stream, expected, key, tuple(map(fact, values)) or (fact(0),), close).as_json()
    )
    return request if values else {**request, "events": []}


def test_in_a_batch_a_refusal_concerns_its_own_append_alone(writer: Connection[Any], database_url: str) -> None:
    earlier = [asked("replayed", 1, 2), asked("reused", 3), asked("moved", 4), asked("closed", 5, close=True)]
    writer.execute(BATCH, [canonical(earlier)])
    batch = [
        asked("behind", 6, expected=1),
        asked("new", 7, 8),
        asked("replayed", 1, 2),
        asked("reused", 9),
        asked("closed", 10, key="k2", expected=1),
        asked("moved", 11, 12, key="k2", expected=1),
        asked("last", 13, close=True),
    ]
    assert writer.execute(BATCH, [canonical(batch)]).fetchall() == [
        ("behind", "TL001", 0, None, None),
        ("closed", "TL003", 1, None, None),
        ("last", "recorded", 1, 10, 10),
        ("moved", "recorded", 3, 8, 9),
        ("new", "recorded", 2, 6, 7),
        ("replayed", "replayed", 2, 1, 2),
        ("reused", "TL002", 1, 3, 3),
    ]
    with psycopg.connect(database_url) as connection:
        kept = connection.execute(
            "select stream, version, (data ->> 'number')::integer, closes from es.events where position > 5"
            " order by position"
        ).fetchall()
    assert kept == [
        ("new", 1, 7, False),
        ("new", 2, 8, False),
        ("moved", 2, 11, False),
        ("moved", 3, 12, False),
        ("last", 1, 13, True),
    ]
    assert verify(database_url).events == 10


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ([asked("a", 1), asked("b")], errors.NotNullViolation),
        ([asked("a", 1), {**asked("b", 2), "events": None}], errors.NotNullViolation),
        ([asked("a", 1), {**asked("b", 2), "key": None}], errors.NotNullViolation),
        ([asked("a", 1), {**asked("b", 2), "expected": None}], errors.NotNullViolation),
        ([asked("a", 1), {**asked("b", 2), "events": [{}]}], errors.NotNullViolation),
        ([asked("a", 1), {**asked("b", 2), "stream": None}], errors.NotNullViolation),
        ([asked("a", 1), {**asked("b", 2), "stream": None}, asked("c", 3, expected=9)], errors.NotNullViolation),
        ([asked("a", 1), asked("a", 2, key="k2")], errors.CardinalityViolation),
        ([asked("a", 1), asked("a", 1)], errors.UniqueViolation),
        ({"stream": "a"}, errors.InvalidParameterValue),
        ([asked("a", 1), "b"], errors.InvalidParameterValue),
    ],
)
def test_of_a_batch_that_is_not_valid_nothing_is_recorded(
    batch: Any, error: type[Exception], writer: Connection[Any], database_url: str
) -> None:
    with pytest.raises(error):
        writer.execute(BATCH, [canonical(batch)])
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
