"""What a journey must know of its client's sessions, and no more: it is woken only when this changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from pydantic import Field

from domain.clock import utc_day
from domain.sessions.facts import Entry, Session, sessions_of
from domain.values import Instant, Value


class Attendance(Value):
    """A client's sessions in a few facts.

    The week in which they last came is told by UTC and only says that they still come, so that a journey is not woken
    for every session.
    """

    first_kept_at: Instant | None = Field(
        default=None, description="When the first session began that the client came to."
    )
    seen_week: date | None = Field(
        default=None, description="The Monday of the week in which the client last came; weeks are told by UTC."
    )
    missed: int = Field(
        default=0,
        description="Sessions missed in a row since the client last came. One that a kept session makes up for is not "
        "counted.",
    )
    missed_since: Instant | None = Field(default=None, description="When the first of these was.")
    unnoted_since: Instant | None = Field(
        default=None, description="When the earliest kept session ended whose progress note is not written."
    )


def attendance_of(entries: Iterable[Entry]) -> Attendance:
    """The same for the same entries, in whatever order they came and however often."""
    return attendance_of_sessions([each.said for each in sessions_of(entries)])


def attendance_of_sessions(sessions: Sequence[Session]) -> Attendance:
    """From the last word on each session, in the order in which they start."""
    kept = [each for each in sessions if each.is_kept]
    missed = _missed_in_a_row(sessions)
    unnoted = [each.ends_at for each in kept if not each.noted and each.type.is_clinical]
    return Attendance(
        first_kept_at=kept[0].starts_at if kept else None,
        seen_week=_monday(kept[-1].starts_at) if kept else None,
        missed=len(missed),
        missed_since=missed[0].starts_at if missed else None,
        unnoted_since=min(unnoted, default=None),
    )


def _missed_in_a_row(sessions: Sequence[Session]) -> list[Session]:
    made_up = {each.makes_up_for for each in sessions if each.is_kept}
    row: list[Session] = []
    for each in sessions:
        if each.is_kept:
            row = []
        elif each.outcome.is_missed and each.session not in made_up:
            row.append(each)
    return row


def _monday(moment: Instant) -> date:
    day = utc_day(moment)
    return day - timedelta(days=day.weekday())
