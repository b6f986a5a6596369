"""The options that decisions share, each with its help text."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypedDict

from cyclopts import Parameter, Token, validators

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


def _moment(_: object, tokens: Sequence[Token]) -> datetime:
    try:
        moment = datetime.fromisoformat(tokens[0].value)
    except ValueError:
        raise ValueError("write it like 2026-03-01T12:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("add its time zone: 2026-03-01T12:00Z in UTC, or 2026-03-01T07:00-05:00")
    return moment.astimezone(UTC)


AtTime = Annotated[datetime | None, Parameter(converter=_moment)]
"""A moment with its time zone."""
Positive = Annotated[int | None, Parameter(validator=validators.Number(gte=1))]
"""A count from 1."""


@Parameter(name="*")
@dataclass(frozen=True)
class Who:
    """Who decides, and how the answer is printed.

    Attributes:
        by: Staff id of the person who decides; opaque, never a name.
        role: The role in which they act.
        id: Id of this decision. Repeating the command with the same id does it only once. Generated if left out.
        json: Print the journey's new status as JSON.
    """

    by: str
    role: ActingRole
    id: str | None = None
    json: bool = False

    def common(self) -> _Common:
        """The fields every decision has."""
        return _Common(id=self.id or f"cli/{uuid.uuid4()}", by=Actor(id=self.by, role=self.role))


JourneyId = Annotated[str, Parameter(help="The journey's id or reference in full, as `throughline journeys` lists it.")]
JourneyToRead = Annotated[str, Parameter(help="The journey's reference, its id, or the first characters of its id.")]
OccurredAt = Annotated[
    datetime | None,
    Parameter(
        converter=_moment,
        help="When it happened, if earlier than now, such as 2026-03-01T12:00Z. Due times count from then.",
    ),
]
