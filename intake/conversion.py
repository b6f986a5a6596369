"""Seals what older releases kept in plain text. Runs before intake takes its first message; safe at any time.

Each row is changed in one statement, so a process that is killed leaves the rest for the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import structlog
from psycopg import AsyncConnection
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from eventstore.keys import Keyring
from intake.facts import ClientKey
from intake.person import Person
from intake.privacy import Privacy
from intake.registry import known_as

log = structlog.get_logger(__name__)

Pool = AsyncConnectionPool[AsyncConnection[Any]]
Row = dict[str, Any]

_CLIENTS = "SELECT * FROM intake.clients WHERE mrn IS NOT NULL LIMIT 100 FOR UPDATE"
_JOURNEYS = "SELECT journey_id, visit FROM intake.journeys WHERE client_ref = %s"
_MESSAGES = """
    SELECT received_id, sha256, business_sha256, sealed, authority, mrn, visit FROM intake.messages
    WHERE key_id IS NULL AND sealed IS NOT NULL ORDER BY received_id LIMIT 100 FOR UPDATE"""
_ENQUEUE = """
    INSERT INTO intake.queue (client_ref, lane, due_at)
    SELECT client_ref, 'openings', now() FROM intake.messages WHERE received_id = %s AND state = 'received'
        AND client_ref IS NOT NULL
    ON CONFLICT (client_ref) DO NOTHING"""
_QUARANTINE = """
    SELECT q.quarantine_id, q.received_id, q.sha256, q.sealed, m.sealed AS of_message, m.key_id AS of_key, m.sha256
        AS of_hash
    FROM intake.quarantine q LEFT JOIN intake.messages m USING (received_id)
    WHERE q.key_id IS NULL AND q.sealed IS NOT NULL ORDER BY q.quarantine_id LIMIT 100 FOR UPDATE OF q"""


async def seal_plain_rows(pool: Pool, keyring: Keyring) -> int:
    """Seals every plain row of intake; how many there were.

    Raises:
        KeysUnavailable: Some are left; run it again.
    """
    conversion = _Conversion(Privacy(keyring))
    steps = (conversion.client, _CLIENTS), (conversion.message, _MESSAGES), (conversion.quarantined, _QUARANTINE)
    count = 0
    for convert, query in steps:
        while done := await _batch(pool, query, convert):
            count += done
    if count:
        log.info("plain rows sealed", rows=count)
    return count


async def _batch(pool: Pool, query: str, convert: Callable[[AsyncConnection[Any], Row], Awaitable[None]]) -> int:
    async with pool.connection() as connection, connection.transaction():
        rows = await (await connection.cursor(row_factory=dict_row).execute(query.encode())).fetchall()
        for row in rows:
            await convert(connection, row)
    return len(rows)


class _Conversion:
    def __init__(self, privacy: Privacy) -> None:
        self._privacy = privacy

    async def client(self, connection: AsyncConnection[Any], row: Row) -> None:
        client_ref: UUID = row["client_ref"]
        person = Person(
            key=ClientKey(authority=row["authority"], mrn=row["mrn"]),
            family_name=row["family_name"] or "",
            given_name=row["given_name"] or "",
            **{name: row[name] for name in ("birth_date", "sex", "member_id", "payer_id")},
        )
        await connection.execute(
            "INSERT INTO intake.known (number_hash, client_ref) VALUES (%s, %s)",
            (await self._privacy.hash_of_number(person.key), client_ref),
        )
        for journey_id, visit in await (await connection.execute(_JOURNEYS, (client_ref,))).fetchall():
            hashed = await self._privacy.hash_of_visit(visit)
            await connection.execute(
                "UPDATE intake.journeys SET visit = %s WHERE journey_id = %s", (hashed, journey_id)
            )
        await connection.execute(
            """UPDATE intake.clients SET authority = NULL, mrn = NULL, family_name = NULL, given_name = NULL,
               birth_date = NULL, sex = NULL, member_id = NULL, payer_id = NULL, sealed = %s, key_id = %s
               WHERE client_ref = %s""",
            (*await self._privacy.seal_person(person, client_ref), client_ref),
        )

    async def message(self, connection: AsyncConnection[Any], row: Row) -> None:
        client_ref = await self._named(connection, row["authority"], row["mrn"]) if row["mrn"] else None
        hashed = await self._privacy.hash_of_digest(row["sha256"])
        await connection.execute(
            """UPDATE intake.messages SET authority = NULL, mrn = NULL, client_ref = %s, visit = %s, sha256 = %s,
               business_sha256 = %s, sealed = %s, key_id = %s WHERE received_id = %s""",
            (
                client_ref,
                await self._privacy.hash_of_visit(row["visit"]),
                hashed,
                await self._privacy.hash_of_digest(row["business_sha256"]),
                *await self._privacy.seal_message(row["sealed"], hashed, client_ref),
                row["received_id"],
            ),
        )
        await connection.execute(_ENQUEUE, (row["received_id"],))

    async def quarantined(self, connection: AsyncConnection[Any], row: Row) -> None:
        hashed, sealed, key_id = row["of_hash"], row["of_message"], row["of_key"]
        if row["received_id"] is None:
            hashed = await self._privacy.hash_of_digest(row["sha256"])
            sealed, key_id = await self._privacy.seal_message(row["sealed"], hashed, None)
        await connection.execute(
            "UPDATE intake.quarantine SET sha256 = %s, sealed = %s, key_id = %s WHERE quarantine_id = %s",
            (hashed, sealed, key_id, row["quarantine_id"]),
        )

    async def _named(self, connection: AsyncConnection[Any], authority: str, mrn: str) -> UUID:
        return await known_as(connection, await self._privacy.hash_of_number(ClientKey(authority=authority, mrn=mrn)))
