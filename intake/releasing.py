"""Releases a message that waited for a person to name the site at which its journey opens."""

from __future__ import annotations

from intake.inbox import IntakePool

_RELEASE = """
    with released as (
        update intake.messages set state = 'received', reason_code = null, reason = null, site = %(site)s,
            updated_at = now()
        where state = 'quarantined' and reason_code = %(code)s
            and received_id = (select received_id from intake.quarantine where quarantine_id = %(number)s)
        returning received_id, client_ref),
    noted as (
        update intake.quarantine set released_at = now(), released_by = %(by)s
        from released where quarantine.received_id = released.received_id),
    queued as (
        insert into intake.queue as queue (client_ref, lane, due_at)
        select client_ref, 'openings', now() from released
        on conflict (client_ref) do update set due_at = queue.due_at)
    select received_id from released"""
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
