"""Turns every error of the recorder into one that names the cause why events were not recorded.

A cause is a code that a program can compare and a person can look up. No text here contains an event's content.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from activities import signatures
from clientkeys.errors import (
    ClientKeysError,
    KekNotInFile,
    KeysSchemaMissing,
    KeysUnavailable,
)
from eventstore.errors import EventStoreError, InvalidRequest, SchemaMissing, StoreUnavailable

log = structlog.get_logger(__name__)

_CODES: tuple[tuple[type[Exception], str], ...] = (
    (SchemaMissing, signatures.RECORD_SCHEMA),
    (StoreUnavailable, signatures.RECORD_UNREACHABLE),
    (KeysSchemaMissing, signatures.KEYS_SCHEMA),
    (KeysUnavailable, signatures.KEYS_UNREACHABLE),
    (KekNotInFile, signatures.WRONG_KEK),
    (ClientKeysError, signatures.KEY_UNUSABLE),
    (InvalidRequest, signatures.NOT_RECORDABLE),
    (ValidationError, signatures.NOT_RECORDABLE),
    (EventStoreError, signatures.RECORD_REFUSED),
    (ConnectionError, signatures.RECORD_UNREACHABLE),
    (TimeoutError, signatures.RECORD_UNREACHABLE),
)
"""The first class that matches names the cause."""


@contextmanager
def named_causes(journey_id: str) -> Iterator[None]:
    """Raises every error as an `ApplicationError` whose type is the cause, and logs it.

    An `ApplicationError` that already names its cause is only logged.
    """
    try:
        yield
    except ApplicationError as error:
        log.warning("record-attempt-failed", journey=journey_id, cause=error.type)
        raise error from None
    except Exception as error:
        code = _code_of(error)
        log.warning("record-attempt-failed", journey=journey_id, cause=code, error=type(error).__name__, **_said(error))
        text = f"journey {journey_id} cannot be recorded ({type(error).__name__})"
        raise ApplicationError(text, type=code, non_retryable=code == signatures.NOT_RECORDABLE) from None


@asynccontextmanager
async def in_time(seconds: float, away: type[StoreUnavailable | KeysUnavailable]) -> AsyncIterator[None]:
    """Raises `away` if the block has not ended after `seconds`, elapsed, so that the error names the slow database."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise away("no answer in time") from None


def _code_of(error: Exception) -> str:
    return next((code for kind, code in _CODES if isinstance(error, kind)), signatures.UNEXPECTED)


def _said(error: Exception) -> dict[str, str]:
    """What may be logged: the record's own sentence, or only where it was raised, as other texts may quote a client."""
    if isinstance(error, EventStoreError | ClientKeysError) and not isinstance(error, InvalidRequest):
        return {"reason": str(error)}
    return {"at": _place(error)}


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "unknown"
