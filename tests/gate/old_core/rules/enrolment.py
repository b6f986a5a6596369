"""Placement, cost and enrolment: from a way to pay to the first session."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.obligations import ObligationKind
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.rules.common import Occasion, require_clinician, require_stage
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import Stage


def decide_placement(state: JourneyState, command: cmd.DecidePlacement, when: Occasion) -> Iterator[ev.Event]:
    """A clinician decides; a difference from the recommendation needs its reason."""
    require_stage(state, Stage.PLACEMENT, to="decide the level of care")
    require_clinician(command.by, "decide the level of care")
    require(
        command.actual.is_ours,
        "level-not-ours",
        f"{command.actual} is given elsewhere. Place the client at OP or IOP and request a step-up, or refer out.",
    )
    require(
        command.actual == command.recommended or command.variance is not None,
        "variance-missing",
        "The level differs from the recommendation: say why.",
    )
    yield ev.PlacementDecided(
        **when,
        recommended=command.recommended,
        actual=command.actual,
        variance=command.variance,
        instrument=command.instrument,
        by=command.by,
    )


def accept_cost(state: JourneyState, command: cmd.AcceptCost, when: Occasion) -> Iterator[ev.Event]:
    """Costs are clear before enrolment: only the latest estimate, and only one with a known range."""
    require_stage(state, Stage.COST_REVIEW, to="accept the cost")
    latest = state.estimate
    if latest is None or command.estimate != latest.id:
        current = latest.id if latest else "none yet"
        raise Refused("estimate-outdated", f"That is not the latest estimate ({current}). Show the client that one.")
    require(
        latest.high is not None,
        "cost-unknown",
        "The payer's answer leaves the cost open. Ask it, record the benefits, and show the client the new estimate.",
    )
    yield ev.CostAccepted(**when, estimate=command.estimate, by=command.by)


def decline_cost(state: JourneyState, command: cmd.DeclineCost, when: Occasion) -> Iterator[ev.Event]:
    """Back to funding: another way to pay, or a referral elsewhere."""
    require_stage(state, Stage.COST_REVIEW, to="record that the cost was declined")
    estimate = state.estimate.id if state.estimate else "none"
    yield ev.CostDeclined(**when, estimate=estimate, reason=command.reason, by=command.by)


def confirm_enrolment(state: JourneyState, command: cmd.ConfirmEnrolment, when: Occasion) -> Iterator[ev.Event]:
    """Care begins. An authorisation still owed comes first."""
    require_stage(state, Stage.ENROLLING, to="enrol the client")
    require(
        not state.open_of(ObligationKind.OBTAIN_AUTHORISATION),
        "authorisation-open",
        "The payer has not authorised this level. Complete that obligation, or waive it with a reason.",
    )
    if state.placement is None:
        raise Refused("no-placement", "No level of care was decided. A clinician decides it first.")
    yield ev.Enrolled(**when, level=state.placement, track=command.track, by=command.by)
