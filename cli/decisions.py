"""One command for each decision a person can take on a journey."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Annotated, TypedDict

from cyclopts import Parameter

from cli.access import the_journeys
from cli.output import Exit, Stop, show_fields, show_json
from domain import commands as cmd
from domain.benefits import CostShare, Verdict
from domain.plans import Actor, Contact, DischargePlan, DischargeReason, FundingRoute, ReviewOutcome
from domain.values import LevelOfCare, Role
from workflows.client import CommandRefused, JourneyNotRunning, JourneysUnreachable


class _Common(TypedDict):
    id: str
    by: Actor


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
    role: Role
    id: str | None = None
    json: bool = False

    def common(self) -> _Common:
        """The fields every decision has."""
        return _Common(id=self.id or f"cli/{uuid.uuid4()}", by=Actor(id=self.by, role=self.role))


Many = Annotated[tuple[str, ...], Parameter(negative="")]


async def record_benefits(
    journey_id: str,
    /,
    *,
    verdict: Verdict,
    note: str,
    copay: str | None = None,
    coinsurance: str | None = None,
    who: Who,
) -> None:
    """Admissions: record what the payer said, verified by hand."""
    share = CostShare.model_validate({"copay": copay, "coinsurance": coinsurance}) if copay or coinsurance else None
    await _tell(journey_id, cmd.RecordBenefits(**who.common(), verdict=verdict, cost_share=share, note=note), who)


async def resolve_funding(journey_id: str, /, *, route: FundingRoute, reason: str, who: Who) -> None:
    """Admissions: find a way on from a plan that does not pay."""
    await _tell(journey_id, cmd.ResolveFunding(**who.common(), route=route, reason=reason), who)


async def decide_placement(
    journey_id: str,
    /,
    *,
    recommended: LevelOfCare,
    actual: LevelOfCare,
    variance: str | None = None,
    instrument: str | None = None,
    who: Who,
) -> None:
    """Clinician: decide where care starts, OP or IOP."""
    command = cmd.DecidePlacement(
        **who.common(), recommended=recommended, actual=actual, variance=variance, instrument=instrument
    )
    await _tell(journey_id, command, who)


async def accept_cost(journey_id: str, /, *, estimate: str, who: Who) -> None:
    """Admissions: the client accepted the latest estimate."""
    await _tell(journey_id, cmd.AcceptCost(**who.common(), estimate=estimate), who)


async def confirm_enrolment(journey_id: str, /, *, track: str, who: Who) -> None:
    """Admissions: the client is enrolled; care begins now."""
    await _tell(journey_id, cmd.ConfirmEnrolment(**who.common(), track=track), who)


async def update_discharge_plan(
    journey_id: str,
    /,
    *,
    follow_up: Many = (),
    crisis_contact: Many = (),
    resource: Many = (),
    who: Who,
) -> None:
    """The discharge plan as it now stands, whole; repeat an option for each line."""
    plan = DischargePlan(follow_ups=follow_up, crisis_contacts=crisis_contact, resources=resource)
    await _tell(journey_id, cmd.UpdateDischargePlan(**who.common(), plan=plan), who)


async def complete_review(
    journey_id: str,
    /,
    *,
    outcome: ReviewOutcome,
    rationale: str,
    to: LevelOfCare | None = None,
    who: Who,
) -> None:
    """Clinician: continue, step up, step down or discharge."""
    command = cmd.CompleteReview(**who.common(), outcome=outcome, rationale=rationale, to=to)
    await _tell(journey_id, command, who)


async def request_step_up(journey_id: str, /, *, to: LevelOfCare, reason: str, who: Who) -> None:
    """Clinician: move to a higher level within 24 hours."""
    await _tell(journey_id, cmd.RequestStepUp(**who.common(), to=to, reason=reason), who)


async def start_step_down(journey_id: str, /, *, to: LevelOfCare, reason: str, who: Who) -> None:
    """Clinician: move to a gentler level, or back from another facility."""
    await _tell(journey_id, cmd.StartStepDown(**who.common(), to=to, reason=reason), who)


async def confirm_arrival(journey_id: str, /, *, who: Who) -> None:
    """The first visit at the new level was kept."""
    await _tell(journey_id, cmd.ConfirmArrival(**who.common()), who)


async def decline_transition(journey_id: str, /, *, reason: str, safety_plan_reviewed: bool = False, who: Who) -> None:
    """Clinician: the client declined the move and stays."""
    command = cmd.DeclineTransition(**who.common(), reason=reason, safety_plan_reviewed=safety_plan_reviewed)
    await _tell(journey_id, command, who)


async def discharge(journey_id: str, /, *, reason: DischargeReason, who: Who) -> None:
    """Clinician: end care."""
    await _tell(journey_id, cmd.Discharge(**who.common(), reason=reason), who)


async def record_follow_up(journey_id: str, /, *, contact: Contact, who: Who) -> None:
    """An attempt to reach the client after discharge."""
    await _tell(journey_id, cmd.RecordFollowUp(**who.common(), contact=contact), who)


async def acknowledge_obligation(journey_id: str, obligation: str, /, *, who: Who) -> None:
    """Somebody has it in hand; the due time does not move."""
    await _tell(journey_id, cmd.AcknowledgeObligation(**who.common(), obligation=obligation), who)


async def complete_obligation(journey_id: str, obligation: str, /, *, note: str, who: Who) -> None:
    """What was owed was done, outside this system."""
    await _tell(journey_id, cmd.CompleteObligation(**who.common(), obligation=obligation, note=note), who)


async def waive_obligation(journey_id: str, obligation: str, /, *, reason: str, who: Who) -> None:
    """It need not be done, and why."""
    await _tell(journey_id, cmd.WaiveObligation(**who.common(), obligation=obligation, reason=reason), who)


async def _tell(journey_id: str, command: cmd.Decision, who: Who) -> None:
    journeys = await the_journeys()
    try:
        standing = await journeys.tell(journey_id, command)
    except CommandRefused as refused:
        raise Stop(Exit.REFUSED, f"refused ({refused.code}): {refused.sentence}") from None
    except JourneyNotRunning as error:
        raise Stop(Exit.NOT_FOUND, str(error)) from None
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
