"""Sessions of people who are signed in, kept in the database, so that each can be ended at once.

The browser holds a random token and the database its hash. A session ends after some time without use, at its absolute
end, or when it is ended. Times are elapsed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, LiteralString

from psycopg_pool import AsyncConnectionPool

from access.provider import BegunSignIn
from domain.values import Instant

Pool = AsyncConnectionPool[Any]
UsedFor = Literal["board", "cli"]

_MOST_TOKEN = 200
_SIGN_IN_WITHIN = timedelta(minutes=10)
_OPEN = "token_hash = %(hash)s and ended_at is null and ends_at > %(now)s and last_used_at > %(idle_since)s"
_LOOK: LiteralString = f"select person, used_for, ends_at from access.sessions where {_OPEN}"  # noqa: S608
_USE: LiteralString = f"""
with found as ({_LOOK}), used as (
    update access.sessions set last_used_at = %(now)s
    where {_OPEN} and last_used_at < %(now)s::timestamptz - interval '20 seconds'
)
select * from found
"""  # noqa: S608 - made of constants
"""Use is noted each 20 seconds at most, since each page asks for several things at once."""
_BEGIN = """
insert into access.sessions (token_hash, person, used_for, began_at, last_used_at, ends_at)
values (%(hash)s, %(person)s, %(used_for)s, %(now)s, %(now)s, %(ends_at)s)
"""
_END = "update access.sessions set ended_at = %s where token_hash = %s and ended_at is null"
_ASK = """
insert into access.sign_ins (state_hash, verifier, nonce, return_to, began_at)
values (%(hash)s, %(verifier)s, %(nonce)s, %(return_to)s, %(now)s)
"""
_ANSWER = "delete from access.sign_ins where state_hash = %s returning verifier, nonce, return_to, began_at"
_FORGET = "delete from access.sign_ins where began_at < %s"


@dataclass(frozen=True, slots=True)
class Session:
    """A session in use.

    Attributes:
        person: Opaque staff id.
        ends_at: Its absolute end.
        token: What the browser holds; never logged.
    """

    person: str
    used_for: UsedFor
    ends_at: Instant
    token: str

    def csrf_token(self) -> str:
        """What every form of this session must carry. Another site cannot know it."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()

    def accepts_form(self, given: str | None) -> bool:
        """Whether a form with this token was made for this session."""
        return given is not None and hmac.compare_digest(given.encode(), self.csrf_token().encode())


@dataclass(frozen=True, slots=True)
class AskedSignIn:
    """A sign-in that has come back from the provider."""

    verifier: str
    nonce: str
    return_to: str


class Sessions:
    """All sessions, in the schema `access` of the record's database."""

    def __init__(
        self, pool: Pool, *, idle: timedelta = timedelta(minutes=15), longest: timedelta = timedelta(hours=12)
    ) -> None:
        """`idle`: a session without use ends after it. `longest`: every session ends after it."""
        self._pool = pool
        self._idle = idle
        self._longest = longest

    async def begin(
        self, person: str, used_for: UsedFor, now: datetime, *, no_longer_than: datetime | None = None
    ) -> Session:
        """A new session for a person whom the provider vouches for.

        Args:
            no_longer_than: The end of the session from which it comes, if it comes from one.
        """
        token, ends_at = (
            secrets.token_urlsafe(32),
            min(now + self._longest, no_longer_than or datetime.max.replace(tzinfo=UTC)),
        )
        values = {"hash": _hash(token), "person": person, "used_for": used_for, "now": now, "ends_at": ends_at}
        async with self._pool.connection() as connection:
            await connection.execute(_BEGIN, values)
        return Session(person, used_for, ends_at, token)

    async def use(self, token: str, now: datetime) -> Session | None:
        """The session that `token` opens, or None. It is then in use until `now` at least."""
        return await self._find(_USE, token, now)

    async def look(self, token: str, now: datetime) -> Session | None:
        """The same, without counting as use: for what a page does by itself while nobody is there."""
        return await self._find(_LOOK, token, now)

    async def _find(self, query: LiteralString, token: str, now: datetime) -> Session | None:
        if not token or len(token) > _MOST_TOKEN:
            return None
        values = {"hash": _hash(token), "now": now, "idle_since": now - self._idle}
        async with self._pool.connection() as connection:
            found = await (await connection.execute(query, values)).fetchone()
        return Session(found[0], found[1], found[2], token) if found else None

    async def end(self, session: Session, now: datetime) -> None:
        """Ends it. Its token opens nothing from now on."""
        async with self._pool.connection() as connection:
            await connection.execute(_END, (now, _hash(session.token)))

    async def ask(self, begun: BegunSignIn, return_to: str, now: datetime) -> None:
        """Keeps what a sign-in needs when it comes back. Old ones are forgotten."""
        values = {
            "hash": _hash(begun.state),
            "verifier": begun.verifier,
            "nonce": begun.nonce,
            "return_to": return_to,
            "now": now,
        }
        async with self._pool.connection() as connection:
            await connection.execute(_FORGET, (now - _SIGN_IN_WITHIN,))
            await connection.execute(_ASK, values)

    async def answered(self, state: str, now: datetime) -> AskedSignIn | None:
        """The sign-in that `state` belongs to, once; None if there is none, or it took too long."""
        async with self._pool.connection() as connection:
            found = await (await connection.execute(_ANSWER, (_hash(state),))).fetchone()
        if found is None or found[3] < now - _SIGN_IN_WITHIN:
            return None
        return AskedSignIn(found[0], found[1], found[2])


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
