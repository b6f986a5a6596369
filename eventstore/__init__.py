"""An append-only event store in one dense global order.

`EventStore` is what the rest of the system sees; `open_store` gives the one in PostgreSQL. `eventstore.appending` puts
writers' appends on their way, `eventstore.following` reads on as events come, `eventstore.verification` shows that none
was changed, and `eventstore.cloudevents` exports and imports. What the events say is not known here.
"""

from eventstore.errors import (
    EventStoreError,
    Fenced,
    InvalidRequest,
    KeyReused,
    RecordDamaged,
    SchemaMissing,
    StoreUnavailable,
    StreamClosed,
    VersionConflict,
)
from eventstore.events import Appended, NewEvent, OpenStream, StoredEvent, StreamEntry, StreamHead
from eventstore.port import EventStore
from eventstore.postgres import PostgresEventStore, open_store

__all__ = [
    "Appended",
    "EventStore",
    "EventStoreError",
    "Fenced",
    "InvalidRequest",
    "KeyReused",
    "NewEvent",
    "OpenStream",
    "PostgresEventStore",
    "RecordDamaged",
    "SchemaMissing",
    "StoreUnavailable",
    "StoredEvent",
    "StreamClosed",
    "StreamEntry",
    "StreamHead",
    "VersionConflict",
    "open_store",
]
