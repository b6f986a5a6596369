"""The demonstration's clients: the clinic's script for each, what is sent and decided when, and what must result.

`at` is elapsed virtual time since the demonstration began. Steps are decisions by people; a step whose role is
scripted as silent at the clinic is left out, as it would be in real life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.commands import Decision
from domain.pathway.care import EXTERNAL_CONTACT
from domain.pathway.consents import ConsentAnswer, Consents
from domain.pathway.cost import AcceptCost
from domain.pathway.crisis import ARRANGE_RETURN, CrisisPlace, RecordCrisis
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.lost_place import ReportPlaceLost
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.moves import INTERIM_CONTACT
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening, KnownRisk, Urgency
from domain.pathway.withdrawal import (
    CheckWithdrawal,
    Initiator,
    RecordWithdrawal,
    SafetyFinding,
    WithdrawalReason,
)
from domain.plans import Actor, Contact, DischargePlan, DischargeReason, FundingRoute, ReviewOutcome
from domain.state import JourneyState
from domain.values import LevelOfCare, Role, Stage

OP, IOP, PHP, INPATIENT = "OP", "IOP", "PHP", "INPATIENT"
Build = Callable[[JourneyState, str, Actor], Decision]


@dataclass(frozen=True)
class ScriptStep:
    """One decision: when, by which role, and the command made from the journey's state."""

    at: timedelta
    role: Role
    build: Build


@dataclass(frozen=True)
class Message:
    """One ADT message: when, which event, and how often the same bytes are sent."""

    at: timedelta
    event: str
    times: int = 1


@dataclass(frozen=True)
class Silence:
    """From `at` on, those who hold `role` answer nothing about this client."""

    at: timedelta
    role: Role


@dataclass(frozen=True)
class Withdrawal:
    """At `at` the facility takes back the place that it holds for this client."""

    at: timedelta


@dataclass(frozen=True)
class Client:
    """An invented client.

    Attributes:
        name: Names the path. It is not a person's name.
        clinic: The script for the simulated clinic.
        stages: The stages that must be reached, in order. The same goes for `levels` and `told`.
        told: Roles that the escalation of the obligation `about` must reach, if the path is about that.
        happens: Types of events that must happen. Those in `never` must not.
    """

    name: str
    title: str
    steps: tuple[ScriptStep, ...]
    stages: tuple[Stage, ...]
    levels: tuple[LevelOfCare, ...]
    messages: tuple[Message, ...] = (Message(timedelta(0), "A04"),)
    clinic: dict[str, Any] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    told: tuple[Role, ...] = ()
    about: str = "review-1"
    happens: tuple[str, ...] = ()
    never: tuple[str, ...] = ("step-up.window-missed",)


PLAN = DischargePlan(
    follow_ups=("First outpatient visit within a week",),
    crisis_contacts=("Call or text 988, day and night", "The centre's on-call line"),
    resources=("Peer support group, Tuesdays",),
)
_SCREENED: dict[str, Any] = {"risk": KnownRisk.LOW, "consents": Consents(treatment=ConsentAnswer.GIVEN)}
_DRAFT = DischargePlan(crisis_contacts=PLAN.crisis_contacts)
_MINUTE, _HOUR, _DAY, _WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
_ENROLLED = _DAY
_TO_CARE = (Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING, Stage.ACTIVE)
_TO_THE_END = (Stage.DISCHARGED, Stage.FOLLOW_UP, Stage.CLOSED)
_MOVED = (Stage.TRANSITION, Stage.ACTIVE)


def _step(at: timedelta, role: Role, command: type[Decision], **fields: Any) -> ScriptStep:
    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        return command(id=command_id, by=by, **fields)

    return ScriptStep(at, role, build)


def _accept(at: timedelta) -> ScriptStep:
    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        return AcceptCost(id=command_id, by=by, estimate=state.cost.estimate.id if state.cost.estimate else "")

    return ScriptStep(at, Role.ADMISSIONS, build)


def _contact(at: timedelta, kind: str) -> ScriptStep:
    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        owed = next((each.id for each in state.open_of(kind)), "none")
        return CompleteObligation(id=command_id, by=by, obligation=owed, note="called")

    return ScriptStep(at, Role.CASE_MANAGER, build)


def _into_care(level: LevelOfCare, *, since: timedelta = timedelta(0)) -> tuple[ScriptStep, ...]:
    return (
        _step(since + _HOUR, Role.ADMISSIONS, CompleteScreening, urgency=Urgency.ROUTINE, **_SCREENED),
        _step(since + 2 * _HOUR, Role.CLINICIAN, DecidePlacement, recommended=level, actual=level),
        _accept(since + 4 * _HOUR),
        _step(since + _ENROLLED, Role.ADMISSIONS, ConfirmEnrolment, track="evening"),
        _step(since + _ENROLLED + 20 * _HOUR, Role.CASE_MANAGER, UpdateDischargePlan, plan=_DRAFT),
    )


def _review(at: timedelta, outcome: ReviewOutcome, role: Role = Role.CLINICIAN, **fields: Any) -> ScriptStep:
    return _step(at, role, CompleteReview, outcome=outcome, rationale="measures and team review", **fields)


def _arrive(at: timedelta) -> ScriptStep:
    return _step(at, Role.CLINICIAN, ConfirmArrival)


def _check(at: timedelta, finding: SafetyFinding, note: str) -> ScriptStep:
    return _step(at, Role.CLINICIAN, CheckWithdrawal, finding=finding, note=note)


def _leave(at: timedelta) -> tuple[ScriptStep, ...]:
    return (
        _step(at - 7 * _DAY, Role.CASE_MANAGER, UpdateDischargePlan, plan=PLAN),
        _step(at, Role.CLINICIAN, Discharge, reason=DischargeReason.GOALS_MET),
        _step(at + 6 * _DAY, Role.CASE_MANAGER, RecordFollowUp, contact=Contact.REACHED),
        _step(at + 29 * _DAY, Role.CASE_MANAGER, RecordFollowUp, contact=Contact.REACHED),
    )


CONTINUE, STEP_DOWN = ReviewOutcome.CONTINUE, ReviewOutcome.STEP_DOWN
_WEEK_6 = _ENROLLED + 6 * _WEEK + _HOUR
_WEEK_7, _WEEK_8 = _WEEK_6 + _WEEK, _WEEK_6 + 2 * _WEEK

CLIENTS: tuple[Client, ...] = (
    Client(
        name="iop-eight-weeks",
        title="IOP 8 weeks → step-down → OP → discharge",
        steps=(
            *_into_care(IOP),
            _review(_WEEK_6, CONTINUE),
            _review(_WEEK_7, CONTINUE),
            _review(_WEEK_8, STEP_DOWN, to=OP),
            _arrive(_WEEK_8 + 2 * _DAY),
            *_leave(_WEEK_8 + 6 * _WEEK),
        ),
        stages=(*_TO_CARE, *_MOVED, *_TO_THE_END),
        levels=(IOP, OP),
    ),
    Client(
        name="op-steps-up",
        title="OP → step-up to IOP inside 24 h → review → step-down",
        steps=(
            *_into_care(OP),
            _step(3 * _WEEK, Role.CLINICIAN, RequestStepUp, to=IOP, reason="symptoms have worsened"),
            _arrive(3 * _WEEK + 6 * _HOUR),
            _review(8 * _WEEK + 6 * _DAY, STEP_DOWN, to=OP),
            _arrive(9 * _WEEK + _DAY),
            *_leave(14 * _WEEK),
        ),
        stages=(*_TO_CARE, *_MOVED, *_MOVED, *_TO_THE_END),
        levels=(OP, IOP, OP),
        happens=("review.completed",),
        never=("step-up.window-missed", "place.search-started"),
    ),
    Client(
        name="php-and-back",
        title="IOP → partial hospitalisation and back",
        steps=(
            *_into_care(IOP),
            _step(3 * _WEEK, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure"),
            _arrive(3 * _WEEK + 10 * _HOUR),
            _contact(4 * _WEEK, EXTERNAL_CONTACT.kind),
            _step(5 * _WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            _arrive(5 * _WEEK + _DAY),
            _review(8 * _WEEK + _DAY, STEP_DOWN, to=OP),
            _arrive(8 * _WEEK + 3 * _DAY),
            *_leave(16 * _WEEK),
        ),
        stages=(*_TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *_MOVED, *_MOVED, *_TO_THE_END),
        levels=(IOP, PHP, IOP, OP),
        happens=("place.held",),
    ),
    Client(
        name="review-escalates",
        title="IOP where no one answers the review until it escalates",
        silences=(Silence(_WEEK, Role.CLINICIAN), Silence(_WEEK, Role.SUPERVISOR)),
        steps=(
            *_into_care(IOP),
            _review(_WEEK_6, CONTINUE, Role.CLINICIAN),
            _review(_WEEK_6 + 2 * _DAY, CONTINUE, Role.SUPERVISOR),
            _review(_WEEK_6 + 5 * _DAY, CONTINUE, Role.MEDICAL_DIRECTOR),
            _review(_WEEK_8, STEP_DOWN, Role.MEDICAL_DIRECTOR, to=OP),
            _step(_WEEK_8 + 2 * _DAY, Role.CASE_MANAGER, ConfirmArrival),
        ),
        stages=(*_TO_CARE, *_MOVED),
        levels=(IOP, OP),
        told=(Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    ),
    Client(
        name="self-pay",
        title="Coverage inactive → funding exception → self-pay → OP",
        clinic={"coverage": "inactive"},
        steps=(
            _step(_DAY, Role.ADMISSIONS, ResolveFunding, route=FundingRoute.SELF_PAY, reason="client chose it"),
            *_into_care(OP, since=_DAY),
            *_leave(10 * _WEEK),
        ),
        stages=(*_TO_CARE[:2], Stage.FUNDING_EXCEPTION, *_TO_CARE[2:], *_TO_THE_END),
        levels=(OP,),
        happens=("funding.resolved",),
    ),
    Client(
        name="no-place-in-time",
        title="Step-up with no bed within 24 h",
        clinic={"places": {PHP: {"from_search": 8}}},
        steps=(
            *_into_care(IOP),
            _step(2 * _WEEK, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure"),
            _contact(2 * _WEEK + 26 * _HOUR, INTERIM_CONTACT.kind),
            _arrive(2 * _WEEK + 40 * _HOUR),
            _contact(3 * _WEEK, EXTERNAL_CONTACT.kind),
            _step(4 * _WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            _arrive(4 * _WEEK + _DAY),
            _review(7 * _WEEK + 5 * _DAY, STEP_DOWN, to=OP),
            _arrive(8 * _WEEK),
        ),
        stages=(*_TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *_MOVED, *_MOVED),
        levels=(IOP, PHP, IOP, OP),
        happens=("place.none-found", "step-up.window-missed", "place.held"),
        never=(),
    ),
    Client(
        name="place-falls-through",
        title="Step-up whose place falls through and is found again elsewhere",
        withdrawals=(Withdrawal(2 * _WEEK + 10 * _MINUTE),),
        steps=(
            *_into_care(IOP),
            _step(2 * _WEEK, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure"),
            _step(2 * _WEEK + 15 * _MINUTE, Role.CASE_MANAGER, ReportPlaceLost, reason="their group is full after all"),
            _contact(2 * _WEEK + _HOUR, INTERIM_CONTACT.kind),
            _arrive(2 * _WEEK + 6 * _HOUR),
            _contact(3 * _WEEK, EXTERNAL_CONTACT.kind),
            _step(4 * _WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            _arrive(4 * _WEEK + _DAY),
            _review(8 * _WEEK + _DAY, STEP_DOWN, to=OP),
            _arrive(8 * _WEEK + 3 * _DAY),
        ),
        stages=(*_TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *_MOVED, *_MOVED),
        levels=(IOP, PHP, IOP, OP),
        happens=("place.held", "place.lost", "place.given-up"),
    ),
    Client(
        name="hospital-and-back",
        title="IOP → inpatient stay → PHP → IOP → OP → discharge",
        steps=(
            *_into_care(IOP),
            _step(
                3 * _WEEK,
                Role.CASE_MANAGER,
                RecordCrisis,
                place=CrisisPlace.INPATIENT,
                facility="County Psychiatric Unit",
                level=INPATIENT,
                reason="admitted after a crisis at home",
            ),
            _contact(3 * _WEEK + 2 * _DAY, ARRANGE_RETURN.kind),
            _step(3 * _WEEK + 4 * _DAY, Role.CLINICIAN, StartStepDown, to=PHP, reason="needs daily structure still"),
            _step(3 * _WEEK + 5 * _DAY, Role.CASE_MANAGER, ConfirmArrival, facility="Harbour Day Hospital"),
            _contact(4 * _WEEK + 3 * _DAY, EXTERNAL_CONTACT.kind),
            _step(5 * _WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            _arrive(5 * _WEEK + _DAY),
            _review(8 * _WEEK + _DAY, STEP_DOWN, to=OP),
            _arrive(8 * _WEEK + 3 * _DAY),
            *_leave(14 * _WEEK),
        ),
        stages=(
            *_TO_CARE,
            *(Stage.EXTERNAL, Stage.TRANSITION, Stage.EXTERNAL, Stage.TRANSITION, Stage.EXTERNAL),
            *(*_MOVED, *_MOVED, *_TO_THE_END),
        ),
        levels=(IOP, INPATIENT, PHP, IOP, OP),
        happens=("crisis.recorded",),
        never=("step-up.window-missed", "place.search-started"),
    ),
    Client(
        name="withdraws",
        title="Withdrawal before care, ended once a clinician found the client safe",
        steps=(
            *_into_care(IOP)[:3],
            _step(
                26 * _HOUR,
                Role.ADMISSIONS,
                RecordWithdrawal,
                reason=WithdrawalReason.CLIENT_WITHDREW,
                initiator=Initiator.CLIENT,
                risk=KnownRisk.UNKNOWN,
                note="phoned; no time for the programme now",
            ),
            _check(29 * _HOUR, SafetyFinding.NOT_REACHED, "no answer by phone"),
            _check(44 * _HOUR, SafetyFinding.SAFE, "reached by phone; has the crisis line's number"),
        ),
        stages=(*_TO_CARE[:5], Stage.DISENGAGED, Stage.WITHDRAWN),
        levels=(),
        told=(Role.CLINICIAN,),
        about="check-withdrawal-1",
        happens=("withdrawal.checked", "withdrawal.completed"),
        never=("level.started",),
    ),
    Client(
        name="cancelled",
        title="Cancelled admission (A11)",
        messages=(Message(timedelta(0), "A04"), Message(3 * _HOUR, "A11")),
        steps=(),
        stages=(*_TO_CARE[:3], Stage.CANCELLED),
        levels=(),
        happens=("admission.cancelled",),
    ),
    Client(
        name="sent-three-times",
        title="The same admission sent three times",
        messages=(Message(timedelta(0), "A04", times=3),),
        steps=(*_into_care(OP), *_leave(10 * _WEEK)),
        stages=(*_TO_CARE, *_TO_THE_END),
        levels=(OP,),
        never=("admission.repeated",),
    ),
)
