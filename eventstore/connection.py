"""Connections for jobs over the whole record, outside the pool; their errors are the record's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel

from eventstore.errors import SchemaMissing, StoreUnavailable
from eventstore.postgres import NO_SCHEMA


@contextmanager
def one_moment(database_url: str) -> Iterator[Connection[Any]]:
    """A connection that reads the record as it stood when it first asked, and cannot write.

    Raises:
        StoreUnavailable: The database did not answer.
        SchemaMissing: It holds no record, or the role may not read it.
    """
    with whole_job(database_url) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


@contextmanager
def whole_job(database_url: str) -> Iterator[Connection[Any]]:
    """A connection whose work is one transaction: undone unless it is committed. Raises as `one_moment` does."""
    try:
        connection = psycopg.connect(database_url, client_encoding="utf8")
        try:
            connection.execute("set timezone to 'UTC'")
            connection.commit()
            yield connection
        finally:
            connection.close()
    except NO_SCHEMA:
        raise SchemaMissing from None
    except psycopg.OperationalError as error:
        raise StoreUnavailable(type(error).__name__) from None
