"""What a kind of obligation is, who owes it and who is told when, before it is counted in absolute times."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.values import Role, Value


class Channel(StrEnum):
    """How a step reaches its person."""

    MAIL = "mail"
    PAGE = "page"


Offset = int | Literal["opens"] | None
"""When a step is due: elapsed hours from the due time, negative for before; `opens` for when the first day of its
window begins, and left out where it has none; None for when the obligation is raised.
"""


class Priority(StrEnum):
    """What comes first, the most pressing first."""

    SAFETY = "safety"  #: someone may come to harm within hours
    CLINICAL = "clinical"  #: care waits for it, or goes on without being looked at
    COVERAGE = "coverage"  #: who pays
    ADMINISTRATIVE = "administrative"

    @property
    def rank(self) -> int:
        """From 0, the most pressing."""
        return list(Priority).index(self)


class StepTerms(Value):
    """One step of an escalation.

    Attributes:
        hours: When; see `Offset`.
        tell: Who is told.
        by: How.
    """

    hours: Annotated[int, Field(ge=-8760, le=8760)] | Literal["opens"] | None
    tell: Role
    by: Channel

    @property
    def offset(self) -> Offset:
        """The same; a policy's file may say it in other words."""
        return self.hours


class AcknowledgementTerms(Value):
    """How an obligation may be acknowledged.

    Attributes:
        hours: How long one acknowledgement keeps the escalation quiet, elapsed; None: the policy's usual number.
        times: How often it may be acknowledged; None: the policy's usual number.
        also_by: Roles that may acknowledge it beside its owner and those who were told.
    """

    hours: Annotated[int, Field(ge=1, le=168)] | None = None
    times: Annotated[int, Field(ge=1, le=100)] | None = None
    also_by: tuple[Role, ...] = ()


class Terms(Value):
    """Who owes one kind of obligation, and who is told when; a centre's policy says so.

    Attributes:
        owner: The role that must act, where no person of that role is assigned.
        steps: In order. They end with someone who can decide.
        repeat_hours: Elapsed hours between repeats of the last step.
        pauses_in_crisis: Whether it waits while the client is in an emergency department or in hospital.
        pauses_on_leave: Whether it waits while the client is on leave.
        around_the_clock: Whether people are told at any hour, or in the site's opening hours alone. None: at any hour
            if the kind is urgent or its time is counted in elapsed hours.
    """

    owner: Role
    steps: Annotated[tuple[StepTerms, ...], Field(min_length=1)]
    repeat_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    pauses_in_crisis: bool = False
    pauses_on_leave: bool = False
    around_the_clock: bool | None = None
    acknowledgement: AcknowledgementTerms = AcknowledgementTerms()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        early = {None: -8762, "opens": -8761}
        hours = [step.offset if isinstance(step.offset, int) else early[step.offset] for step in self.steps]
        if hours != sorted(hours):
            raise ValueError("the steps must be in order of time: when it is raised, when its window opens, then hours")
        if all(step.offset == "opens" for step in self.steps):
            raise ValueError("give a step besides the one when its window opens: it may have none")
        return self

    def telling_at_once(self, roles: Iterable[Role]) -> Terms:
        """The same, with a page to each of these roles when it is raised."""
        first = tuple(StepTerms(hours=None, tell=role, by=Channel.PAGE) for role in roles)
        return self.changed(steps=(*first, *self.steps)) if first else self

    def without_telling_at_once(self, role: Role) -> Terms:
        """The same, but `role` is not told as it is raised, unless there would be no step at all."""
        steps = tuple(step for step in self.steps if step.hours is not None or step.tell is not role)
        return self.changed(steps=steps) if steps else self


class ObligationKind(Value):
    """What one kind of obligation is. Each part of the pathway declares its own.

    Attributes:
        kind: Its name, and the stem of its obligations' ids.
        title: For people; says what to do and nothing about the client.
        ended_by: The decision that usually ends it, the next action of the person who owes it.
        waivable_by: Roles that may decide it need not be done; none where it keeps the journey moving.
        completable_by: Roles that may end it by saying it is done; none where a decision of its own ends it.
        priority: What comes first in every list.
        outlives_care: Whether it is owed on when care ends.
    """

    kind: str
    title: str
    ended_by: str = "complete-obligation"
    waivable_by: tuple[Role, ...] = ()
    completable_by: tuple[Role, ...] = ()
    priority: Priority
    outlives_care: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether a person ends it by saying it is done, rather than by a decision of its own."""
        return bool(self.completable_by)

    @property
    def urgent(self) -> bool:
        """Whether it is shown first everywhere, however far its due time."""
        return self.priority is Priority.SAFETY
