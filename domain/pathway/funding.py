"""Funding: the way on from a plan that does not pay."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.benefits import Verdict
from domain.commands import ADMISSIONS, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import consents, screening
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.plans import SELF_PAID, Actor, FundingRoute
from domain.values import PrivateWords, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.cost import CostDeclined
    from domain.pathway.coverage import BenefitsAnswered, BenefitsRequested
    from domain.pathway.placement import PlacementDecided
    from domain.pathway.reopening import JourneyReopened
    from domain.state import JourneyState

part = Part("funding")

RESOLVE_FUNDING = ObligationKind(
    kind="resolve-funding",
    title="Find another way to pay for care",
    ended_by="resolve-funding",
    priority=Priority.COVERAGE,
)


class Payment(StrEnum):
    """Whether it is known who pays."""

    UNKNOWN = "unknown"  #: the payer is being asked
    SOUGHT = "sought"  #: the plan does not pay, or the client cannot: a person looks for another way
    CLEAR = "clear"


class Funding(Slice):
    """How care is paid for.

    Attributes:
        route: The way found where the plan does not pay; None where it does.
    """

    payment: Payment = Payment.UNKNOWN
    route: FundingRoute | None = None

    @property
    def is_self_paid(self) -> bool:
        """Whether no plan has a say."""
        return self.route in SELF_PAID


class FundingResolved(BaseEvent):
    """A way to pay was found, or care was referred elsewhere."""

    type: Literal["funding.resolved"] = "funding.resolved"
    route: FundingRoute
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Funding: {self.route}{said_by(self.by)}"


class ResolveFunding(Decision, label="Resolve funding", by=ADMISSIONS, at=(Stage.FUNDING_EXCEPTION,), high_risk=True):
    """Find a way on from a plan that does not pay: self-pay, sliding scale, other coverage, or a referral out."""

    kind: Literal["resolve-funding"] = "resolve-funding"
    route: FundingRoute = Field(description="The way on; a referral out closes the journey.")
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """A named person answers for it. Nobody is referred out unless they are known to be safe."""
        if self.route is FundingRoute.REFERRED_OUT:
            screening.require_known_to_be_safe(state)
        if self.route is FundingRoute.OTHER_COVERAGE:
            consents.require_payer_may_be_told(state)
        yield FundingResolved(**when, route=self.route, reason=self.reason, by=self.by)


@part.evolves
def wait_for_the_payer(state: JourneyState, event: BenefitsRequested) -> Funding:
    """It is not known yet who pays."""
    return state.funding.changed(payment=Payment.UNKNOWN)


@part.evolves
def take_the_payers_word(state: JourneyState, event: BenefitsAnswered) -> Funding:
    """A plan that pays is used; one that does not is no news to a client who pays themselves."""
    if event.benefits.verdict.is_covered:
        return Funding(payment=Payment.CLEAR)
    refuses = event.benefits.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED)
    return state.funding.changed(payment=Payment.SOUGHT) if _is_sought_after(state, refuses) else state.funding


def _is_sought_after(state: JourneyState, refuses: bool) -> bool:
    return refuses and not state.funding.is_self_paid


@part.evolves
def take_the_route(state: JourneyState, event: FundingResolved) -> Funding:
    """Another plan must first be asked."""
    payment = Payment.CLEAR if event.route in SELF_PAID else state.funding.payment
    return Funding(payment=payment, route=event.route)


@part.evolves
def try_another_level(state: JourneyState, event: PlacementDecided) -> Funding:
    """What the client would not pay for was another level; a plan that does not pay does so for none."""
    benefits = state.coverage.benefits
    pays = benefits is not None and benefits.verdict.is_covered
    is_open = state.funding.payment is Payment.SOUGHT and pays and event.changes_the_level
    return state.funding.changed(payment=Payment.CLEAR) if is_open else state.funding


@part.evolves
def look_for_another_way(state: JourneyState, event: CostDeclined) -> Funding:
    """The client did not accept the cost."""
    return state.funding.changed(payment=Payment.SOUGHT)


@part.evolves
def look_anew(state: JourneyState, event: JourneyReopened) -> Funding:
    """The referral out was a mistake."""
    is_out = state.funding.route is FundingRoute.REFERRED_OUT
    return Funding(payment=Payment.SOUGHT) if is_out else state.funding


@part.consequence
def seek_after_a_refusal(state: JourneyState, event: BenefitsAnswered) -> Iterator[BaseEvent]:
    """No longer where a plan pays after all: what raised it was a mistake, or the payer's."""
    if state.stage in (Stage.PLACEMENT, Stage.COST_REVIEW):
        yield from cancelled(state, event, RESOLVE_FUNDING)
    elif state.stage is Stage.FUNDING_EXCEPTION:
        yield from _seek(state, event)


@part.consequence
def seek_after_a_declined_cost(state: JourneyState, event: CostDeclined) -> Iterator[BaseEvent]:
    """Another way to pay, or a referral elsewhere."""
    yield from _seek(state, event)


@part.consequence
def seek_after_a_referral_by_mistake(state: JourneyState, event: JourneyReopened) -> Iterator[BaseEvent]:
    """The plan does not pay all the same."""
    if state.stage is Stage.FUNDING_EXCEPTION:
        yield from _seek(state, event)


@part.consequence
def seek_no_longer_with_another_level(state: JourneyState, event: PlacementDecided) -> Iterator[BaseEvent]:
    """The client is asked about its price instead."""
    if state.stage is not Stage.FUNDING_EXCEPTION:
        yield from cancelled(state, event, RESOLVE_FUNDING)


@part.consequence
def note_that_funding_is_resolved(state: JourneyState, event: FundingResolved) -> Iterator[BaseEvent]:
    """The way that was found."""
    yield from met(state, event, RESOLVE_FUNDING)


def _seek(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    if not state.open_of(RESOLVE_FUNDING.kind):
        yield raised_within(state, event, RESOLVE_FUNDING, "funding_business_days")
