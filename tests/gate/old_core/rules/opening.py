"""Admission, benefits, funding: from the first message to a way to pay."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.benefits import Benefits, Verdict
from tests.gate.old_core.policy import CURRENT
from tests.gate.old_core.refusal import Refused, require
from tests.gate.old_core.rules.common import Occasion, require_stage
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import Role, Stage


def open_journey(state: JourneyState, command: cmd.OpenJourney, when: Occasion) -> Iterator[ev.Event]:
    """The first events. Opening twice is answered without a second opening."""
    if state.version == 0:
        yield ev.JourneyOpened(
            **when,
            journey_id=command.journey_id,
            client_ref=command.client_ref,
            policy=CURRENT,
            admitted_at=command.admitted_at,
            message=command.message,
        )


def repeat_admission(state: JourneyState, command: cmd.RepeatAdmission, when: Occasion) -> Iterator[ev.Event]:
    """Notes a further message; refused once the journey has ended, so that a new one can begin."""
    if state.stage.is_end:
        raise Refused("journey-ended", "This journey has ended; the admission begins a new one.")
    yield ev.AdmissionRepeated(**when, message=command.message, occurred_at=command.occurred_at)


def cancel_admission(state: JourneyState, command: cmd.CancelAdmission, when: Occasion) -> Iterator[ev.Event]:
    """Ends a journey whose care has not begun; once it has, a person decides."""
    if state.stage.is_end:
        raise Refused("journey-ended", "This journey has already ended; nothing is left to cancel.")
    yield ev.AdmissionCancelled(
        **when,
        message=command.message,
        occurred_at=command.occurred_at,
        reason=command.reason,
        care_had_begun=state.care_began,
    )


def report_discharge(state: JourneyState, command: cmd.ReportDischarge, when: Occasion) -> Iterator[ev.Event]:
    """Notes the report; a clinician completes the discharge."""
    if state.stage.is_end:
        raise Refused("journey-ended", "This journey has already ended.")
    yield ev.DischargeReported(**when, message=command.message, occurred_at=command.occurred_at)


def record_benefits(state: JourneyState, command: cmd.RecordBenefits, when: Occasion) -> Iterator[ev.Event]:
    """A verification by hand counts like the payer's answer."""
    require_stage(
        state,
        Stage.BENEFITS_CHECK,
        Stage.FUNDING_EXCEPTION,
        Stage.PLACEMENT,
        Stage.COST_REVIEW,
        Stage.ENROLLING,
        to="record benefits",
    )
    require(
        command.verdict.is_covered or command.verdict in (Verdict.INACTIVE, Verdict.NOT_COVERED),
        "verdict-not-final",
        "Record what the payer finally said: covered, with its cost share, or inactive, or not covered.",
    )
    require(
        command.by.role in (Role.ADMISSIONS, Role.UTILISATION_REVIEW),
        "not-admissions",
        "Only admissions or utilisation review can record benefits.",
    )
    benefits = Benefits(verdict=command.verdict, reasons=("verified-by-hand",), cost_share=command.cost_share)
    yield ev.BenefitsAnswered(**when, benefits=benefits, by=command.by)


def resolve_funding(state: JourneyState, command: cmd.ResolveFunding, when: Occasion) -> Iterator[ev.Event]:
    """A named person finds a way on from a plan that does not pay."""
    require_stage(state, Stage.FUNDING_EXCEPTION, to="resolve funding")
    yield ev.FundingResolved(**when, route=command.route, reason=command.reason, by=command.by)
