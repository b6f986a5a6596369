"""`throughline obligations`: what is owed on all journeys, by whom."""

from __future__ import annotations

from datetime import UTC, datetime

from cli.access import load_settings, told_in_one_line
from cli.options import SomeRole
from cli.output import complain, show_json, stdout, table
from dashboard.open_obligations import OpenObligation, OpenObligations, open_obligations
from domain.wording import moment, named


async def obligations(
    *,
    person: str | None = None,
    owner: SomeRole = None,
    unassigned: bool = False,
    site: str | None = None,
    overdue: bool = False,
    json: bool = False,
) -> None:
    """List what is owed on all open journeys, with the person or role that owes it: what is urgent or overdue first.

    Args:
        person: Staff id: only what this person owes.
        owner: Only what this role owes, in person or not.
        unassigned: Only what nobody owes in person, so that the person on call for the role answers.
        site: Only at this site.
        overdue: Only what is overdue.
        json: Print a JSON list.
    """
    listing, now = await _listed(), datetime.now(UTC)
    if listing.behind:
        complain(f"as of event {listing.as_of} of {listing.head}: see `throughline projections list`")
    rows = [
        each
        for each in sorted(listing.rows, key=lambda each: each.order(now))
        if person in (None, each.assignee)
        and owner in (None, each.owner)
        and site in (None, each.site)
        and not (unassigned and each.assignee)
        and (not overdue or each.is_overdue(now))
    ]
    if json:
        show_json([_as_json(each, now) for each in rows])
        return
    columns = ("Journey", "Obligation", "What", "Owner", "Due", "")
    table(None, columns, [_cells(each, now) for each in rows])
    stdout.print(f"\n{len(rows)} open {'obligation' if len(rows) == 1 else 'obligations'}")


async def _listed() -> OpenObligations:
    with told_in_one_line():
        settings = load_settings()
        return await open_obligations(
            settings.require_database_url(),
            patience_seconds=settings.dashboard_patience_seconds,
            folded=settings.dashboard_folded_events,
        )


def _cells(each: OpenObligation, now: datetime) -> tuple[object, ...]:
    flags = ", ".join(each.flags(now))
    return each.journey_id, each.id, each.title, named(each.owner, each.assignee), moment(each.due_at), flags


def _as_json(each: OpenObligation, now: datetime) -> dict[str, object]:
    return {**each.model_dump(mode="json"), "overdue": each.is_overdue(now), "flags": each.flags(now)}
