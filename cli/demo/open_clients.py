"""The demonstration's clients who are still in care when its calendar stops: what the board shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cli.demo.script import (
    CLIENTS,
    DAY,
    HOUR,
    IOP,
    MOVED,
    OP,
    PHP,
    PLAN,
    TO_CARE,
    WEEK,
    Client,
    ClinicChange,
    Message,
    ScriptStep,
    Visit,
    accept,
    arrive_in_iop,
    contact,
    into_care,
    review,
    step,
    weeks,
)
from domain.commands import Decision
from domain.pathway.against_advice import ReportLeavingAgainstAdvice
from domain.pathway.attendance import OutreachMethod, OutreachOutcome, RecordOutreach
from domain.pathway.care_team import AssignCareTeam
from domain.pathway.crisis import CrisisPlace, RecordCrisis
from domain.pathway.discharge import (
    Discharge,
    PlanDelivery,
    PlanFormat,
    RecordPlanDelivery,
    UpdateDischargePlan,
)
from domain.pathway.leave import LeaveCategory, StartLeave
from domain.pathway.maintenance import StartMaintenance
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.placement import DecidePlacement
from domain.pathway.waitlist import WAITLIST_CHECK_IN, InterimAnswer, PutOnWaitlist, RecordInterimOffer
from domain.plans import Actor, DischargeReason, Initiator, RelapsePreventionPlan, ReviewOutcome
from domain.sessions.facts import SessionOutcome, SessionType
from domain.state import JourneyState
from domain.values import LevelOfCare, Role, Stage

END = 16 * WEEK + DAY
"""When the demonstration's calendar stops: with the last follow-up of the clients whose paths end."""
_QUARTER = 13 * WEEK
_IN_IOP_SINCE = END - 5 * WEEK
_RELAPSE_PLAN = RelapsePreventionPlan(
    warning_signs=("Awake at four for three nights in a row",),
    coping_steps=("The written plan for hard evenings",),
    support_people=("A sister, by phone",),
    whom_to_call=("Call or text 988, day and night",),
)
_TEAM = {Role.CLINICIAN: "s-102", Role.CASE_MANAGER: "s-103"}


def _op_for_weeks(
    *then: ScriptStep | Visit, last: int = 16, iop: tuple[int, int] | None = None
) -> tuple[ScriptStep | Visit, ...]:
    """Outpatient care from the beginning, reviewed after a quarter; the client comes until the `last` week."""
    team = (step(5 * DAY, role, AssignCareTeam, team_role=role, to=who) for role, who in _TEAM.items())
    return (*into_care(OP), *team, *weeks(1, last, iop=iop), *review(_QUARTER, ReviewOutcome.CONTINUE), *then)


def _to_iop(at: timedelta) -> tuple[ScriptStep, ...]:
    return (
        step(at - 6 * HOUR, Role.CLINICIAN, RequestStepUp, to=IOP, reason="symptoms have worsened"),
        *arrive_in_iop(at),
    )


def _to_php(at: timedelta) -> ScriptStep:
    return step(at, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure")


def _client(
    name: str,
    title: str,
    *then: ScriptStep | Visit,
    stages: tuple[Stage, ...],
    levels: tuple[LevelOfCare, ...],
    last: int = 16,
    iop: tuple[int, int] | None = None,
    **more: Any,
) -> Client:
    return Client(
        name=name,
        title=title,
        steps=_op_for_weeks(*then, last=last, iop=iop),
        stages=(*TO_CARE, *stages),
        levels=(OP, *levels),
        **more,
    )


def _leave(state: JourneyState, command_id: str, by: Actor) -> Decision:
    """Until four days after the calendar stops, counted from the first day of care."""
    assert state.level_since is not None
    until = (state.level_since + END + 3 * DAY).date()
    return StartLeave(id=command_id, by=by, until=until, category=LeaveCategory.FAMILY, reason="travels to family")


def _asked(week: int) -> ScriptStep:
    """The case manager asks how they are."""
    return contact((week - 1) * WEEK + 4 * DAY, WAITLIST_CHECK_IN.kind)


OPEN_CLIENTS: tuple[Client, ...] = (
    _client(
        "waits-for-place",
        "Step-up without a place, late",
        *_to_iop(_IN_IOP_SINCE),
        _to_php(END - 25 * HOUR),
        stages=(*MOVED, Stage.TRANSITION),
        levels=(IOP,),
        iop=(12, 16),
        clinic={"places": {PHP: {"from_search": 200}}},
        never=(),
    ),
    _client(
        "steps-up-today",
        "Step-up that ends within hours",
        step(END - 21 * HOUR, Role.CLINICIAN, RequestStepUp, to=IOP, reason="symptoms have worsened"),
        stages=(Stage.TRANSITION,),
        levels=(),
    ),
    _client(
        "place-held",
        "Step-up with a place held",
        *_to_iop(_IN_IOP_SINCE),
        _to_php(END - 4 * HOUR),
        stages=(*MOVED, Stage.TRANSITION),
        levels=(IOP,),
        iop=(12, 16),
        happens=("place.held",),
    ),
    _client(
        "review-is-late",
        "IOP whose week 6 review is overdue",
        *_to_iop(END - 6 * WEEK - 3 * DAY),
        stages=MOVED,
        levels=(IOP,),
        iop=(11, 16),
    ),
    _client(
        "review-is-near",
        "IOP whose week 6 review is near",
        *_to_iop(END - 5 * WEEK - 5 * DAY),
        stages=MOVED,
        levels=(IOP,),
        iop=(11, 16),
    ),
    _client(
        "on-leave",
        "OP on leave",
        ScriptStep(END - 3 * DAY, Role.CASE_MANAGER, _leave),
        stages=(),
        levels=(),
    ),
    _client(
        "in-emergency-care",
        "OP, in an emergency department, as its hospital reported",
        step(
            END - 6 * HOUR,
            Role.CLINICIAN,
            RecordCrisis,
            place=CrisisPlace.EMERGENCY_DEPARTMENT,
            reason="taken in after a crisis at home",
        ),
        messages=(Message(timedelta(0), "A04"), Message(END - 8 * HOUR, "A04", at_hospital=True)),
        happens=("hospital.visit-reported",),
        stages=(Stage.EXTERNAL,),
        levels=(),
    ),
    _client(
        "left-a-week-ago",
        "Left against advice, the first follow-up owed",
        step(END - 6 * DAY - 3 * HOUR, Role.CASE_MANAGER, ReportLeavingAgainstAdvice, reason="sees no more use in it"),
        step(END - 6 * DAY, Role.CASE_MANAGER, UpdateDischargePlan, plan=PLAN),
        step(
            END - 6 * DAY,
            Role.CLINICIAN,
            Discharge,
            reason=DischargeReason.AGAINST_ADVICE,
            initiator=Initiator.CLIENT,
            risk_checked=True,
            plan_offered=True,
        ),
        step(END - 6 * DAY, Role.CASE_MANAGER, RecordPlanDelivery, how=PlanDelivery.MAILED, format=PlanFormat.PDF),
        stages=(Stage.DISCHARGED,),
        levels=(),
        last=15,
        happens=("leaving-against-advice.reported",),
    ),
    _client(
        "in-maintenance",
        "OP in maintenance, with a relapse-prevention plan and no end date",
        step(14 * WEEK, Role.CLINICIAN, StartMaintenance, plan=_RELAPSE_PLAN, visit_days=28),
        stages=(),
        levels=(),
        happens=("maintenance.started",),
    ),
    _client(
        "records-refuse",
        "OP whose record the clinic's system refuses",
        *_to_iop(END - 26 * HOUR),
        stages=MOVED,
        levels=(IOP,),
        changes=(ClinicChange(END - 33 * HOUR, {"ehr_refused": True}),),
    ),
    _client(
        "no-longer-comes",
        "OP who missed three sessions in a row",
        *(Visit((week - 1) * WEEK + 4 * DAY, SessionOutcome.NO_SHOW, SessionType.INDIVIDUAL) for week in (14, 15, 16)),
        step(
            END - DAY, Role.CASE_MANAGER, RecordOutreach, outcome=OutreachOutcome.NO_ANSWER, method=OutreachMethod.CALL
        ),
        stages=(),
        levels=(),
        last=13,
        happens=("attendance.noted", "outreach.recorded"),
    ),
    Client(
        name="waits-for-room",
        title="Waits for a place in IOP, with OP until then",
        steps=(
            *into_care(IOP)[:3],
            step(6 * HOUR, Role.ADMISSIONS, PutOnWaitlist),
            step(8 * HOUR, Role.CASE_MANAGER, RecordInterimOffer, answer=InterimAnswer.ACCEPTED),
            step(10 * HOUR, Role.CLINICIAN, DecidePlacement, recommended=IOP, actual=OP, variance="waits for room"),
            accept(12 * HOUR),
            *into_care(OP)[3:],
            *(_asked(week) for week in range(1, 17)),
            *weeks(1, 16),
            *review(_QUARTER, ReviewOutcome.CONTINUE),
        ),
        stages=(*TO_CARE[:5], Stage.WAITLISTED, Stage.COST_REVIEW, *TO_CARE[4:]),
        levels=(OP,),
        happens=("client.waitlisted", "interim-care.offered"),
    ),
)
EVERYBODY = (*CLIENTS, *OPEN_CLIENTS)
"""Everybody in the demonstration."""
