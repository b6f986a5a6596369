"""Which text of an event says who a client is: every text field is either marked, or listed here as open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from domain.pathway import EVENTS
from domain.state import JourneyState
from domain.values import Identifying, Value

OPEN = {
    # ids: opaque, made by intake, by a journey, by a clinic's system, or a staff member's
    *("cause", "journey_id", "client_ref", "message", "key", "hold_key", "reference", "trace", "id", "payer"),
    *("place_id", "visit"),
    # levels of care: the policy's, another is refused
    *("level", "origin", "target", "recommended", "actual", "instead_of", "CostShare.only_for"),
    *("JourneyOpened.policy", "PolicyChanged.policy", "PolicyChanged.before", "policy_digest"),
    *("site", "CostAccepted.estimate", "CostDeclined.estimate", "ObligationMoved.obligation"),
    *("ObligationEscalated.obligation", "ObligationAcknowledged.obligation", "ObligationMet.obligation"),
    *("ObligationWaived.obligation", "ObligationCancelled.obligation", "FollowUpRecorded.obligation"),
    *("ObligationAssigned.obligation", "NoticeNotDelivered.obligation", "assignee", "person"),
    *("ObligationAssigned.before", "CareTeamAssigned.before"),
    *("ObligationWaivedUntil.obligation", "ObligationReopened.obligation"),
    *("Obligation.policy", "Obligation.source", "Counted.rule"),
    # codes and sentences that this program writes itself
    *("AdmissionCancelled.reason", "JourneyClosed.reason", "Benefits.reasons", "Discharged.gaps", "failure"),
    *("DutiesPaused.because", "DutiesPaused.obligations", "DutiesResumed.obligations"),
    *("ObligationCancelled.because", "about", "Estimate.assumptions", "NoticeNotDelivered.code"),
    *("kind", "title", "EffectSettled.call"),
    "CostShare.unclear",
    # goals are counted by the journey itself: goal-1
    *("GoalSet.goal", "GoalProgress.goal"),
    # names of places, as the directory has them, and of groups; the fold compares facilities
    *("facility", "Enrolled.track", "Evidence.other_payer"),
    # a state is no address; the licence is compared with it
    *("Enrolled.client_state", "TrackChanged.track", "TrackChanged.before", "TrackChanged.client_state"),
    "Waitlisted.tracks",
    # weekdays and hours
    *("Enrolled.can_come", "TrackChanged.can_come"),
}


def models(seen: set[type[Value]], *kinds: type[Value]) -> set[type[Value]]:
    for kind in kinds:
        if kind not in seen:
            seen.add(kind)
            for field in kind.model_fields.values():
                models(seen, *(part for part in parts(field.annotation) if is_model(part)))
    return seen


def parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, Value)


def text_fields(*roots: type[Value], private: bool) -> set[str]:
    found = set()
    for model in models(set(), *roots):
        for name, field in model.model_fields.items():
            inside = [*field.metadata, *parts(field.annotation)]
            is_private = any(isinstance(part, Identifying) for part in inside)
            if str in inside and is_private is private:
                found.add(f"{model.__name__}.{name}")
    return found


def test_every_text_is_either_private_or_known_to_be_open() -> None:
    undecided = {
        name for name in text_fields(*EVENTS.values(), private=False) if not {name, name.rpartition(".")[2]} & OPEN
    }
    assert undecided == set(), "mark it as PrivateWords, or say here why everybody may read it"


def test_what_people_write_about_a_client_is_private() -> None:
    assert text_fields(*EVENTS.values(), private=True) == {
        "BenefitsAnswered.note",
        "ContactRecorded.note",
        "ScreeningCompleted.note",
        "ConsentRecorded.note",
        "FundingResolved.reason",
        "Enrolled.reason",
        "TrackChanged.reason",
        "FirstSessionBooked.reason",
        "PlacementDecided.variance",
        "PlacementDecided.instrument",
        "CostDeclined.reason",
        "PlaceLost.reason",
        "ReviewCompleted.rationale",
        "TransitionStarted.reason",
        "HandoffRecorded.to",
        "TransitionDeclined.reason",
        "LeaveStarted.reason",
        "DischargeWithdrawn.reason",
        "TransitionWithdrawn.reason",
        "EnrolmentCorrected.reason",
        "CareResumed.reason",
        "DischargeCorrected.reason",
        "WithdrawalRecorded.referred_to",
        "WithdrawalRecorded.note",
        "WithdrawalChecked.note",
        "JourneyReopened.reason",
        "WithdrawalTakenBack.reason",
        "CrisisRecorded.reason",
        "CrisisEnded.note",
        "CrisisRecorded.facility",
        "TransitionCompleted.elsewhere",
        "ClientDied.source",
        "DeathCorrected.reason",
        "DeathReviewed.finding",
        "FollowUpEnded.note",
        "OutreachRecorded.note",
        "PolicyChanged.reason",
        "CalendarChanged.reason",
        "ObligationMet.note",
        "ObligationWaived.reason",
        "ObligationAssigned.reason",
        "CareTeamAssigned.reason",
        "ObligationWaivedUntil.reason",
        "ObligationKindWaived.reason",
        "ObligationKindWaiverUndone.reason",
        "ObligationReopened.reason",
        "LeavingAgainstAdviceReported.reason",
        "ClientStayed.note",
        "GoalSet.words",
        "GoalSet.measure",
        "TreatmentPlanUpdated.step_down_criteria",
        "TreatmentPlanUpdated.discharge_criteria",
        "GoalsReviewed.note",
        "RelapsePreventionPlan.warning_signs",
        "RelapsePreventionPlan.coping_steps",
        "RelapsePreventionPlan.support_people",
        "RelapsePreventionPlan.whom_to_call",
        "DischargePlan.follow_ups",
        "DischargePlan.crisis_contacts",
        "DischargePlan.resources",
        "DischargePlan.medication",
        "DischargePlan.summary",
        "Evidence.text",
    }


def test_a_state_holds_no_words_but_those_that_it_is_compared_without() -> None:
    assert text_fields(JourneyState, private=True) == {
        "CrisisNow.facility",
        "RelapsePreventionPlan.warning_signs",
        "RelapsePreventionPlan.coping_steps",
        "RelapsePreventionPlan.support_people",
        "RelapsePreventionPlan.whom_to_call",
        "Leave.reason",
        "LeaveTaken.reason",
        "Goal.words",
        "Goal.measure",
        "TreatmentPlan.step_down_criteria",
        "TreatmentPlan.discharge_criteria",
        "DischargePlan.follow_ups",
        "DischargePlan.crisis_contacts",
        "DischargePlan.resources",
        "DischargePlan.medication",
        "DischargePlan.summary",
        "Evidence.text",
    }, "leave it out in `comparable` of domain/comparing.py, and give it to a walk in STAGES"
