"""What is read in bulk is what `read_all` reads, and no hole goes unnoticed."""

from __future__ import annotations

from datetime import datetime

import pytest

from eventstore import NewEvent, PostgresEventStore, RecordDamaged
from eventstore.following.bulk import open_session, read_earlier, read_head, read_page
from record.codec import decode, from_record, is_journey, to_record
from tests.domain.walk import STAGES
from tests.eventstore.facts import NOON, record


async def fill(store: PostgresEventStore) -> None:
    """Every stage of a journey, one of the steps recorded by nobody in particular, and a stream of something else."""
    for number, walked in enumerate(STAGES.values()):
        events = [to_record(each) for each in walked().record]
        events[0] = events[0].model_copy(update={"meta": {}, "data": {**events[0].data, "message": 'é"\\\n\u2028😀'}})
        await store.append(f"j-{number}", expected_version=0, key="k", events=events)
    other = NewEvent(type="client.mentioned", schema_version=9, data={}, occurred_at=NOON)
    await store.append("client/c", expected_version=0, key="k", events=[other])


async def test_rows_hold_what_stored_events_hold(migrated_database: str, postgres_store: PostgresEventStore) -> None:
    await fill(postgres_store)
    stored = await postgres_store.read_all(limit=10_000)
    async with await open_session(migrated_database, "test") as session:
        rows = await read_page(session, 0, 10_000)
        assert await read_head(session) == len(rows) == len(stored)
        assert (await read_page(session, 5, 7)) == rows[5:12]
        assert await read_page(session, len(rows), 7) == []
        assert await read_earlier(session, {"j-2": 4, "j-1": 2}) == [
            row
            for row in rows
            if (row.stream == "j-1" and row.version < 2) or (row.stream == "j-2" and row.version < 4)
        ]
    for row, event in zip(rows, stored, strict=True):
        assert (row.position, row.stream, row.version) == (event.position, event.stream, event.version)
        assert (row.type, row.schema_version) == (event.type, event.schema_version)
        assert datetime.fromisoformat(f"{row.occurred_at}:00") == event.occurred_at
        assert datetime.fromisoformat(f"{row.recorded_at}:00") == event.recorded_at
    ours = [(row, event) for row, event in zip(rows, stored, strict=True) if is_journey(row.stream)]
    assert decode([row for row, _ in ours]) == [from_record(event) for _, event in ours]
    assert decode([]) == []


async def test_a_hole_in_a_page_or_before_it_is_noticed(
    migrated_database: str, postgres_store: PostgresEventStore
) -> None:
    await record(postgres_store, "a", *range(9))
    async with await open_session(migrated_database, "test") as session:
        await session.execute("alter table es.events disable trigger append_only")
        await session.execute("delete from es.events where position = 4")
        for after, limit in ((0, 9), (2, 3), (3, 2)):
            with pytest.raises(RecordDamaged) as damaged:
                await read_page(session, after, limit)
            assert (damaged.value.after, damaged.value.found) == (3, 5)
        assert len(await read_page(session, 4, 9)) == 5
