"""`throughline missed`: what was overdue at any time, also on journeys that have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from cli.access import load_settings, told_in_one_line
from cli.journeys import MISSED_COLUMNS, missed_cells
from cli.options import SomeRole
from cli.output import complain, show_json, stdout, table
from dashboard.missed import MissedDuty, list_missed

Grouping = Literal["kind", "owner", "person", "site", "month"]


async def missed(
    *,
    kind: str | None = None,
    owner: SomeRole = None,
    person: str | None = None,
    site: str | None = None,
    month: str | None = None,
    by: Grouping | None = None,
    json: bool = False,
) -> None:
    """List the duties that were missed: overdue now, done late, or never done. They stay after a journey has ended.

    As the read models have them: see `throughline projections list`.

    Parameters
    ----------
    kind:
        Only those of this kind, such as follow-up.
    owner:
        Only those that this role owes or owed.
    person:
        Only those that the person with this staff id ended.
    site:
        Only those of this site.
    month:
        Only those due in this month at the site, such as 2026-03.
    by:
        Count them by this instead of listing them.
    json:
        Print a JSON list.
    """
    with told_in_one_line():
        found = await list_missed(load_settings().require_database_url(), datetime.now(UTC))
    if found.as_of < found.head:
        complain(f"as of event {found.as_of} of {found.head}: see `throughline projections list`")
    wanted = {"kind": kind, "owner": owner, "person": person, "site": site, "month": month}
    rows = [each for each in found.rows if all(value in (None, _group(each, name)) for name, value in wanted.items())]
    if by is not None:
        _show_counts(rows, by, json)
    elif json:
        show_json(rows)
    elif rows:
        table(None, ("Journey", "Site", *MISSED_COLUMNS), [(r.journey_id, r.site, *missed_cells(r)) for r in rows])
        stdout.print(f"\n{len(rows)} missed")
    else:
        stdout.print("nothing was missed")


def _show_counts(rows: Sequence[MissedDuty], by: str, json: bool) -> None:
    counted = Counter((_group(each, by) or "nobody", each.outcome) for each in rows)
    if json:
        show_json([{by: group, "outcome": outcome, "missed": n} for (group, outcome), n in sorted(counted.items())])
    else:
        table(None, (by.capitalize(), "Outcome", "Missed"), [(*key, n) for key, n in sorted(counted.items())])


def _group(each: MissedDuty, name: str) -> str | None:
    value = each.ended_by_id if name == "person" else getattr(each, name)
    return str(value) if value is not None else None
