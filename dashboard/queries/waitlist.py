"""The waitlist: who waits for room in a track, by clinical risk and then by time waited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard.queries.moment import Moment, Row
from dashboard.queries.places import TrackPlaces, with_room
from domain.pathway.screening import KnownRisk, Urgency
from domain.pathway.waitlist import WAITLIST_CHECK_IN, waiting_rank
from domain.values import Instant, LevelOfCare, Stage, Value

_WAITING = """
select j.journey_id, n.number, j.site, j.stage, j.level, j.waits_for, j.waits_since, j.risk, j.waits_for_tracks,
       j.screening_urgency as urgency,
       (select min(o.falls_due) from dash.obligations o
        where o.journey_id = j.journey_id and o.kind = %(check_in)s and o.ended_at is null) as check_in_due
from dash.journeys j left join dash.journey_numbers n using (journey_id)
where j.waits_for is not null and (%(sites)s::text[] is null or j.site = any (%(sites)s))
"""


class Waiting(Value):
    """A client on the waitlist.

    Attributes:
        level: The level of care given meanwhile, if any.
        waits_for: The level for which they wait.
        risk: What was last found; unknown counts as raised.
        urgency: What was last said; None: nobody has said, so it counts as urgent.
        check_in_due: When somebody is to ask them how they are.
        could_come_to: The tracks whose days and hours suit them; empty: any at the level.
        room_in: Those of them, or of the level, in which there is room now.
    """

    journey_id: str
    number: int | None
    site: str
    stage: Stage
    level: LevelOfCare | None
    waits_for: LevelOfCare
    waits_since: Instant
    risk: KnownRisk
    urgency: Urgency | None
    check_in_due: Instant | None
    could_come_to: tuple[str, ...] = ()
    room_in: tuple[str, ...] = ()

    def days(self, now: datetime) -> int:
        """Whole days waited, elapsed."""
        return max(0, (now - self.waits_since).days)


async def waitlist(moment: Moment, tracks: Sequence[TrackPlaces]) -> list[Waiting]:
    """Everybody who waits, the highest risk first, then who has waited longest.

    Args:
        tracks: With their places, as of the same moment.
    """
    rows = await moment.rows(_WAITING, {"check_in": WAITLIST_CHECK_IN.kind})
    waiting = [_waiting(row, tracks) for row in rows]
    return sorted(waiting, key=lambda each: (waiting_rank(each.risk, each.urgency), each.waits_since, each.journey_id))


def _waiting(row: Row, tracks: Sequence[TrackPlaces]) -> Waiting:
    could = tuple((row.pop("waits_for_tracks") or "").split())
    waits = Waiting.model_validate({**row, "could_come_to": could})
    free = (each.track for each in with_room(tracks, waits.site, waits.waits_for))
    return waits.changed(room_in=tuple(each for each in free if each in could or not could))
