"""Whole paths through care, decision by decision, short enough to be walked many times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.commands import BaseCommand
from domain.pathway.admission import CancelAdmission
from domain.pathway.attendance import NoteAttendance
from domain.pathway.cost import AcceptCost
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath, ReviewDeath
from domain.pathway.discharge import Discharge, PlanDelivery, RecordPlanDelivery, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening
from domain.pathway.withdrawal import CheckWithdrawal, RecordWithdrawal, TakeBackWithdrawal
from domain.plans import Actor, Contact, DischargePlan, DischargeReason, FundingRoute, ReviewOutcome
from domain.sessions.attendance import Attendance
from domain.values import LevelOfCare, Role, Stage
from tests.workflows.house import SCREENED, Case

OP, IOP, PHP = "OP", "IOP", "PHP"
TRACKS = {OP: "individual", IOP: "evening"}
Step = Callable[[Case], Awaitable[object]]

PLAN = DischargePlan(
    follow_ups=("a first visit within a week",),
    crisis_contacts=("call 988",),
    resources=("peer group",),
    medication=("none",),
    summary=("eight weeks of skills and therapy",),
)


def decide(kind: type[BaseCommand], **fields: Any) -> Step:
    return lambda case: case.do(kind, **fields)


def later(**span: float) -> Step:
    return lambda case: case.later(**span)


async def accept_cost(case: Case) -> None:
    estimate = (await case.state()).cost.estimate
    await case.do(AcceptCost, estimate=estimate.id if estimate else "none")


async def come(case: Case) -> None:
    """The client comes to a session, and their journey is told of it."""
    now, known = await case.now(), (await case.state()).attendance
    first = known.known.first_kept_at or now
    monday = now.date() - timedelta(days=now.weekday())
    noted = Attendance(first_kept_at=first, seen_week=monday)
    await case.do(NoteAttendance, entries=known.entries + 1, known=noted)


def into_care(level: LevelOfCare) -> tuple[Step, ...]:
    return (
        decide(CompleteScreening, **SCREENED),
        decide(DecidePlacement, recommended=level, actual=level),
        accept_cost,
        decide(ConfirmEnrolment, track=TRACKS.get(level, "day")),
        come,
        decide(UpdateDischargePlan, plan=PLAN),
    )


async def enrol(case: Case, level: LevelOfCare = OP) -> None:
    """From admission into care, all calls answered."""
    await case.settled()
    for step in into_care(level):
        await step(case)
    await case.settled()


_REACHED = decide(RecordFollowUp, contact=Contact.REACHED)
OUT_OF_CARE: tuple[Step, ...] = (
    decide(Discharge, reason=DischargeReason.GOALS_MET),
    decide(RecordPlanDelivery, how=PlanDelivery.MAILED),
    later(days=5),
    _REACHED,
    later(days=20),
    _REACHED,
)
_SUPERVISOR = Actor(id="supervisor-1", role=Role.SUPERVISOR)
_REVIEW = decide(CompleteReview, outcome=ReviewOutcome.CONTINUE, rationale="progress")
_STEP_DOWN = decide(StartStepDown, to=OP, reason="stable")
_ARRIVE = decide(ConfirmArrival)

_TO_CARE = (
    *(Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING),
    *(Stage.ENROLLED, Stage.ACTIVE),
)
_MOVED = (Stage.TRANSITION, Stage.ACTIVE)
_TO_THE_END = (Stage.DISCHARGED, Stage.FOLLOW_UP, Stage.CLOSED)


@dataclass(frozen=True)
class WholePath:
    """One path: how the clinic plays its part, what is decided, which stages and levels must come of it."""

    steps: tuple[Step, ...]
    stages: tuple[Stage, ...]
    levels: tuple[LevelOfCare, ...]
    clinic: dict[str, Any] = field(default_factory=dict)


PATHS = {
    "intensive-then-down": WholePath(
        steps=(*into_care(IOP), later(days=43), _REVIEW, _STEP_DOWN, _ARRIVE, *OUT_OF_CARE),
        stages=(*_TO_CARE, *_MOVED, *_TO_THE_END),
        levels=(IOP, OP),
    ),
    "up-and-back": WholePath(
        steps=(
            *into_care(IOP),
            decide(RequestStepUp, to=PHP, reason="worse"),
            later(hours=5),
            _ARRIVE,
            later(days=6),
            decide(CompleteObligation, obligation="external-contact-1", note="called"),
            _STEP_DOWN,
            _ARRIVE,
            *OUT_OF_CARE,
        ),
        stages=(*_TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *_MOVED, *_TO_THE_END),
        levels=(IOP, PHP, OP),
        clinic={"places": {PHP: {"from_search": 2}}},
    ),
    "self-pay": WholePath(
        steps=(
            decide(ResolveFunding, route=FundingRoute.SELF_PAY, reason="chose it"),
            *into_care(OP),
            *OUT_OF_CARE,
        ),
        stages=(*_TO_CARE[:2], Stage.FUNDING_EXCEPTION, *_TO_CARE[2:], *_TO_THE_END),
        levels=(OP,),
        clinic={"coverage": "inactive"},
    ),
    "cancelled": WholePath(
        steps=(decide(CancelAdmission, message="message-2"),),
        stages=(*_TO_CARE[:3], Stage.CANCELLED),
        levels=(),
    ),
    "withdrawn": WholePath(
        steps=(
            decide(RecordWithdrawal, reason="client-withdrew", initiator="client"),
            later(hours=30),
            decide(TakeBackWithdrawal, reason="starts after all"),
            decide(RecordWithdrawal, reason="moved-away", initiator="client"),
            decide(CheckWithdrawal, finding="safe", note="reached by phone"),
        ),
        stages=(*_TO_CARE[:3], Stage.DISENGAGED, Stage.PLACEMENT, Stage.DISENGAGED, Stage.WITHDRAWN),
        levels=(),
    ),
    "in-a-crisis-before-care": WholePath(
        steps=(
            decide(RecordCrisis, place="inpatient", facility="Harbor Hospital", reason="at night"),
            later(days=5),
            decide(EndCrisis, safety_rechecked=True, note="home with family"),
            decide(RecordWithdrawal, reason="client-declined", initiator="client", risk="low"),
        ),
        stages=(*_TO_CARE[:3], Stage.EXTERNAL, Stage.PLACEMENT, Stage.DISENGAGED, Stage.WITHDRAWN),
        levels=(),
    ),
    "from-hospital-to-partial": WholePath(
        steps=(
            *into_care(IOP),
            decide(RecordCrisis, place="inpatient", level="INPATIENT", reason="at night"),
            later(days=4),
            decide(StartStepDown, to=PHP, reason="not ready for IOP"),
            decide(ConfirmArrival, facility="North Clinic"),
            decide(StartStepDown, to=IOP, reason="ready"),
            _ARRIVE,
            *OUT_OF_CARE,
        ),
        stages=(
            *_TO_CARE,
            *(Stage.EXTERNAL, Stage.TRANSITION, Stage.EXTERNAL, Stage.TRANSITION, Stage.EXTERNAL),
            *(*_MOVED, *_TO_THE_END),
        ),
        levels=(IOP, "INPATIENT", PHP, IOP),
    ),
    "died-while-moving": WholePath(
        steps=(
            *into_care(OP),
            decide(RequestStepUp, to=PHP, reason="worse"),
            later(hours=5),
            decide(RecordDeath, source="their sister"),
            decide(CorrectDeath, reason="another client", by=_SUPERVISOR),
            later(hours=5),
            _ARRIVE,
            decide(RecordDeath, source="the facility"),
            later(days=20),
            decide(ReviewDeath, finding="natural causes", by=_SUPERVISOR),
        ),
        stages=(
            *_TO_CARE,
            *(Stage.TRANSITION, Stage.DECEASED, Stage.TRANSITION, Stage.EXTERNAL, Stage.DECEASED),
        ),
        levels=(OP, PHP),
        clinic={"places": {PHP: {"from_search": 1}}},
    ),
}
