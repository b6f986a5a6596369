"""The options that decisions share, each with what its help says."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypedDict

from cyclopts import Parameter, Token, validators

from domain.benefits import Verdict
from domain.plans import Actor, Contact, DischargeReason, FundingRoute, ReviewOutcome
from domain.values import LevelOfCare, Role


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
        id: Id of this decision; repeating a command with the same id does it once. Made up if left out.
        json: Print the journey's new standing as JSON.
    """

    by: str
    role: ActingRole
    id: str | None = None
    json: bool = False

    def common(self) -> _Common:
        """The fields every decision has."""
        return _Common(id=self.id or f"cli/{uuid.uuid4()}", by=Actor(id=self.by, role=self.role))


JourneyId = Annotated[str, Parameter(help="The journey's id, as `throughline journeys` lists it.")]
ObligationId = Annotated[str, Parameter(help="The obligation's id, as `throughline journey` lists it.")]
Reason = Annotated[str, Parameter(help="Why, for the record.")]
Level = Annotated[LevelOfCare, Parameter(help="The level of care to move to.")]
PayerVerdict = Annotated[Verdict, Parameter(help="What the payer will do.")]
PayerNote = Annotated[str, Parameter(help="What the payer said, for the record.")]
Copay = Annotated[str | None, Parameter(help="What the client pays for each treatment day, in dollars.")]
Coinsurance = Annotated[str | None, Parameter(help="The client's share of the price, from 0 to 1.")]
DeductibleLeft = Annotated[str | None, Parameter(help="What is left of the deductible, in dollars; 0 if none.")]
OutOfPocketLeft = Annotated[str | None, Parameter(help="What is left of the out-of-pocket limit, in dollars.")]
DeductibleFirst = Annotated[
    bool | None,
    Parameter(
        negative="--no-deductible-first",
        help="The deductible is owed before this share, or not at all. Leave it out where the payer did not say.",
    ),
]
Route = Annotated[FundingRoute, Parameter(help="The way on.")]
Recommended = Annotated[LevelOfCare, Parameter(help="What the assessment recommends.")]
Actual = Annotated[LevelOfCare, Parameter(help="Where care starts.")]
Variance = Annotated[str | None, Parameter(help="Why the two differ; needed where they do.")]
Instrument = Annotated[str | None, Parameter(help="The assessment used.")]
EstimateId = Annotated[str, Parameter(help="Id of the latest estimate, as the last decision showed it.")]
Track = Annotated[str, Parameter(help="The group or schedule, for example evening.")]
FollowUps = Annotated[tuple[str, ...], Parameter(help="An appointment after discharge.")]
CrisisContacts = Annotated[tuple[str, ...], Parameter(help="Whom to call in a crisis.")]
Resources = Annotated[tuple[str, ...], Parameter(help="A community resource.")]
Outcome = Annotated[ReviewOutcome, Parameter(help="What the review decided.")]
Facility = Annotated[
    str | None, Parameter(help="Who took the client in, where no place was held: an ambulance does not wait for one.")
]
Reviewed = Annotated[bool, Parameter(help="The safety plan was gone through with the client.")]
Ending = Annotated[DischargeReason, Parameter(help="Why care ends.")]
Reached = Annotated[Contact, Parameter(help="Whether the client was reached.")]
WorkNote = Annotated[str, Parameter(help="What was done, for the record.")]
