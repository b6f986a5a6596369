"""Walks one client through the pure domain, as the durable shell would: one command at a time, one clock.

The staff are the example's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from domain.benefits import Benefits, CostShare, Verdict
from domain.commands import BaseCommand, Decision
from domain.decide import Outcome, decide
from domain.events import BaseEvent
from domain.evolve import fold
from domain.pathway import Event
from domain.pathway.admission import CancelAdmission, OpenJourney
from domain.pathway.attendance import NoteAttendance
from domain.pathway.calendars import AdoptCalendar
from domain.pathway.calls import Answer, BenefitsAnswer, Done, PlaceAnswer, SettleEffect
from domain.pathway.cost import AcceptCost, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import RecordCrisis
from domain.pathway.deadlines import TimePassed
from domain.pathway.death import RecordDeath
from domain.pathway.discharge import Discharge, RecordPlanDelivery, UpdateDischargePlan
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.handoff import HandoffPackage, RecordHandoff
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.maintenance import StartMaintenance
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening
from domain.pathway.treatment_decisions import SetGoal, UpdateTreatmentPlan
from domain.pathway.waitlist import PutOnWaitlist
from domain.pathway.withdrawal import RecordWithdrawal
from domain.plans import Actor, DischargePlan, RelapsePreventionPlan
from domain.refusal import Refusal, Refused
from domain.sessions.attendance import Attendance
from domain.state import JourneyState
from domain.values import LevelOfCare, Role, Stage

MONDAY = datetime(2026, 3, 16, 17, 0, tzinfo=UTC)
"""Ten in the morning in Los Angeles, in a month without a holiday."""

JUST_AFTER = timedelta(microseconds=1)
"""Exactly at a due time all is on time; so much later it is late."""

CLINICIAN = Actor(id="clinician-1", role=Role.CLINICIAN)
DIRECTOR = Actor(id="director-1", role=Role.MEDICAL_DIRECTOR)
ADMISSIONS = Actor(id="admissions-1", role=Role.ADMISSIONS)

COPAY = CostShare(copay=30)
WHOLE_PLAN = DischargePlan(
    follow_ups=("therapist, in a week",),
    crisis_contacts=("call 988",),
    resources=("peer group on Tuesdays",),
    medication=("none",),
    summary=("eight weeks of skills and therapy",),
)
RELAPSE_PLAN = RelapsePreventionPlan(
    warning_signs=("three bad nights",),
    coping_steps=("call the group",),
    support_people=("their sister",),
    whom_to_call=("call 988",),
)
AT_OP = {"see-client-1", "refresh-discharge-plan-1"}
"""What is owed beside the review while care at OP goes on and the discharge plan is begun."""
AT_IOP = {*AT_OP, "continued-stay-1", "team-review-1", "recertify-1", "assign-case-manager-1"}
"""The same at IOP."""
AFTER_CARE = {"deliver-discharge-plan-1", "early-follow-up-1", "follow-up-1", "follow-up-2"}
"""What is owed to a client who was discharged just now."""
NO_PLACE = PlaceAnswer()
WHOLE_PACKAGE = HandoffPackage(medication_list=True, risk_and_safety_plan=True, reason_for_the_move=True, contacts=True)
SCREENED: dict[str, Any] = {"urgency": "routine", "risk": "low", "consents": {"treatment": "given"}}
"""A client who can wait, is safe and consents to treatment."""

TRACKS = {"IOP": "evening", "OP": "individual"}
"""A track of the example's site at each level; at other levels it names none, and any name will do."""

OPERATIONS = Actor(id="operations-1", role=Role.OPERATIONS)
_DESK = (RecordBenefits, ResolveFunding, AcceptCost, DeclineCost, ConfirmEnrolment)
_BY: dict[type[BaseCommand], Actor] = {
    **dict.fromkeys(_DESK, ADMISSIONS),
    AdoptCalendar: OPERATIONS,
    ChangePolicy: DIRECTOR,
}
AnyEvent = TypeVar("AnyEvent", bound=BaseEvent)


class Walk:
    """A journey, its record, its clock, and the script of all it was asked.

    Decisions are by a clinician, at the desk by admissions, on the policy by the medical director.
    """

    def __init__(self, now: datetime = MONDAY) -> None:
        self.state = JourneyState()
        self.now = now
        self.record: list[Event] = []
        self.script: list[tuple[datetime, BaseCommand]] = []
        self._asked = 0

    def decide(self, kind: type[BaseCommand], **fields: Any) -> Outcome:
        self._asked += 1
        if issubclass(kind, Decision):
            fields.setdefault("by", _BY.get(kind, CLINICIAN))
        fields.setdefault("id", f"command-{self._asked}")
        asked = kind(**fields)
        self.script.append((self.now, asked))
        try:
            asked.require_known(self.state)
        except Refused as error:
            return error.refusal
        return decide(self.state, asked, self.now)

    def do(self, kind: type[BaseCommand], **fields: Any) -> tuple[Event, ...]:
        """Carries a command out; a refusal fails the test."""
        outcome = self.decide(kind, **fields)
        assert not isinstance(outcome, Refusal), f"{kind.__name__}: {outcome}"
        assert fold(outcome.events, self.state) == outcome.state
        self.state = outcome.state
        self.record += outcome.events
        return outcome.events

    def enrol(self, **fields: Any) -> tuple[Event, ...]:
        """Enrols the client, who comes to their first session at once."""
        enrolled = self.do(ConfirmEnrolment, **{"track": TRACKS.get(self.state.placement.level or "", "day"), **fields})
        if self.state.stage is not Stage.ENROLLED:  # under a policy without attendance
            return enrolled
        return *enrolled, *self.attended(first_kept_at=fields.get("occurred_at", self.now))

    def plan_treatment(self) -> None:
        """The client has a goal, and knows what must be so before they leave."""
        self.do(SetGoal, words="sleep through the night")
        self.do(UpdateTreatmentPlan, discharge_criteria=("four steady weeks",), participation="agreed")

    def attended(self, **known: Any) -> tuple[Event, ...]:
        """The journey hears this of the client's sessions, beside what it knows; only when they last came is new."""
        before = self.state.attendance
        noted = {**dict(before.known), "seen_week": self.now.date() - timedelta(days=self.now.weekday()), **known}
        return self.do(NoteAttendance, entries=before.entries + 1, known=Attendance(**noted))

    def hand_off(self) -> tuple[Event, ...]:
        """Those at the new level were told everything and read it back."""
        return self.do(RecordHandoff, to="their charge nurse", how="phone", package=WHOLE_PACKAGE, read_back=True)

    def refused(self, kind: type[BaseCommand], code: str, **fields: Any) -> str:
        """Demands a refusal that changes nothing; returns its sentence."""
        before = self.state.model_dump_json()
        outcome = self.decide(kind, **fields)
        assert isinstance(outcome, Refusal), f"{kind.__name__} was not refused but led to {outcome}"
        assert outcome.code == code, outcome
        assert self.state.model_dump_json() == before
        return outcome.sentence

    def settle(self, key: str, answer: Answer | None = None, revision: int | None = None) -> tuple[Event, ...]:
        return self.do(SettleEffect, key=key, answer=answer or Done(), revision=revision)

    def settle_all(self) -> None:
        """Every system does what it is asked, until nothing more is asked."""
        for _ in range(50):
            for key in self.state.pending():
                if key in self.state.pending():  # an answer may end other wishes
                    self.settle(key)
            if not self.state.pending():
                return
        raise AssertionError(f"calls never end: {list(self.state.pending())}")

    def until_final(self) -> None:
        """Every system does what it is asked, and nobody takes the journey's end back while they can."""
        self.settle_all()
        if (until := self.state.closing.correctable_until) is not None:
            self.later(seconds=(until - self.now).total_seconds())
        self.settle_all()

    def later(self, **span: float) -> list[Event]:
        """Lets time pass, waking at every deadline on the way; returns what happened."""
        until, first = self.now + timedelta(**span), len(self.record)
        while (deadline := self.state.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.do(TimePassed)
            after = self.state.next_deadline()
            assert after is None or after > self.now, "time passed and the same moment is due again"
        self.now = until
        return self.record[first:]

    def later_with_the_team(self, **span: float) -> None:
        """Lets time pass while the team talks about the client in each week, as it should."""
        until = self.now + timedelta(**span)
        while (owed := next(iter(self.state.open_of("team-review")), None)) and owed.due_at <= until:
            self.later(seconds=(owed.due_at - timedelta(hours=12) - self.now).total_seconds())
            self.do(CompleteObligation, obligation=owed.id, note="talked about")
        self.later(seconds=(until - self.now).total_seconds())

    def outage(self, **span: float) -> tuple[Event, ...]:
        """Time passes unseen, and is noticed once at the end."""
        self.now += timedelta(**span)
        return self.do(TimePassed)

    def saw(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        """The events of a kind so far."""
        return [event for event in self.record if isinstance(event, kind)]

    def is_at(self, stage: Stage) -> bool:
        """Whether the journey stands there now."""
        return self.state.stage is stage

    def path(self) -> list[str]:
        """The levels of care so far, in order."""
        return [stay.level for stay in self.state.care.stays]

    def owes(self) -> set[str]:
        """The ids of the open obligations."""
        return set(self.state.obligations.open)


def admitted(now: datetime = MONDAY, site: str = "main") -> Walk:
    """An admission came in, and nobody has spoken with the client yet."""
    walk = Walk(now)
    fields = {"journey_id": "journey-1", "client_ref": "client-1", "site": site, "message": "message-1"}
    walk.do(OpenJourney, **fields, admitted_at=now)
    return walk


def opened(now: datetime = MONDAY, site: str = "main") -> Walk:
    """An admission came in, the client was screened and the payer is being asked."""
    walk = admitted(now, site)
    walk.do(CompleteScreening, **SCREENED)
    return walk


def answered(verdict: Verdict = Verdict.CLEAR, share: CostShare | None = COPAY) -> Walk:
    """The payer answered."""
    walk = opened()
    walk.settle("benefits-1", BenefitsAnswer(benefits=Benefits(verdict=verdict, cost_share=share)))
    return walk


def placed(level: LevelOfCare = "IOP", verdict: Verdict = Verdict.CLEAR) -> Walk:
    """A clinician decided the level; the client is asked about the cost."""
    walk = answered(verdict)
    walk.do(DecidePlacement, recommended=level, actual=level)
    return walk


def cost_declined() -> Walk:
    """The client found the cost too high, with an authorisation still owed."""
    walk = placed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    walk.do(DeclineCost, reason="too dear")
    return walk


def agreed(level: LevelOfCare = "IOP", verdict: Verdict = Verdict.CLEAR) -> Walk:
    """The client accepted the cost."""
    walk = placed(level, verdict)
    walk.do(AcceptCost, estimate="estimate-1")
    return walk


def waiting(level: LevelOfCare = "IOP") -> Walk:
    """No track has room for the client."""
    walk = agreed(level)
    walk.do(PutOnWaitlist, by=ADMISSIONS)
    return walk


def unseen(level: LevelOfCare = "IOP") -> Walk:
    """The client is enrolled and has not come yet."""
    walk = agreed(level)
    walk.do(ConfirmEnrolment, track=TRACKS.get(level, "day"))
    return walk


def enrolled(level: LevelOfCare = "IOP") -> Walk:
    """Care began, and both plans are whole."""
    walk = agreed(level)
    walk.enrol()
    walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
    walk.plan_treatment()
    return walk


def in_maintenance() -> Walk:
    """Care at OP goes on without an end date, with a visit every four weeks."""
    walk = enrolled("OP")
    walk.do(StartMaintenance, plan=RELAPSE_PLAN, visit_days=28)
    return walk


def stepping_up(level: LevelOfCare = "OP", to: LevelOfCare = "PHP") -> Walk:
    """A clinician asked for a higher level; a place is searched where another facility gives it."""
    walk = enrolled(level)
    walk.do(RequestStepUp, to=to, reason="worse at night")
    return walk


def stepping_down() -> Walk:
    """A clinician decided the move from IOP to OP."""
    walk = enrolled()
    walk.do(StartStepDown, to="OP", reason="steady for three weeks")
    return walk


def elsewhere() -> Walk:
    """The client is in partial hospitalisation at another facility."""
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", held(walk))
    walk.hand_off()
    walk.do(ConfirmArrival)
    return walk


def on_leave_again() -> Walk:
    """The client is on leave, and came back from one before."""
    walk = enrolled()
    for reason in ("a funeral", "the estate"):
        walk.do(StartLeave, until=(walk.now + timedelta(days=4)).date(), category="family", reason=reason)
        walk.later(days=2)
        if reason == "a funeral":
            walk.do(EndLeave)
    return walk


def place_held() -> Walk:
    """A place is held and the client has not come yet."""
    walk = stepping_up()
    walk.settle("place-1-search-1", held(walk))
    return walk


def window_missed() -> Walk:
    """A day went by and no place was found."""
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", NO_PLACE)
    walk.later(hours=25)
    return walk


def returning() -> Walk:
    """The client is to come back from partial hospitalisation."""
    walk = elsewhere()
    walk.do(StartStepDown, to="IOP", reason="ready to return")
    return walk


def discharging() -> Walk:
    """A review found that care can end."""
    walk = enrolled()
    walk.do(CompleteReview, outcome="discharge", rationale="goals met")
    return walk


def discharged() -> Walk:
    """Care ended as planned."""
    walk = enrolled()
    walk.do(Discharge, reason="goals-met")
    walk.do(RecordPlanDelivery, how="handed-over")
    return walk


def followed_up_once() -> Walk:
    """The client was reached in the first week."""
    walk = discharged()
    walk.later(days=5)
    walk.do(RecordFollowUp, contact="reached")
    return walk


def closed() -> Walk:
    """Both follow-ups are done."""
    walk = followed_up_once()
    walk.later(days=20)
    walk.do(RecordFollowUp, contact="reached")
    return walk


def cancelled() -> Walk:
    """The admission was cancelled before care began."""
    walk = opened()
    walk.do(CancelAdmission, message="message-2")
    return walk


def withdrawing() -> Walk:
    """A client withdrew at placement, and nobody knows their risk."""
    walk = answered()
    walk.do(RecordWithdrawal, reason="client-withdrew", initiator="client", risk="unknown")
    return walk


def withdrawn() -> Walk:
    """A client whose risk is low withdrew at placement."""
    walk = answered()
    walk.do(RecordWithdrawal, reason="client-withdrew", initiator="client", risk="low")
    return walk


def died() -> Walk:
    """The client died in care."""
    walk = enrolled()
    walk.do(RecordDeath, source="their sister")
    return walk


def in_hospital_before_care() -> Walk:
    """A client waiting for the decision on their level was admitted to a hospital."""
    walk = answered()
    walk.do(RecordCrisis, place="inpatient", facility="Harbor Hospital", reason="attempt at home")
    return walk


def in_emergency_department() -> Walk:
    """A client in care is in an emergency department."""
    walk = enrolled()
    walk.do(RecordCrisis, place="emergency-department", reason="panic at work")
    return walk


def in_hospital() -> Walk:
    """A client in care was admitted to a hospital."""
    walk = enrolled()
    walk.do(RecordCrisis, place="inpatient", level="INPATIENT", reason="attempt at home")
    return walk


def held(walk: Walk) -> PlaceAnswer:
    """A place that starts in two hours."""
    return PlaceAnswer(facility="facility-1", starts_at=walk.now + timedelta(hours=2))


STAGES: dict[str, Callable[[], Walk]] = {
    "BENEFITS_CHECK": opened,
    "FUNDING_EXCEPTION": lambda: answered(Verdict.INACTIVE),
    "PLACEMENT": answered,
    "COST_REVIEW": placed,
    "ENROLLING": agreed,
    "WAITLISTED": waiting,
    "ENROLLED": unseen,
    "ACTIVE": enrolled,
    "TRANSITION": stepping_down,
    "EXTERNAL": elsewhere,
    "DISCHARGING": discharging,
    "DISCHARGED": discharged,
    "FOLLOW_UP": followed_up_once,
    "CLOSED": closed,
    "CANCELLED": cancelled,
    "DISENGAGED": withdrawing,
    "WITHDRAWN": withdrawn,
    "DECEASED": died,
}
"""A walk to every stage at which a journey can rest."""
