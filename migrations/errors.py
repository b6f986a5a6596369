"""What can go wrong with a migration, and what to do then."""

from __future__ import annotations


class MigrationError(Exception):
    """The database is not up to date."""


class MigrationFailed(MigrationError):
    """A migration cannot be applied; the database is as it was before that migration."""


class DatabaseUnavailable(MigrationError):
    """The database did not answer. What it had applied by then stays applied: ask again."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the database is unavailable ({cause}): see that it answers, then migrate again")
