"""What the database itself refuses, no matter who asks."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from eventstore import PostgresEventStore, RecordDamaged, SchemaMissing, StoreUnavailable, open_store
from eventstore.postgres import batch_text
from eventstore.request import AppendRequest
from migrations import DatabaseUnavailable, migrate, pending
from tests.eventstore.facts import fact, numbers, record


@pytest.mark.parametrize(
    "statement",
    [
        "update es.events set data = '{}'",
        "update es.events set data = '{}' where false",
        "delete from es.events",
        "truncate es.events",
        "update es.appends set append_key = 'x'",
        "delete from es.appends",
        "truncate es.appends",
        "delete from es.streams",
        "truncate es.streams",
        "truncate es.events, es.appends, es.streams",
    ],
)
async def test_the_record_is_append_only_even_for_its_owner(
    statement: str, database_url: str, postgres_store: PostgresEventStore
) -> None:
    await record(postgres_store, "a", 1)
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.DatabaseError, match="append-only") as refused,
    ):
        connection.execute(statement.encode())
    assert refused.value.sqlstate == "TL004"
    assert numbers(await postgres_store.read("a")) == [1]


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_an_append_on_an_old_snapshot_is_refused(level: str, database_url: str) -> None:
    request = AppendRequest("a", 0, "k", (fact(1),), False)
    with (
        psycopg.connect(database_url) as connection,
        pytest.raises(psycopg.DatabaseError, match="read committed") as refused,
    ):
        connection.execute(f"set transaction isolation level {level}".encode())
        connection.execute("select from es.append_many(%s)", [batch_text([request])])
    assert refused.value.sqlstate == "TL005"


async def test_the_store_does_not_mind_a_database_whose_default_is_an_old_snapshot(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set default_transaction_isolation to 'serializable'".encode())
    async with open_store(database_url) as store:
        await record(store, "a", 1)


async def test_a_server_that_may_not_write_gives_no_answer_to_an_append(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    """One in recovery may lag behind the one that writes: what it takes for a conflict may be none."""
    await record(postgres_store, "a", 1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set default_transaction_read_only to on".encode())
    async with open_store(database_url) as store:
        for version, key in ((1, "new"), (2, "ahead"), (0, "step-0")):
            with pytest.raises(StoreUnavailable):
                await store.append("a", expected_version=version, key=key, events=[fact(1)])


async def test_a_hole_in_the_record_is_not_read_over(database_url: str, postgres_store: PostgresEventStore) -> None:
    await record(postgres_store, "a", 1, 2, 3)
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table es.events disable trigger append_only")
        connection.execute("delete from es.events where position = 2")
    with pytest.raises(RecordDamaged) as damaged:
        await postgres_store.read_all()
    assert (damaged.value.after, damaged.value.found) == (1, 3)
    with pytest.raises(RecordDamaged):
        await postgres_store.read_all(after_position=1)


async def test_recorded_at_does_not_fall_when_the_clock_steps_back(
    database_url: str, postgres_store: PostgresEventStore
) -> None:
    await record(postgres_store, "a", 1)
    with psycopg.connect(database_url) as connection:
        connection.execute("alter table es.events disable trigger append_only")
        connection.execute("update es.events set recorded_at = now() + interval '1 hour'")
    await record(postgres_store, "a", 2)
    first, second = await postgres_store.read("a")
    assert second.recorded_at == first.recorded_at


async def test_a_database_that_was_not_migrated_is_named_as_such(fresh_database: str) -> None:
    async with open_store(fresh_database) as store:
        with pytest.raises(SchemaMissing, match="run the migrations"):
            await store.read_all()
        with pytest.raises(SchemaMissing):
            await store.head("a")
        with pytest.raises(SchemaMissing):
            await store.append("a", expected_version=0, key="k", events=[fact(1)])


async def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    nowhere = f"postgresql://postgres@/x?host={tmp_path}"
    with pytest.raises(StoreUnavailable):
        async with open_store(nowhere, timeout=0.2):
            pass
    with pytest.raises(DatabaseUnavailable):
        migrate(nowhere)
    with pytest.raises(DatabaseUnavailable):
        pending(nowhere)
