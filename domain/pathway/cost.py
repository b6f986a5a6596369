"""Cost: clear to the client before they enrol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from domain.benefit_words import price
from domain.commands import ADMISSIONS, Decision
from domain.cost import estimate
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.plans import SELF_PAID, Actor, Estimate
from domain.refusal import Refused, require
from domain.values import Key, PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.coverage import BenefitsAnswered
    from domain.pathway.funding import FundingResolved
    from domain.pathway.placement import PlacementDecided
    from domain.pathway.policy_change import PolicyChanged
    from domain.state import JourneyState

part = Part("cost")

ACCEPT_COST = ObligationKind(
    kind="accept-cost",
    title="Make the cost clear and record the client's answer",
    ended_by="accept-cost",
    priority=Priority.COVERAGE,
)


class Cost(Slice):
    """What the client is asked to accept.

    Attributes:
        estimates: How many were made.
        estimate: The latest.
        accepted: Whether the client accepted it, and nothing changed since.
    """

    estimates: int = 0
    estimate: Estimate | None = None
    accepted: bool = False


class CostEstimated(BaseEvent):
    """What the client will be asked to accept."""

    news: ClassVar[bool] = False

    type: Literal["cost.estimated"] = "cost.estimated"
    estimate: Estimate

    def _sentence(self) -> str:
        return f"Cost: {self.estimate.id} is {price(self.estimate)}"


class CostAccepted(BaseEvent):
    """The client accepted an estimate."""

    type: Literal["cost.accepted"] = "cost.accepted"
    estimate: str
    by: Actor

    def _sentence(self) -> str:
        return f"The client accepted {self.estimate}{said_by(self.by)}"


class CostDeclined(BaseEvent):
    """The client did not accept an estimate."""

    type: Literal["cost.declined"] = "cost.declined"
    estimate: str
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The client declined {self.estimate}{said_by(self.by)}"


class AcceptCost(Decision, label="Accept the cost", by=ADMISSIONS, at=(Stage.COST_REVIEW,)):
    """Record that the client accepted the latest estimate."""

    kind: Literal["accept-cost"] = "accept-cost"
    estimate: Key = Field(description="Id of the latest estimate, as the last decision showed it.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Only the latest estimate, and only one with a known range."""
        latest = state.cost.estimate
        if latest is None or self.estimate != latest.id:
            current = latest.id if latest else "none yet"
            raise Refused(
                "estimate-outdated", f"That is not the latest estimate ({current}). Show the client that one."
            )
        require(
            latest.high is not None,
            "cost-unknown",
            "The payer's answer leaves the cost open. Ask it, record the benefits, and show the client the new "
            "estimate.",
        )
        yield CostAccepted(**when, estimate=self.estimate, by=self.by)


class DeclineCost(Decision, label="Record that the cost was declined", by=ADMISSIONS, at=(Stage.COST_REVIEW,)):
    """Record that the client did not accept the estimate; another way to pay is looked for."""

    kind: Literal["decline-cost"] = "decline-cost"
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Back to funding: another way to pay, or a referral elsewhere."""
        latest = state.cost.estimate
        yield CostDeclined(**when, estimate=latest.id if latest else "none", reason=self.reason, by=self.by)


@part.evolves
def keep_the_estimate(state: JourneyState, event: CostEstimated) -> Cost:
    """The latest is the one to accept."""
    return state.cost.changed(estimate=event.estimate, estimates=state.cost.estimates + 1)


@part.evolves
def accept(state: JourneyState, event: CostAccepted) -> Cost:
    """The client may now enrol."""
    return state.cost.changed(accepted=True)


@part.evolves
def take_the_acceptance_back(state: JourneyState, event: CostDeclined) -> Cost:
    """The client thought again."""
    return state.cost.changed(accepted=False)


@part.evolves
def ask_again_for_another_level(state: JourneyState, event: PlacementDecided) -> Cost:
    """It has another price."""
    return state.cost.changed(accepted=False) if event.changes_the_level else state.cost


@part.evolves
def ask_again_after_news_of_the_plan(state: JourneyState, event: BenefitsAnswered) -> Cost:
    """What was accepted was a price under the answer before."""
    return state.cost.changed(accepted=False) if event.benefits.verdict.is_covered else state.cost


@part.evolves
def ask_again_once_self_paid(state: JourneyState, event: FundingResolved) -> Cost:
    """The price is now the centre's own."""
    return state.cost.changed(accepted=False) if event.route in SELF_PAID else state.cost


@part.consequence
def show_the_cost(
    state: JourneyState, event: BenefitsAnswered | FundingResolved | PolicyChanged
) -> Iterator[BaseEvent]:
    """Once the level and who pays are known; while that is looked for, no answer to a price is owed.

    Another policy has its own prices. A price that the client has accepted holds.
    """
    if state.stage is Stage.FUNDING_EXCEPTION:
        yield from cancelled(state, event, ACCEPT_COST)
    elif state.stage is Stage.COST_REVIEW:
        yield from _shown(state, event)


@part.consequence
def show_the_cost_of_the_level(state: JourneyState, event: PlacementDecided) -> Iterator[BaseEvent]:
    """Each level has its own."""
    if state.stage is Stage.COST_REVIEW and event.changes_the_level:
        yield from _shown(state, event)


@part.consequence
def await_no_answer_after_a_no(state: JourneyState, event: CostDeclined) -> Iterator[BaseEvent]:
    """It was given."""
    yield from cancelled(state, event, ACCEPT_COST)


@part.consequence
def note_the_answer(state: JourneyState, event: CostAccepted) -> Iterator[BaseEvent]:
    """It was owed."""
    yield from met(state, event, ACCEPT_COST)


def _shown(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    yield _estimated(state, event)
    if not state.open_of(ACCEPT_COST.kind):
        yield raised_within(state, event, ACCEPT_COST, "cost_business_days")


def _estimated(state: JourneyState, event: BaseEvent) -> CostEstimated:
    assert state.placement.level is not None, "a cost is shown once the level is decided"
    level = state.policy.level(state.placement.level)
    share = state.coverage.benefits.cost_share if state.coverage.benefits else None
    made = estimate(state.cost.estimates + 1, level, share, self_pay=state.funding.is_self_paid)
    return CostEstimated(**event.context, estimate=made)
