"""A client's goals: what they want to reach, how to tell, by when, and how far they have come."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.values import PrivateWords, Value

GoalId = Annotated[str, StringConstraints(pattern=r"^goal-[1-9][0-9]{0,3}$")]
"""The id of a goal, given by the journey: `goal-1`."""
GoalIds = Annotated[tuple[GoalId, ...], Field(max_length=50)]


class Progress(StrEnum):
    """How far the client has come towards a goal."""

    NOT_STARTED = "not-started"
    PROGRESSING = "progressing"
    MET = "met"
    NO_LONGER_WANTED = "no-longer-wanted"

    @property
    def is_open(self) -> bool:
        """Whether the client still works towards it."""
        return self in (Progress.NOT_STARTED, Progress.PROGRESSING)


class Participation(StrEnum):
    """The client's part in the plan."""

    AGREED = "agreed"  #: took part and agrees
    DISAGREED = "disagreed"  #: took part and does not agree with all of it
    NOT_INVOLVED = "not-involved"


class Goal(Value):
    """One goal of a client.

    Attributes:
        words: What the client wants to reach.
        measure: How to tell whether they have.
        target: The calendar day by which they want to.
    """

    id: GoalId
    words: PrivateWords
    measure: PrivateWords | None = None
    target: date | None = None
    progress: Progress = Progress.NOT_STARTED


class GoalProgress(Value):
    """How far the client has come towards one goal."""

    goal: GoalId
    progress: Progress
