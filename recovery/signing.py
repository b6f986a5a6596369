"""Signs the head of the record's hash chain in every scheduled run, so that no earlier change can go unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import signatures
from eventstore.verification.anchors import AnchorError, read_signing_key, sign_head

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class HeadSigner:
    """Signs heads. Without a key it logs that none are signed.

    Attributes:
        database_url: The record's database.
        key_file: The private key.
        anchors: The file of signed heads.
    """

    database_url: str | None = None
    key_file: Path | None = None
    anchors: Path | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @activity.defn(name=signatures.SIGN_HEAD)
    async def sign(self) -> signatures.HeadSigned:
        """Signs the newest event of the record.

        Raises:
            StoreUnavailable: The database does not answer; Temporal tries again.
            ApplicationError: Not retryable. `not-signed`: the key or the file cannot be used.
        """
        if self.database_url is None or self.key_file is None or self.anchors is None:
            log.warning("heads-are-not-signed", advice="set THROUGHLINE_SIGNING_KEY and THROUGHLINE_ANCHORS")
            return signatures.HeadSigned(position=None)
        try:
            key = read_signing_key(self.key_file)
            signed = await asyncio.to_thread(sign_head, self.database_url, key, self.anchors, self.clock())
        except AnchorError as error:
            log.error("head-not-signed", reason=str(error))
            raise ApplicationError(str(error), type=signatures.NOT_SIGNED, non_retryable=True) from None
        return signatures.HeadSigned(position=signed.position if signed else None)
