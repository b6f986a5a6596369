"""`throughline quarantine`: messages that a person must look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from psycopg import Error
from psycopg_pool import PoolTimeout

from cli.access import load_settings, the_keys
from cli.output import Exit, Stop, show_json, stdout, table
from clientkeys.errors import KeyDestroyed
from deploy.errors import SettingsError
from domain.refusal import UnknownHere
from domain.sites import all_sites, site_named
from domain.wording import moment
from intake.inbox import IntakePool
from intake.privacy import Privacy, Sealed
from intake.releasing import release_to_site
from intake.service import intake_pool

_LISTED = """
    select quarantine_id, received_id, listener, reason_code, reason, quarantined_at, last_seen_at, times
    from intake.quarantine where released_at is null order by quarantine_id desc limit %s"""
_ONE = "select sealed, key_id, sha256 from intake.quarantine where quarantine_id = %s"
_COLUMNS = ("quarantine_id", "received_id", "listener", "code", "advice", "quarantined_at", "last_seen_at", "times")


async def quarantine(
    number: int | None = None,
    /,
    *,
    unseal: bool = False,
    site: str | None = None,
    by: str | None = None,
    last: int = 50,
    json: bool = False,
) -> None:
    """List messages that a person must look at. With a number, show one as it was received, or set its site.

    Args:
        number: The message's number in the list.
        unseal: Show that message decrypted. Needs the clients' keys.
        site: The site that admits the client, if the message did not name one (`unknown-site`).
        by: Staff id of the person who decides this.
        last: How many to list, newest first.
        json: Print the list as JSON.
    """
    if number is not None and site is not None and by is not None and not unseal:
        await _release(number, site, by)
        return
    if (number is None) is unseal or site is not None or by is not None:
        raise Stop(
            Exit.USAGE, "a number goes with --unseal, or with --site and --by: `throughline quarantine 7 --unseal`"
        )
    if number is not None:
        stdout.print(await _opened(number), markup=False)
        return
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in await read_intake(_LISTED, last)]
    if json:
        show_json(rows)
    else:
        cells = [(r["quarantine_id"], moment(r["last_seen_at"]), r["listener"], r["code"], r["advice"]) for r in rows]
        table(None, ("#", "Last seen", "Listener", "Code", "What to do"), cells)


async def _release(number: int, site: str, by: str) -> None:
    try:
        site_named(site)
    except UnknownHere:
        known = ", ".join(each.id for each in all_sites())
        raise Stop(Exit.USAGE, f"there is no site of that name; the centre's sites are: {known}") from None
    async with _intake_database() as pool:
        if not await release_to_site(pool, number, site, by):
            raise Stop(
                Exit.NOT_FOUND, "no message with that number is waiting for a site: see `throughline quarantine`"
            )
    stdout.print(f"message {number} continues as an admission at {site}: see `throughline messages`", markup=False)


async def _opened(number: int) -> str:
    found = await read_intake(_ONE, number)
    if not found:
        raise Stop(Exit.NOT_FOUND, "no message with that number is in quarantine: see `throughline quarantine`")
    [(sealed, key_id, message_hash)] = found
    if sealed is None:
        raise Stop(Exit.NOT_FOUND, "that message was erased together with its client's key")
    return await _text(sealed, key_id, message_hash)


async def _text(sealed: bytes, key_id: UUID, message_hash: bytes) -> str:
    async with the_keys() as keys:
        try:
            raw = await Privacy(keys).open_message(Sealed(sealed, key_id), message_hash)
        except KeyDestroyed:
            raise Stop(Exit.NOT_FOUND, "the key of that message's client was destroyed") from None
    return raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\r", "\n")


async def read_intake(query: str, *values: object) -> list[tuple[Any, ...]]:
    """Runs a query on intake's tables and returns the rows.

    Raises:
        Stop: The database is not named or does not answer.
    """
    async with _intake_database() as pool, pool.connection() as connection:
        return await (await connection.execute(query.encode(), values)).fetchall()


@asynccontextmanager
async def _intake_database() -> AsyncIterator[IntakePool]:
    try:
        async with intake_pool(load_settings().require_database_url()) as pool:
            yield pool
    except (SettingsError, Error, PoolTimeout) as error:
        told = (
            str(error) if isinstance(error, SettingsError) else f"the database does not answer: {type(error).__name__}"
        )
        raise Stop(Exit.UNREACHABLE, told) from None
