"""What the API says of a journey's events, and of a decision just taken. Only the fields named here get out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from dashboard.api.journey_models import MAY_NOT_READ, PERSON, Person
from dashboard.board.journey import Happened
from domain.values import LevelOfCare, Role, Stage
from eventstore.events import StoredEvent
from record.sealing import MASK
from workflows.messages import JourneyStatus


class JourneyEvent(BaseModel):
    """One event of a journey."""

    version: int = Field(description="Its number in the journey, from 1.")
    position: int = Field(description="Its position in the record.")
    type: str = Field(description="The event's type; its name never changes.")
    occurred_at: datetime = Field(description="When it was true.")
    recorded_at: datetime = Field(description="When the record learnt it.")
    sentence: str = Field(
        description=f"What happened. {MASK} stands for words that you may not read, or that are gone."
    )
    cause: str = Field(description="What led to it: request-step-up, time-passed.")
    by: Person | None = Field(description="Who decided, where a person did.")
    is_bookkeeping: bool = Field(description="Whether a reader of the story may skip it.")
    words: dict[str, str] | None = Field(
        description=f"What people wrote, by where in the event it stands (RFC 6901); {MAY_NOT_READ}."
    )

    @classmethod
    def of(cls, happened: Happened, stored: StoredEvent, *, reads_words: bool) -> Self:
        """From the event as the board shows it, and its words if the person may read them."""
        return cls(
            version=stored.version,
            position=stored.position,
            type=stored.type,
            occurred_at=stored.occurred_at,
            recorded_at=stored.recorded_at,
            sentence=happened.sentence,
            cause=happened.why,
            by=Person.of(happened.by) if happened.by else None,
            is_bookkeeping=happened.is_bookkeeping,
            words=dict(happened.words) if reads_words else None,
        )


class JourneyEvents(BaseModel):
    """Events of a journey, the oldest first."""

    rows: Sequence[JourneyEvent] = Field(description="The events of this page.")
    version: int = Field(description="How many events the journey has.")
    position: int = Field(description="The position in the record of the journey's last event.")
    next: int | None = Field(description="What to give as `after` for the next page; null on the last.")


class DecisionTaken(BaseModel):
    """A decision is on record, and where the journey stands with it."""

    position: int = Field(description="The position of the record that it reached: give it as Wait-For.")
    journey_id: str = Field(description="Opaque.")
    version: int = Field(description="How many events the journey has.")
    stage: Stage = Field(description="Where the journey stands now.")
    level: LevelOfCare | None = Field(description="The level of care given now.")
    waiting_for: Role | None = Field(description="The role that owes what is due first.")
    waiting_for_person: str | None = Field(description=PERSON)
    next_obligation: str | None = Field(description="The id of what is due first.")
    next_due: datetime | None = Field(description="When what is due first is due.")
    estimate: str | None = Field(description="The id of the latest estimate.")
    over: bool = Field(description="Whether the journey has ended for good.")

    @classmethod
    def of(cls, status: JourneyStatus, position: int) -> Self:
        """From the journey's answer."""
        return cls(position=position, **status.model_dump(include=cls.model_fields.keys() - {"position"}))
