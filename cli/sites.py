"""`throughline sites`: lists the centre's sites, tracks and calendars, and moves open journeys to a newer calendar."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import App, Parameter, validators

from centre.holiday_proposals import NoProposal, as_toml, propose
from centre.sites import ending_calendars
from cli.access import load_settings, the_journeys_to_decide, told_in_one_line
from cli.options import ActingRole
from cli.output import Exit, Stop, complain, show_json, stdout, table
from domain.pathway.calendars import AdoptCalendar
from domain.plans import Actor
from domain.refusal import UnknownHere
from domain.sites import Site, all_sites, site_named
from domain.tracks import Track
from eventstore import open_store
from recovery.calendars import CalendarChanges, Change, Result
from recovery.telling import NoneAnswers

app = App(
    name="sites", help="List the centre's sites, tracks and calendars, and move open journeys to a newer calendar."
)

_Site = Annotated[str, Parameter(help="The site's id, as `throughline sites list` shows it.")]
_SiteIfAny = Annotated[str | None, Parameter(help="The site's id; every site if left out.")]
_Version = Annotated[int, Parameter(help="The version of its calendar, as its file numbers them.")]
_By = Annotated[str, Parameter(help="Staff id of the person who decides; opaque, never a name.")]
_Reason = Annotated[str, Parameter(help="Why the calendar changed, for the record of each journey.")]
_PerMinute = Annotated[float, Parameter(validator=validators.Number(gt=0), help="The most journeys told per minute.")]
_DryRun = Annotated[bool, Parameter(help="Only show how many journeys would be told.")]
_Json = Annotated[bool, Parameter(help="Print JSON.")]
_Years = Annotated[str, Parameter(help="The years, such as 2027-2029, or one: 2027.")]
_Country = Annotated[str, Parameter(help="The country whose public holidays are proposed, as an ISO code.")]
_Subdivision = Annotated[str | None, Parameter(help="The state, to include its holidays, such as CA.")]
_TOLD_EVERY = 100


@app.command(name="list")
async def list_sites(*, json: _Json = False) -> None:
    """List the centre's sites as their files say."""
    sites = _sites()
    if json:
        show_json([{**each.model_dump(mode="json", exclude={"calendars"}), **_newest(each)} for each in sites])
        return
    rows = [(s.id, s.title, s.policy, s.calendar.version, s.calendar.zone, s.calendar.known_until) for s in sites]
    table(None, ("Site", "Title", "Policy", "Calendar", "Zone", "Holidays known until"), rows)


@app.command
async def tracks(site: _SiteIfAny = None, /, *, json: _Json = False) -> None:
    """List the tracks of the sites as their files say: hours, places, specialists and licences."""
    sites = [_known(site)] if site else _sites()
    listed = [(each, track) for each in sites for track in each.tracks]
    if json:
        show_json([{"site": each.id, **track.model_dump(mode="json")} for each, track in listed])
        return
    rows = [(each.id, track.id, track.level, track.title, *_said_of(track)) for each, track in listed]
    table(None, ("Site", "Track", "Level", "Title", "Meets", "How", "Places", "Specialists in", "Licensed in"), rows)


@app.command
async def check() -> None:
    """Check the sites' files. Exit code 7 if a site will soon need more holidays, 1 if a file is broken."""
    sites = _sites()
    told = ending_calendars(sites, datetime.now(UTC).date())
    for each in told:
        complain(each)
    if told:
        raise Stop(Exit.DIFFERS, f"{len(told)} of {len(sites)} sites need more holidays accepted")
    stdout.print(f"{len(sites)} sites can be used")


@app.command
async def propose_holidays(
    site: _Site, /, *, years: _Years, country: _Country = "US", subdivision: _Subdivision = None
) -> None:
    """Print public holidays as lines for a site's file. Check them, then paste them in; no file is changed."""
    _known(site)
    found = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", years)
    if found is None:
        raise Stop(Exit.USAGE, "--years: write 2027-2029, or 2027")
    first, last = int(found[1]), int(found[2] or found[1])
    try:
        proposed = propose(country, subdivision, first, last)
    except NoProposal as error:
        raise Stop(Exit.USAGE, str(error)) from None
    stdout.print(as_toml(proposed), markup=False, highlight=False, soft_wrap=True)
    complain(
        f"this is a proposal: leave out days when {site} is open, add its own, put them under [calendars.holidays] of "
        f"a new calendar version, and set known_until = {last}-12-31"
    )


@app.command
async def adopt(
    site: _Site,
    version: _Version,
    /,
    *,
    by: _By,
    role: ActingRole,
    reason: _Reason,
    per_minute: _PerMinute = 600,
    dry_run: _DryRun = False,
    json: _Json = False,
) -> None:
    """Move the site's open journeys to a newer calendar, one recorded decision each. Restart all workers first.

    Due times are recalculated. Overdue ones and those in elapsed hours stay, and none is moved into the past. It can
    be interrupted and run again. Exit code 7 if a journey still has an older calendar.
    """
    _require_version(_known(site), version)
    if role not in AdoptCalendar.declared.by:
        raise Stop(
            Exit.REFUSED, f"refused (not-their-decision): only {', '.join(AdoptCalendar.declared.by)} can do this"
        )
    change = Change(site=site, calendar=version, reason=reason, by=Actor(id=by, role=role))
    results: list[Result] = []
    async with _changes() as changes:
        journeys = await changes.behind(site, version)
        if dry_run:
            stdout.print(f"{len(journeys)} open journeys at {site} have an older calendar than {version}")
            return

        def done(result: Result) -> None:
            results.append(result)
            if len(results) % _TOLD_EVERY == 0:
                sys.stderr.write(f"{len(results)} of {len(journeys)} journeys told\n")

        try:
            await changes.carry_out(change, journeys, per_minute, done)
        except NoneAnswers as error:
            complain(str(error))
    _show(results, len(journeys), json)
    left = len(journeys) - sum(each.failed is None for each in results)
    if left:
        raise Stop(Exit.DIFFERS, f"{left} of {len(journeys)} journeys still have an older calendar: run it again")


def _sites() -> tuple[Site, ...]:
    load_settings()  # also loads the centre's files
    return all_sites()


def _known(site: str) -> Site:
    sites = _sites()
    try:
        return site_named(site)
    except UnknownHere:
        known = ", ".join(each.id for each in sites)
        raise Stop(Exit.USAGE, f"there is no site of that name; the centre's sites are: {known}") from None


def _require_version(site: Site, version: int) -> None:
    versions = [each.version for each in site.calendars]
    if version not in versions:
        listed = ", ".join(map(str, versions))
        raise Stop(Exit.USAGE, f"sites/{site.id}.toml has no calendar {version}; its versions are: {listed}")


@asynccontextmanager
async def _changes() -> AsyncIterator[CalendarChanges]:
    journeys = await the_journeys_to_decide()
    with told_in_one_line():
        async with open_store(load_settings().require_database_url()) as store:
            yield CalendarChanges(store, journeys)


def _show(results: Sequence[Result], journeys: int, json: bool) -> None:
    failed = [each for each in results if each.failed]
    kept = [each for each in results if each.kept]
    if json:
        show_json({"journeys": journeys, "results": [each.model_dump(mode="json") for each in results]})
        return
    if failed:
        table("Not done", ("Journey", "Why"), [(each.journey_id, each.failed) for each in failed])
    if kept:
        rows = [(each.journey_id, ", ".join(each.kept)) for each in kept]
        table("Due time kept (overdue, or it would be in the past)", ("Journey", "Obligations"), rows)
    moved = sum(len(each.moved) for each in results)
    stdout.print(f"{len(results) - len(failed)} of {journeys} journeys now have the calendar; {moved} deadlines moved")


def _said_of(track: Track) -> tuple[object, ...]:
    specialists, licences = ", ".join(track.conditions), ", ".join(track.licensed_in)
    places = f"{track.places}, for makeup only" if track.makeup_only else track.places
    return track.hours_in_words(), track.modalities_in_words(), places, specialists, licences


def _newest(site: Site) -> dict[str, object]:
    newest = site.calendar
    return {"calendar": newest.version, "zone": newest.zone, "known_until": newest.known_until.isoformat()}
