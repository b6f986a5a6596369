"""The record: an append-only event store in one dense global order.

`EventStore` is what the rest of the system sees; `open_store` gives the PostgreSQL one, `MemoryEventStore`
keeps the same contract without a database, `migrate` brings a database up to date. Words about clients are sealed
(`eventstore.sealing`) under keys that `open_keyring` gives from a database of their own.
"""

from eventstore.errors import (
    EventStoreError,
    Fenced,
    InvalidRequest,
    KeyReused,
    MigrationFailed,
    RecordDamaged,
    SchemaMissing,
    StoreUnavailable,
    StreamClosed,
    VersionConflict,
)
from eventstore.events import Appended, NewEvent, OpenStream, StoredEvent, StreamEntry, StreamHead
from eventstore.memory import MemoryEventStore
from eventstore.migrate import migrate, pending
from eventstore.port import EventStore
from eventstore.postgres import PostgresEventStore, open_store
from eventstore.postgres_keys import migrate_keys, open_keyring

__all__ = [
    "Appended",
    "EventStore",
    "EventStoreError",
    "Fenced",
    "InvalidRequest",
    "KeyReused",
    "MemoryEventStore",
    "MigrationFailed",
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
    "migrate",
    "migrate_keys",
    "open_keyring",
    "open_store",
    "pending",
]
