"""All streams of a record, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

from eventstore.events import OpenStream
from eventstore.port import EventStore
from record.codec import is_journey


async def streams(store: EventStore, prefix: str = "", *, open_only: bool = False) -> AsyncIterator[str]:
    """The names that begin with `prefix`, in byte order; `open_only` leaves out streams that take no more events."""
    after = prefix
    while page := await store.streams(after=after, open_only=open_only):
        for each in page:
            if not each.stream.startswith(prefix):
                return
            yield each.stream
        after = page[-1].stream


async def open_journeys(store: EventStore) -> AsyncIterator[str]:
    """The journeys that are open on record."""
    async for stream in streams(store, open_only=True):
        if is_journey(stream):
            yield stream


async def open_journey_heads(store: EventStore) -> AsyncIterator[OpenStream]:
    """The same, each with where its stream stands."""
    async for each in store.open_streams():
        if is_journey(each.stream):
            yield each
