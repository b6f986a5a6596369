"""One command for each decision a person can take on a journey."""

from __future__ import annotations

from cli import options as opt
from cli.access import the_journeys
from cli.output import Exit, Stop, show_fields, show_json
from domain import commands as cmd
from domain.benefits import CostShare
from domain.plans import DischargePlan
from workflows.client import CommandNotRecorded, CommandRefused, JourneyNotRunning, JourneysUnreachable


async def record_benefits(
    journey_id: opt.JourneyId,
    /,
    *,
    verdict: opt.PayerVerdict,
    note: opt.PayerNote,
    copay: opt.Copay = None,
    coinsurance: opt.Coinsurance = None,
    deductible_left: opt.DeductibleLeft = None,
    out_of_pocket_left: opt.OutOfPocketLeft = None,
    deductible_first: opt.DeductibleFirst = None,
    who: opt.Who,
) -> None:
    """Admissions: record what the payer said, verified by hand."""
    said = {
        "copay": copay,
        "coinsurance": coinsurance,
        "deductible_remaining": deductible_left,
        "out_of_pocket_remaining": out_of_pocket_left,
        "deductible_first": deductible_first,
    }
    share = CostShare.model_validate(said) if any(each is not None for each in said.values()) else None
    await _tell(journey_id, cmd.RecordBenefits(**who.common(), verdict=verdict, cost_share=share, note=note), who)


async def resolve_funding(journey_id: opt.JourneyId, /, *, route: opt.Route, reason: opt.Reason, who: opt.Who) -> None:
    """Admissions: find a way on from a plan that does not pay."""
    await _tell(journey_id, cmd.ResolveFunding(**who.common(), route=route, reason=reason), who)


async def decide_placement(
    journey_id: opt.JourneyId,
    /,
    *,
    recommended: opt.Recommended,
    actual: opt.Actual,
    variance: opt.Variance = None,
    instrument: opt.Instrument = None,
    who: opt.Who,
) -> None:
    """Clinician: decide where care starts, OP or IOP."""
    command = cmd.DecidePlacement(
        **who.common(), recommended=recommended, actual=actual, variance=variance, instrument=instrument
    )
    await _tell(journey_id, command, who)


async def accept_cost(
    journey_id: opt.JourneyId,
    /,
    *,
    estimate: opt.EstimateId,
    who: opt.Who,
) -> None:
    """Admissions: the client accepted the latest estimate."""
    await _tell(journey_id, cmd.AcceptCost(**who.common(), estimate=estimate), who)


async def decline_cost(journey_id: opt.JourneyId, /, *, reason: opt.Reason, who: opt.Who) -> None:
    """Admissions: the client did not accept the estimate."""
    await _tell(journey_id, cmd.DeclineCost(**who.common(), reason=reason), who)


async def confirm_enrolment(
    journey_id: opt.JourneyId,
    /,
    *,
    track: opt.Track,
    who: opt.Who,
) -> None:
    """Admissions: the client is enrolled; care begins now."""
    await _tell(journey_id, cmd.ConfirmEnrolment(**who.common(), track=track), who)


async def update_discharge_plan(
    journey_id: opt.JourneyId,
    /,
    *,
    follow_up: opt.FollowUps = (),
    crisis_contact: opt.CrisisContacts = (),
    resource: opt.Resources = (),
    who: opt.Who,
) -> None:
    """The discharge plan as it now stands, whole; repeat an option for each line."""
    plan = DischargePlan(follow_ups=follow_up, crisis_contacts=crisis_contact, resources=resource)
    await _tell(journey_id, cmd.UpdateDischargePlan(**who.common(), plan=plan), who)


async def complete_review(
    journey_id: opt.JourneyId,
    /,
    *,
    outcome: opt.Outcome,
    rationale: opt.Reason,
    to: opt.Level | None = None,
    who: opt.Who,
) -> None:
    """Clinician: continue, step up, step down or discharge."""
    command = cmd.CompleteReview(**who.common(), outcome=outcome, rationale=rationale, to=to)
    await _tell(journey_id, command, who)


async def request_step_up(journey_id: opt.JourneyId, /, *, to: opt.Level, reason: opt.Reason, who: opt.Who) -> None:
    """Clinician: move to a higher level within 24 hours."""
    await _tell(journey_id, cmd.RequestStepUp(**who.common(), to=to, reason=reason), who)


async def start_step_down(journey_id: opt.JourneyId, /, *, to: opt.Level, reason: opt.Reason, who: opt.Who) -> None:
    """Clinician: move to a gentler level, or back from another facility."""
    await _tell(journey_id, cmd.StartStepDown(**who.common(), to=to, reason=reason), who)


async def confirm_arrival(journey_id: opt.JourneyId, /, *, facility: opt.Facility = None, who: opt.Who) -> None:
    """The first visit at the new level was kept."""
    await _tell(journey_id, cmd.ConfirmArrival(**who.common(), facility=facility), who)


async def decline_transition(
    journey_id: opt.JourneyId,
    /,
    *,
    reason: opt.Reason,
    safety_plan_reviewed: opt.Reviewed = False,
    who: opt.Who,
) -> None:
    """Clinician: the client declined the move and stays."""
    command = cmd.DeclineTransition(**who.common(), reason=reason, safety_plan_reviewed=safety_plan_reviewed)
    await _tell(journey_id, command, who)


async def discharge(journey_id: opt.JourneyId, /, *, reason: opt.Ending, who: opt.Who) -> None:
    """Clinician: end care."""
    await _tell(journey_id, cmd.Discharge(**who.common(), reason=reason), who)


async def record_follow_up(
    journey_id: opt.JourneyId,
    /,
    *,
    contact: opt.Reached,
    who: opt.Who,
) -> None:
    """An attempt to reach the client after discharge."""
    await _tell(journey_id, cmd.RecordFollowUp(**who.common(), contact=contact), who)


async def acknowledge_obligation(journey_id: opt.JourneyId, obligation: opt.ObligationId, /, *, who: opt.Who) -> None:
    """Somebody has it in hand; the due time does not move."""
    await _tell(journey_id, cmd.AcknowledgeObligation(**who.common(), obligation=obligation), who)


async def complete_obligation(
    journey_id: opt.JourneyId,
    obligation: opt.ObligationId,
    /,
    *,
    note: opt.WorkNote,
    who: opt.Who,
) -> None:
    """What was owed was done, outside this system."""
    await _tell(journey_id, cmd.CompleteObligation(**who.common(), obligation=obligation, note=note), who)


async def waive_obligation(
    journey_id: opt.JourneyId, obligation: opt.ObligationId, /, *, reason: opt.Reason, who: opt.Who
) -> None:
    """It need not be done, and why."""
    await _tell(journey_id, cmd.WaiveObligation(**who.common(), obligation=obligation, reason=reason), who)


async def _tell(journey_id: str, command: cmd.Decision, who: opt.Who) -> None:
    journeys = await the_journeys()
    try:
        standing = await journeys.tell(journey_id, command)
    except CommandRefused as refused:
        raise Stop(Exit.REFUSED, f"refused ({refused.code}): {refused.sentence}") from None
    except JourneyNotRunning as error:
        raise Stop(Exit.NOT_FOUND, str(error)) from None
    except CommandNotRecorded as error:
        raise Stop(Exit.UNREACHABLE, f"{error} Ask again with --id {command.id} for its outcome") from None
    except JourneysUnreachable as error:
        again = f"{error}; repeat with --id {command.id} to be sure it is done once"
        raise Stop(Exit.UNREACHABLE, again) from None
    if who.json:
        show_json(standing)
    else:
        show_fields({name.replace("_", " "): value for name, value in standing.model_dump().items()})


COMMANDS = (
    record_benefits,
    resolve_funding,
    decide_placement,
    accept_cost,
    decline_cost,
    confirm_enrolment,
    update_discharge_plan,
    complete_review,
    request_step_up,
    start_step_down,
    confirm_arrival,
    decline_transition,
    discharge,
    record_follow_up,
    acknowledge_obligation,
    complete_obligation,
    waive_obligation,
)
