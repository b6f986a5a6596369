"""Who the clients are and which journey is theirs: one open journey for a client, whoever asks and how often."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row
from psycopg_pool import AsyncConnectionPool

from activities.ports import ClientIdentity
from domain.values import Instant, Value
from intake.facts import Admission, ClientKey, Identity

_COLUMNS = ("family_name", "given_name", "birth_date", "sex", "member_id", "payer_id")
_NOT_NULL = ("family_name", "given_name")


class Journey(Value):
    """A row of the register. `started_at` is None until the gate confirmed the journey."""

    journey_id: UUID
    client_ref: UUID
    opened_by: UUID
    visit: str
    admitted_at: Instant
    started_at: Instant | None
    closed_at: Instant | None


def _newer(column: str) -> str:
    """An older message never overwrites a newer one's value; it may fill a gap."""
    old, said = f"intake.clients.{column}", f"%({column})s"
    gap = f"nullif({old}, '')" if column in _NOT_NULL else old
    empty = "''" if column in _NOT_NULL else "NULL"
    kept = f"coalesce({said}, {old})"
    newer = f"CASE WHEN '{column}' = ANY(%(cleared)s) THEN {empty} ELSE {kept} END"
    older = f"coalesce({gap}, {said}, {empty})"
    return f"{column} = CASE WHEN %(as_of)s >= intake.clients.identity_as_of THEN {newer} ELSE {older} END"


_CHANGES = ", ".join(map(_newer, _COLUMNS))
_UPSERT = f"""
    INSERT INTO intake.clients (client_ref, authority, mrn, family_name, given_name, birth_date, sex, member_id,
                                payer_id, identity_as_of)
    VALUES (%(client_ref)s, %(authority)s, %(mrn)s, coalesce(%(family_name)s, ''), coalesce(%(given_name)s, ''),
            %(birth_date)s, %(sex)s, %(member_id)s, %(payer_id)s, %(as_of)s)
    ON CONFLICT (authority, mrn) DO UPDATE
    SET {_CHANGES}, identity_as_of = greatest(intake.clients.identity_as_of, %(as_of)s)
    RETURNING client_ref"""  # noqa: S608 - built from the constants above
_UPDATE = f"""
    UPDATE intake.clients
    SET {_CHANGES}, identity_as_of = greatest(identity_as_of, %(as_of)s)
    WHERE authority = %(authority)s AND mrn = %(mrn)s
    RETURNING client_ref"""  # noqa: S608 - built from the constants above
_JOURNEY = "SELECT journey_id, client_ref, opened_by, visit, admitted_at, started_at, closed_at FROM intake.journeys"


class Registry:
    """The register in PostgreSQL; also the `ClientDirectory` that adapters look people up in."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self._pool = pool

    async def admit(self, admission: Admission, message_id: UUID) -> tuple[Journey, bool]:
        """The client's one open journey, made if there is none; True if `message_id` is what opened it.

        However many ask at once, one journey is made. The same `message_id` asking again gets the same answer,
        even when the journey it opened is closed by now.
        """
        async with self._pool.connection() as connection, connection.transaction():
            values = _parameters(admission.identity, admission.occurred_at) | {"client_ref": uuid4()}
            row = await (await connection.execute(_UPSERT, values)).fetchone()
            client_ref: UUID = row[0] if row else values["client_ref"]
            await connection.execute(
                """INSERT INTO intake.journeys (journey_id, client_ref, opened_by, visit, admitted_at)
                   VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
                (uuid4(), client_ref, message_id, admission.visit, admission.occurred_at),
            )
            journey = await _journey_for(connection, client_ref, message_id)
        if journey is None:
            raise RuntimeError("the journey was closed while it was being opened; the relay tries again")
        return journey, journey.opened_by == message_id

    async def update_identity(self, identity: Identity, as_of: datetime) -> UUID | None:
        """Applies what a message said of a known client; their reference, or None if they are not known."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_UPDATE, _parameters(identity, as_of))).fetchone()
        return row[0] if row else None

    async def open_journey(self, key: ClientKey) -> Journey | None:
        """The client's open journey, if the client is known and has one."""
        async with self._pool.connection() as connection:
            found = await connection.execute(
                "SELECT client_ref FROM intake.clients WHERE authority = %s AND mrn = %s", (key.authority, key.mrn)
            )
            row = await found.fetchone()
            return await _open_journey(connection, row[0]) if row else None

    async def confirm(self, journey_id: UUID) -> None:
        """Notes that the gate has opened the journey."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE intake.journeys SET started_at = now() WHERE journey_id = %s AND started_at IS NULL",
                (journey_id,),
            )

    async def close(self, journey_id: UUID | str) -> None:
        """The journey is over; the client's next admission opens another. Closing twice changes nothing."""
        async with self._pool.connection() as connection:
            await connection.execute(
                "UPDATE intake.journeys SET closed_at = now() WHERE journey_id = %s AND closed_at IS NULL",
                (journey_id,),
            )

    async def find(self, client_ref: str) -> ClientIdentity | None:
        """The identity last received for `client_ref`, or None if it is not known."""
        try:
            reference = UUID(client_ref)
        except ValueError:
            return None
        async with self._pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(
                """SELECT mrn, family_name, given_name, birth_date, sex, member_id, payer_id
                   FROM intake.clients WHERE client_ref = %s""",
                (reference,),
            )
            row = await cursor.fetchone()
        return ClientIdentity(**row | {"client_ref": str(reference)}) if row else None


def _parameters(identity: Identity, as_of: datetime) -> dict[str, Any]:
    values = {column: getattr(identity, column) for column in _COLUMNS}
    return values | {
        "authority": identity.key.authority,
        "mrn": identity.key.mrn,
        "cleared": list(identity.cleared),
        "as_of": as_of,
    }


async def _open_journey(connection: AsyncConnection[Any], client_ref: UUID) -> Journey | None:
    cursor = connection.cursor(row_factory=class_row(Journey))
    await cursor.execute(f"{_JOURNEY} WHERE client_ref = %s AND closed_at IS NULL", (client_ref,))
    return await cursor.fetchone()


async def _journey_for(connection: AsyncConnection[Any], client_ref: UUID, message_id: UUID) -> Journey | None:
    """The one this message opened, though it be closed by now, else the open one."""
    cursor = connection.cursor(row_factory=class_row(Journey))
    await cursor.execute(
        f"{_JOURNEY} WHERE opened_by = %s OR (client_ref = %s AND closed_at IS NULL) ORDER BY opened_by = %s DESC",
        (message_id, client_ref, message_id),
    )
    return await cursor.fetchone()
