"""`throughline tracks` and `throughline waitlist`: the places in each track, and who waits for one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from cli.access import load_settings, told_in_one_line
from cli.output import complain, show_json, stdout, table
from dashboard.one_moment import one_moment
from dashboard.queries.moment import Moment
from dashboard.queries.places import TrackPlaces, places, without_track
from dashboard.queries.waitlist import Waiting, waitlist
from domain.reference import reference_of


async def tracks(*, site: str | None = None, level: str | None = None, json: bool = False) -> None:
    """List the tracks with their places, taken and free, and the clients in care who are in none.

    Args:
        site: Only those of this site.
        level: Only those at this level of care, such as IOP.
        json: Print one JSON object.
    """
    with told_in_one_line():
        async with one_moment(load_settings().require_database_url(), datetime.now(UTC), "tracks") as moment:
            found = [each for each in await places(moment) if site in (None, each.site) and level in (None, each.level)]
            none = [each for each in await without_track(moment) if site in (None, each.site)]
    without = [each for each in none if level in (None, each.level)]
    if json:
        rows = [{**each.model_dump(mode="json"), "free": each.free, "over": each.over} for each in found]
        show_json({"tracks": rows, "in_care_without_a_track": without})
        return
    _told_if_behind(moment)
    columns = ("Site", "Track", "Level", "Meets", "How", "Taken", "Places", "Free", "")
    table(None, columns, [(r.site, r.track, r.level, r.meets, r.modalities, *_counts(r)) for r in found])
    for each in found:
        if each.over:
            stdout.print(
                f"{each.track} at {each.site} is overfull by {each.over}: give a client another track, or add places"
            )
    for one in without:
        who = reference_of(one.number) or one.journey_id
        stdout.print(f"{who} is in care at {one.level} without a track: throughline change-track {who} --track …")


def _counts(each: TrackPlaces) -> tuple[object, ...]:
    note = "overfull" if each.over else "for makeup only" if each.makeup_only else "full" if each.free == 0 else ""
    if each.places is None:
        return each.taken, "-", "-", "in no file"
    return each.taken, each.places, each.free, note


async def waitlist_command(*, site: str | None = None, level: str | None = None, json: bool = False) -> None:
    """List who waits for room in a track: the highest risk first, then who has waited longest.

    Args:
        site: Only those of this site.
        level: Only those who wait for this level of care, such as IOP.
        json: Print a JSON list.
    """
    now = datetime.now(UTC)
    with told_in_one_line():
        async with one_moment(load_settings().require_database_url(), now, "waitlist") as moment:
            every = await waitlist(moment, await places(moment))
    found = [each for each in every if site in (None, each.site) and level in (None, each.waits_for)]
    if json:
        show_json([{**each.model_dump(mode="json"), "days": each.days(now)} for each in found])
        return
    _told_if_behind(moment)
    if not found:
        stdout.print("nobody waits")
        return
    columns = (
        "Journey",
        "Site",
        "Waits for",
        "Risk",
        "Urgency",
        "Days",
        "Check-in due",
        "In care at",
        "Could come to",
        "Room in",
    )
    table(None, columns, _rows(found, now))


def _rows(found: Sequence[Waiting], now: datetime) -> list[tuple[object, ...]]:
    return [
        (
            reference_of(each.number) or each.journey_id,
            each.site,
            each.waits_for,
            each.risk,
            each.urgency or "unknown",
            each.days(now),
            each.check_in_due or "-",
            each.level or "-",
            ", ".join(each.could_come_to) or "any",
            ", ".join(each.room_in) or "-",
        )
        for each in found
    ]


def _told_if_behind(moment: Moment) -> None:
    if moment.behind:
        complain(f"as of event {moment.as_of} of {moment.head}: see `throughline projections list`")
