"""What must never go wrong for a client: nobody told too late, no place held for nobody, no clock set by a slip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from pydantic import TypeAdapter

from domain.decide import Decided
from domain.due_times import Counted
from domain.effects import Notify
from domain.obligation_terms import ObligationKind
from domain.obligations import Obligation
from domain.pathway import OBLIGATIONS, Event
from domain.pathway.admission import OpenJourney
from domain.pathway.cost import ACCEPT_COST
from domain.pathway.coverage import VERIFY_BENEFITS
from domain.pathway.death import REVIEW_DEATH
from domain.pathway.enrolment import ENROL, FIRST_SESSION
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import RESOLVE_FUNDING
from domain.pathway.leave import RETURN_FROM_LEAVE
from domain.pathway.moves import COMPLETE_STEP_DOWN, COMPLETE_STEP_UP
from domain.pathway.obligation_decisions import AcknowledgeObligation, WaiveObligation
from domain.pathway.obligation_events import (
    ObligationAcknowledged,
    ObligationEscalated,
    ObligationMet,
    ObligationRaised,
)
from domain.pathway.obligations import Obligations
from domain.pathway.placement import DECIDE_PLACEMENT
from domain.pathway.reopening import SETTLE_REOPENING
from domain.pathway.reviews import CONTINUED_STAY, REVIEW
from domain.pathway.screening import SCREEN_CLIENT
from domain.plans import Actor
from domain.policy import policy_named
from domain.values import CLINICAL, Role, Stage
from tests.domain.walk import (
    ADMISSIONS,
    CLINICIAN,
    DIRECTOR,
    MONDAY,
    Walk,
    discharged,
    discharging,
    elsewhere,
    enrolled,
    opened,
    stepping_down,
    stepping_up,
    window_missed,
)

EVENT: TypeAdapter[Event] = TypeAdapter(Event)

TERMS = policy_named("us-generic-1").obligations


def told(walk: Walk, obligation_id: str) -> list[tuple[Role, float]]:
    """Who heard of it, and how many hours after it fell due."""
    due = obligation_of(walk, obligation_id).due_at
    return [
        (event.to, (event.at - due) / timedelta(hours=1))
        for event in walk.saw(ObligationEscalated)
        if event.obligation == obligation_id
    ]


def obligation_of(walk: Walk, obligation_id: str) -> Obligation:
    return next(e.obligation for e in walk.saw(ObligationRaised) if e.obligation.id == obligation_id)


def acknowledge_every(walk: Walk, hours: int, *, times: int, obligation: str, by: Actor) -> None:
    """Tries so many times; all that is too often is refused."""
    for _ in range(times):
        outcome = walk.decide(AcknowledgeObligation, obligation=obligation, by=by)
        if isinstance(outcome, Decided):
            walk.do(AcknowledgeObligation, obligation=obligation, by=by)
        else:
            assert outcome.code == "acknowledged-too-often"
        walk.later(hours=hours)


# ---- an acknowledgement ------------------------------------------------------------------------------------


def test_a_step_up_acknowledged_every_3_hours_still_reaches_the_supervisor_and_the_medical_director() -> None:
    walk = stepping_up("IOP", "PHP")
    acknowledge_every(walk, 3, times=24, obligation="complete-step-up-1", by=CLINICIAN)
    expected = [(Role.CLINICIAN, -23), (Role.SUPERVISOR, -12), (Role.MEDICAL_DIRECTOR, 0)]
    assert told(walk, "complete-step-up-1")[:3] == expected


def test_so_it_does_when_the_clinician_was_paged_before_the_first_acknowledgement() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(minutes=1)
    acknowledge_every(walk, 3, times=24, obligation="complete-step-up-1", by=CLINICIAN)
    expected = [(Role.CLINICIAN, -24), (Role.SUPERVISOR, -12), (Role.MEDICAL_DIRECTOR, 0)]
    assert told(walk, "complete-step-up-1")[:3] == expected


def test_a_review_acknowledged_every_3_hours_since_its_reminder_still_climbs_on_time() -> None:
    walk = enrolled()
    due = obligation_of(walk, "review-1").due_at
    walk.later(seconds=(due - timedelta(hours=72) - walk.now).total_seconds())
    acknowledge_every(walk, 3, times=56, obligation="review-1", by=CLINICIAN)
    assert [each for each in told(walk, "review-1") if each[0] is not Role.CLINICIAN][:2] == [
        (Role.SUPERVISOR, 24 + 8),
        (Role.MEDICAL_DIRECTOR, 72 + 8),
    ]


@pytest.mark.parametrize("kind", OBLIGATIONS.values(), ids=lambda kind: kind.kind)
def test_whatever_its_owner_acknowledges_everybody_else_on_its_escalation_hears_on_time(kind: ObligationKind) -> None:
    walk, due = opened(), MONDAY + timedelta(hours=24)
    counted, terms = Counted.hours(24, since=MONDAY), TERMS[kind.kind]
    owed = Obligation.raised(kind, terms, 99, raised_at=MONDAY, counted=counted, by=walk.state.calendar)
    assert owed.due_at == due
    walk.state = walk.state.changed(obligations=Obligations(open={owed.id: owed}))
    acknowledge_every(walk, 3, times=36, obligation=owed.id, by=Actor(id="owner", role=owed.owner))
    told_at = {event.to: event.at for event in reversed(walk.saw(ObligationEscalated))}
    planned = {step.to: step.at for step in reversed(owed.escalation)}
    assert [(to, told_at.get(to)) for to in planned if to is not owed.owner] == [
        (to, at) for to, at in planned.items() if to is not owed.owner
    ]


def test_an_acknowledgement_of_a_step_up_quietens_those_who_know_for_one_hour() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(hours=24 + 7, minutes=30)
    walk.do(AcknowledgeObligation, obligation="complete-step-up-1")
    walk.later(minutes=59)
    assert told(walk, "complete-step-up-1")[-1] == (Role.MEDICAL_DIRECTOR, 0)
    walk.later(minutes=1)
    assert told(walk, "complete-step-up-1")[-1] == (Role.MEDICAL_DIRECTOR, 8.5)


def test_an_acknowledgement_that_lapses_brings_the_owners_own_page_again() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.do(AcknowledgeObligation, obligation="complete-step-up-1")
    walk.later(hours=5)
    assert told(walk, "complete-step-up-1") == [(Role.CLINICIAN, -23)]


def test_admissions_cannot_silence_a_step_up_that_is_not_theirs() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.refused(AcknowledgeObligation, "not-theirs-to-acknowledge", obligation="complete-step-up-1", by=ADMISSIONS)
    walk.later(minutes=1)
    assert told(walk, "complete-step-up-1") == [(Role.CLINICIAN, -24)]


def test_a_step_up_cannot_be_silenced_for_longer_than_two_hours_in_all() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(hours=24 + 8)
    acknowledge_every(walk, 4, times=32 * 6, obligation="complete-step-up-1", by=DIRECTOR)
    assert len(walk.saw(ObligationAcknowledged)) == 2
    heard = [hours for role, hours in told(walk, "complete-step-up-1") if role is Role.MEDICAL_DIRECTOR]
    assert len(heard) > 32 * 3 - 5
    assert max(later - earlier for earlier, later in pairwise(heard)) <= 10


def test_an_acknowledgement_is_allowed_to_those_who_were_told_and_not_before() -> None:
    walk = stepping_up("IOP", "PHP")
    supervisor = Actor(id="supervisor-1", role=Role.SUPERVISOR)
    again = {"obligation": "complete-step-up-1", "by": supervisor}
    walk.later(hours=11)
    walk.refused(AcknowledgeObligation, "not-theirs-to-acknowledge", **again)
    walk.later(hours=1)
    walk.do(AcknowledgeObligation, **again)


def test_a_step_kept_quiet_does_not_speak_with_the_next_one() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(hours=11, minutes=30)
    walk.state = walk.state.changed(obligations=Obligations(open={"complete-step-up-1": _untold(walk)}))
    walk.do(AcknowledgeObligation, obligation="complete-step-up-1")
    taken = [event.steps_taken for event in walk.later(minutes=31) if isinstance(event, ObligationEscalated)]
    assert taken == [2]


def _untold(walk: Walk) -> Obligation:
    """The step-up as if its first page had been kept quiet until now."""
    return obligation_of(walk, "complete-step-up-1")


# ---- an outage ---------------------------------------------------------------------------------------------


def test_after_an_outage_everybody_on_the_escalation_is_told_each_by_a_call_of_their_own() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.outage(days=3)
    expected = [Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR]
    assert [role for role, _ in told(walk, "complete-step-up-1")] == expected
    calls = [call for call in walk.state.pending().values() if isinstance(call, Notify)]
    pages = [call for call in calls if call.obligation == "complete-step-up-1"]
    assert [page.to for page in pages] == expected and len({page.key for page in pages}) == 3
    steps = [e for e in walk.saw(ObligationEscalated) if e.obligation == "complete-step-up-1"]
    assert [e.planned_at for e in steps] == [MONDAY + timedelta(hours=hours) for hours in (0, 12, 24)]


def test_an_outage_after_the_last_step_brings_one_repeat() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(hours=25)
    told_before = len(told(walk, "complete-step-up-1"))
    walk.outage(days=10)
    assert told(walk, "complete-step-up-1")[told_before:] == [(Role.MEDICAL_DIRECTOR, 241)]


# ---- follow-up ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contact", ["reached", "not-reached"])
def test_no_follow_up_is_met_on_the_day_of_discharge(contact: str) -> None:
    walk = discharged()
    walk.refused(RecordFollowUp, "too-early", contact=contact)
    walk.later(hours=13, minutes=59)  # 23:59 at the site
    walk.refused(RecordFollowUp, "too-early", contact=contact)
    walk.later(minutes=1)
    walk.do(RecordFollowUp, contact=contact)
    assert ("early-follow-up-1" in walk.owes()) is (contact == "not-reached")
    assert {"follow-up-1", "follow-up-2"} <= walk.owes()


def test_one_week_of_calls_does_not_meet_both_follow_ups() -> None:
    walk = discharged()
    walk.later(days=2)
    walk.do(RecordFollowUp, contact="reached")
    assert "2026-03-20" in walk.refused(RecordFollowUp, "too-early", contact="reached")
    walk.later(days=2)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.owes() == {"follow-up-2"}
    assert "2026-03-23" in walk.refused(RecordFollowUp, "too-early", contact="reached")
    walk.later(days=2, hours=13, minutes=59)
    walk.refused(RecordFollowUp, "too-early", contact="reached")
    walk.later(minutes=1)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.CLOSED)


def test_a_first_follow_up_made_late_leaves_the_second_one_owed() -> None:
    walk = discharged()
    walk.later(days=20)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.owes() == {"follow-up-2"} and walk.saw(ObligationMet)[-1].late


def test_a_waived_first_follow_up_does_not_bring_the_second_forward() -> None:
    walk = discharged()
    walk.do(WaiveObligation, obligation="follow-up-1", reason="the new therapist calls")
    walk.later(days=2)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.owes() == {"follow-up-2"}
    walk.refused(RecordFollowUp, "too-early", contact="reached")
    walk.later(days=5)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.CLOSED)


# ---- waivers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADMISSIONS, Role.CASE_MANAGER, Role.OPERATIONS, Role.UTILISATION_REVIEW])
@pytest.mark.parametrize(("walk_to", "owed"), [(window_missed, "interim-contact-1"), (elsewhere, "external-contact-1")])
def test_only_a_clinician_waives_contact_with_a_client(walk_to: Callable[[], Walk], owed: str, role: Role) -> None:
    walk = walk_to()
    sentence = walk.refused(
        WaiveObligation, "not-theirs-to-waive", obligation=owed, reason="busy", by=Actor(id="p", role=role)
    )
    assert all(clinical in sentence for clinical in CLINICAL)
    for clinical in CLINICAL:
        walk.do(WaiveObligation, obligation=owed, reason="with family", by=Actor(id="p", role=clinical))
        owed = f"{owed[:-1]}{int(owed[-1]) + 1}"
        assert owed in walk.owes()


def test_what_keeps_a_journey_moving_is_waived_by_nobody() -> None:
    moving = {kind for kind, duty in OBLIGATIONS.items() if not duty.waivable_by}
    assert moving == {
        VERIFY_BENEFITS.kind,
        SCREEN_CLIENT.kind,
        RESOLVE_FUNDING.kind,
        DECIDE_PLACEMENT.kind,
        ACCEPT_COST.kind,
        ENROL.kind,
        FIRST_SESSION.kind,
        REVIEW.kind,
        CONTINUED_STAY.kind,  # but at each level by those whom the policy lets decide it
        COMPLETE_STEP_UP.kind,
        COMPLETE_STEP_DOWN.kind,
        RETURN_FROM_LEAVE.kind,
        REVIEW_DEATH.kind,
        SETTLE_REOPENING.kind,
    }


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("walk_to", "owed"),
    [
        (opened, "enrol-1"),
        (enrolled, "review-1"),
        (stepping_up, "complete-step-up-1"),
        (stepping_down, "complete-step-down-1"),
        (discharging, "complete-discharge-1"),
    ],
)
def test_no_role_waives_what_keeps_a_journey_moving(walk_to: Callable[[], Walk], owed: str, role: Role) -> None:
    by = Actor(id="p", role=role)
    walk_to().refused(WaiveObligation, "not-waivable", obligation=owed, reason="busy", by=by)


# ---- a source's clock --------------------------------------------------------------------------------------

ODD_ZONES = [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]
FAR = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), MONDAY + timedelta(days=2)]
FAR += [MONDAY - timedelta(days=91)]


@pytest.mark.parametrize("zone", ODD_ZONES, ids=str)
@pytest.mark.parametrize("said", FAR, ids=str)
def test_an_incredible_admission_time_counts_access_from_now(said: datetime, zone: timezone) -> None:
    walk = admitted(said.replace(tzinfo=zone))
    read = [EVENT.validate_json(EVENT.dump_json(event)) for event in walk.record]
    assert read == walk.record
    assert obligation_of(walk, "enrol-1").due_at == obligation_of(opened(), "enrol-1").due_at
    assert walk.state.admission.time_doubted and walk.state.admission.begins_at == MONDAY
    assert obligation_of(walk, "check-admission-time-1").owner is Role.ADMISSIONS


@pytest.mark.parametrize("days", [-90, 1])
def test_a_credible_admission_time_counts(days: int) -> None:
    walk = admitted(MONDAY + timedelta(days=days))
    assert (
        timedelta(days=13) < obligation_of(walk, "enrol-1").due_at - MONDAY - timedelta(days=days) < timedelta(days=18)
    )
    assert not walk.state.admission.time_doubted and not walk.state.open_of("check-admission-time")


def admitted(at: datetime) -> Walk:
    walk = Walk()
    fields = {"journey_id": "journey-1", "client_ref": "client-1", "site": "main", "message": "message-1"}
    walk.do(OpenJourney, **fields, admitted_at=at)
    walk.later(days=3)
    return walk
