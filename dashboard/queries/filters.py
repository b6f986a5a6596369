"""The filters of the lists. They hold codes only, so that they can stand in an address."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

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

    standing: Standing = Standing.OPEN
    site: Code | None = None
    stage: Stage | None = None
    level: LevelOfCare | None = None
    waiting_for: Role | None = None
    person: Key | None = None


class DutyFilter(Value):
    """Which open duties a list shows."""

    due: Due | None = None
    stuck: bool = False
    site: Code | None = None
    kind: Code | None = None
    owner: Role | None = None
    person: Key | None = None
    priority: Priority | None = None
