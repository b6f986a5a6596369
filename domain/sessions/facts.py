"""What is known of a session, entry by entry.

A session has an id, and everything said about it is an entry with an id of its own. A later entry replaces an earlier
one, so a correction is another entry. The latest is told by when it was entered, never by when it arrived: the same
entries in any order, and any of them twice, say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.plans import Actor
from domain.values import Instant, Key, Value

Minutes = Annotated[int, Field(ge=0, le=24 * 60)]


class SessionType(StrEnum):
    """What kind of care is given."""

    GROUP = "group"
    INDIVIDUAL = "individual"
    FAMILY = "family"
    MEDICATION = "medication"
    CASE_MANAGEMENT = "case-management"

    @property
    def is_clinical(self) -> bool:
        """Whether it is treatment: it counts towards the hours of a level of care, and has a progress note."""
        return self is not SessionType.CASE_MANAGEMENT


class Modality(StrEnum):
    """How client and staff meet."""

    IN_PERSON = "in-person"
    TELEHEALTH = "telehealth"


class SessionOutcome(StrEnum):
    """What came of a session."""

    PLANNED = "planned"
    KEPT = "kept"
    NO_SHOW = "no-show"
    LATE_CANCEL = "late-cancel"  #: the client cancelled too late for the place to be used
    CANCELLED = "cancelled"  #: the client cancelled in time, or was excused
    CALLED_OFF = "called-off"  #: by the centre
    ENTERED_IN_ERROR = "entered-in-error"  #: there was no such session for this client

    @property
    def is_missed(self) -> bool:
        """Whether the client was expected and did not come."""
        return self in (SessionOutcome.NO_SHOW, SessionOutcome.LATE_CANCEL)


class Session(Value):
    """One session of one client, as one entry says.

    Attributes:
        session: Its id, unique for the client; the same in all its entries.
        starts_at: When it begins, or began.
        minutes: How long it is planned to last.
        attended: Minutes that the client was there; only of a session that was kept.
        skill: What the group teaches, such as `dbt`; a code, never words about the client.
        site: Where it is held; of telehealth, the site that gives it.
        led_by: Staff id of who leads it.
        makes_up_for: The id of the missed session that this one makes up for.
        noted: Whether its progress note is written.
    """

    session: Key = Field(description="The session's id; the same whenever something is said about it.")
    outcome: SessionOutcome = Field(description="What came of it.")
    type: SessionType = Field(description="What kind of session it is.")
    starts_at: Instant = Field(description="When it begins, or began.")
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] = Field(description="How long it is planned to last, in minutes.")
    attended: Minutes | None = Field(default=None, description="Minutes that the client was there, if it was kept.")
    modality: Modality = Field(default=Modality.IN_PERSON, description="In person or by telehealth.")
    skill: Key | None = Field(default=None, description="What the group teaches, such as dbt.")
    site: Key = Field(description="Where it is held, or the site that gives it by telehealth.")
    led_by: Key | None = Field(default=None, description="Staff id of who leads it.")
    makes_up_for: Key | None = Field(default=None, description="The id of the missed session that it makes up for.")
    noted: bool = Field(default=False, description="Whether its progress note is written.")

    @property
    def is_kept(self) -> bool:
        """Whether the client came."""
        return self.outcome is SessionOutcome.KEPT

    @property
    def ends_at(self) -> Instant:
        """When it is planned to end."""
        return self.starts_at + timedelta(minutes=self.minutes)

    @model_validator(mode="after")
    def _fits_its_outcome(self) -> Self:
        if self.is_kept is (self.attended is None):
            raise ValueError("give the minutes attended for a session that was kept, and for no other")
        if self.attended == 0:
            raise ValueError("a session of which the client attended 0 minutes was not kept: say no-show")
        if self.noted and not self.is_kept:
            raise ValueError("only a session that was kept has a progress note")
        if self.makes_up_for == self.session:
            raise ValueError("a session cannot make up for itself")
        return self


class Entry(Value):
    """One thing said about a session.

    Attributes:
        entry: Its id. The same id with the same content is the same entry.
        entered_at: When it was entered, by the clock of the system that took it.
        by: Who entered it.
    """

    entry: Key
    entered_at: Instant
    by: Actor
    said: Session

    @property
    def order(self) -> tuple[Instant, str]:
        """A later entry about the same session replaces an earlier one; at the same moment the id decides."""
        return self.entered_at, self.entry


def sessions_of(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The last word on each session, by when it starts; those entered in error are left out."""
    latest: dict[str, Entry] = {}
    for each in entries:
        held = latest.get(each.said.session)
        if held is None or each.order > held.order:
            latest[each.said.session] = each
    known = [each for each in latest.values() if each.said.outcome is not SessionOutcome.ENTERED_IN_ERROR]
    return tuple(sorted(known, key=lambda each: (each.said.starts_at, each.said.session)))
