"""The centre's sites, one file each: `sites/<id>.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

from centre.files import CentreFileError, Document, read
from domain.policy import Policy
from domain.sites import Site

FORESEEN_DAYS = 180
"""A site should know its holidays for at least this many days ahead. The longest time counted in business days is two
weeks, and a centre needs some months to agree on a new year's holidays."""


def read_sites(folder: Path) -> tuple[Site, ...]:
    """The sites of the centre whose files are in `folder`, by id.

    Raises:
        CentreFileError: There is none, a file cannot be used, or two sites claim one location.
    """
    files = sorted((folder / "sites").glob("*.toml"))
    if not files:
        raise CentreFileError(folder / "sites", None, "has no site; add a file such as sites/main.toml")
    sites = tuple(_read(each) for each in files)
    _require_own_locations(sites, files)
    return sites


def _read(file: Path) -> Site:
    document = read(file)
    site = document.read_as(Site)
    if site.id != file.stem:
        raise document.error(("id",), f"id is {site.id!r} and the file is {file.name}; give both the same name")
    _require_usable_tracks(document, site)
    return site


def _require_usable_tracks(document: Document, site: Site) -> None:
    for number, track in enumerate(site.tracks):
        if site.track(track.id) is not track:
            raise document.error(("tracks", number), f"there are two tracks {track.id!r}; give one another id")
        closed = ", ".join(day for day in track.meets if day not in site.calendar.closes_at)
        if closed and not track.also_on_closed_days:
            reason = (
                f"track {track.id!r} meets when the site is closed ({closed}); if so, add also_on_closed_days = true"
            )
            raise document.error(("tracks", number), reason)


def require_known_levels(folder: Path, site: Site, policy: Policy) -> None:
    """Refuses a track at a level that the centre itself does not give, by the policy of the site.

    Raises:
        CentreFileError: There is one.
    """
    ours = [each.id for each in policy.levels if each.is_ours]
    for number, track in enumerate(site.tracks):
        if track.level not in ours:
            reason = f"track {track.id!r}: the centre does not give {track.level}; choose one of {', '.join(ours)}"
            raise read(folder / "sites" / f"{site.id}.toml").error(("tracks", number, "level"), reason)


def _require_own_locations(sites: Sequence[Site], files: Sequence[Path]) -> None:
    owners: dict[str, str] = {}
    for site, file in zip(sites, files, strict=True):
        for number, location in enumerate(site.locations):
            owner = owners.setdefault(location.casefold(), site.id)
            if owner != site.id:
                reason = f"location {number + 1} is also a location of site {owner!r}; leave it at one of them"
                raise read(file).error(("locations",), reason)


def ending_calendars(sites: Iterable[Site], today: date) -> tuple[str, ...]:
    """A sentence for each site whose newest calendar ends too soon; see `FORESEEN_DAYS`."""
    soon = today + timedelta(days=FORESEEN_DAYS)
    return tuple(
        f"site {each.id}: holidays are known until {each.calendar.known_until} only, and later days count as if there "
        f"were none; accept more with `throughline sites propose-holidays {each.id}` and add a calendar version"
        for each in sites
        if each.calendar.known_until < soon
    )
