"""The demonstration's clients: the clinic's script for each, what is sent and decided when, and what must result.

`at` is elapsed virtual time since the demonstration began. Steps are decisions by people; a step whose role is
scripted as silent at the clinic is left out, as it would be in real life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from domain.commands import Decision
from domain.goals import Participation
from domain.pathway.care import EXTERNAL_CONTACT
from domain.pathway.consents import ConsentAnswer, Consents
from domain.pathway.cost import AcceptCost
from domain.pathway.crisis import ARRANGE_RETURN, CrisisPlace, RecordCrisis
from domain.pathway.discharge import (
    Discharge,
    PlanDelivery,
    PlanFormat,
    RecordPlanDelivery,
    UpdateDischargePlan,
)
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.handoff import HandoffChannel, HandoffPackage, RecordHandoff
from domain.pathway.lost_place import ReportPlaceLost
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.moves import INTERIM_CONTACT
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.recurring_reviews import TEAM_REVIEW
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening, KnownRisk, Urgency
from domain.pathway.track_change import ChangeTrack
from domain.pathway.treatment_decisions import ReviewGoals, SetGoal, UpdateTreatmentPlan
from domain.pathway.withdrawal import (
    CheckWithdrawal,
    RecordWithdrawal,
    SafetyFinding,
    WithdrawalReason,
)
from domain.plans import (
    Actor,
    Contact,
    DischargePlan,
    DischargeReason,
    Disposition,
    FundingRoute,
    Initiator,
    ReviewOutcome,
)
from domain.sessions.facts import Session, SessionOutcome, SessionType
from domain.state import JourneyState
from domain.values import LevelOfCare, Role, Stage

OP, IOP, PHP, INPATIENT = "OP", "IOP", "PHP", "INPATIENT"
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
Build = Callable[[JourneyState, str, Actor], Decision]


@dataclass(frozen=True)
class ScriptStep:
    """One decision: when, by which role, and the command made from the journey's state."""

    at: timedelta
    role: Role
    build: Build


@dataclass(frozen=True)
class Visit:
    """A session that begins at `at`, and what came of it. It is entered at once, so that the story stays in order."""

    at: timedelta
    outcome: SessionOutcome = SessionOutcome.KEPT
    type: SessionType = SessionType.GROUP

    def said(self, start: datetime) -> Session:
        """The session, of a demonstration that began at `start`."""
        kept = self.outcome is SessionOutcome.KEPT
        return Session(
            session=f"{self.type}-{int(self.at.total_seconds())}",
            outcome=self.outcome,
            type=self.type,
            starts_at=start + self.at,
            minutes=90,
            attended=90 if kept else None,
            skill="dbt" if self.type is SessionType.GROUP else None,
            site="main",
            led_by="s-102",
            noted=kept,
        )


@dataclass(frozen=True)
class Message:
    """One ADT message: when, which event, and how often the same bytes are sent.

    Attributes:
        at_hospital: Whether it is about a visit to an emergency department instead of the client's own.
    """

    at: timedelta
    event: str
    times: int = 1
    at_hospital: bool = False


@dataclass(frozen=True)
class Silence:
    """From `at` on, those who hold `role` answer nothing about this client."""

    at: timedelta
    role: Role


@dataclass(frozen=True)
class ClinicChange:
    """From `at` on, the clinic behaves in this way towards this client."""

    at: timedelta
    script: dict[str, Any]


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
    steps: tuple[ScriptStep | Visit, ...]
    stages: tuple[Stage, ...]
    levels: tuple[LevelOfCare, ...]
    messages: tuple[Message, ...] = (Message(timedelta(0), "A04"),)
    clinic: dict[str, Any] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    changes: tuple[ClinicChange, ...] = ()
    told: tuple[Role, ...] = ()
    about: str = "review-1"
    happens: tuple[str, ...] = ()
    never: tuple[str, ...] = ("step-up.window-missed",)


PLAN = DischargePlan(
    follow_ups=("First outpatient visit within a week",),
    crisis_contacts=("Call or text 988, day and night", "The centre's on-call line"),
    resources=("Peer support group, Tuesdays",),
    medication=("Sertraline 50 mg in the morning; ask the prescriber before stopping",),
    summary=("Skills groups and individual therapy; a written plan for hard evenings helped most.",),
)
_BY_PHONE = HandoffChannel.PHONE
_WHOLE = HandoffPackage(medication_list=True, risk_and_safety_plan=True, reason_for_the_move=True, contacts=True)
_SCREENED: dict[str, Any] = {"risk": KnownRisk.LOW, "consents": Consents(treatment=ConsentAnswer.GIVEN)}
_DRAFT = DischargePlan(crisis_contacts=PLAN.crisis_contacts)
_CRITERIA: dict[str, Any] = {
    "step_down_criteria": ("Four steady weeks",),
    "discharge_criteria": ("Back at work for a month",),
    "participation": Participation.AGREED,
}
_ENROLLED = DAY
TO_CARE = (
    *(Stage.REFERRED, Stage.BENEFITS_CHECK, Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING),
    *(Stage.ENROLLED, Stage.ACTIVE),
)
_TO_THE_END = (Stage.DISCHARGED, Stage.FOLLOW_UP, Stage.CLOSED)
MOVED = (Stage.TRANSITION, Stage.ACTIVE)


def step(at: timedelta, role: Role, command: type[Decision], **fields: Any) -> ScriptStep:
    """One decision with these fields."""

    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        return command(id=command_id, by=by, **fields)

    return ScriptStep(at, role, build)


def accept(at: timedelta) -> ScriptStep:
    """The client agrees to the latest estimate."""

    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        return AcceptCost(id=command_id, by=by, estimate=state.cost.estimate.id if state.cost.estimate else "")

    return ScriptStep(at, Role.ADMISSIONS, build)


def contact(at: timedelta, kind: str, role: Role = Role.CASE_MANAGER) -> ScriptStep:
    """Somebody in this role does what is owed of this kind."""

    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        owed = next((each.id for each in state.open_of(kind)), "none")
        return CompleteObligation(id=command_id, by=by, obligation=owed, note="called")

    return ScriptStep(at, role, build)


_EVENINGS = ("mon 17:00-21:00", "tue 17:00-21:00", "thu 17:00-21:00")
_ENROLMENTS: dict[LevelOfCare, dict[str, Any]] = {
    "IOP": {"track": "evening", "can_come": _EVENINGS, "case_manager": "s-103"},
    "OP": {"track": "individual"},
}


def into_care(level: LevelOfCare, *, since: timedelta = timedelta(0)) -> tuple[ScriptStep | Visit, ...]:
    """From the screening to the first session at a level, and the drafts of the treatment and discharge plans."""
    return (
        step(since + HOUR, Role.ADMISSIONS, CompleteScreening, urgency=Urgency.ROUTINE, **_SCREENED),
        step(since + 2 * HOUR, Role.CLINICIAN, DecidePlacement, recommended=level, actual=level),
        accept(since + 4 * HOUR),
        step(since + _ENROLLED, Role.ADMISSIONS, ConfirmEnrolment, **_ENROLMENTS[level]),
        Visit(since + _ENROLLED + 3 * HOUR),
        step(since + _ENROLLED + 20 * HOUR, Role.CASE_MANAGER, UpdateDischargePlan, plan=_DRAFT),
        step(since + _ENROLLED + 20 * HOUR, Role.CLINICIAN, SetGoal, words="Sleep through the night again"),
        step(since + _ENROLLED + 20 * HOUR, Role.CLINICIAN, UpdateTreatmentPlan, **_CRITERIA),
    )


def weeks(first: int, last: int, *, iop: tuple[int, int] | None = None) -> tuple[ScriptStep | Visit, ...]:
    """What is entered of a client's sessions: one of each week in IOP, one of every other week in OP.

    Their plan is looked at in every other week too.

    Args:
        first: The first week of the demonstration in which the client comes, from 1.
        last: The last.
        iop: From which week to which they are in IOP, where the team talks about them each week.
    """
    return tuple(each for week in range(first, last + 1) for each in _week(week, iop))


def _week(week: int, iop: tuple[int, int] | None) -> Iterator[ScriptStep | Visit]:
    at = (week - 1) * WEEK + 4 * DAY
    in_iop = iop is not None and iop[0] <= week <= iop[1]
    if in_iop or week % 2 == 0:
        yield Visit(at)
    if in_iop:
        yield contact(at, TEAM_REVIEW.kind, Role.CLINICIAN)
    if week % 2 == 0:
        yield step(at, Role.CASE_MANAGER, UpdateDischargePlan, plan=_DRAFT)


def review(
    at: timedelta, outcome: ReviewOutcome, role: Role = Role.CLINICIAN, **fields: Any
) -> tuple[ScriptStep, ScriptStep]:
    """A review of the level of care, after somebody went through the goals with the client."""
    return (
        step(at - HOUR, role, ReviewGoals, progressing=("goal-1",)),
        step(at, role, CompleteReview, outcome=outcome, rationale="measures and team review", **fields),
    )


def arrive(at: timedelta, role: Role = Role.CLINICIAN) -> tuple[ScriptStep, ...]:
    """The client is handed off, comes to the visit that was booked, and has arrived at a level of ours."""
    return book_visit(at - 2 * HOUR, at), *arrive_elsewhere(at, role)


def arrive_in_iop(at: timedelta) -> tuple[ScriptStep, ...]:
    """The same in IOP, where the client gets a place in a track as well."""
    change = step(at + HOUR, Role.CASE_MANAGER, ChangeTrack, track="evening", can_come=_EVENINGS)
    return *arrive(at), change


def arrive_elsewhere(at: timedelta, role: Role = Role.CLINICIAN, facility: str | None = None) -> tuple[ScriptStep, ...]:
    """The client is handed off, and has arrived at another facility."""
    handoff = step(
        at - HOUR, role, RecordHandoff, to="The nurse in charge", how=_BY_PHONE, package=_WHOLE, read_back=True
    )
    return handoff, step(at, role, ConfirmArrival, facility=facility)


def book_visit(at: timedelta, visit: timedelta) -> ScriptStep:
    """The first visit at the new level is booked for `visit`."""

    def build(state: JourneyState, command_id: str, by: Actor) -> Decision:
        begins_at = state.admission.begins_at
        assert begins_at is not None, "a journey that is open has begun"
        return BookFirstVisit(id=command_id, by=by, first_visit_at=begins_at + visit)

    return ScriptStep(at, Role.CASE_MANAGER, build)


def _check(at: timedelta, finding: SafetyFinding, note: str) -> ScriptStep:
    return step(at, Role.CLINICIAN, CheckWithdrawal, finding=finding, note=note)


def _leave(at: timedelta, role: Role = Role.CLINICIAN) -> tuple[ScriptStep, ...]:
    return (
        step(at, Role.CASE_MANAGER, UpdateDischargePlan, plan=PLAN),
        step(
            at,
            role,
            Discharge,
            reason=DischargeReason.GOALS_MET,
            initiator=Initiator.CLIENT,
            disposition=Disposition.OUTPATIENT_ELSEWHERE,
        ),
        step(at, Role.CASE_MANAGER, RecordPlanDelivery, how=PlanDelivery.HANDED_OVER, format=PlanFormat.LARGE_PRINT),
        step(at + 2 * DAY, Role.CASE_MANAGER, RecordFollowUp, contact=Contact.REACHED),
        step(at + 6 * DAY, Role.CASE_MANAGER, RecordFollowUp, contact=Contact.REACHED),
        step(at + 29 * DAY, Role.CASE_MANAGER, RecordFollowUp, contact=Contact.REACHED),
    )


CONTINUE, STEP_DOWN = ReviewOutcome.CONTINUE, ReviewOutcome.STEP_DOWN
_WEEK_6 = _ENROLLED + 6 * WEEK + HOUR
_WEEK_7, _WEEK_8 = _WEEK_6 + WEEK, _WEEK_6 + 2 * WEEK

CLIENTS: tuple[Client, ...] = (
    Client(
        name="iop-eight-weeks",
        title="IOP 8 weeks → step-down → OP → discharge",
        steps=(
            *into_care(IOP),
            *weeks(1, 11, iop=(1, 8)),
            *review(_WEEK_6, CONTINUE),
            *review(_WEEK_7, CONTINUE),
            *review(_WEEK_8, STEP_DOWN, to=OP),
            *arrive(_WEEK_8 + 2 * DAY),
            *_leave(_WEEK_8 + 3 * WEEK),
        ),
        stages=(*TO_CARE, *MOVED, *_TO_THE_END),
        levels=(IOP, OP),
    ),
    Client(
        name="op-steps-up",
        title="OP → step-up to IOP inside 24 h → review → step-down",
        steps=(
            *into_care(OP),
            *weeks(1, 12, iop=(4, 9)),
            step(3 * WEEK, Role.CLINICIAN, RequestStepUp, to=IOP, reason="symptoms have worsened"),
            *arrive_in_iop(3 * WEEK + 6 * HOUR),
            *review(8 * WEEK + 6 * DAY, STEP_DOWN, to=OP),
            *arrive(9 * WEEK + DAY),
            *_leave(12 * WEEK),
        ),
        stages=(*TO_CARE, *MOVED, *MOVED, *_TO_THE_END),
        levels=(OP, IOP, OP),
        happens=("review.completed",),
        never=("step-up.window-missed", "place.search-started"),
    ),
    Client(
        name="php-and-back",
        title="IOP → partial hospitalisation and back",
        steps=(
            *into_care(IOP),
            *weeks(1, 3, iop=(1, 3)),
            *weeks(6, 12, iop=(6, 8)),
            step(3 * WEEK, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure"),
            *arrive_elsewhere(3 * WEEK + 10 * HOUR),
            contact(4 * WEEK, EXTERNAL_CONTACT.kind),
            step(5 * WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            *arrive_in_iop(5 * WEEK + DAY),
            *review(8 * WEEK + DAY, STEP_DOWN, to=OP),
            *arrive(8 * WEEK + 3 * DAY),
            *_leave(12 * WEEK),
        ),
        stages=(*TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *MOVED, *MOVED, *_TO_THE_END),
        levels=(IOP, PHP, IOP, OP),
        happens=("place.held",),
    ),
    Client(
        name="review-escalates",
        title="IOP where no one answers the review until it escalates",
        silences=(Silence(WEEK, Role.CLINICIAN), Silence(WEEK, Role.SUPERVISOR)),
        steps=(
            *into_care(IOP),
            *weeks(1, 10, iop=(1, 8)),
            *review(_WEEK_6, CONTINUE, Role.CLINICIAN),
            *review(_WEEK_6 + 2 * DAY, CONTINUE, Role.SUPERVISOR),
            # The director is told in opening hours: before a long weekend, a week after the review was due.
            *review(_WEEK_6 + 8 * DAY, CONTINUE, Role.MEDICAL_DIRECTOR),
            *review(_WEEK_8, STEP_DOWN, Role.MEDICAL_DIRECTOR, to=OP),
            *arrive(_WEEK_8 + 2 * DAY, Role.CASE_MANAGER),
            *_leave(10 * WEEK, Role.MEDICAL_DIRECTOR),
        ),
        stages=(*TO_CARE, *MOVED, *_TO_THE_END),
        levels=(IOP, OP),
        told=(Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    ),
    Client(
        name="self-pay",
        title="Coverage inactive → funding exception → self-pay → OP",
        clinic={"coverage": "inactive"},
        steps=(
            step(DAY, Role.ADMISSIONS, ResolveFunding, route=FundingRoute.SELF_PAY, reason="client chose it"),
            *into_care(OP, since=DAY),
            *weeks(1, 10),
            *_leave(10 * WEEK),
        ),
        stages=(*TO_CARE[:2], Stage.FUNDING_EXCEPTION, *TO_CARE[2:], *_TO_THE_END),
        levels=(OP,),
        happens=("funding.resolved",),
    ),
    Client(
        name="no-place-in-time",
        title="Step-up with no bed within 24 h",
        clinic={"places": {PHP: {"from_search": 8}}},
        steps=(
            *into_care(IOP),
            *weeks(1, 2, iop=(1, 2)),
            *weeks(5, 10, iop=(5, 8)),
            step(2 * WEEK, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure"),
            contact(2 * WEEK + 26 * HOUR, INTERIM_CONTACT.kind),
            *arrive_elsewhere(2 * WEEK + 40 * HOUR),
            contact(3 * WEEK, EXTERNAL_CONTACT.kind),
            step(4 * WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            *arrive_in_iop(4 * WEEK + DAY),
            *review(7 * WEEK + 5 * DAY, STEP_DOWN, to=OP),
            *arrive(8 * WEEK),
            *_leave(10 * WEEK),
        ),
        stages=(*TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *MOVED, *MOVED, *_TO_THE_END),
        levels=(IOP, PHP, IOP, OP),
        happens=("place.none-found", "step-up.window-missed", "place.held"),
        never=(),
    ),
    Client(
        name="place-falls-through",
        title="Step-up whose place falls through and is found again elsewhere",
        withdrawals=(Withdrawal(2 * WEEK + 10 * MINUTE),),
        steps=(
            *into_care(IOP),
            *weeks(1, 2, iop=(1, 2)),
            *weeks(5, 10, iop=(5, 8)),
            step(2 * WEEK, Role.CLINICIAN, RequestStepUp, to=PHP, reason="needs daily structure"),
            step(2 * WEEK + 15 * MINUTE, Role.CASE_MANAGER, ReportPlaceLost, reason="their group is full after all"),
            contact(2 * WEEK + HOUR, INTERIM_CONTACT.kind),
            *arrive_elsewhere(2 * WEEK + 6 * HOUR),
            contact(3 * WEEK, EXTERNAL_CONTACT.kind),
            step(4 * WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            *arrive_in_iop(4 * WEEK + DAY),
            *review(8 * WEEK + DAY, STEP_DOWN, to=OP),
            *arrive(8 * WEEK + 3 * DAY),
            *_leave(10 * WEEK),
        ),
        stages=(*TO_CARE, Stage.TRANSITION, Stage.EXTERNAL, *MOVED, *MOVED, *_TO_THE_END),
        levels=(IOP, PHP, IOP, OP),
        happens=("place.held", "place.lost", "place.given-up"),
    ),
    Client(
        name="hospital-and-back",
        title="IOP → inpatient stay → PHP → IOP → OP → discharge",
        steps=(
            *into_care(IOP),
            *weeks(1, 3, iop=(1, 3)),
            *weeks(6, 12, iop=(6, 8)),
            step(
                3 * WEEK,
                Role.CASE_MANAGER,
                RecordCrisis,
                place=CrisisPlace.INPATIENT,
                facility="County Psychiatric Unit",
                level=INPATIENT,
                reason="admitted after a crisis at home",
            ),
            contact(3 * WEEK + 2 * DAY, ARRANGE_RETURN.kind),
            step(3 * WEEK + 4 * DAY, Role.CLINICIAN, StartStepDown, to=PHP, reason="needs daily structure still"),
            book_visit(3 * WEEK + 4 * DAY + HOUR, 3 * WEEK + 5 * DAY),
            *arrive_elsewhere(3 * WEEK + 5 * DAY, Role.CASE_MANAGER, "Harbour Day Hospital"),
            contact(4 * WEEK + 3 * DAY, EXTERNAL_CONTACT.kind),
            step(5 * WEEK, Role.CLINICIAN, StartStepDown, to=IOP, reason="stable for a week"),
            *arrive_in_iop(5 * WEEK + DAY),
            *review(8 * WEEK + DAY, STEP_DOWN, to=OP),
            *arrive(8 * WEEK + 3 * DAY),
            *_leave(12 * WEEK),
        ),
        stages=(
            *TO_CARE,
            *(Stage.EXTERNAL, Stage.TRANSITION, Stage.EXTERNAL, Stage.TRANSITION, Stage.EXTERNAL),
            *(*MOVED, *MOVED, *_TO_THE_END),
        ),
        levels=(IOP, INPATIENT, PHP, IOP, OP),
        happens=("crisis.recorded",),
        never=("step-up.window-missed", "place.search-started"),
    ),
    Client(
        name="withdraws",
        title="Withdrawal before care, ended once a clinician found the client safe",
        steps=(
            *into_care(IOP)[:3],
            step(
                26 * HOUR,
                Role.ADMISSIONS,
                RecordWithdrawal,
                reason=WithdrawalReason.CLIENT_WITHDREW,
                initiator=Initiator.CLIENT,
                risk=KnownRisk.UNKNOWN,
                note="phoned; no time for the programme now",
            ),
            _check(29 * HOUR, SafetyFinding.NOT_REACHED, "no answer by phone"),
            _check(44 * HOUR, SafetyFinding.SAFE, "reached by phone; has the crisis line's number"),
        ),
        stages=(*TO_CARE[:5], Stage.DISENGAGED, Stage.WITHDRAWN),
        levels=(),
        told=(Role.CLINICIAN,),
        about="check-withdrawal-1",
        happens=("withdrawal.checked", "withdrawal.completed"),
        never=("level.started",),
    ),
    Client(
        name="cancelled",
        title="Cancelled admission (A11)",
        messages=(Message(timedelta(0), "A04"), Message(3 * HOUR, "A11")),
        steps=(),
        stages=(*TO_CARE[:3], Stage.CANCELLED),
        levels=(),
        happens=("admission.cancelled",),
    ),
    Client(
        name="sent-three-times",
        title="The same admission sent three times",
        messages=(Message(timedelta(0), "A04", times=3),),
        steps=(*into_care(OP), *weeks(1, 10), *_leave(10 * WEEK)),
        stages=(*TO_CARE, *_TO_THE_END),
        levels=(OP,),
        never=("admission.repeated",),
    ),
)
