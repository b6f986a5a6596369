from __future__ import annotations

from datetime import UTC, datetime

from eventstore import EventStore, NewEvent, StoredEvent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def fact(number: int, **meta: str) -> NewEvent:
    return NewEvent(type="test.counted", schema_version=1, data={"number": number}, occurred_at=NOON, meta=dict(meta))


def numbers(events: tuple[StoredEvent, ...]) -> list[int]:
    return [event.data["number"] for event in events]


async def record(store: EventStore, stream: str, *recorded: int) -> None:
    """Appends one fact per number, each under a key of its own, from wherever the stream stands."""
    head = await store.head(stream)
    version = head.version if head else 0
    for offset, number in enumerate(recorded):
        await store.append(
            stream, expected_version=version + offset, key=f"step-{version + offset}", events=[fact(number)]
        )
