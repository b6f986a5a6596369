"""Authorisation: the payer's approval of the level of care, where it asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from domain.benefits import Verdict
from domain.events import BaseEvent
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.obligation_changes import cancelled, raised_within
from domain.values import Role, Stage

if TYPE_CHECKING:
    from domain.pathway.cost import CostDeclined
    from domain.pathway.coverage import BenefitsAnswered
    from domain.pathway.funding import FundingResolved
    from domain.pathway.obligation_events import (
        ObligationCancelled,
        ObligationMet,
        ObligationReopened,
        ObligationWaived,
    )
    from domain.pathway.placement import PlacementDecided
    from domain.pathway.policy_change import PolicyChanged
    from domain.state import JourneyState

part = Part("authorisation", optional=True)

OBTAIN_AUTHORISATION = ObligationKind(
    kind="obtain-authorisation",
    title="Obtain the payer's authorisation",
    completable_by=(Role.UTILISATION_REVIEW, Role.ADMISSIONS, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    priority=Priority.COVERAGE,
    waivable_by=(Role.UTILISATION_REVIEW, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
)


class Authorisation(Slice):
    """Whether the payer's authorisation was obtained, or waived, for the coverage as it stands."""

    obtained: bool = False


@part.evolves
def obtain(state: JourneyState, event: ObligationMet | ObligationWaived) -> Authorisation:
    """Also where a named person decided to go without."""
    return Authorisation(obtained=True) if event.kind == OBTAIN_AUTHORISATION.kind else state.authorisation


@part.evolves
def owe_it_again(state: JourneyState, event: ObligationReopened) -> Authorisation:
    """The decision to go without was taken back."""
    return Authorisation() if event.kind == OBTAIN_AUTHORISATION.kind else state.authorisation


@part.evolves
def owe_none(state: JourneyState, event: ObligationCancelled) -> Authorisation:
    """It was for coverage that no longer counts."""
    return Authorisation() if event.kind == OBTAIN_AUTHORISATION.kind else state.authorisation


@part.evolves
def lose_it_with_the_coverage(state: JourneyState, event: BenefitsAnswered) -> Authorisation:
    """A plan that does not pay authorises nothing."""
    refuses = event.benefits.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED)
    return Authorisation() if refuses and not state.funding.is_self_paid else state.authorisation


@part.evolves
def lose_it_with_the_level(state: JourneyState, event: PlacementDecided) -> Authorisation:
    """It was for the level decided before."""
    return Authorisation() if event.changes_the_level else state.authorisation


@part.evolves
def lose_it_with_the_cost(state: JourneyState, event: CostDeclined) -> Authorisation:
    """Funding is looked for anew."""
    return Authorisation()


@part.consequence
def ask_for_it(state: JourneyState, event: BenefitsAnswered | FundingResolved) -> Iterator[BaseEvent]:
    """Where the payer wants one for the level decided or was not asked about it, and a plan pays at all."""
    if state.stage is Stage.FUNDING_EXCEPTION:
        yield from cancelled(state, event, OBTAIN_AUTHORISATION)
    elif state.stage is Stage.COST_REVIEW:
        yield from _asked(state, event)


@part.consequence
def ask_for_it_at_the_level(state: JourneyState, event: PlacementDecided) -> Iterator[BaseEvent]:
    """What was asked for another level is asked no more."""
    if event.changes_the_level:
        yield from cancelled(state, event, OBTAIN_AUTHORISATION)
        if state.stage is Stage.COST_REVIEW and _is_wanted(state):
            yield raised_within(state, event, OBTAIN_AUTHORISATION, "authorisation_business_days")


@part.consequence
def ask_for_none_while_funding_is_sought(state: JourneyState, event: CostDeclined) -> Iterator[BaseEvent]:
    """It is not known yet which payer would give it."""
    yield from cancelled(state, event, OBTAIN_AUTHORISATION)


@part.consequence
def ask_for_it_under_another_policy(state: JourneyState, event: PolicyChanged) -> Iterator[BaseEvent]:
    """Where the policy before asked for none. One that is owed already stays."""
    if state.stage in (Stage.COST_REVIEW, Stage.ENROLLING, Stage.WAITLISTED) and _is_wanted(state):
        yield from _asked(state, event)


def _is_wanted(state: JourneyState) -> bool:
    benefits, level = state.coverage.benefits, state.placement.level
    asked = benefits is not None and benefits.verdict is Verdict.CLEAR_AUTH_REQUIRED
    wanted = asked or (level is not None and not state.policy.level(level).plan_asked)
    return wanted and not state.funding.is_self_paid


def _asked(state: JourneyState, event: BaseEvent) -> Iterator[BaseEvent]:
    if not _is_wanted(state):
        yield from cancelled(state, event, OBTAIN_AUTHORISATION)
    elif not state.authorisation.obtained and not state.open_of(OBTAIN_AUTHORISATION.kind):
        yield raised_within(state, event, OBTAIN_AUTHORISATION, "authorisation_business_days")
