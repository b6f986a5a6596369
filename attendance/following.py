"""Follows the record for entries about sessions: keeps the last word on each, and notes which journeys to tell."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.sql import SQL, Identifier, Placeholder

from attendance.codec import from_row, journey_of
from domain.sessions.facts import Entry
from eventstore.following.bulk import BulkEvent, Session
from eventstore.following.subscription import Consumer

CONSUMER = "attendance"
CHANGED = "attendance_changed"
"""The channel on which PostgreSQL says that a journey has still to be told."""

_COLUMNS = (
    *("journey_id", "session", "outcome", "type", "starts_at", "minutes", "attended", "modality", "skill", "site"),
    *("led_by", "makes_up_for", "noted", "entry", "entered_at", "entered_by", "entered_role"),
)
_KEEP = SQL(
    "insert into attendance.sessions as held ({columns}) values ({values})"
    " on conflict (journey_id, session) do update set {changes}"
    """ where (excluded.entered_at, excluded.entry collate "C") > (held.entered_at, held.entry collate "C")"""
).format(
    columns=SQL(", ").join(map(Identifier, _COLUMNS)),
    values=SQL(", ").join([Placeholder()] * len(_COLUMNS)),
    changes=SQL(", ").join(SQL("{0} = excluded.{0}").format(Identifier(name)) for name in _COLUMNS[2:]),
)
_NOTE = (
    "insert into attendance.journeys as held (journey_id, entries) values (%s, %s)"
    " on conflict (journey_id) do update"
    " set entries = excluded.entries, changed_at = now(), try_at = now(), attempts = 0, trouble = null"
    " where excluded.entries > held.entries"
)


def follower(database_url: str) -> Consumer:
    """The follower; one is active in however many processes it runs."""
    return Consumer(database_url, CONSUMER, take_in)


async def take_in(session: Session, rows: Sequence[BulkEvent]) -> None:
    """Takes the entries among `rows` in, in the caller's transaction. Taking them in twice changes nothing."""
    ours = [(journey, row) for row in rows if (journey := journey_of(row.stream)) is not None]
    if not ours:
        return
    async with session.cursor() as cursor:
        await cursor.executemany(_KEEP, [_row(journey, from_row(row)) for journey, row in ours])
        await cursor.executemany(_NOTE, sorted({journey: row.version for journey, row in ours}.items()))
    await session.execute("select pg_notify(%s, '')", [CHANGED])


def _row(journey_id: str, entry: Entry) -> tuple[object, ...]:
    said = entry.said
    return (
        *(journey_id, said.session, said.outcome, said.type, said.starts_at, said.minutes, said.attended),
        *(said.modality, said.skill, said.site, said.led_by, said.makes_up_for, said.noted),
        *(entry.entry, entry.entered_at, entry.by.id, entry.by.role),
    )
