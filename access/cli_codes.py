"""Signing in on the command line: a person who has signed in at the board is shown a code, which the command redeems.

The command makes a secret and sends only its hash to the board (RFC 7636, S256). So a code that somebody else has read
opens nothing without the command that asked for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

from psycopg_pool import AsyncConnectionPool

from access.sessions import Session

_WITHIN = timedelta(minutes=5)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_OFFER = "insert into access.cli_codes (code_hash, challenge, person, offered_at, ends_at) values (%s, %s, %s, %s, %s)"
_REDEEM = "delete from access.cli_codes where code_hash = %s returning challenge, person, offered_at, ends_at"
_FORGET = "delete from access.cli_codes where offered_at < %s"


def challenge_of(verifier: str) -> str:
    """What the command sends of its secret."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def is_challenge(text: str) -> bool:
    """Whether the text has the form of one."""
    return _CHALLENGE.fullmatch(text) is not None


class CliCodes:
    """Codes in the schema `access` of the record's database."""

    def __init__(self, pool: AsyncConnectionPool[Any]) -> None:
        self._pool = pool

    async def offer(self, session: Session, challenge: str, now: datetime) -> str:
        """A code for the command that made the challenge, shown in `session`. Old ones are forgotten."""
        code = secrets.token_urlsafe(12)
        async with self._pool.connection() as connection:
            await connection.execute(_FORGET, (now - _WITHIN,))
            await connection.execute(_OFFER, (_hash(code), challenge, session.person, now, session.ends_at))
        return code

    async def redeem(self, code: str, verifier: str, now: datetime) -> tuple[str, datetime] | None:
        """Who was shown `code`, once, and when their sign-in ends; None if it is not this command's, or too old."""
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_REDEEM, (_hash(code),))).fetchone()
        if found is None or found[2] < now - _WITHIN:
            return None
        return (str(found[1]), found[3]) if hmac.compare_digest(str(found[0]), challenge_of(verifier)) else None


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
