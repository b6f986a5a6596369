"""What stands beside the lists: census, step-ups, tracks, waitlist, messages, the person who asks, and the position."""

from __future__ import annotations

from fastapi import APIRouter

from access.rules import Action
from dashboard.api.conditions import Conditions, Freshness
from dashboard.api.list_models import (
    AsOf,
    Census,
    CensusItem,
    Me,
    MessageItem,
    MessageList,
    StepUpItem,
    StepUpList,
    as_of,
)
from dashboard.api.track_models import TrackItem, TrackList, WaitingItem, WaitingList, WithoutTrackItem
from dashboard.board.visit import ListsVisit, MessagesVisit
from dashboard.queries import today
from dashboard.queries.places import places, without_track
from dashboard.queries.waitlist import waitlist

router = APIRouter(tags=["Centre"])


@router.get("/census")
async def census(visit: ListsVisit, conditions: Conditions) -> Census:
    """How many clients are at each level of each site, and who came and went today."""
    async with conditions.moment(visit) as moment:
        conditions.mark(visit, moment.as_of, moment.head)
        rows = [CensusItem.of(each) for each in await today.census(moment)]
        return Census.model_validate({"rows": rows, **as_of(moment)})


@router.get("/step-ups")
async def step_ups(visit: ListsVisit, conditions: Conditions) -> StepUpList:
    """The open step-ups, the one with the least time left first."""
    async with conditions.moment(visit) as moment:
        conditions.mark(visit, moment.as_of, moment.head)
        rows = [StepUpItem.of(each, moment.now) for each in await today.step_ups(moment, most=None)]
        return StepUpList.model_validate({"rows": rows, **as_of(moment)})


@router.get("/tracks")
async def tracks(visit: ListsVisit, conditions: Conditions) -> TrackList:
    """The tracks of the sites, with their places, taken and free, and the clients in care who are in none."""
    async with conditions.moment(visit) as moment:
        conditions.mark(visit, moment.as_of, moment.head)
        rows = [TrackItem.of(each) for each in await places(moment)]
        without = [WithoutTrackItem.of(each) for each in await without_track(moment)]
        return TrackList.model_validate({"rows": rows, "without": without, **as_of(moment)})


@router.get("/waitlist")
async def waiting(visit: ListsVisit, conditions: Conditions) -> WaitingList:
    """Who waits for room in a track, the highest risk first, then who has waited longest."""
    async with conditions.moment(visit) as moment:
        conditions.mark(visit, moment.as_of, moment.head)
        rows = [WaitingItem.of(each) for each in await waitlist(moment, await places(moment))]
        return WaitingList.model_validate({"rows": rows, **as_of(moment)})


@router.get("/messages")
async def messages(visit: MessagesVisit, conditions: Conditions) -> MessageList:
    """Admissions messages that wait for a person, the newest first."""
    async with conditions.moment(visit) as moment:
        rows = [MessageItem.of(each) for each in await today.messages(moment)]
        total = await today.messages_count(moment)
        conditions.mark(visit, moment.as_of, moment.head, total, [each.model_dump_json() for each in rows])
        return MessageList.model_validate({"rows": rows, "total": total, **as_of(moment)})


@router.get("/position")
async def position(visit: ListsVisit, freshness: Freshness) -> AsOf:
    """How far the read models have come. With `Wait-For` it answers once they have come there."""
    async with freshness.moment(visit) as moment:
        return AsOf.model_validate(as_of(moment))


@router.get("/me")
async def me(visit: ListsVisit) -> Me:
    """Who asks, and what they may do."""
    return Me(
        person=visit.viewer.person,
        roles=list(visit.viewer.roles),
        sites=list(visit.sites) if visit.sites is not None else None,
        auditor=visit.viewer.auditor,
        may=[each for each in Action if visit.may(each)],
        session_ends_at=visit.session.ends_at,
        csrf=visit.session.csrf_token() if visit.session.used_for == "board" else None,
    )
