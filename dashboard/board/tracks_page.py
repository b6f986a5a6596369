"""The page of tracks: the places in each, who waits for one, and who in care has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from dashboard.board.html import as_of, page
from dashboard.board.visit import ListsVisit
from dashboard.queries.moment import Moment
from dashboard.queries.places import TrackPlaces, WithoutTrack, places, without_track
from dashboard.queries.waitlist import Waiting, waitlist

router = APIRouter(include_in_schema=False)


class TracksAndWaiting(NamedTuple):
    """What the page shows."""

    tracks: Sequence[TrackPlaces]
    waiting: Sequence[Waiting]
    without: Sequence[WithoutTrack]


@router.get("/tracks")
async def tracks_page(visit: ListsVisit) -> HTMLResponse:
    """Places and waitlist, as of one event of the record."""
    async with visit.moment() as moment:
        read = await visit.services.shared_reads.in_moment(moment, "tracks", lambda: _read(moment))
        return page(
            "tracks.html",
            visit,
            here="/tracks",
            as_of=as_of(moment),
            tracks=read.tracks,
            overfull=[each for each in read.tracks if each.over],
            waiting=read.waiting,
            without=read.without,
        )


async def _read(moment: Moment) -> TracksAndWaiting:
    tracks = await places(moment)
    return TracksAndWaiting(tracks, await waitlist(moment, tracks), await without_track(moment))
