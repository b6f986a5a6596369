"""How an invented staff does what is owed: mostly in time, sometimes late, now and then only once others are told.

Every number here is invented, and printed with the results. None says what a real staff does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from domain.benefits import CostShare, Verdict
from domain.commands import Decision, SignedCommand
from domain.obligations import Obligation
from domain.pathway.against_advice import RecordStaying
from domain.pathway.attendance import NoteAttendance
from domain.pathway.care_team import AssignCareTeam
from domain.pathway.corrections import WithdrawDischarge
from domain.pathway.cost import AcceptCost, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import EndCrisis
from domain.pathway.death import ReviewDeath
from domain.pathway.discharge import Discharge, RecordPlanDelivery, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.handoff import HandoffPackage, RecordHandoff
from domain.pathway.leave import EndLeave
from domain.pathway.maintenance import UpdateRelapsePreventionPlan
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening
from domain.pathway.treatment_decisions import ReviewGoals, SetGoal, UpdateTreatmentPlan
from domain.pathway.withdrawal import CheckWithdrawal
from domain.plans import Actor, DischargePlan, DischargeReason
from domain.sessions.attendance import Attendance
from domain.sites import Calendar
from domain.state import JourneyState
from domain.values import Role, Stage

_CASE_MANAGER = "s-103"
"""Of the example: whoever is assigned must be one of the centre's staff."""
_PLAN = DischargePlan(
    follow_ups=("therapist",),
    crisis_contacts=("988",),
    resources=("peer group",),
    medication=("none",),
    summary=("eight weeks of skills and therapy",),
)
_PACKAGE = HandoffPackage(medication_list=True, risk_and_safety_plan=True, reason_for_the_move=True, contacts=True)


@dataclass(frozen=True)
class StaffModel:
    """The invented staff, as shares of what is owed and as elapsed hours.

    Attributes:
        late: Done after the due time.
        forgotten: Done only some hours after the second person was told.
        urgent_hours: The mean until something urgent is done, day or night.
        hours_before_due: Work that is in time is done up to so many hours before it is due.
        hours_late: The mean delay of what is late.
    """

    late: float = 0.06
    forgotten: float = 0.02
    urgent_hours: float = 6.0
    hours_before_due: float = 30.0
    hours_late: float = 16.0

    def shown(self) -> dict[str, float]:
        """For the results."""
        return asdict(self)


class Staff:
    """Decides when an obligation is done, and by which decision."""

    def __init__(self, model: StaffModel, dice: random.Random) -> None:
        self._model, self._dice = model, dice
        self._asked = 0

    def acts_at(self, owed: Obligation, now: datetime, calendar: Calendar) -> datetime:
        """When somebody does it, if nothing else happens before."""
        model, dice = self._model, self._dice
        if owed.kind == "review":
            wanted = owed.due_at - timedelta(hours=dice.uniform(1, 60))
        elif owed.kind == "follow-up":
            wanted = owed.due_at - timedelta(hours=dice.uniform(1, 100))
        elif owed.urgent:
            wanted = now + timedelta(hours=dice.expovariate(1 / model.urgent_hours))
        else:
            wanted = owed.due_at - timedelta(hours=dice.uniform(1, model.hours_before_due))
        fate = dice.random()
        if fate < model.forgotten:
            told = owed.escalation[min(1, len(owed.escalation) - 1)].at
            wanted = told + timedelta(hours=dice.uniform(1, 6))
        elif fate < model.forgotten + model.late:
            wanted = owed.due_at + timedelta(hours=dice.expovariate(1 / model.hours_late))
        return max(now, wanted if owed.urgent else _in_office_hours(max(now, wanted), calendar))

    def decision(self, state: JourneyState, owed: Obligation, wish: str) -> SignedCommand:
        """What ends it; `wish` is what the client needs next: continue, step-down or discharge."""
        self._asked += 1
        key = f"staff-{self._asked}"
        if owed.by_hand:
            by = _someone(owed.waivable_by[0] if owed.waivable_by else owed.owner)
            return CompleteObligation(id=key, by=by, obligation=owed.id, note="done")
        return _DECISIONS[owed.kind](state, key, _someone(owed.owner), wish)


def _in_office_hours(moment: datetime, calendar: Calendar) -> datetime:
    """The same moment if the site is open that day, else the same time on the next day that it is."""
    while not calendar.is_open(calendar.local_date(moment)):
        moment += timedelta(days=1)
    return moment


def _someone(role: Role) -> Actor:
    return Actor(id=f"s-{role}", role=role)


def _review(state: JourneyState, key: str, by: Actor, wish: str) -> Decision:
    to = "OP" if wish == "step-down" and state.level == "IOP" else None
    outcome = "discharge" if wish == "discharge" or (wish == "step-down" and to is None) else "continue"
    beyond = _someone(Role.MEDICAL_DIRECTOR) if outcome == "continue" else by
    return CompleteReview(id=key, by=beyond, outcome="step-down" if to else outcome, rationale="as seen", to=to)


def _continued_stay(state: JourneyState, key: str, by: Actor, wish: str) -> Decision:
    """While the client is leaving, the medical director lets them stay until they have left."""
    if state.stage is Stage.ACTIVE:
        return _review(state, key, by, wish)
    owed = state.open_of("continued-stay")[0]
    return WaiveObligation(id=key, by=_someone(Role.MEDICAL_DIRECTOR), obligation=owed.id, reason="leaving")


def _arrival(state: JourneyState, key: str, by: Actor, wish: str) -> Decision:
    move = state.moves.current
    elsewhere = move is not None and move.place is None and not state.policy.level(move.target).is_ours
    return ConfirmArrival(id=key, by=by, facility="North Clinic" if elsewhere else None)


def _first_visit(state: JourneyState, key: str, by: Actor, wish: str) -> Decision:
    """On the day after the one on which the step-down is due."""
    move = state.moves.current
    assert move is not None, "it is owed during a step-down"
    return BookFirstVisit(id=key, by=by, first_visit_at=move.due_at + timedelta(hours=12))


_Build = Callable[[JourneyState, str, Actor, str], SignedCommand]
_DECISIONS: dict[str, _Build] = {
    "verify-benefits": lambda state, key, by, wish: RecordBenefits(
        id=key, by=by, verdict=Verdict.CLEAR, cost_share=CostShare(copay=30), note="by telephone"
    ),
    "screen-client": lambda state, key, by, wish: CompleteScreening(
        id=key, by=by, urgency="routine", risk="low", consents={"treatment": "given"}
    ),
    "resolve-funding": lambda state, key, by, wish: ResolveFunding(id=key, by=by, route="self-pay", reason="wished"),
    "decide-placement": lambda state, key, by, wish: DecidePlacement(
        id=key, by=by, recommended=wish if wish in ("OP", "IOP") else "OP", actual=wish if wish == "IOP" else "OP"
    ),
    "accept-cost": lambda state, key, by, wish: (
        AcceptCost(id=key, by=by, estimate=state.cost.estimate.id)
        if state.cost.estimate and state.cost.estimate.high is not None
        else DeclineCost(id=key, by=by, reason="not known")
    ),
    "enrol": lambda state, key, by, wish: ConfirmEnrolment(
        id=key, by=by, track="evening" if state.placement.level == "IOP" else "individual"
    ),
    "assign-case-manager": lambda state, key, by, wish: AssignCareTeam(
        id=key, by=by, team_role=Role.CASE_MANAGER, to=_CASE_MANAGER
    ),
    "first-session": lambda state, key, by, wish: NoteAttendance(
        id="attendance/1", entries=1, known=Attendance(first_kept_at=state.enrolment.since)
    ),
    "deliver-discharge-plan": lambda state, key, by, wish: RecordPlanDelivery(id=key, by=by, how="mailed"),
    "refresh-discharge-plan": lambda state, key, by, wish: UpdateDischargePlan(id=key, by=by, plan=_PLAN),
    "early-follow-up": lambda state, key, by, wish: RecordFollowUp(id=key, by=by, contact="reached"),
    "draft-discharge-plan": lambda state, key, by, wish: UpdateDischargePlan(id=key, by=by, plan=_PLAN),
    "draft-treatment-plan": lambda state, key, by, wish: (
        UpdateTreatmentPlan(id=key, by=by, discharge_criteria=("four steady weeks",), participation="agreed")
        if state.treatment_plan.goals
        else SetGoal(id=key, by=by, words="sleep through the night")
    ),
    "talk-before-leaving": lambda state, key, by, wish: RecordStaying(id=key, by=by, note="they stay"),
    "refresh-relapse-plan": lambda state, key, by, wish: UpdateRelapsePreventionPlan(
        id=key, by=by, plan=state.maintenance.plan
    ),
    "review-goals": lambda state, key, by, wish: ReviewGoals(
        id=key, by=by, progressing=tuple(goal.id for goal in state.treatment_plan.open_goals())
    ),
    "review": _review,
    "continued-stay": _continued_stay,
    "complete-step-up": _arrival,
    "handoff": lambda state, key, by, wish: RecordHandoff(
        id=key, by=by, to="the charge nurse", how="phone", package=_PACKAGE, read_back=True
    ),
    "book-first-visit": _first_visit,
    "complete-step-down": _arrival,
    "complete-discharge": lambda state, key, by, wish: (
        Discharge(id=key, by=by, reason=DischargeReason.GOALS_MET)
        if not state.discharge.plan.missing()
        else WithdrawDischarge(id=key, by=by, reason="the plan is not ready")
        if state.stage is Stage.DISCHARGING
        else Discharge(id=key, by=by, reason=DischargeReason.ADMINISTRATIVE)
    ),
    "follow-up": lambda state, key, by, wish: RecordFollowUp(id=key, by=by, contact="reached"),
    "return-from-leave": lambda state, key, by, wish: EndLeave(id=key, by=by),
    "check-withdrawal": lambda state, key, by, wish: CheckWithdrawal(
        id=key, by=by, finding="safe", note="by telephone"
    ),
    "mortality-review": lambda state, key, by, wish: ReviewDeath(id=key, by=by, finding="reviewed"),
    "arrange-return": lambda state, key, by, wish: EndCrisis(id=key, by=by, safety_rechecked=True, note="back"),
}
