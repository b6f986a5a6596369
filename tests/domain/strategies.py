"""Commands for a journey: any at all, or those that fit where it stands, so that random walks get far."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.benefits import Benefits, CostShare, Evidence, Topic, Verdict
from domain.commands import BEFORE_CARE, BaseCommand, Decision
from domain.effects import Effect
from domain.goals import Participation
from domain.pathway.admission import CancelAdmission, OpenJourney, RepeatAdmission
from domain.pathway.against_advice import RecordStaying, ReportLeavingAgainstAdvice
from domain.pathway.attendance import NoteAttendance, OutreachMethod, OutreachOutcome, RecordOutreach
from domain.pathway.calendars import AdoptCalendar
from domain.pathway.calls import BenefitsAnswer, Done, Failed, PlaceAnswer, SettleEffect
from domain.pathway.care_team import AssignCareTeam, AssignObligation, HandOver
from domain.pathway.consents import ConsentAnswer, ConsentKind, Consents, RecordConsent
from domain.pathway.corrections import CorrectDischarge, CorrectEnrolment, WithdrawDischarge, WithdrawMove
from domain.pathway.cost import AcceptCost, DeclineCost
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import CrisisPlace, EndCrisis, RecordCrisis
from domain.pathway.deadlines import TimePassed
from domain.pathway.death import CorrectDeath, RecordDeath, ReviewDeath
from domain.pathway.discharge import (
    Discharge,
    PlanDelivery,
    PlanFormat,
    RecordPlanDelivery,
    ReportDischarge,
    TakeBackDischargeReport,
    UpdateDischargePlan,
)
from domain.pathway.enrolment import BookFirstSession, ConfirmEnrolment
from domain.pathway.first_visit import BookFirstVisit
from domain.pathway.follow_up import EndFollowUp, FollowUpEnd, RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.handoff import HandoffChannel, HandoffPackage, RecordHandoff
from domain.pathway.hospital import ReportHospitalDischarge, ReportHospitalVisit, TakeBackHospitalDischarge
from domain.pathway.leave import EndLeave, LeaveCategory, StartLeave
from domain.pathway.lost_place import ReportPlaceLost
from domain.pathway.maintenance import EndMaintenance, MaintenanceEnd, StartMaintenance, UpdateRelapsePreventionPlan
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import (
    AcknowledgeObligation,
    CompleteObligation,
    UndoWaiver,
    WaiveObligation,
)
from domain.pathway.placement import DecidePlacement
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reopening import ReopenJourney
from domain.pathway.return_to_care import ResumeCare
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening, KnownRisk, RecordContact, Urgency
from domain.pathway.taper import PlanTaper
from domain.pathway.track_change import ChangeTrack
from domain.pathway.treatment_decisions import ReviewGoals, SetGoal, UpdateTreatmentPlan
from domain.pathway.waitlist import (
    InterimAnswer,
    PutOnWaitlist,
    RecordInterimOffer,
    TakeOffWaitlist,
    WaitlistEnd,
)
from domain.pathway.withdrawal import (
    CheckWithdrawal,
    RecordWithdrawal,
    SafetyFinding,
    TakeBackWithdrawal,
    WithdrawalReason,
)
from domain.plans import (
    Actor,
    Contact,
    DischargePlan,
    DischargeReason,
    FacilityAnswer,
    FundingRoute,
    Initiator,
    RelapsePreventionPlan,
    ReviewOutcome,
    SearchedFacility,
)
from domain.sessions.attendance import attendance_of
from domain.sessions.facts import Entry, Modality, Session, SessionOutcome, SessionType
from domain.sites import site_named
from domain.state import JourneyState
from domain.values import Role, Stage
from tests.domain.walk import CLINICIAN, MONDAY, RELAPSE_PLAN, WHOLE_PACKAGE, WHOLE_PLAN
from tests.policies import OTHERS

Kind = type[BaseCommand]

ACTORS = st.builds(Actor, id=st.just("person-1"), role=st.sampled_from(Role))
ABLE: dict[Kind, Actor] = {
    RecordBenefits: Actor(id="person-2", role=Role.ADMISSIONS),
    AdoptCalendar: Actor(id="person-4", role=Role.OPERATIONS),
    **dict.fromkeys(
        (PutOnWaitlist, ConfirmEnrolment, BookFirstSession, RecordInterimOffer, TakeOffWaitlist),
        Actor(id="person-2", role=Role.ADMISSIONS),
    ),
}
DIRECTOR = Actor(id="person-3", role=Role.MEDICAL_DIRECTOR)
LEVELS = st.sampled_from(["OP", "IOP", "PHP", "RESIDENTIAL", "INPATIENT"])
WORDS = st.sampled_from(["because", "as said before"])
VISITS = st.sampled_from(["visit-2", "visit-3"])
MONEY = st.none() | st.integers(0, 4000)
SHARES = st.builds(CostShare, copay=st.none() | st.integers(0, 400), deductible_total=MONEY)
EVIDENCE = st.lists(
    st.builds(
        Evidence,
        topics=st.just((Topic.AUTHORISATION,)),
        about=st.just("EB-1-MH"),
        text=st.sampled_from(["AUTH REQUIRED", "", " "]),
        other_payer=st.none() | st.just("Harbor Mind Care"),
    ),
    max_size=2,
).map(tuple)
_OUTCOMES = st.sampled_from([*SessionOutcome, SessionOutcome.KEPT, SessionOutcome.KEPT, SessionOutcome.NO_SHOW])


@st.composite
def _entry(draw: st.DrawFn) -> Entry:
    outcome = draw(_OUTCOMES)
    kept = outcome is SessionOutcome.KEPT
    said = Session(
        session=draw(st.sampled_from(["s-1", "s-2", "s-3", "s-4", "s-5"])),
        outcome=outcome,
        type=draw(st.sampled_from(SessionType)),
        starts_at=MONDAY + timedelta(hours=draw(st.integers(-2, 700))),
        minutes=60,
        attended=draw(st.integers(1, 90)) if kept else None,
        modality=draw(st.sampled_from(Modality)),
        site="main",
        makes_up_for=draw(st.sampled_from([None, None, "s-9"])),
        noted=kept and draw(st.booleans()),
    )
    number = draw(st.integers(1, 99))
    return Entry(entry=f"e-{number}", entered_at=MONDAY + timedelta(minutes=number), by=CLINICIAN, said=said)


ENTRIES = st.lists(_entry(), max_size=8, unique_by=lambda entry: entry.entry)
"""What was entered about a client's sessions; each entry once."""
PEOPLE = st.sampled_from(["person-1", "person-3", "person-5"])
VISIT_TIMES = st.none() | st.integers(0, 900).map(lambda hours: MONDAY + timedelta(hours=hours))
TAPERS = st.sampled_from([None, None, None, date(2026, 3, 30), date(2026, 5, 1)])
PACKAGES = st.sampled_from([HandoffPackage(), HandoffPackage(contacts=True), WHOLE_PACKAGE])
PLANS = st.sampled_from([DischargePlan(), DischargePlan(crisis_contacts=("988",)), WHOLE_PLAN])
RELAPSE_PLANS = st.sampled_from([RELAPSE_PLAN, RELAPSE_PLAN, RELAPSE_PLAN, RelapsePreventionPlan()])
GOALS = st.sampled_from(["goal-1", "goal-2", "goal-3"])
LINES = st.sampled_from([(), ("four steady weeks",)])
ANSWERS: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        BenefitsAnswer,
        benefits=st.builds(
            Benefits, verdict=st.sampled_from(Verdict), cost_share=st.none() | SHARES, evidence=EVIDENCE
        ),
    ),
    st.just(PlaceAnswer()),
    st.builds(
        PlaceAnswer,
        facility=st.sampled_from(["facility-1", "facility-2"]),
        starts_at=st.integers(0, 60).map(lambda hours: MONDAY + timedelta(hours=hours)),
        place_id=st.none() | st.sampled_from(["slot-1", "slot-2"]),
        facilities=st.lists(
            st.builds(SearchedFacility, facility=st.just("facility-1"), answer=st.sampled_from(FacilityAnswer)),
            max_size=2,
        ).map(tuple),
    ),
    st.builds(Done, reference=st.none() | st.just("there-1")),
    st.builds(Failed, code=st.sampled_from(["refused", "gone"])),
)


def answers_to(call: Effect) -> st.SearchStrategy[Any]:
    """What the system that is called may answer."""
    own = {"hold-place": PlaceAnswer, "check-benefits": BenefitsAnswer}.get(call.kind, Done)
    return ANSWERS.filter(lambda answer: isinstance(answer, own | Failed))


def _calendars(state: JourneyState) -> list[int]:
    return [each.version for each in site_named(state.admission.site or "main").calendars]


def _goals_of(state: JourneyState) -> st.SearchStrategy[tuple[str, ...]]:
    """All that are open, as whoever goes through them names them, or any."""
    named = st.just(tuple(goal.id for goal in state.treatment_plan.open_goals()))
    return named | named | st.lists(GOALS, max_size=2).map(tuple)


def fields_of(kind: Kind, state: JourneyState) -> dict[str, st.SearchStrategy[Any]]:
    """What a command of this kind may carry besides its id and who decides."""
    owed = st.sampled_from([*state.obligations.open, "review-99"])
    waived = st.sampled_from([*state.obligations.waived, *state.obligations.open, "review-99"])
    message = {"message": st.just("message-9")}
    reported = message | {"occurred_at": st.none() | st.just(MONDAY)}
    fields: dict[Kind, dict[str, st.SearchStrategy[Any]]] = {
        OpenJourney: message
        | {"journey_id": st.just("j"), "client_ref": st.just("c"), "site": st.just("main")}
        | {"admitted_at": st.just(MONDAY)},
        AdoptCalendar: {"calendar": st.sampled_from(_calendars(state)), "reason": WORDS},
        RepeatAdmission: reported,
        CancelAdmission: reported,
        ReportDischarge: reported,
        TakeBackDischargeReport: reported,
        ReportHospitalVisit: reported | {"visit": VISITS, "place": st.sampled_from(CrisisPlace)},
        ReportHospitalDischarge: reported | {"visit": VISITS},
        TakeBackHospitalDischarge: reported | {"visit": VISITS},
        RecordBenefits: {
            "verdict": st.sampled_from(Verdict),
            "cost_share": st.none() | SHARES,
            "note": WORDS,
        },
        RecordContact: {"contact": st.sampled_from(Contact), "urgency": st.none() | st.sampled_from(Urgency)},
        CompleteScreening: {
            "urgency": st.sampled_from(Urgency),
            "risk": st.sampled_from(KnownRisk),
            "consents": st.builds(Consents, treatment=st.sampled_from([*ConsentAnswer, ConsentAnswer.GIVEN, None])),
        },
        RecordConsent: {
            "consent": st.sampled_from([*ConsentKind, ConsentKind.TREATMENT]),
            "answer": st.sampled_from(ConsentAnswer),
        },
        ResolveFunding: {"route": st.sampled_from(FundingRoute), "reason": WORDS},
        DecidePlacement: {"recommended": LEVELS, "actual": LEVELS, "variance": st.none() | WORDS},
        AcceptCost: {
            "estimate": st.integers(max(1, state.cost.estimates - 1), state.cost.estimates + 1).map(
                "estimate-{}".format
            )
        },
        DeclineCost: {"reason": WORDS},
        ConfirmEnrolment: {"track": WORDS},
        ResumeCare: {"to": LEVELS, "reason": WORDS},
        ChangeTrack: {"track": st.sampled_from(["morning", "evening", "individual"])},
        BookFirstSession: {"first_session_at": st.integers(0, 200).map(lambda hours: MONDAY + timedelta(hours=hours))},
        PutOnWaitlist: {"tracks": st.sampled_from([(), ("evening",), ("morning", "telehealth")])},
        RecordInterimOffer: {"answer": st.sampled_from(InterimAnswer)},
        TakeOffWaitlist: {"reason": st.sampled_from(WaitlistEnd)},
        NoteAttendance: {"entries": st.integers(1, 30), "known": ENTRIES.map(attendance_of)},
        RecordOutreach: {
            "outcome": st.sampled_from(OutreachOutcome),
            "method": st.none() | st.sampled_from(OutreachMethod),
            "note": st.none() | WORDS,
        },
        RecordPlanDelivery: {"how": st.sampled_from(PlanDelivery), "format": st.none() | st.sampled_from(PlanFormat)},
        UpdateDischargePlan: {"plan": PLANS},
        StartMaintenance: {"plan": RELAPSE_PLANS, "visit_days": st.sampled_from([28, 7, 200])},
        UpdateRelapsePreventionPlan: {"plan": RELAPSE_PLANS, "visit_days": st.sampled_from([None, 14])},
        EndMaintenance: {"reason": st.sampled_from(MaintenanceEnd)},
        ReportLeavingAgainstAdvice: {"reason": WORDS},
        RecordStaying: {"note": WORDS},
        SetGoal: {
            "goal": st.none() | GOALS,
            "words": WORDS,
            "measure": st.none() | WORDS,
            "target": st.none() | st.just(date(2026, 6, 1)),
        },
        UpdateTreatmentPlan: {
            "step_down_criteria": LINES,
            "discharge_criteria": LINES,
            "participation": st.sampled_from(Participation),
        },
        ReviewGoals: {"progressing": _goals_of(state), "met": st.lists(GOALS, max_size=1).map(tuple)},
        WithdrawDischarge: {"reason": WORDS},
        WithdrawMove: {"reason": WORDS},
        CorrectEnrolment: {"reason": WORDS},
        CorrectDischarge: {"reason": WORDS},
        CompleteReview: {
            "outcome": st.sampled_from(ReviewOutcome),
            "rationale": WORDS,
            "to": st.none() | LEVELS,
            "first_visit_at": VISIT_TIMES,
        },
        RequestStepUp: {"to": LEVELS, "reason": WORDS},
        StartStepDown: {"to": LEVELS, "reason": WORDS, "first_visit_at": VISIT_TIMES, "taper_until": TAPERS},
        BookFirstVisit: {"first_visit_at": st.integers(0, 900).map(lambda hours: MONDAY + timedelta(hours=hours))},
        PlanTaper: {"until": st.dates(date(2026, 3, 16), date(2026, 6, 1))},
        StartLeave: {
            "until": st.dates(date(2026, 1, 1), date(2027, 12, 31)),
            "category": st.sampled_from(LeaveCategory),
            "reason": WORDS,
        },
        EndLeave: {},
        ChangePolicy: {"to": st.sampled_from(["us-generic-1", *OTHERS]), "reason": WORDS},
        ConfirmArrival: {"facility": st.none() | WORDS},
        RecordHandoff: {
            "to": WORDS,
            "how": st.sampled_from(HandoffChannel),
            "package": PACKAGES,
            "read_back": st.booleans(),
        },
        ReportPlaceLost: {"reason": WORDS},
        DeclineTransition: {"reason": WORDS, "safety_plan_reviewed": st.booleans()},
        Discharge: {
            "reason": st.sampled_from(DischargeReason),
            "risk_checked": st.none() | st.booleans(),
            "plan_offered": st.none() | st.booleans(),
        },
        RecordCrisis: {
            "place": st.sampled_from(CrisisPlace),
            "facility": st.sampled_from([None, "Harbor Hospital", "County ED"]),
            "level": st.sampled_from([None, "INPATIENT", "INPATIENT", "PHP", "OP"]),
            "reason": WORDS,
        },
        EndCrisis: {"safety_rechecked": st.booleans(), "note": WORDS},
        RecordWithdrawal: {
            "reason": st.sampled_from(WithdrawalReason),
            "initiator": st.sampled_from(Initiator),
            "risk": st.none() | st.sampled_from(KnownRisk),
            "referred_to": st.none() | st.just("County clinic"),
        },
        CheckWithdrawal: {"finding": st.sampled_from(SafetyFinding), "note": WORDS},
        TakeBackWithdrawal: {"reason": WORDS},
        ReopenJourney: {"reason": WORDS},
        RecordDeath: {"source": WORDS},
        CorrectDeath: {"reason": WORDS},
        ReviewDeath: {"finding": WORDS},
        EndFollowUp: {"reason": st.sampled_from(FollowUpEnd), "note": WORDS},
        RecordFollowUp: {"contact": st.sampled_from(Contact)},
        AcknowledgeObligation: {"obligation": owed},
        CompleteObligation: {"obligation": owed, "note": WORDS},
        WaiveObligation: {
            "obligation": owed,
            "reason": WORDS,
            "until": st.none() | st.dates(date(2026, 3, 10), date(2026, 9, 1)),
            "all_of_kind": st.booleans(),
        },
        UndoWaiver: {"obligation": waived, "reason": WORDS, "all_of_kind": st.booleans()},
        AssignCareTeam: {"team_role": st.sampled_from(Role), "to": st.none() | PEOPLE, "reason": st.none() | WORDS},
        AssignObligation: {"obligation": owed, "to": st.none() | PEOPLE, "reason": st.none() | WORDS},
        HandOver: {"of": PEOPLE, "to": PEOPLE, "only_as": st.none() | st.sampled_from(Role), "reason": WORDS},
        SettleEffect: {
            "key": st.sampled_from([*state.pending(), "ehr-9999", "nothing"]),
            "answer": ANSWERS,
            "revision": st.none() | st.integers(0, state.news + 1),
        },
        TimePassed: {},
    }
    assert kind in fields, f"add {kind.__name__} to fields_of in tests/domain/strategies.py"
    return fields[kind]


_BY_HAND = (
    *(CompleteObligation, WaiveObligation, UndoWaiver, AcknowledgeObligation),
    *(AssignCareTeam, AssignObligation, HandOver),
)
_GOALS = (SetGoal, UpdateTreatmentPlan, ReviewGoals, ReviewGoals)
_MOVES = (RequestStepUp, StartStepDown)
_AWAY = (RecordCrisis, RecordCrisis, EndCrisis, RecordDeath)
_OUT = (RecordWithdrawal, RecordWithdrawal, *_AWAY)
FITTING: dict[Stage, tuple[Kind, ...]] = {
    Stage.REFERRED: (TimePassed,),
    Stage.BENEFITS_CHECK: (RecordBenefits, SettleEffect, AdoptCalendar, RecordContact, CompleteScreening),
    Stage.FUNDING_EXCEPTION: (ResolveFunding, ResolveFunding, RecordBenefits),
    Stage.PLACEMENT: (DecidePlacement, DecidePlacement, CompleteScreening, CompleteScreening, RecordContact),
    Stage.COST_REVIEW: (DecidePlacement, AcceptCost, AcceptCost, AcceptCost, DeclineCost, RecordBenefits, *_BY_HAND),
    Stage.ENROLLING: (
        *(ConfirmEnrolment, ConfirmEnrolment, ConfirmEnrolment, PutOnWaitlist),
        RecordBenefits,
        RecordConsent,
        RecordConsent,
        *_BY_HAND,
        UpdateDischargePlan,
    ),
    Stage.WAITLISTED: (
        *(ConfirmEnrolment, RecordInterimOffer, TakeOffWaitlist, DecidePlacement, CompleteScreening),
        *_BY_HAND,
    ),
    Stage.ENROLLED: (
        *(NoteAttendance, NoteAttendance, NoteAttendance, BookFirstSession),
        *(CorrectEnrolment, RecordConsent, UpdateDischargePlan, ChangeTrack),
    ),
    Stage.ACTIVE: (
        *(NoteAttendance, RecordOutreach, RecordHandoff, BookFirstVisit, PlanTaper, ChangeTrack),
        AdoptCalendar,
        CorrectEnrolment,
        RecordConsent,
        CompleteReview,
        *_MOVES,
        EndLeave,
        ReportDischarge,
        TakeBackDischargeReport,
        ReportHospitalVisit,
        ReportHospitalDischarge,
        TakeBackHospitalDischarge,
        UpdateDischargePlan,
        *_GOALS,
        *(StartMaintenance, StartMaintenance, UpdateRelapsePreventionPlan, EndMaintenance),
        *(ReportLeavingAgainstAdvice, RecordStaying),
        *_BY_HAND,
    ),
    Stage.TRANSITION: (
        AdoptCalendar,
        SettleEffect,
        ConfirmArrival,
        *(RecordHandoff, RecordHandoff, BookFirstVisit, PlanTaper),
        DeclineTransition,
        WithdrawMove,
        ReportPlaceLost,
        RequestStepUp,
        RequestStepUp,
        Discharge,
        *_BY_HAND,
        ReportDischarge,
    ),
    Stage.EXTERNAL: (*_MOVES, RecordHandoff, *_BY_HAND, ReportDischarge, Discharge, EndCrisis, EndCrisis, EndCrisis),
    Stage.DISCHARGING: (WithdrawDischarge, Discharge, RequestStepUp, UpdateDischargePlan),
    Stage.DISCHARGED: (
        AdoptCalendar,
        CorrectDischarge,
        RecordFollowUp,
        RecordPlanDelivery,
        WaiveObligation,
        UndoWaiver,
        *(ResumeCare, RepeatAdmission),
    ),
    Stage.FOLLOW_UP: (
        CorrectDischarge,
        ResumeCare,
        RepeatAdmission,
        RecordFollowUp,
        RecordPlanDelivery,
        WaiveObligation,
        UndoWaiver,
    ),
    Stage.CLOSED: (ReopenJourney, RepeatAdmission, *_BY_HAND, SettleEffect),
    Stage.CANCELLED: (*_BY_HAND, SettleEffect),
    Stage.DISENGAGED: (CheckWithdrawal, TakeBackWithdrawal, RepeatAdmission, *_BY_HAND, SettleEffect, EndCrisis),
    Stage.WITHDRAWN: (TakeBackWithdrawal, RepeatAdmission, *_BY_HAND, SettleEffect),
    Stage.DECEASED: (CorrectDeath, CorrectDeath, ReviewDeath, RepeatAdmission, *_BY_HAND, SettleEffect),
}
"""The commands that lead on from each stage."""
LEAVING: dict[Stage, tuple[Kind, ...]] = {
    **{stage: _OUT for stage in BEFORE_CARE},
    **{stage: (Discharge, *_AWAY) for stage in (Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING)},
    **{stage: (EndFollowUp, *_AWAY) for stage in (Stage.DISCHARGED, Stage.FOLLOW_UP)},
    Stage.DISENGAGED: _AWAY,
}
"""The ways out of each stage that is no end."""


def _typed_in_late(state: JourneyState) -> st.SearchStrategy[datetime | None]:
    """Mostly now; else some hours after care at this level, or the journey, began."""
    since = state.level_since or state.admission.begins_at or MONDAY
    hours = st.integers(-1, 100).map(lambda hours: since + timedelta(hours=hours))
    return st.one_of(st.none(), st.none(), hours)


def command(kind: Kind, number: int, state: JourneyState, *, able: bool) -> st.SearchStrategy[BaseCommand]:
    """A command of this kind; `able` has it decided by somebody who may."""
    fields = fields_of(kind, state)
    if issubclass(kind, Decision):
        fields["by"] = st.just(ABLE.get(kind, DIRECTOR)) if able else ACTORS
        fields["occurred_at"] = _typed_in_late(state)
    return st.builds(kind, id=st.just(f"step-{number}"), **fields)
