"""Journeys by their number, of which the short reference is made, and back."""

from __future__ import annotations

from collections.abc import Collection

from dashboard.queries.moment import Moment

_NUMBERED = """
select journey_id from dash.journey_numbers join dash.journeys using (journey_id)
where number = %(number)s and (%(everywhere)s or %(sites)s::text[] is null or site = any (%(sites)s))
"""
_NUMBERS = "select journey_id, number from dash.journey_numbers where journey_id = any (%(journeys)s)"


async def journey_numbered(moment: Moment, number: int, *, everywhere: bool = False) -> str | None:
    """The id of the journey with this number; None if there is none, or none at the person's sites.

    Args:
        everywhere: Whether journeys of other sites are found too.
    """
    rows = await moment.rows(_NUMBERED, {"number": number, "everywhere": everywhere})
    return str(rows[0]["journey_id"]) if rows else None


async def numbers_of(moment: Moment, journeys: Collection[str]) -> dict[str, int]:
    """The number of each of these journeys that the read models know."""
    rows = await moment.rows(_NUMBERS, {"journeys": list(journeys)})
    return {row["journey_id"]: row["number"] for row in rows}
