"""What `throughline sessions` lists: a client's sessions with their hours, and journeys that could not be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from attendance.codec import from_record, stream_of
from attendance.listing import Untold, untold
from cli import options as opt
from cli.access import load_settings, the_record, told_in_one_line
from cli.output import show_json, stdout, table
from cli.which_journey import journey_to_read
from dashboard.reading import read_journey, state_of
from deploy.settings import Settings
from domain.reference import reference_of
from domain.sessions.attendance import attendance_of
from domain.sessions.facts import Session, sessions_of
from domain.sessions.hours import WeekOfCare, next_planned, weeks_of_care
from domain.sessions.makeups import MakeupDoubt, doubtful_makeups
from domain.wording import in_hours, moment
from eventstore.following.bulk import open_session

_COLUMNS = ("When", "Type", "Outcome", "Minutes", "How", "Site", "Led by", "Makes up for", "Note", "Session")
_WEEKS = ("Week", "From", "To", "Hours kept", "Hours planned", "Sessions kept", "Sessions planned", "Beside the level")


async def list_sessions(journey_id: opt.JourneyToRead, /, *, json: bool = False) -> None:
    """List a client's sessions as they stand, the next one that is booked, and the hours of each week of care.

    Args:
        json: Print one JSON object, with what the journey is told of them.
    """
    with told_in_one_line():
        async with the_record() as store:
            journey = await journey_to_read(store, journey_id)
            entries = [from_record(each) for each in await store.read(stream_of(journey))]
            state = state_of(await read_journey(store, journey))
        now = journeys_now(load_settings())
    sessions = [each.said for each in sessions_of(entries)]
    weeks, booked = weeks_of_care(state, sessions, now), next_planned(sessions, now)
    doubts = doubtful_makeups(sessions)
    if json:
        show_json(
            {
                "journey_id": journey,
                "sessions": [each.model_dump(mode="json") for each in sessions],
                "attendance": attendance_of(entries).model_dump(mode="json"),
                "doubtful_makeups": dict(doubts),
                "weeks": [each.model_dump(mode="json") for each in weeks],
                "next_planned": booked.model_dump(mode="json") if booked else None,
            }
        )
        return
    table(None, _COLUMNS, [_cells(each, doubts.get(each.session)) for each in sessions])
    stdout.print(f"\n{len(sessions)} {'session' if len(sessions) == 1 else 'sessions'}")
    stdout.print(f"next: {moment(booked.starts_at)}, {booked.type}" if booked else "next: nothing booked")
    if weeks:
        table(f"Hours at {state.level}", _WEEKS, [_week_cells(each) for each in weeks])


async def list_untold(*, json: bool = False) -> None:
    """List the journeys that could not be told of their client's sessions, since when and why.

    What was entered is kept, and each is told again and again until it has heard.

    Args:
        json: Print one JSON object.
    """
    with told_in_one_line():
        async with await open_session(load_settings().require_database_url(), "untold") as session:
            found = await untold(session)
    if json:
        show_json({"journeys": [{**each._asdict(), "why": each.why} for each in found]})
        return
    columns = ("Journey", "Since", "Attempts", "Why")
    table(None, columns, [(_called(each), moment(each.since), each.attempts, each.why) for each in found])
    stdout.print(f"\n{len(found)} {'journey' if len(found) == 1 else 'journeys'}")


def journeys_now(settings: Settings) -> datetime:
    """The time by which the journeys live: in a demonstration, that of the last thing that happened."""
    if not settings.virtual_time:
        return datetime.now(UTC)
    with psycopg.connect(settings.require_database_url()) as connection:
        found = connection.execute("select max(last_event_at) from dash.journeys").fetchone()
    return (found[0] if found else None) or datetime.now(UTC)


def _called(found: Untold) -> str:
    return reference_of(found.number) or found.journey_id


def _cells(said: Session, doubt: MakeupDoubt | None) -> tuple[object, ...]:
    there = f"{said.attended} of {said.minutes}" if said.attended is not None else str(said.minutes)
    note = "written" if said.noted else "missing" if said.is_kept else ""
    kind = f"{said.type} {said.skill}" if said.skill else said.type
    words = (each.replace("-", " ") for each in (kind, said.outcome, said.modality))
    what, outcome, how = words
    makes_up_for = f"{said.makes_up_for} ({doubt.replace('-', ' ')})" if doubt else said.makes_up_for
    return (
        *(moment(said.starts_at), what, outcome, there, how, said.site),
        *(said.led_by, makes_up_for, note, said.session),
    )


def _week_cells(week: WeekOfCare) -> Sequence[object]:
    standing = week.standing.replace("-", " ") if week.standing else ""
    return (
        *(week.number, week.first_day, week.last_day),
        *(in_hours(week.kept_minutes), in_hours(week.planned_minutes), week.kept, week.planned, standing),
    )
