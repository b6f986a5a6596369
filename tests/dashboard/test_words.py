"""Every event has a sentence, and no sentence shows more than the record's reader may see."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dashboard.words import actor_role
from domain.obligation_terms import Channel
from domain.pathway import EVENTS, Event
from domain.pathway.admission import AdmissionRepeated, JourneyOpened
from domain.pathway.against_advice import ClientStayed, LeavingAgainstAdviceReported
from domain.pathway.attendance import OutreachRecorded
from domain.pathway.calendars import CalendarChanged
from domain.pathway.calls import EffectSettled
from domain.pathway.care import CareStartTakenBack, LevelOfCareStarted
from domain.pathway.care_team import CareTeamAssigned
from domain.pathway.closing import JourneyFinal
from domain.pathway.consents import ConsentRecorded
from domain.pathway.corrections import (
    DischargeCorrected,
    DischargeWithdrawn,
    EnrolmentCorrected,
    TransitionWithdrawn,
)
from domain.pathway.cost import CostAccepted, CostDeclined, CostEstimated
from domain.pathway.crisis import CrisisEnded
from domain.pathway.death import ClientDied, DeathCorrected, DeathReviewed
from domain.pathway.discharge import DischargeReported, DischargeReportTakenBack
from domain.pathway.enrolment import FirstSessionBooked
from domain.pathway.first_visit import FirstVisitBooked
from domain.pathway.follow_up import FollowUpEnded
from domain.pathway.funding import FundingResolved
from domain.pathway.handoff import HandoffRecorded
from domain.pathway.hospital import HospitalVisitEnded, HospitalVisitGoesOn, HospitalVisitReported
from domain.pathway.leave import LeaveEnded, LeaveStarted
from domain.pathway.lost_place import PlaceLost
from domain.pathway.maintenance import MaintenanceEnded, MaintenanceStarted, RelapsePreventionPlanUpdated
from domain.pathway.moves import TransitionDeclined
from domain.pathway.notices import NoticeNotDelivered
from domain.pathway.obligation_events import (
    ObligationAcknowledged,
    ObligationAssigned,
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationReopened,
    ObligationWaived,
    Reopening,
)
from domain.pathway.place_check import PlaceChecked, PlaceCheckStarted
from domain.pathway.place_search import PlaceGivenUp
from domain.pathway.policy_change import PolicyChanged
from domain.pathway.reopening import JourneyReopened
from domain.pathway.return_to_care import CareResumed
from domain.pathway.screening import ContactRecorded
from domain.pathway.suspension import DutiesResumed
from domain.pathway.taper import TaperPlanned
from domain.pathway.track_change import TrackChanged
from domain.pathway.treatment_plan import GoalsReviewed
from domain.pathway.waitlist import InterimCareOffered, TakenOffWaitlist, Waitlisted
from domain.pathway.waivers import ObligationKindWaived, ObligationKindWaiverUndone, ObligationWaivedUntil
from domain.pathway.withdrawal import WithdrawalChecked, WithdrawalTakenBack
from domain.plans import Actor, Direction, Estimate, FundingRoute
from domain.values import Role
from domain.wording import moment
from tests.domain import walk
from tests.domain.walk import MONDAY, Walk

WALKS: tuple[Callable[[], Walk], ...] = (
    walk.closed,
    walk.cancelled,
    walk.stepping_up,
    walk.window_missed,
    walk.returning,
    walk.discharging,
    walk.place_held,
    walk.withdrawn,
    walk.in_hospital_before_care,
)
SOMEBODY = Actor(id="s-7", role=Role.CLINICIAN)
ABOUT = {"at": MONDAY, "cause": "c-1"}


OWED = walk.opened().state.obligations.open["enrol-1"]
REVIEW = {"obligation": "review-1", "kind": "review", "title": "Review the level of care"}
ASIDE: tuple[Event, ...] = (
    AdmissionRepeated(**ABOUT, message="m-2"),
    ContactRecorded(**ABOUT, contact="reached", urgency="routine", note="their sister answered", by=SOMEBODY),
    ConsentRecorded(**ABOUT, consent="telehealth", answer="declined", note="has no camera", by=SOMEBODY),
    FundingResolved(**ABOUT, route=FundingRoute.SELF_PAY, reason="the client's choice", by=SOMEBODY),
    CostDeclined(**ABOUT, estimate="estimate-1", reason="too much", by=SOMEBODY),
    PlaceGivenUp(**ABOUT, hold_key="place-1"),
    PlaceLost(**ABOUT, facility="Harbour Day Hospital", hold_key="place-1", reason="full", by=SOMEBODY),
    PlaceLost(**ABOUT, facility="Harbour Day Hospital", hold_key="place-1", replaced=True),
    PlaceCheckStarted(**ABOUT, number=1, hold_key="place-1", level="PHP", wanted_by=MONDAY),
    PlaceChecked(**ABOUT, confirmed=True, check_at=MONDAY),
    PlaceChecked(**ABOUT, confirmed=False),
    HandoffRecorded(
        **ABOUT, target="PHP", attempt=1, to="their nurse", how="phone", package={}, read_back=False, by=SOMEBODY
    ),
    FirstVisitBooked(**ABOUT, first_visit_at=MONDAY, by=SOMEBODY),
    TaperPlanned(**ABOUT, level="IOP", until=MONDAY.date(), by=SOMEBODY),
    TransitionDeclined(**ABOUT, number=1, reason="stays", safety_plan_reviewed=True, by=SOMEBODY),
    DischargeReported(**ABOUT, message="m-3"),
    DischargeReportTakenBack(**ABOUT, message="m-4"),
    HospitalVisitReported(**ABOUT, place="inpatient", visit="v-1", message="m-5"),
    HospitalVisitEnded(**ABOUT, visit="v-1", message="m-6"),
    HospitalVisitGoesOn(**ABOUT, visit="v-1", message="m-7"),
    ObligationAcknowledged(**ABOUT, **REVIEW, quiet_until=MONDAY, by=SOMEBODY),
    ObligationWaived(**ABOUT, **REVIEW, reason="seen today", by=SOMEBODY),
    ObligationWaivedUntil(**ABOUT, **REVIEW, until=MONDAY.date(), ends_at=MONDAY, by=SOMEBODY),
    ObligationReopened(**ABOUT, **REVIEW, owed=OWED, why=Reopening.WAIVER_UNDONE, reason="anew", by=SOMEBODY),
    ObligationKindWaived(**ABOUT, kind="review", until=MONDAY.date(), ends_at=MONDAY, reason="away", by=SOMEBODY),
    ObligationKindWaiverUndone(**ABOUT, kind="review", reason="back", by=SOMEBODY),
    Waitlisted(**ABOUT, level="IOP", by=SOMEBODY),
    CareResumed(**ABOUT, level="OP", reason="the low days are back", by=SOMEBODY),
    TrackChanged(**ABOUT, level="IOP", track="morning", before="evening", by=SOMEBODY),
    InterimCareOffered(**ABOUT, answer="accepted", by=SOMEBODY),
    TakenOffWaitlist(**ABOUT, level="IOP", reason="room-free", by=SOMEBODY),
    OutreachRecorded(**ABOUT, outcome="no-answer", attempt=1, by=SOMEBODY),
    FirstSessionBooked(**ABOUT, first_session_at=MONDAY, by=SOMEBODY),
    CareStartTakenBack(**ABOUT, level="IOP"),
    LeavingAgainstAdviceReported(**ABOUT, reason="it does not help", by=SOMEBODY),
    ClientStayed(**ABOUT, note="they stay", by=SOMEBODY),
    MaintenanceStarted(**ABOUT, level="OP", visit_days=28, plan=walk.RELAPSE_PLAN, by=SOMEBODY),
    RelapsePreventionPlanUpdated(**ABOUT, visit_days=14, plan=walk.RELAPSE_PLAN, by=SOMEBODY),
    MaintenanceEnded(**ABOUT, reason="needs-more", by=SOMEBODY),
    GoalsReviewed(**ABOUT, progress=({"goal": "goal-1", "progress": "no-longer-wanted"},), by=SOMEBODY),
    LeaveStarted(**ABOUT, until=MONDAY.date(), reason="travels", by=SOMEBODY),
    LeaveEnded(**ABOUT, by=SOMEBODY),
    DischargeWithdrawn(**ABOUT, reason="sleeps badly", by=SOMEBODY),
    TransitionWithdrawn(**ABOUT, number=1, direction=Direction.UP, reason="settled", by=SOMEBODY),
    EnrolmentCorrected(**ABOUT, level="IOP", reason="another client", by=SOMEBODY),
    DischargeCorrected(**ABOUT, level="IOP", ours=True, reason="another client", by=SOMEBODY),
    WithdrawalChecked(**ABOUT, finding="not-reached", note="left a message", by=SOMEBODY),
    WithdrawalTakenBack(**ABOUT, reason="starts after all", by=SOMEBODY),
    JourneyFinal(**ABOUT),
    JourneyReopened(**ABOUT, reason="another client", by=SOMEBODY),
    CrisisEnded(**ABOUT, safety_rechecked=True, note="home", by=SOMEBODY),
    DutiesResumed(**ABOUT, obligations=("enrol-1",)),
    ClientDied(**ABOUT, source="their sister", by=SOMEBODY),
    DeathCorrected(**ABOUT, reason="another client", by=SOMEBODY),
    DeathReviewed(**ABOUT, finding="natural causes", by=SOMEBODY),
    FollowUpEnded(**ABOUT, reason="moved-away", note="abroad", by=SOMEBODY),
    PolicyChanged(**ABOUT, before="p-1", policy="p-2", policy_digest="0", reason="another site", by=SOMEBODY),
    CalendarChanged(**ABOUT, site="north", before=1, calendar=2, reason="flood", by=SOMEBODY),
    ObligationAssigned(**ABOUT, **REVIEW, owner=Role.CLINICIAN, assignee="s-8", reason="left", by=SOMEBODY),
    CareTeamAssigned(**ABOUT, role=Role.CLINICIAN, person="s-8", by=SOMEBODY),
    NoticeNotDelivered(
        **ABOUT, obligation="review-1", title="Review", step=1, to=Role.CLINICIAN, how=Channel.PAGE, code="smtp-554"
    ),
    ObligationMoved(**ABOUT, **REVIEW, was_due_at=MONDAY, due_at=MONDAY, calendar=2, escalation=()),
)
"""What the walks do not come by."""


def test_every_type_of_event_reads_as_one_line() -> None:
    events = [*ASIDE, *(event for walked in WALKS for event in walked().record)]
    for event in events:
        told = event.sentence()
        assert told == " ".join(told.split())
        assert not told[0].islower()
    assert {type(event) for event in events} == set(EVENTS.values())


def test_no_sentence_shows_the_client_reference_or_the_message() -> None:
    opened = JourneyOpened(
        **ABOUT,
        journey_id="j-1",
        client_ref="ref-of-somebody",
        policy="p-1",
        policy_digest="0",
        site="north",
        calendar=2,
        admitted_at=MONDAY,
        message="m-1",
    )
    assert opened.sentence() == "Journey opened at site north under policy p-1"


def test_a_decision_names_the_role_and_the_opaque_id() -> None:
    accepted = CostAccepted(**ABOUT, estimate="estimate-1", by=SOMEBODY)
    assert accepted.sentence() == "The client accepted estimate-1, by clinician s-7"
    assert actor_role(accepted) is Role.CLINICIAN
    assert actor_role(LevelOfCareStarted(**ABOUT, level="OP", ours=True)) is None


def test_an_escalation_says_what_is_owed_and_who_hears_of_it() -> None:
    late = ObligationEscalated(
        **ABOUT,
        obligation="complete-step-up-2",
        kind="complete-step-up",
        title="Complete the step-up",
        steps_taken=2,
        to=Role.MEDICAL_DIRECTOR,
        how=Channel.PAGE,
        planned_at=MONDAY,
        overdue=True,
    )
    assert late.sentence() == "OVERDUE: complete the step-up (complete-step-up-2) → medical-director"
    early = late.model_copy(update={"overdue": False})
    assert early.sentence().startswith("Reminder: complete the step-up")


def test_an_obligation_of_a_kind_that_is_no_longer_known_is_named_as_it_was() -> None:
    met = ObligationMet(**ABOUT, obligation="retired-kind-3", kind="retired-kind", title="Do it", late=True)
    assert met.sentence() == "Done late: do it (retired-kind-3)"


@pytest.mark.parametrize(("low", "high", "told"), [("540", "540", "$540"), ("100", "200.50", "$100 to $200.50")])
def test_an_estimate_is_one_price_or_a_range(low: str, high: str, told: str) -> None:
    estimate = walk.agreed().state.cost.estimate
    assert isinstance(estimate, Estimate)
    priced = Estimate.model_validate({**estimate.model_dump(), "id": "estimate-1", "low": low, "high": high})
    assert CostEstimated(**ABOUT, estimate=priced).sentence() == f"Cost: estimate-1 is {told}"


def test_bookkeeping_is_left_out_of_the_story_but_a_failed_call_never_is() -> None:
    settled = EffectSettled(**ABOUT, key="benefits-1", call="check-benefits")
    assert settled.is_bookkeeping
    assert not settled.model_copy(update={"failure": "the payer is away"}).is_bookkeeping
    assert not LevelOfCareStarted(**ABOUT, level="OP", ours=True).is_bookkeeping


def test_a_moment_is_in_utc_to_the_minute() -> None:
    assert moment(MONDAY + timedelta(seconds=59)) == f"{MONDAY:%Y-%m-%d %H:%M}Z"
