"""The options that decisions share, each with its help text."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypedDict

from cyclopts import Parameter, Token, validators

from cli.output import Exit, Stop
from domain.plans import Actor
from domain.values import Role


class _Common(TypedDict):
    id: str
    by: Actor


def _role(_: object, tokens: Sequence[Token]) -> Role:
    try:
        return Role(tokens[0].value.lower())
    except ValueError:
        raise ValueError(f"choose from {', '.join(Role)}") from None


ActingRole = Annotated[
    Role,
    Parameter(converter=_role, show_choices=False, help=f"The role in which they act: {', '.join(Role)}."),
]

SomeRole = Annotated[Role | None, Parameter(converter=_role, show_choices=False)]
"""A role, or none."""


def read_moment(_: object, tokens: Sequence[Token]) -> datetime:
    """A moment with its time zone. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(tokens[0].value)
    except ValueError:
        raise ValueError("write it like 2026-03-01T12:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("add its time zone: 2026-03-01T12:00Z in UTC, or 2026-03-01T07:00-05:00")
    return moment.astimezone(UTC)


AtTime = Annotated[datetime | None, Parameter(converter=read_moment)]
"""A moment with its time zone."""
Positive = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]
"""A count from 1."""


@Parameter(name="*")
@dataclass(frozen=True)
class Who:
    """Who decides, and how the answer is printed.

    Attributes:
        by: Direct access, for an operator of the machine: staff id of the person who decides, on the operator's word.
            Left out, it is the person who has signed in with `throughline sign-in`.
        role: The role in which they act. Left out, the first of theirs that may take the decision.
        id: Id of this decision. Repeating the command with the same id does it only once. Generated if left out.
        json: Print the journey's new status as JSON.
    """

    by: str | None = None
    role: ActingRole | None = None
    id: str | None = None
    json: bool = False

    @property
    def is_direct(self) -> bool:
        """Whether an operator vouches for who decides. Stops with `USAGE` if only half of it is given."""
        if self.by is not None and self.role is None:
            raise Stop(Exit.USAGE, "--role: an operator says in which role the person acts")
        return self.by is not None

    def decision_id(self) -> str:
        """The decision's id: as given, or a new one."""
        return self.id or f"cli/{uuid.uuid4()}"

    def common(self) -> _Common:
        """The fields that every decision has, on an operator's word."""
        assert self.by is not None and self.role is not None, "asked of direct access alone"
        return _Common(id=self.decision_id(), by=Actor(id=self.by, role=self.role))


JourneyId = Annotated[str, Parameter(help="The journey's id or reference in full, as `throughline journeys` lists it.")]
JourneyToRead = Annotated[str, Parameter(help="The journey's reference, its id, or the first characters of its id.")]
OccurredAt = Annotated[
    datetime | None,
    Parameter(
        converter=read_moment,
        help="When it happened, if earlier than now, such as 2026-03-01T12:00Z. Due times count from then.",
    ),
]
