"""Places in tracks: how many are taken and free, which track has more clients than places, and who has no track."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dashboard.queries.moment import Moment
from domain.sites import Site, all_sites
from domain.tracks import Track
from domain.values import Instant, LevelOfCare, Value

_TAKEN = """
select j.site, j.track, min(j.level_in_track) as level, count(*) as count
from (select site, track, coalesce(level, placement) as level_in_track from dash.journeys where track is not null) as j
where %(sites)s::text[] is null or j.site = any (%(sites)s)
group by j.site, j.track
"""
_WITHOUT = """
select j.journey_id, n.number, j.site, j.level, j.level_since as since
from dash.journeys j left join dash.journey_numbers n using (journey_id)
where j.track is null and j.level is not null and (%(sites)s::text[] is null or j.site = any (%(sites)s))
order by j.level_since, j.journey_id
"""


class TrackPlaces(Value):
    """A track and its places.

    Attributes:
        track: Its id, or what was written where the site's file names no such track.
        level: None where the file does not name it and nobody's level is known.
        places: How many it has; None where the file does not name it.
        taken: Clients who have one, also before their first session, on leave and in a crisis.
    """

    site: str
    track: str
    title: str
    level: LevelOfCare | None
    meets: str = ""
    modalities: str = ""
    conditions: tuple[str, ...] = ()
    licensed_in: tuple[str, ...] = ()
    places: int | None = None
    taken: int = 0
    makeup_only: bool = False

    @property
    def free(self) -> int | None:
        """Places that nobody has; none where more clients have one than there are."""
        return None if self.places is None else max(0, self.places - self.taken)

    @property
    def over(self) -> int:
        """Clients more than there are places."""
        return max(0, self.taken - self.places) if self.places is not None else 0

    @property
    def has_room(self) -> bool:
        """Whether another client can be enrolled in it."""
        return bool(self.free) and not self.makeup_only


class WithoutTrack(Value):
    """A client in care at a level that has tracks, and in none of them: nobody keeps a place for them.

    Attributes:
        since: When care at the level began.
    """

    journey_id: str
    number: int | None
    site: str
    level: LevelOfCare
    since: Instant


async def without_track(moment: Moment) -> list[WithoutTrack]:
    """Those clients, who has been so longest first."""
    named = {(site.id, track.level) for site in all_sites() for track in site.tracks}
    found = [WithoutTrack.model_validate(row) for row in await moment.rows(_WITHOUT)]
    return [each for each in found if (each.site, each.level) in named]


async def places(moment: Moment) -> list[TrackPlaces]:
    """The tracks of the sites that the person may see, and what is taken that no file names."""
    rows = await moment.rows(_TAKEN)
    taken = {(row["site"], row["track"]): row for row in rows}
    sites = [each for each in all_sites() if moment.sites is None or each.id in moment.sites]
    found = [_of(site, track, taken.pop((site.id, track.id), None)) for site in sites for track in site.tracks]
    return [*found, *_not_named(taken.values())]


def with_room(tracks: Iterable[TrackPlaces], site: str, level: LevelOfCare) -> list[TrackPlaces]:
    """Those at that level of the site in which there is room."""
    return [each for each in tracks if (each.site, each.level) == (site, level) and each.has_room]


def _of(site: Site, track: Track, row: dict[str, object] | None) -> TrackPlaces:
    return TrackPlaces(
        site=site.id,
        track=track.id,
        title=track.title,
        level=track.level,
        meets=track.hours_in_words(),
        modalities=track.modalities_in_words(),
        conditions=track.conditions,
        licensed_in=track.licensed_in,
        places=track.places,
        taken=int(str(row["count"])) if row else 0,
        makeup_only=track.makeup_only,
    )


def _not_named(rows: Iterable[dict[str, object]]) -> Iterator[TrackPlaces]:
    for row in rows:
        named = {name: row[name] for name in ("site", "track", "level")}
        yield TrackPlaces.model_validate({**named, "title": row["track"], "taken": row["count"]})
