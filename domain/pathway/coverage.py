"""Coverage: what the payer says, or what admissions learnt from it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.benefit_words import summary
from domain.benefits import Benefits, CostShare, Verdict
from domain.commands import Decision
from domain.effects import CheckBenefits
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import met, raised_within
from domain.plans import Actor, FundingRoute
from domain.refusal import require
from domain.values import Instant, PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import JourneyOpened
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.death import DeathCorrected
    from domain.pathway.funding import FundingResolved
    from domain.pathway.withdrawal import WithdrawalTakenBack
    from domain.state import JourneyState

part = Part("coverage")

VERIFY_BENEFITS = ObligationKind(
    kind="verify-benefits", title="Verify the client's benefits", ended_by="record-benefits", priority=Priority.COVERAGE
)


class Coverage(Slice):
    """What is known of the client's benefits.

    Attributes:
        benefits: The latest answer.
        checks: How often the payer was asked.
    """

    benefits: Benefits | None = None
    checks: int = 0


class BenefitsRequested(BaseEvent):
    """The payer is to be asked, for the `number`-th time, about a calendar day at the site."""

    type: Literal["benefits.requested"] = "benefits.requested"
    number: int
    service_date: date

    def _sentence(self) -> str:
        return "The payer is asked about benefits"


class BenefitsAnswered(BaseEvent):
    """The payer answered, or a person verified by hand (`by`) and noted what it said."""

    type: Literal["benefits.answered"] = "benefits.answered"
    benefits: Benefits
    by: Actor | None = None
    note: PrivateWords | None = None

    def _sentence(self) -> str:
        return f"Benefits: {summary(self.benefits)}" + (said_by(self.by) if self.by else ", says the payer")


class RecordBenefits(
    Decision,
    label="Record benefits",
    by=(Role.ADMISSIONS, Role.UTILISATION_REVIEW),
    at=(
        *(Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION, Stage.PLACEMENT, Stage.COST_REVIEW),
        *(Stage.ENROLLING, Stage.WAITLISTED),
    ),
):
    """Record what the payer said, verified by hand; it counts like the payer's own answer."""

    kind: Literal["record-benefits"] = "record-benefits"
    verdict: Verdict = Field(description="What the payer will do.")
    cost_share: CostShare | None = Field(default=None, description="What the client pays, where the payer said.")
    note: Words = Field(description="What the payer said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Only a final verdict counts."""
        require(
            self.verdict.is_covered or self.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED),
            "verdict-not-final",
            "Record what the payer finally said: covered, with its cost share, or inactive, or not covered.",
        )
        benefits = Benefits(verdict=self.verdict, reasons=("verified-by-hand",), cost_share=self.cost_share)
        yield BenefitsAnswered(**when, benefits=benefits, by=self.by, note=self.note)


@part.evolves
def count_the_question(state: JourneyState, event: BenefitsRequested) -> Coverage:
    """Only the answer to the latest counts."""
    return state.coverage.changed(checks=event.number)


@part.evolves
def keep_the_answer(state: JourneyState, event: BenefitsAnswered) -> Coverage:
    """The latest answer is the one that counts."""
    return state.coverage.changed(benefits=event.benefits)


@part.calls
def ask_the_payer(state: JourneyState, event: BenefitsRequested) -> CheckBenefits:
    """X12 270/271."""
    return CheckBenefits(key=f"benefits-{event.number}", number=event.number, service_date=event.service_date)


@part.consequence
def check_at_the_opening(state: JourneyState, event: JourneyOpened, now: Instant) -> Iterator[BaseEvent]:
    """The payer is asked at once."""
    yield from _check(state, event, now)


@part.consequence
def check_the_other_coverage(state: JourneyState, event: FundingResolved, now: Instant) -> Iterator[BaseEvent]:
    """A second plan is asked like the first."""
    if event.route is FundingRoute.OTHER_COVERAGE:
        yield from _check(state, event, now)


@part.consequence
def check_again_after_a_pause(
    state: JourneyState, event: CrisisEnded | WithdrawalTakenBack | DeathCorrected, now: Instant
) -> Iterator[BaseEvent]:
    """An answer that came during the pause was not used, and may be out of date.

    If the client does not want their plan to be told, nobody is asked: a person settles who pays.
    """
    asked = any(call.kind == "check-benefits" for call in state.calls.open.values())
    if state.stage is Stage.BENEFITS_CHECK and not asked and state.consents.payer_may_be_told:
        yield _asked(state, event, now)


@part.consequence
def note_that_benefits_are_verified(state: JourneyState, event: BenefitsAnswered) -> Iterator[BaseEvent]:
    """Once the answer leads on; one that a person must read does not."""
    if state.stage in (Stage.PLACEMENT, Stage.COST_REVIEW, Stage.FUNDING_EXCEPTION):
        yield from met(state, event, VERIFY_BENEFITS)


def _check(state: JourneyState, event: BaseEvent, now: Instant) -> Iterator[BaseEvent]:
    yield raised_within(state, event, VERIFY_BENEFITS, "benefits_business_days")
    yield _asked(state, event, now)


def _asked(state: JourneyState, event: BaseEvent, now: Instant) -> BenefitsRequested:
    number, today = state.coverage.checks + 1, state.calendar.local_date(now)
    return BenefitsRequested(at=now, cause=event.cause, number=number, service_date=today)
