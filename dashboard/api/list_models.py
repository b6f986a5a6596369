"""What the API says of lists, counts and the person who asks. Only the fields named here get out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from access.rules import Action
from dashboard.open_obligations import OpenObligation
from dashboard.queries.duties import why_stuck
from dashboard.queries.moment import Moment
from dashboard.queries.today import CensusCell, StepUp, WaitingMessage
from dashboard.reading import JourneyRow
from domain.obligation_terms import Priority
from domain.obligations import ObligationStatus
from domain.reference import reference_of
from domain.values import LevelOfCare, Role, Stage

_PERSON = "Opaque staff id; null where the person on call for the role answers."


class AsOf(BaseModel):
    """As of which event of the record an answer is."""

    as_of: int = Field(description="The last event of the record that the answer has taken in.")
    head: int = Field(description="The record's last event when it was asked.")
    behind: int = Field(description="How many events are missing from the answer.")
    now: datetime = Field(description="The time by which it is judged what is overdue.")


def as_of(moment: Moment) -> dict[str, object]:
    """The fields of AsOf."""
    return {"as_of": moment.as_of, "head": moment.head, "behind": moment.behind, "now": moment.now}


class JourneyItem(BaseModel):
    """One journey in a list."""

    journey_id: str = Field(description="Opaque.")
    reference: str | None = Field(description="What people call it: J-004K-K. Null until the read models know it.")
    site: str = Field(description="Where the client is in care.")
    stage: Stage = Field(description="Where the journey stands.")
    level: LevelOfCare | None = Field(description="The level of care given now.")
    week: int | None = Field(description="The week of care at this level, from 1.")
    last_week: int | None = Field(description="The last week at this level, but for those whom the policy names.")
    waiting_for: Role | None = Field(description="The role that owes what is due first.")
    waiting_for_person: str | None = Field(description=_PERSON)
    next_obligation: str | None = Field(description="The id of what is due first.")
    next_due: datetime | None = Field(description="When that falls due.")
    overdue: bool = Field(description="Whether something is owed after its due time.")
    urgent: bool = Field(description="Whether something urgent is open, or something is overdue.")
    priority: Priority | None = Field(description="That of what is due first; safety while anything urgent is open.")
    flags: list[str] = Field(description="What people must see at a glance, of all that is owed.")
    opened_at: datetime | None = Field(description="When the admission was taken in.")
    version: int = Field(description="How many events the journey has.")

    @classmethod
    def of(cls, row: JourneyRow) -> Self:
        """From the row of the list."""
        shown = row.model_dump(include=cls.model_fields.keys() - {"reference"})
        return cls(reference=reference_of(row.number), **shown)


class DutyItem(BaseModel):
    """One open duty in a list."""

    journey_id: str = Field(description="Opaque.")
    reference: str | None = Field(description="What people call the journey: J-004K-K.")
    site: str = Field(description="The journey's site.")
    id: str = Field(description="Unique in the journey: review-2.")
    kind: str = Field(description="What kind of duty it is: review.")
    title: str = Field(description="What to do.")
    owner: Role = Field(description="The role that owes it.")
    assignee: str | None = Field(description=_PERSON)
    due_at: datetime = Field(description="Its due time; exactly then it is on time.")
    falls_due: datetime = Field(description="When it falls due; while it is waived, when it is owed again.")
    status: ObligationStatus = Field(description="Open, or acknowledged by somebody.")
    overdue: bool = Field(description="Whether its due time has passed.")
    urgent: bool = Field(description="Whether it is urgent by its kind.")
    priority: Priority = Field(description="Its clinical priority.")
    waived_until: date | None = Field(description="While it is waived: the day at the site on which it is owed again.")
    stuck: str | None = Field(description="Why it does not move without help; null if it needs none.")
    flags: list[str] = Field(description="What people must see at a glance.")

    @classmethod
    def of(cls, duty: OpenObligation, now: datetime) -> Self:
        """From the row of the list."""
        derived = {"reference", "title", "overdue", "stuck", "flags"}
        return cls(
            reference=reference_of(duty.number),
            title=duty.title,
            overdue=duty.is_overdue(now),
            stuck=why_stuck(duty, now),
            flags=list(duty.flags(now)),
            **duty.model_dump(include=cls.model_fields.keys() - derived),
        )


class JourneyList(AsOf):
    """A page of journeys."""

    rows: list[JourneyItem] = Field(description="The journeys of this page.")
    total: int = Field(description="How many the whole list has.")
    next: str | None = Field(description="What to give as `after` for the next page; null on the last.")


class DutyList(AsOf):
    """A page of open duties."""

    rows: list[DutyItem] = Field(description="The duties of this page.")
    total: int = Field(description="How many the whole list has.")
    next: str | None = Field(description="What to give as `after` for the next page; null on the last.")


class CensusItem(BaseModel):
    """Clients at one level of care at one site."""

    site: str = Field(description="The site.")
    level: LevelOfCare = Field(description="The level of care.")
    count: int = Field(description="Now, those on leave included.")
    on_leave: int = Field(description="Of these, on leave.")
    came: int = Field(description="Whose days at this level began today at the site.")
    went: int = Field(description="Whose days at this level ended today at the site.")

    @classmethod
    def of(cls, cell: CensusCell) -> Self:
        """From a cell of the census."""
        return cls(**cell.model_dump(include=set(cls.model_fields)))


class Census(AsOf):
    """How many clients are at each level of each site."""

    rows: list[CensusItem] = Field(description="One for each site and level.")


class StepUpItem(BaseModel):
    """A move to a higher level of care, on its clock."""

    journey_id: str = Field(description="Opaque.")
    reference: str | None = Field(description="What people call the journey: J-004K-K.")
    site: str = Field(description="The journey's site.")
    stage: Stage = Field(description="Where the journey stands.")
    moving_from: LevelOfCare | None = Field(description="The level of care before; null if there is none.")
    moving_to: LevelOfCare = Field(description="The level of care to move to.")
    move_due: datetime = Field(description="When the client must have arrived.")
    seconds_left: int = Field(description="Elapsed seconds until then; negative once it is late.")
    waits_for: str = Field(description="What the move waits for, in words.")
    move_place: str | None = Field(description="The facility of the place that is held.")
    move_starts_at: datetime | None = Field(description="When the held place starts.")
    obligation: str | None = Field(description="What is owed until the client has arrived.")
    owner: Role | None = Field(description="The role that owes the arrival.")
    assignee: str | None = Field(description=_PERSON)

    @classmethod
    def of(cls, move: StepUp, now: datetime) -> Self:
        """From the row of the list."""
        return cls(
            reference=reference_of(move.number),
            seconds_left=int(move.left(now).total_seconds()),
            waits_for=move.waits_for(now),
            **move.model_dump(include=cls.model_fields.keys() - {"reference", "seconds_left", "waits_for"}),
        )


class StepUpList(AsOf):
    """The open step-ups, the one with the least time left first."""

    rows: list[StepUpItem] = Field(description="One for each step-up.")


class MessageItem(BaseModel):
    """An admissions message that waits for a person: codes only."""

    number: int = Field(description="Its number in quarantine.")
    listener: str = Field(description="Where it came in.")
    code: str = Field(description="Why it waits.")
    advice: str = Field(description="What to do with it.")
    came_at: datetime = Field(description="When it came first.")
    last_seen_at: datetime = Field(description="When it came last.")
    times: int = Field(description="How often it came.")

    @classmethod
    def of(cls, message: WaitingMessage) -> Self:
        """From the row of the list."""
        return cls(**message.model_dump(include=set(cls.model_fields)))


class MessageList(AsOf):
    """Messages that wait for a person, the newest first. They belong to no site."""

    rows: list[MessageItem] = Field(description="One for each message.")
    total: int = Field(description="How many wait; the rows are the newest 200.")


class Me(BaseModel):
    """The person who asks."""

    person: str = Field(description="Opaque staff id.")
    roles: list[Role] = Field(description="As the centre's list of staff says now.")
    sites: list[str] | None = Field(description="Where they work; null for every site.")
    auditor: bool = Field(description="Whether they may read who looked at whom.")
    may: list[Action] = Field(
        description="What they may do somewhere; a site or a journey can still be closed to them."
    )
    session_ends_at: datetime = Field(description="At the latest; without use it ends sooner.")
    csrf: str | None = Field(description="The header X-CSRF of a POST with the session cookie; null with a token.")
