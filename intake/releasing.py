"""Releases a message that waited for a person to name the site at which its journey opens."""

from __future__ import annotations

from intake.inbox import IntakePool

_RELEASE = """
    WITH released AS (
        UPDATE intake.messages SET state = 'received', reason_code = NULL, reason = NULL, site = %(site)s,
            updated_at = now()
        WHERE state = 'quarantined' AND reason_code = %(code)s
            AND received_id = (SELECT received_id FROM intake.quarantine WHERE quarantine_id = %(number)s)
        RETURNING received_id, client_ref),
    noted AS (
        UPDATE intake.quarantine SET released_at = now(), released_by = %(by)s
        FROM released WHERE quarantine.received_id = released.received_id),
    queued AS (
        INSERT INTO intake.queue AS queue (client_ref, lane, due_at)
        SELECT client_ref, 'openings', now() FROM released
        ON CONFLICT (client_ref) DO UPDATE SET due_at = queue.due_at)
    SELECT received_id FROM released"""
UNKNOWN_SITE = "unknown-site"
"""The code under which such a message waits."""


async def release_to_site(pool: IntakePool, number: int, site: str, by: str) -> bool:
    """Lets a message continue as an admission at `site`. Returns False if no message with that number waits for a site.

    Args:
        pool: Connections to intake's database.
        number: The message's number in quarantine.
        site: The site's id, which the caller has checked.
        by: Staff id of the person who decided.
    """
    values = {"number": number, "site": site, "by": by, "code": UNKNOWN_SITE}
    async with pool.connection() as connection:
        return await (await connection.execute(_RELEASE, values)).fetchone() is not None
