"""`decide(state, command, now)`: the events a command leads to, or why it is refused. Pure and total."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.consequences import follows
from tests.gate.old_core.evolve import evolve
from tests.gate.old_core.refusal import Refusal, Refused
from tests.gate.old_core.rules import answers, discharge, enrolment, obligations, opening, reviews, time, transitions
from tests.gate.old_core.rules.common import Occasion
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import Instant

Rule = Callable[[JourneyState, Any, Occasion], Iterator[ev.Event]]

RULES: dict[type[cmd.BaseCommand], Rule] = {
    cmd.OpenJourney: opening.open_journey,
    cmd.RepeatAdmission: opening.repeat_admission,
    cmd.CancelAdmission: opening.cancel_admission,
    cmd.ReportDischarge: opening.report_discharge,
    cmd.RecordBenefits: opening.record_benefits,
    cmd.ResolveFunding: opening.resolve_funding,
    cmd.DecidePlacement: enrolment.decide_placement,
    cmd.AcceptCost: enrolment.accept_cost,
    cmd.DeclineCost: enrolment.decline_cost,
    cmd.ConfirmEnrolment: enrolment.confirm_enrolment,
    cmd.UpdateDischargePlan: discharge.update_plan,
    cmd.CompleteReview: reviews.complete_review,
    cmd.RequestStepUp: transitions.request_step_up,
    cmd.StartStepDown: transitions.start_step_down,
    cmd.ConfirmArrival: transitions.confirm_arrival,
    cmd.DeclineTransition: transitions.decline_transition,
    cmd.Discharge: discharge.discharge,
    cmd.RecordFollowUp: discharge.record_follow_up,
    cmd.AcknowledgeObligation: obligations.acknowledge,
    cmd.CompleteObligation: obligations.complete,
    cmd.WaiveObligation: obligations.waive,
    cmd.SettleEffect: answers.settle,
    cmd.TimePassed: time.pass_time,
}

Outcome = tuple[ev.Event, ...] | Refusal


def decide(state: JourneyState, command: cmd.BaseCommand, now: Instant) -> Outcome:
    """What `command` leads to at `now`.

    A command whose id was answered before leads to nothing new. Everything that follows from the first events
    is included, so folding the result leaves nothing undecided.
    """
    if command.cause in state.answered:
        return ()
    if state.version == 0 and not isinstance(command, cmd.OpenJourney):
        return Refusal(code="not-open", sentence="This journey has not begun. Send its admission first.")
    try:
        first = RULES[type(command)](state, command, Occasion(at=now, cause=command.cause))
        return tuple(_with_consequences(state, first))
    except Refused as refused:
        return refused.refusal


def _with_consequences(state: JourneyState, events: Iterator[ev.Event]) -> Iterator[ev.Event]:
    for event in events:
        yield event
        state = evolve(state, event)
        for consequence in _with_consequences(state, follows(event, state)):
            yield consequence
            state = evolve(state, consequence)
