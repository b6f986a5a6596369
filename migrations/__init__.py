"""Brings both databases up to date, from the plain SQL files beside the code that uses the tables.

Migrations are run by `throughline migrate` and by tests, never by the code that uses a database: neither the event
store nor the keys know this package.
"""

from migrations.databases import KEYS, RECORD
from migrations.errors import DatabaseUnavailable, MigrationError, MigrationFailed
from migrations.migrate import migrate, migrate_keys, pending

__all__ = [
    "KEYS",
    "RECORD",
    "DatabaseUnavailable",
    "MigrationError",
    "MigrationFailed",
    "migrate",
    "migrate_keys",
    "pending",
]
