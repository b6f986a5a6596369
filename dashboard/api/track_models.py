"""What the API says of tracks and of the waitlist. Only the fields named here get out."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from dashboard.api.list_models import AsOf
from dashboard.queries.places import TrackPlaces, WithoutTrack
from dashboard.queries.waitlist import Waiting
from domain.pathway.screening import KnownRisk, Urgency
from domain.reference import reference_of
from domain.values import LevelOfCare, Stage


class TrackItem(BaseModel):
    """A track with its places."""

    site: str = Field(description="The site that offers it.")
    track: str = Field(description="Its id, as a decision names it.")
    title: str = Field(description="What people call it.")
    level: LevelOfCare | None = Field(description="Its level of care.")
    meets: str = Field(description="When it meets, on the site's clock.")
    modalities: str = Field(description="In person, by telehealth, or both.")
    conditions: list[str] = Field(description="In what those who lead it are specialists.")
    licensed_in: list[str] = Field(description="The states in which they are licensed.")
    makeup_only: bool = Field(description="Whether it only makes up for missed sessions; nobody is enrolled in it.")
    places: int | None = Field(description="How many clients it has room for; null if no site's file names it.")
    taken: int = Field(description="How many clients have a place in it.")
    free: int | None = Field(description="How many places are left; null if no site's file names it.")
    over: int = Field(description="How many more clients than places it has.")

    @classmethod
    def of(cls, row: TrackPlaces) -> Self:
        """From the row of the list."""
        shown = row.model_dump(include=cls.model_fields.keys() - {"free", "over"})
        return cls(free=row.free, over=row.over, **shown)


class WithoutTrackItem(BaseModel):
    """A client in care at a level that has tracks, and in none of them."""

    journey_id: str = Field(description="Opaque.")
    reference: str | None = Field(description="What people call the journey: J-004K-K.")
    site: str = Field(description="The journey's site.")
    level: LevelOfCare = Field(description="The level of care given now.")
    since: datetime = Field(description="When care at the level began.")

    @classmethod
    def of(cls, row: WithoutTrack) -> Self:
        """From the row of the list."""
        shown = row.model_dump(include=cls.model_fields.keys() - {"reference"})
        return cls(reference=reference_of(row.number), **shown)


class TrackList(AsOf):
    """The tracks with their places."""

    rows: list[TrackItem] = Field(description="One for each track.")
    without: list[WithoutTrackItem] = Field(description="Clients in care for whom no track keeps a place.")


class WaitingItem(BaseModel):
    """A client on the waitlist."""

    journey_id: str = Field(description="Opaque.")
    reference: str | None = Field(description="What people call the journey: J-004K-K.")
    site: str = Field(description="The journey's site.")
    stage: Stage = Field(description="Where the journey stands.")
    level: LevelOfCare | None = Field(description="The level of care given meanwhile; null if there is none.")
    waits_for: LevelOfCare = Field(description="The level of care for which they wait.")
    waits_since: datetime = Field(description="Since when.")
    risk: KnownRisk = Field(description="What was last found of their risk; unknown counts as raised.")
    urgency: Urgency | None = Field(description="How soon they need care; null if nobody has said.")
    check_in_due: datetime | None = Field(description="When somebody is to ask them how they are.")
    could_come_to: list[str] = Field(description="The tracks whose days and hours suit them; none: any at the level.")
    room_in: list[str] = Field(description="The tracks in which there is room for them now.")

    @classmethod
    def of(cls, row: Waiting) -> Self:
        """From the row of the list."""
        shown = row.model_dump(include=cls.model_fields.keys() - {"reference"})
        return cls(reference=reference_of(row.number), **shown)


class WaitingList(AsOf):
    """The waitlist."""

    rows: list[WaitingItem] = Field(description="One for each client who waits, in order.")
