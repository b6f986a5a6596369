"""Refusals: every code can be met, says a sentence, and leaves the journey as it was."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import domain
from domain.benefits import Verdict
from domain.commands import BaseCommand
from domain.decide import Decided, decide
from domain.evolve import evolve
from domain.pathway import COMMANDS
from domain.pathway.admission import CancelAdmission, OpenJourney, RepeatAdmission
from domain.pathway.against_advice import RecordStaying, ReportLeavingAgainstAdvice
from domain.pathway.attendance import NoteAttendance, RecordOutreach
from domain.pathway.calendars import AdoptCalendar
from domain.pathway.calls import Done, Failed, SettleEffect
from domain.pathway.care import Care
from domain.pathway.care_team import AssignCareTeam, AssignObligation, HandOver
from domain.pathway.consents import RecordConsent
from domain.pathway.corrections import CorrectDischarge, CorrectEnrolment, WithdrawDischarge, WithdrawMove
from domain.pathway.cost import AcceptCost, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.deadlines import TimePassed
from domain.pathway.death import CorrectDeath, RecordDeath, ReviewDeath
from domain.pathway.discharge import (
    Discharge,
    RecordPlanDelivery,
    ReportDischarge,
    TakeBackDischargeReport,
    UpdateDischargePlan,
)
from domain.pathway.enrolment import BookFirstSession, ConfirmEnrolment
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.follow_up import EndFollowUp, RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.handoff import RecordHandoff
from domain.pathway.hospital import ReportHospitalDischarge, ReportHospitalVisit, TakeBackHospitalDischarge
from domain.pathway.leave import EndLeave, Leave, StartLeave
from domain.pathway.lost_place import ReportPlaceLost
from domain.pathway.maintenance import EndMaintenance, StartMaintenance, UpdateRelapsePreventionPlan
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, UndoWaiver, WaiveObligation
from domain.pathway.obligations import Obligations
from domain.pathway.placement import DecidePlacement
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reopening import ReopenJourney
from domain.pathway.return_to_care import ResumeCare
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening, RecordContact
from domain.pathway.taper import PlanTaper
from domain.pathway.track_change import ChangeTrack
from domain.pathway.treatment_decisions import ReviewGoals, SetGoal, UpdateTreatmentPlan
from domain.pathway.waitlist import PutOnWaitlist, RecordInterimOffer, TakeOffWaitlist
from domain.pathway.withdrawal import CheckWithdrawal, RecordWithdrawal, TakeBackWithdrawal
from domain.refusal import Refusal
from domain.state import JourneyState
from domain.values import Stage
from tests.centres import deployed
from tests.colleagues import ELSEWHERE
from tests.domain.walk import (
    ADMISSIONS,
    MONDAY,
    RELAPSE_PLAN,
    SCREENED,
    STAGES,
    WHOLE_PLAN,
    Walk,
    admitted,
    agreed,
    answered,
    closed,
    died,
    discharged,
    discharging,
    enrolled,
    in_emergency_department,
    in_hospital,
    in_hospital_before_care,
    in_maintenance,
    opened,
    placed,
    stepping_down,
    stepping_up,
    waiting,
    window_missed,
    withdrawing,
)
from tests.policies import OTHERS

NURSE = {"id": "clerk-1", "role": "case-manager"}
WHY = {"reason": "because"}
WISH = {"note": "as the client said"}
WITHDRAWS = {"reason": "client-withdrew", "initiator": "client"}
REVIEWER = {"id": "supervisor-1", "role": "clinical-supervisor"}
OUTPATIENT = {"recommended": "OP", "actual": "OP"}

Case = tuple[Callable[[], Walk], type[BaseCommand], dict[str, Any]]


def changed(walk: Walk, **state: Any) -> Walk:
    """A walk put into a state that no command leads to; the last guards are for those."""
    walk.state = walk.state.changed(**state)
    return walk


def between_levels() -> Walk:
    walk = enrolled()
    [stay] = walk.state.care.stays
    return changed(walk, care=Care(stays=(stay.changed(until=walk.now),)))


CASES: dict[str, Case] = {
    "not-open": (Walk, RepeatAdmission, {"message": "m"}),
    "journey-ended": (closed, CancelAdmission, {"message": "m"}),
    "wrong-stage": (opened, DecidePlacement, OUTPATIENT),
    "not-their-decision": (answered, DecidePlacement, OUTPATIENT | {"by": NURSE}),
    "level-not-ours": (answered, DecidePlacement, {"recommended": "PHP", "actual": "PHP"}),
    "not-screened": (lambda: unscreened(), DecidePlacement, OUTPATIENT),
    "crisis-stands": (lambda: in_danger(), CompleteScreening, SCREENED | {"by": ADMISSIONS}),
    "safety-first": (lambda: unfunded_and_unscreened(), ResolveFunding, WHY | {"route": "referred-out"}),
    "payer-not-to-be-told": (lambda: unwilling_to_share(), ResolveFunding, WHY | {"route": "other-coverage"}),
    "no-consent": (lambda: unwilling(), ConfirmEnrolment, {"track": "evening"}),
    "variance-missing": (answered, DecidePlacement, {"recommended": "IOP", "actual": "OP"}),
    "verdict-not-final": (placed, RecordBenefits, {"verdict": "NEEDS_REVIEW", "note": "by phone"}),
    "estimate-outdated": (placed, AcceptCost, {"estimate": "estimate-9"}),
    "cost-unknown": (lambda: unpriced(), AcceptCost, {"estimate": "estimate-1"}),
    "authorisation-open": (
        lambda: agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED),
        ConfirmEnrolment,
        {"track": "evening"},
    ),
    "level-missing": (enrolled, CompleteReview, {"outcome": "step-down", "rationale": "steady"}),
    "beyond-last-week": (lambda: after_weeks(13), CompleteReview, {"outcome": "continue", "rationale": "more"}),
    "not-that-way": (enrolled, RequestStepUp, WHY | {"to": "OP"}),
    "no-place-yet": (stepping_up, ConfirmArrival, {}),
    "no-handoff-owed": (enrolled, RecordHandoff, {"to": "the day hospital's nurse", "how": "phone"}),
    "no-first-visit": (enrolled, BookFirstVisit, {"first_visit_at": MONDAY + timedelta(days=1)}),
    "visit-in-the-past": (stepping_down, BookFirstVisit, {"first_visit_at": MONDAY - timedelta(days=1)}),
    "no-taper": (enrolled, PlanTaper, {"until": "2026-03-30"}),
    "taper-too-long": (stepping_down, PlanTaper, {"until": "2027-03-30"}),
    "no-place-held": (stepping_up, ReportPlaceLost, WHY),
    "safety-plan-first": (stepping_up, DeclineTransition, WHY | {"safety_plan_reviewed": False}),
    "plan-incomplete": (lambda: unplanned(), Discharge, {"reason": "transferred"}),
    "person-unknown": (enrolled, AssignObligation, {"obligation": "review-1", "to": "s-999"}),
    "person-lacks-role": (enrolled, AssignCareTeam, {"team_role": "clinician", "to": "s-103"}),
    "person-elsewhere": (enrolled, AssignCareTeam, {"team_role": "clinician", "to": ELSEWHERE.id}),
    "already-theirs": (enrolled, AssignObligation, {"obligation": "review-1"}),
    "nothing-of-theirs": (enrolled, HandOver, WHY | {"of": "s-102", "to": "s-112"}),
    "not-theirs-to-assign": (enrolled, AssignObligation, {"obligation": "review-1", "to": "s-102", "by": NURSE}),
    "not-theirs-to-acknowledge": (enrolled, AcknowledgeObligation, {"obligation": "review-1", "by": NURSE}),
    "acknowledged-too-often": (lambda: acknowledged(), AcknowledgeObligation, {"obligation": "review-1"}),
    "no-such-obligation": (enrolled, AcknowledgeObligation, {"obligation": "review-9"}),
    "has-its-own-decision": (enrolled, CompleteObligation, {"obligation": "review-1", "note": "done"}),
    "not-waivable": (discharging, WaiveObligation, WHY | {"obligation": "complete-discharge-1"}),
    "waiver-too-long": (discharged, WaiveObligation, WHY | {"obligation": "follow-up-1", "until": "2027-03-20"}),
    "not-waived": (discharged, UndoWaiver, WHY | {"obligation": "follow-up-1"}),
    "not-theirs-to-complete": (
        window_missed,
        CompleteObligation,
        {"obligation": "interim-contact-1", "note": "called", "by": {"id": "desk-1", "role": "operations"}},
    ),
    "not-theirs-to-waive": (
        window_missed,
        WaiveObligation,
        WHY | {"obligation": "interim-contact-1", "by": NURSE},
    ),
    "already-moving-up": (stepping_up, RequestStepUp, WHY | {"to": "IOP"}),
    "too-early": (discharged, RecordFollowUp, {"contact": "reached"}),
    "not-pending": (opened, SettleEffect, {"key": "benefits-2", "answer": Done()}),
    "not-in-care": (lambda: between_levels(), RequestStepUp, WHY | {"to": "PHP"}),
    "no-transition": (lambda: between_levels(), ConfirmArrival, {}),
    "not-yet": (answered, DecidePlacement, OUTPATIENT | {"occurred_at": MONDAY + timedelta(hours=1)}),
    "before-the-journey": (answered, DecidePlacement, OUTPATIENT | {"occurred_at": MONDAY - timedelta(minutes=1)}),
    "before-this-level": (
        lambda: after_weeks(1, stepped_down),
        RequestStepUp,
        WHY | {"to": "IOP", "occurred_at": MONDAY},
    ),
    "before-it-was-owed": (
        lambda: contacted(),
        CompleteObligation,
        {"obligation": "interim-contact-2", "note": "called", "occurred_at": MONDAY},
    ),
    "on-leave-already": (lambda: on_leave(), StartLeave, WHY | {"category": "family", "until": "2026-03-20"}),
    "not-on-leave": (enrolled, EndLeave, {}),
    "leave-too-long": (enrolled, StartLeave, WHY | {"category": "family", "until": "2027-03-20"}),
    "no-leave-left": (lambda: leave_used_up(), StartLeave, WHY | {"category": "travel", "until": "2026-04-14"}),
    "session-in-the-past": (
        agreed,
        ConfirmEnrolment,
        {"track": "morning", "first_session_at": MONDAY - timedelta(minutes=1)},
    ),
    "before-the-discharge": (
        lambda: discharged_after_a_week(),
        ResumeCare,
        {"to": "OP", "reason": "worse", "occurred_at": MONDAY + timedelta(hours=1)},
    ),
    "track-held": (enrolled, ChangeTrack, {"track": "evening"}),
    "track-unknown": (agreed, ConfirmEnrolment, {"track": "afternoon"}),
    "track-of-another-level": (agreed, ConfirmEnrolment, {"track": "individual"}),
    "track-for-makeup": (agreed, ConfirmEnrolment, {"track": "weekend"}),
    "modality-not-offered": (agreed, ConfirmEnrolment, {"track": "telehealth"}),
    "client-state-unknown": (agreed, ConfirmEnrolment, {"track": "telehealth", "telehealth": True}),
    "not-licensed-there": (agreed, ConfirmEnrolment, {"track": "evening", "telehealth": True, "client_state": "NV"}),
    "no-specialist": (agreed, ConfirmEnrolment, {"track": "evening", "condition": "bipolar"}),
    "client-cannot-come-then": (agreed, ConfirmEnrolment, {"track": "evening", "can_come": ("sat 09:00-12:00",)}),
    "track-does-not-meet-then": (agreed, ConfirmEnrolment, {"track": "evening", "first_session_at": MONDAY}),
    "reason-missing": (
        agreed,
        ConfirmEnrolment,
        {"track": "evening", "condition": "bipolar", "exceptions": ["condition"]},
    ),
    "nothing-missed": (enrolled, RecordOutreach, {"outcome": "no-answer"}),
    "level-unknown": (answered, DecidePlacement, {"recommended": "SPA", "actual": "OP", "variance": "none free"}),
    "already-there": (answered, ChangePolicy, WHY | {"to": "us-generic-1"}),
    "level-differs": (lambda: elsewhere(), ChangePolicy, WHY | {"to": "us-php-1"}),
    "obligation-unknown": (lambda: on_leave_with_nothing_waiting(), ChangePolicy, WHY | {"to": "us-no-leave-1"}),
    "leaving-reported": (lambda: wanting_to_leave(), ReportLeavingAgainstAdvice, WHY),
    "no-wish-to-leave": (enrolled, RecordStaying, {"note": "they stay"}),
    "no-maintenance-here": (enrolled, StartMaintenance, {"plan": RELAPSE_PLAN, "visit_days": 28}),
    "in-maintenance-already": (in_maintenance, StartMaintenance, {"plan": RELAPSE_PLAN, "visit_days": 28}),
    "not-in-maintenance": (enrolled, EndMaintenance, {"reason": "mistake"}),
    "relapse-plan-incomplete": (in_maintenance, UpdateRelapsePreventionPlan, {"plan": {}}),
    "visits-too-rare": (in_maintenance, UpdateRelapsePreventionPlan, {"plan": RELAPSE_PLAN, "visit_days": 100}),
    "no-goals": (lambda: without_a_plan(), ReviewGoals, {}),
    "unknown-goal": (enrolled, SetGoal, {"goal": "goal-9", "words": "sleep"}),
    "goals-full": (lambda: with_goals(50), SetGoal, {"words": "sleep"}),
    "goal-named-twice": (enrolled, ReviewGoals, {"met": ("goal-1",), "progressing": ("goal-1",)}),
    "goal-left-out": (enrolled, ReviewGoals, {}),
    "not-waiting": (enrolled, TakeOffWaitlist, {"reason": "room-free"}),
    "clinicians-finding": (
        lambda: waiting(),
        RecordInterimOffer,
        {"answer": "not-suitable", "by": {"id": "admissions-1", "role": "admissions"}},
    ),
    "not-in-this-policy": (lambda: without_leave(), StartLeave, WHY | {"category": "family", "until": "2026-03-20"}),
    "crisis-known": (in_emergency_department, RecordCrisis, WHY | {"place": "emergency-department"}),
    "level-is-ours": (enrolled, RecordCrisis, WHY | {"place": "inpatient", "level": "OP"}),
    "no-crisis": (enrolled, EndCrisis, WISH | {"safety_rechecked": True}),
    "level-first": (in_hospital, EndCrisis, WISH | {"safety_rechecked": True}),
    "safety-check-first": (in_emergency_department, EndCrisis, WISH),
    "before-the-crisis": (
        lambda: hours_later(in_emergency_department_later(), 1),
        EndCrisis,
        WISH | {"safety_rechecked": True, "occurred_at": MONDAY + timedelta(minutes=30)},
    ),
    "crisis-open": (
        lambda: discharged_and_in_crisis(),
        EndFollowUp,
        WISH | {"reason": "moved-away"},
    ),
    "care-began": (lambda: elsewhere(), RecordWithdrawal, WITHDRAWS),
    "clinician-decides": (
        answered,
        RecordWithdrawal,
        {"reason": "not-suitable", "initiator": "centre", "by": NURSE},
    ),
    "referral-missing": (answered, RecordWithdrawal, {"reason": "referred-elsewhere", "initiator": "centre"}),
    "nothing-to-check": (
        lambda: changed(withdrawing(), obligations=Obligations()),
        CheckWithdrawal,
        WISH | {"finding": "safe"},
    ),
    "identity-open": (lambda: admitted_after_death(), ReviewDeath, {"finding": "unclear", "by": REVIEWER}),
    "director-decides": (lambda: reviewed(), CorrectDeath, WHY | {"by": REVIEWER}),
    "end-is-final": (lambda: final(), ReopenJourney, WHY | {"by": REVIEWER}),
    "reviewed-already": (lambda: reviewed(), ReviewDeath, {"finding": "as before", "by": REVIEWER}),
    "before-the-death": (
        lambda: hours_later(died_later(), 1),
        CorrectDeath,
        WHY | {"by": REVIEWER, "occurred_at": MONDAY + timedelta(minutes=30)},
    ),
    "duties-waiting": (in_hospital_before_care, ChangePolicy, WHY | {"to": "us-residential-1"}),
    "calendar-not-newer": (enrolled, AdoptCalendar, WHY | {"calendar": 1}),
    "funding-first": (STAGES["FUNDING_EXCEPTION"], DecidePlacement, OUTPATIENT),
    "care-has-gone-on": (lambda: on_leave(), CorrectEnrolment, WHY),
    "nothing-owed": (lambda: changed(discharged(), obligations=Obligations()), RecordFollowUp, {"contact": "reached"}),
}


def hours_later(walk: Walk, hours: int) -> Walk:
    walk.later(hours=hours)
    return walk


def in_emergency_department_later() -> Walk:
    walk = hours_later(enrolled(), 1)
    walk.do(RecordCrisis, place="emergency-department", reason="panic at work")
    return walk


def died_later() -> Walk:
    walk = hours_later(enrolled(), 1)
    walk.do(RecordDeath, source="their sister")
    return walk


def discharged_and_in_crisis() -> Walk:
    walk = discharged()
    walk.do(RecordCrisis, place="emergency-department", reason="panic at work")
    return walk


def admitted_after_death() -> Walk:
    walk = died()
    walk.do(RepeatAdmission, message="message-2")
    return walk


def reviewed() -> Walk:
    walk = died()
    walk.do(ReviewDeath, finding="natural causes", by=REVIEWER)
    return walk


def unscreened() -> Walk:
    walk = admitted()
    walk.do(RecordBenefits, verdict="CLEAR", note="by phone")
    return walk


def unfunded_and_unscreened() -> Walk:
    walk = unscreened()
    walk.do(RecordBenefits, verdict="INACTIVE", note="by phone")
    return walk


def in_danger() -> Walk:
    walk = opened()
    walk.do(RecordContact, contact="reached", urgency="crisis")
    return walk


def final() -> Walk:
    walk = closed()
    walk.later(days=8)
    return walk


def unwilling_to_share() -> Walk:
    """The plan does not pay, and the client wants none told."""
    walk = answered(Verdict.INACTIVE)
    walk.do(RecordConsent, consent="sharing-with-payer", answer="declined")
    return walk


def discharged_after_a_week() -> Walk:
    walk = enrolled()
    walk.later(days=7)
    walk.do(Discharge, reason="goals-met")
    return walk


def unwilling() -> Walk:
    walk = agreed()
    walk.do(RecordConsent, consent="treatment", answer="declined")
    return walk


def unpriced() -> Walk:
    walk = answered(share=None)
    walk.do(DecidePlacement, **OUTPATIENT)
    return walk


def unplanned() -> Walk:
    walk = agreed()
    walk.enrol()
    return walk


def after_weeks(weeks: int, walk_to: Callable[[], Walk] = enrolled) -> Walk:
    walk = walk_to()
    walk.later(weeks=weeks)
    return walk


def contacted() -> Walk:
    walk = window_missed()
    walk.do(CompleteObligation, obligation="interim-contact-1", note="called")
    return walk


def acknowledged() -> Walk:
    walk = enrolled()
    for _ in range(walk.state.policy.acknowledged_times):
        walk.do(AcknowledgeObligation, obligation="review-1")
    return walk


def on_leave() -> Walk:
    walk = enrolled()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    return walk


def on_leave_with_nothing_waiting() -> Walk:
    """At OP, and before there is a discharge plan to look at again."""
    walk = without_a_plan()
    walk.plan_treatment()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    return walk


def wanting_to_leave() -> Walk:
    walk = enrolled()
    walk.do(ReportLeavingAgainstAdvice, reason="it does not help")
    return walk


def without_a_plan() -> Walk:
    walk = agreed("OP")
    walk.enrol()
    return walk


def with_goals(count: int) -> Walk:
    walk = without_a_plan()
    for _ in range(count):
        walk.do(SetGoal, words="sleep")
    return walk


def leave_used_up() -> Walk:
    walk = enrolled()
    for until in ("2026-03-30", "2026-04-13"):
        walk.do(StartLeave, until=until, category="travel", reason="a long trip")
        walk.later(days=14)
        walk.do(EndLeave)
    return walk


def elsewhere() -> Walk:
    walk = enrolled()
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.do(ConfirmArrival, facility="Harbor Hospital")
    return walk


def without_leave() -> Walk:
    assert "us-no-leave-1" in OTHERS
    walk = enrolled()
    walk.do(ChangePolicy, to="us-no-leave-1", reason="its site grants none")
    return walk


def stepped_down() -> Walk:
    walk = after_weeks(1, stepping_down)
    walk.do(ConfirmArrival)
    return walk


@pytest.mark.parametrize("code", CASES)
def test_every_code_can_be_met_and_says_what_to_do(code: str) -> None:
    walk_to, kind, fields = CASES[code]
    sentence = walk_to().refused(kind, code, **fields)
    assert sentence[0].isupper() or sentence[0].isalpha()
    assert sentence.endswith(".") and len(sentence.split()) > 4
    named = sentence.replace("see-client-1", "")  # a duty, not the client
    assert "None" not in named and "client-1" not in named and "journey-1" not in named


def test_the_cases_are_all_the_codes_there_are() -> None:
    assert set(CASES) == set(_codes_in_the_source())


def _codes_in_the_source() -> list[str]:
    """The first words of each `Refused(code, …)`, `require(met, code, …)` and `Refusal(code=…)`."""
    package = Path(inspect.getfile(domain)).parent
    trees = [ast.parse(path.read_text()) for path in package.rglob("*.py") if path.name != "refusal.py"]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    place = {"Refused": 0, "require": 1}
    found = []
    for call in calls:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        named = [word.value for word in call.keywords if name == "Refusal" and word.arg == "code"]
        found += [call.args[place[name]]] if name in place else named
    return [ast.literal_eval(code) for code in found]


EARLY = {Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION}
IN_CARE = {Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING}
ENDS = {Stage.CLOSED, Stage.CANCELLED, Stage.WITHDRAWN, Stage.DECEASED}
BEFORE_CARE = EARLY | {Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING, Stage.WAITLISTED, Stage.ENROLLED}
ALL = {Stage(name) for name in STAGES}

DECISIONS: dict[type[BaseCommand], tuple[dict[str, Any], set[Stage]]] = {
    OpenJourney: (
        {"journey_id": "j", "client_ref": "c", "site": "main", "message": "m", "admitted_at": "2026-03-16T17:00:00Z"},
        ALL,
    ),
    AdoptCalendar: (WHY | {"calendar": 2}, ALL - ENDS),
    RepeatAdmission: ({"message": "m"}, ALL - {Stage.CANCELLED}),
    CancelAdmission: ({"message": "m"}, ALL - ENDS | {Stage.DECEASED}),
    ReportDischarge: ({"message": "m"}, ALL - ENDS | {Stage.DECEASED}),
    TakeBackDischargeReport: ({"message": "m"}, ALL - ENDS - {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    ReportHospitalVisit: ({"message": "m", "visit": "v", "place": "inpatient"}, ALL - {Stage.CANCELLED}),
    ReportHospitalDischarge: ({"message": "m", "visit": "v"}, ALL - ENDS),
    TakeBackHospitalDischarge: ({"message": "m", "visit": "v"}, ALL - ENDS),
    RecordBenefits: (
        {"verdict": "CLEAR", "note": "by phone"},
        EARLY | {Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING, Stage.WAITLISTED},
    ),
    RecordContact: ({"contact": "reached"}, BEFORE_CARE),
    CompleteScreening: (SCREENED, BEFORE_CARE),
    RecordConsent: ({"consent": "treatment", "answer": "given"}, BEFORE_CARE | IN_CARE),
    ResolveFunding: (WHY | {"route": "self-pay"}, {Stage.FUNDING_EXCEPTION}),
    DecidePlacement: (OUTPATIENT, {Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING, Stage.WAITLISTED}),
    AcceptCost: ({"estimate": "estimate-1"}, {Stage.COST_REVIEW}),
    DeclineCost: (WHY, {Stage.COST_REVIEW}),
    PutOnWaitlist: ({"by": {"id": "admissions-1", "role": "admissions"}}, {Stage.ENROLLING}),
    RecordInterimOffer: ({"answer": "declined"}, {Stage.WAITLISTED}),
    TakeOffWaitlist: ({"reason": "room-free"}, {Stage.WAITLISTED}),
    ConfirmEnrolment: ({"track": "evening"}, {Stage.ENROLLING, Stage.WAITLISTED}),
    BookFirstSession: ({"first_session_at": MONDAY + timedelta(days=31, hours=8)}, {Stage.ENROLLED}),
    NoteAttendance: ({"entries": 99, "known": {}}, ALL),
    RecordOutreach: ({"outcome": "no-answer"}, {Stage.ACTIVE, Stage.TRANSITION, Stage.DISCHARGING}),
    RecordPlanDelivery: ({"how": "mailed"}, {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    ReportLeavingAgainstAdvice: (WHY, IN_CARE),
    RecordStaying: ({"note": "they stay"}, IN_CARE),
    StartMaintenance: ({"plan": RELAPSE_PLAN, "visit_days": 28}, set()),  # the walks in care are at IOP
    UpdateRelapsePreventionPlan: ({"plan": RELAPSE_PLAN}, set()),
    EndMaintenance: ({"reason": "mistake"}, set()),
    SetGoal: ({"words": "sleep"}, IN_CARE | {Stage.ENROLLED}),
    UpdateTreatmentPlan: ({"participation": "agreed"}, IN_CARE | {Stage.ENROLLED}),
    ReviewGoals: ({"progressing": ("goal-1",)}, IN_CARE),
    UpdateDischargePlan: ({"plan": WHOLE_PLAN}, IN_CARE | {Stage.ENROLLING, Stage.WAITLISTED, Stage.ENROLLED}),
    CompleteReview: ({"outcome": "continue", "rationale": "steady"}, {Stage.ACTIVE}),
    RequestStepUp: (WHY | {"to": "INPATIENT"}, IN_CARE),
    StartStepDown: (WHY | {"to": "OP"}, {Stage.ACTIVE, Stage.EXTERNAL}),
    StartLeave: (WHY | {"category": "family", "until": "2026-03-28"}, {Stage.ACTIVE}),
    ChangePolicy: (WHY | {"to": "us-residential-1"}, ALL - ENDS - {Stage.DISENGAGED}),
    EndLeave: ({}, {Stage.ACTIVE, Stage.TRANSITION}),
    ConfirmArrival: ({}, {Stage.TRANSITION}),
    ReportPlaceLost: (WHY, set()),
    RecordHandoff: ({"to": "their nurse", "how": "phone"}, {Stage.TRANSITION}),
    BookFirstVisit: ({"first_visit_at": MONDAY + timedelta(days=30)}, {Stage.TRANSITION}),
    PlanTaper: ({"until": "2026-03-30"}, {Stage.TRANSITION}),
    DeclineTransition: (WHY | {"safety_plan_reviewed": True}, {Stage.TRANSITION}),
    Discharge: ({"reason": "goals-met"}, IN_CARE),
    WithdrawDischarge: (WHY, {Stage.DISCHARGING}),
    WithdrawMove: (WHY, {Stage.TRANSITION}),
    CorrectEnrolment: (WHY, {Stage.ENROLLED, Stage.ACTIVE}),
    ResumeCare: (WHY | {"to": "OP"}, {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    ChangeTrack: ({"track": "morning"}, {Stage.ENROLLED, Stage.ACTIVE}),
    CorrectDischarge: (WHY, {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    RecordFollowUp: ({"contact": "reached"}, {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    EndFollowUp: (WISH | {"reason": "contact-declined"}, {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    RecordCrisis: (WHY | {"place": "inpatient", "level": "INPATIENT"}, ALL - ENDS),
    EndCrisis: (WISH | {"safety_rechecked": True}, ALL - ENDS),
    RecordWithdrawal: (WITHDRAWS, BEFORE_CARE),
    CheckWithdrawal: (WISH | {"finding": "safe"}, {Stage.DISENGAGED}),
    TakeBackWithdrawal: (WHY, {Stage.DISENGAGED, Stage.WITHDRAWN}),
    ReopenJourney: (WHY | {"by": REVIEWER}, {Stage.CLOSED}),
    RecordDeath: ({"source": "their sister"}, ALL - ENDS),
    CorrectDeath: (WHY | {"by": REVIEWER}, {Stage.DECEASED}),
    ReviewDeath: ({"finding": "natural causes", "by": REVIEWER}, {Stage.DECEASED}),
    AcknowledgeObligation: ({"obligation": "nothing-1"}, set()),
    CompleteObligation: ({"obligation": "nothing-1", "note": "done"}, set()),
    WaiveObligation: (WHY | {"obligation": "nothing-1"}, set()),
    AssignCareTeam: ({"team_role": "clinician", "to": "s-102"}, ALL - ENDS),
    AssignObligation: ({"obligation": "nothing-1", "to": "s-102"}, set()),
    HandOver: (WHY | {"of": "s-102", "to": "s-112"}, set()),
    UndoWaiver: (WHY | {"obligation": "nothing-1"}, set()),
    SettleEffect: ({"key": "nothing-1", "answer": {"kind": "done"}}, set()),
    TimePassed: ({}, ALL),
}


def test_the_table_names_every_command_and_every_stage_at_rest() -> None:
    assert set(DECISIONS) == set(COMMANDS.values())
    assert set(Stage) - ALL == {Stage.REFERRED}, "a journey leaves REFERRED with its first command"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", DECISIONS, ids=lambda kind: kind.__name__)
def test_every_command_at_every_stage_is_allowed_or_refused(kind: type[BaseCommand], stage: str) -> None:
    walk = STAGES[stage]()
    fields, allowed = DECISIONS[kind]
    walk.later(days=7)  # a follow-up counts from then on
    if kind is EndLeave:
        walk.state = walk.state.changed(leave=Leave(until=MONDAY.date()))
    if kind is RecordStaying and walk.state.stage in allowed:
        walk.do(ReportLeavingAgainstAdvice, reason="it does not help")
    if kind is RecordOutreach:
        walk.attended(missed=2, missed_since=MONDAY)
    if kind is EndCrisis and not walk.state.stage.is_end:
        walk.do(RecordCrisis, place="emergency-department", reason="panic at work")
    if walk.state.stage in allowed:
        with deployed({}):
            walk.do(kind, **fields)
        return
    own = {"AcknowledgeObligation", "CompleteObligation", "WaiveObligation", "AssignObligation"}
    ended = "journey-ended" if Stage(stage) in ENDS else "wrong-stage"
    if kind is ReportPlaceLost and stage == "TRANSITION":
        ended = "no-place-held"  # a step-down needs none
    by_stage: dict[tuple[type[BaseCommand], str], str] = {
        (StartMaintenance, "ACTIVE"): "no-maintenance-here",
        (EndMaintenance, "ACTIVE"): "not-in-maintenance",
        **{(UpdateRelapsePreventionPlan, each): "not-in-maintenance" for each in IN_CARE},
        (RecordWithdrawal, "EXTERNAL"): "care-began",
        (RecordHandoff, "ACTIVE"): "no-handoff-owed",
        (RecordHandoff, "EXTERNAL"): "no-handoff-owed",
        (RecordHandoff, "DISCHARGING"): "no-handoff-owed",
        (BookFirstVisit, "ACTIVE"): "no-first-visit",
        (PlanTaper, "ACTIVE"): "no-taper",
        (ChangePolicy, "DISENGAGED"): "duties-waiting",
        (DecidePlacement, "FUNDING_EXCEPTION"): "funding-first",
        (TakeBackDischargeReport, "DISCHARGED"): "journey-ended",  # as far as the message goes: a person looks at it
        (TakeBackDischargeReport, "FOLLOW_UP"): "journey-ended",
    }
    ended = by_stage.get((kind, stage), ended)
    if kind is HandOver:
        ended = "nothing-of-theirs"
    if kind is TakeOffWaitlist and Stage(stage) not in ENDS:
        ended = "not-waiting"
    if kind is UndoWaiver and Stage(stage) not in ENDS:
        ended = "not-waived"
    code = "no-such-obligation" if kind.__name__ in own else "not-pending" if kind is SettleEffect else ended
    walk.refused(kind, code, **fields)


@pytest.mark.parametrize("stage", STAGES)
def test_the_walks_lead_where_they_say(stage: str) -> None:
    assert STAGES[stage]().state.stage == stage


@pytest.mark.parametrize("key", ["ehr-", "ehr-x", "ehr-0", "ehr-99999", "ehr--1", "ehr-+1", "release-"])
def test_an_answer_nobody_waits_for_is_refused(key: str) -> None:
    opened().refused(SettleEffect, "not-pending", key=key, answer=Done())


def test_the_answer_to_an_older_wish_of_the_ehr_is_taken_but_does_not_settle_the_newest() -> None:
    walk = opened()
    older = walk.state.news
    walk.do(RecordBenefits, verdict="CLEAR", note="called")
    walk.settle(f"ehr-{older}", revision=older)
    assert f"ehr-{walk.state.news}" in walk.state.pending()
    walk.settle(f"ehr-{walk.state.news}")
    assert not any(key.startswith("ehr") for key in walk.state.pending())
    walk.refused(SettleEffect, "not-pending", key=f"ehr-{older}", revision=older, answer=Failed(code="late"))


def test_a_command_answered_before_leads_to_nothing_new() -> None:
    walk = opened()
    command = RecordBenefits(id="once", by={"id": "a", "role": "admissions"}, verdict="CLEAR", note="called")
    first = decide(walk.state, command, walk.now)
    assert isinstance(first, Decided) and first.events
    assert decide(first.state, command, walk.now) == Decided(events=(), state=first.state)


def test_a_refused_command_may_be_sent_again_under_the_same_id() -> None:
    walk = enrolled("OP")
    command = Discharge(id="again", by={"id": "c", "role": "case-manager"}, reason="moved")
    assert isinstance(decide(walk.state, command, walk.now), Refusal)
    by_a_clinician = command.model_copy(update={"by": command.by.model_copy(update={"role": "clinician"})})
    assert isinstance(decide(walk.state, by_a_clinician, walk.now), Decided)


def test_a_state_that_was_never_opened_takes_an_admission() -> None:
    fields = {"journey_id": "j", "client_ref": "c", "site": "main", "message": "m"}
    outcome = Walk().do(OpenJourney, **fields, admitted_at="2026-03-16T17:00:00Z")
    assert evolve(JourneyState(), outcome[0]).version == 1


@pytest.mark.parametrize(
    ("walk_to", "kind", "fields"),
    [
        (answered, DecidePlacement, OUTPATIENT),
        (enrolled, CompleteReview, {"outcome": "continue", "rationale": "steady"}),
        (enrolled, RequestStepUp, WHY | {"to": "PHP"}),
        (enrolled, StartStepDown, WHY | {"to": "OP"}),
        (stepping_down, DeclineTransition, WHY | {"safety_plan_reviewed": True}),
        (enrolled, Discharge, {"reason": "moved"}),
    ],
)
def test_only_a_clinician_decides_about_care(
    walk_to: Callable[[], Walk], kind: type[BaseCommand], fields: dict[str, Any]
) -> None:
    for role in ("case-manager", "admissions", "operations", "utilisation-review"):
        walk_to().refused(kind, "not-their-decision", by={"id": "somebody", "role": role}, **fields)
    for role in ("clinician", "clinical-supervisor", "medical-director"):
        walk_to().do(kind, by={"id": "somebody", "role": role}, **fields)
