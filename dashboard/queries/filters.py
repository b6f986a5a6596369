"""The filters of the lists. They hold codes only, so that they can stand in an address."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.obligation_terms import Priority
from domain.values import Key, LevelOfCare, Role, Stage, Value

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


class Due(StrEnum):
    """When duties are due."""

    OVERDUE = "overdue"
    TODAY = "today"  #: later today at the site, not overdue yet
    WEEK = "week"  #: within seven days, not overdue yet


class Standing(StrEnum):
    """Which journeys."""

    OPEN = "open"  #: not ended, or still owing something
    OVERDUE = "overdue"
    URGENT = "urgent"  #: something urgent is open, or something is overdue
    STUCK = "stuck"  #: something there does not move without help
    STEP_UP = "step-up"  #: moving to a higher level of care
    ENDED = "ended"


class JourneyFilter(Value):
    """Which journeys a list shows."""

    standing: Standing = Field(default=Standing.OPEN, description="Which journeys.")
    site: Code | None = Field(default=None, description="Of this site only.")
    stage: Stage | None = Field(default=None, description="At this stage only.")
    level: LevelOfCare | None = Field(default=None, description="At this level of care only.")
    waiting_for: Role | None = Field(default=None, description="Only where this role owes what is due first.")
    person: Key | None = Field(default=None, description="Only where this person does, by staff id.")


class DutyFilter(Value):
    """Which open duties a list shows."""

    due: Due | None = Field(default=None, description="When they are due.")
    stuck: bool = Field(default=False, description="Only those that do not move without help.")
    site: Code | None = Field(default=None, description="Of this site only.")
    kind: Code | None = Field(default=None, description="Of this kind only: review.")
    owner: Role | None = Field(default=None, description="Of this role only.")
    person: Key | None = Field(default=None, description="Of this person only, by staff id.")
    priority: Priority | None = Field(default=None, description="Of this clinical priority only.")
