"""Room in a track, asked before an enrolment is sent: a full track is never filled silently.

How many clients are in a track is a fact about many journeys, so no journey can judge it. Enrolments in one track that
come in this way wait for each other, so that two of them never take the last place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection

from dashboard.lists import wait_for
from dashboard.projections import JOURNEYS
from domain.commands import Decision
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.track_change import ChangeTrack
from domain.refusal import Refused, UnknownHere
from domain.sites import site_named
from domain.track_fit import TrackException
from domain.tracks import Track
from eventstore.following.bulk import read_head
from eventstore.postgres import translated

Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection[Any]]]
_PATIENCE_SECONDS = 2.0
_LONGEST = "set local lock_timeout = '10s'"
_ALONE = "select pg_advisory_xact_lock(hashtextextended('throughline track ' || %s || '/' || %s, 0))"
_WHERE = "select site, track from dash.journeys where journey_id = %s"
_TAKEN = "select count(*) from dash.journeys where site = %s and track = %s and journey_id <> %s"


@asynccontextmanager
async def room(connect: Connect, journey_id: str, decision: Decision) -> AsyncIterator[None]:
    """If the decision puts a client in a track: looks for a place, and has others who enrol in it wait until the end.

    The read model gets a moment to come to the record's head. If it does not, the places are counted as of then, and a
    track that became overfull is listed as such.

    Args:
        connect: Opens a connection to the database of the read models.

    Raises:
        Refused: The track is full, or it has room although the decision says that it is full; nothing was sent.
        EventStoreError: The database does not answer.
    """
    if not isinstance(decision, ConfirmEnrolment | ChangeTrack):
        yield
        return
    async with connect() as connection, connection.transaction():
        await _look(connection, journey_id, decision)
        yield


async def _look(connection: AsyncConnection[Any], journey_id: str, decision: ConfirmEnrolment | ChangeTrack) -> None:
    try:
        found = await (await connection.execute(_WHERE, [journey_id])).fetchone()
        track = _known(found[0], decision.track) if found and found[1] != decision.track else None
        if found is None or track is None:
            return
        await connection.execute(_LONGEST)
        await connection.execute(_ALONE, [found[0], track.id])
        await wait_for(connection, await read_head(connection), _PATIENCE_SECONDS, JOURNEYS)
        taken = await (await connection.execute(_TAKEN, [found[0], track.id, journey_id])).fetchone()
    except psycopg.errors.LockNotAvailable:
        raise Refused(
            "track-in-use", "Another client is being enrolled in this track. Try again in a minute."
        ) from None
    except psycopg.Error as error:
        raise translated(error) from None
    _require_room(track, int(taken[0]) if taken else 0, is_meant=TrackException.FULL in decision.exceptions)


def _known(site: str, name: str) -> Track | None:
    try:
        return site_named(site).track(name)
    except UnknownHere:
        return None


def _require_room(track: Track, taken: int, *, is_meant: bool) -> None:
    if taken >= track.places and not is_meant:
        raise Refused(
            "track-full",
            f"This track has {track.places} places, and {taken} are taken. Choose a track with room (`throughline "
            f"tracks`), put the client on the waitlist, or give the exception {TrackException.FULL} and the reason.",
        )
    if taken < track.places and is_meant:
        raise Refused(
            "track-has-room",
            f"This track has room: {taken} of {track.places} places are taken. Leave the exception "
            f"{TrackException.FULL} out.",
        )
