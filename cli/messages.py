"""`throughline messages`: how many messages arrived, and what happened to them."""

from __future__ import annotations

from cli.output import show_json, table
from cli.quarantine import read_intake
from domain.wording import moment

_COUNTED = """
    select state, coalesce(reason_code, ''), event, count(*), max(received_at) from intake.messages group by 1, 2, 3
    union all
    select 'quarantined', reason_code, '', sum(times), max(last_seen_at) from intake.quarantine
    where received_id is null group by 2
    order by 1, 2, 3"""
_COLUMNS = ("state", "code", "event", "count", "last_received_at")


async def messages(*, json: bool = False) -> None:
    """Count the messages that arrived, by state, reason code and event.

    Every acknowledged message is `done` or `received` (acted on, or about to be), `parked` (waits for the message it
    belongs to), `ignored` by the rule that the code names, or `quarantined` for a person. Bytes that were not a message
    have no event.

    Args:
        json: Print the list as JSON.
    """
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in await read_intake(_COUNTED)]
    if json:
        show_json([row | {"count": int(row["count"])} for row in rows])
    else:
        cells = [(r["state"], r["code"], r["event"], r["count"], moment(r["last_received_at"])) for r in rows]
        table(None, ("State", "Code", "Event", "Count", "Last received"), cells)
