"""Escalation: who hears of what, when, and that nothing owed is ever lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.due_times import Counted
from domain.effects import Notify
from domain.obligation_terms import Channel, ObligationKind
from domain.obligations import Obligation, ObligationStatus
from domain.pathway import OBLIGATIONS
from domain.pathway.admission import CHECK_ADMISSION_TIME, RESOLVE_CANCELLATION
from domain.pathway.attendance import RESOLVE_DISENGAGEMENT, SEE_CLIENT, WRITE_PROGRESS_NOTE
from domain.pathway.authorisation import OBTAIN_AUTHORISATION
from domain.pathway.calls import RESOLVE_EFFECT, Failed, PlaceAnswer
from domain.pathway.care import CHECK_CARE_START, EXTERNAL_CONTACT
from domain.pathway.consents import SETTLE_CONSENT, SETTLE_PAYMENT
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import ARRANGE_RETURN
from domain.pathway.death import CHECK_DEATH
from domain.pathway.first_visit import FIRST_VISIT
from domain.pathway.hospital import ASK_ABOUT_HOSPITAL_VISIT, SEE_AFTER_HOSPITAL_VISIT
from domain.pathway.leave import LEAVE_CONTACT
from domain.pathway.lost_place import REPLACE_PLACE
from domain.pathway.moves import INTERIM_CONTACT, StepUpWindowMissed
from domain.pathway.notices import DELIVER_PAGE
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet
from domain.pathway.recurring_reviews import RECERTIFY, TEAM_REVIEW
from domain.pathway.reopening import SETTLE_REOPENING
from domain.pathway.return_to_care import CHECK_RETURN_COST, DECIDE_RETURN
from domain.pathway.reviews import REVIEW, CompleteReview
from domain.pathway.screening import ASSESS_SAFETY
from domain.pathway.taper import END_TAPER
from domain.pathway.waitlist import WAITLIST_CHECK_IN
from domain.policy import policy_named
from domain.sites import site_named
from domain.values import Role
from tests.domain.walk import (
    ADMISSIONS,
    DIRECTOR,
    MONDAY,
    Walk,
    closed,
    enrolled,
    opened,
    stepping_up,
)

TERMS = policy_named("us-generic-1").obligations


def told(walk: Walk, obligation_id: str) -> list[ObligationEscalated]:
    return [event for event in walk.saw(ObligationEscalated) if event.obligation == obligation_id]


def hours_late(walk: Walk, due_at: datetime, obligation_id: str) -> list[float]:
    return [(event.at - due_at) / timedelta(hours=1) for event in told(walk, obligation_id)]


def test_the_escalation_goes_step_by_step_and_its_last_step_repeats() -> None:
    walk = opened()
    due = walk.state.obligations.open["verify-benefits-1"].due_at
    walk.later(days=7)
    assert hours_late(walk, due, "verify-benefits-1") == [0, 24, 72, 135], "the repeat waits for Monday"
    roles = [event.to for event in told(walk, "verify-benefits-1")]
    assert roles == [Role.ADMISSIONS, Role.OPERATIONS, Role.SUPERVISOR, Role.SUPERVISOR]
    assert [event.steps_taken for event in told(walk, "verify-benefits-1")] == [1, 2, 3, 4]


def test_each_step_is_one_call_out_with_its_own_key() -> None:
    walk = opened()
    walk.later(days=7)
    calls = [call for call in walk.state.pending().values() if isinstance(call, Notify)]
    assert len(calls) == len(walk.saw(ObligationEscalated)) == len({call.key for call in calls})
    assert [call.how for call in calls][:3] == [Channel.MAIL, Channel.MAIL, Channel.PAGE]


def test_a_step_up_pages_at_once_and_its_last_step_repeats_every_eight_hours() -> None:
    walk = stepping_up("IOP", "PHP")
    due = walk.state.obligations.open["complete-step-up-1"].due_at
    walk.later(hours=40)
    assert hours_late(walk, due, "complete-step-up-1") == [-24, -12, 0, 8, 16]


def test_after_a_month_of_outage_each_step_is_told_once_and_the_next_moment_lies_ahead() -> None:
    walk = enrolled()
    walk.later(weeks=5)
    due = walk.state.obligations.open["review-1"].due_at
    happened = walk.outage(days=31)
    assert {event.type for event in happened} == {"obligation.escalated"}
    each = [(event.obligation, event.steps_taken) for event in happened if isinstance(event, ObligationEscalated)]
    assert len(each) == len(set(each)) and [owed for owed, _ in each].count("review-1") == 5
    steps = [(event.to, (event.planned_at - due) / timedelta(hours=1)) for event in told(walk, "review-1")]
    assert steps == [
        (Role.CLINICIAN, -7 * 24 + 8),
        (Role.CLINICIAN, -24 + 8),
        (Role.CLINICIAN, 8),
        (Role.SUPERVISOR, 24 + 8),
        (Role.MEDICAL_DIRECTOR, 72 + 8),
    ], "its day is over at midnight, the site opens at eight, and 72 hours before is a Saturday"
    assert all(event.overdue for event in told(walk, "review-1"))
    following = walk.state.next_deadline()
    assert following is not None and following - walk.now == timedelta(hours=24)


def test_a_month_of_outage_during_a_step_up_loses_nothing() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", PlaceAnswer())
    happened = walk.outage(days=31)
    assert {"step-up.window-missed", "place.search-started", "obligation.escalated"} <= {e.type for e in happened}
    assert "interim-contact-1" in walk.owes() and "place-1-search-2" in walk.state.pending()
    deadline = walk.state.next_deadline()
    assert deadline is not None and deadline > walk.now


def test_nothing_happens_when_time_passes_before_anything_is_due() -> None:
    walk = enrolled("OP")
    assert walk.outage(hours=1) == ()


def test_an_acknowledgement_keeps_the_escalation_quiet_for_those_who_know_and_moves_no_due_time() -> None:
    walk = opened()
    owed = walk.state.obligations.open["verify-benefits-1"]
    walk.later(seconds=(owed.due_at - walk.now).total_seconds() + 60)
    walk.do(AcknowledgeObligation, obligation=owed.id, by=ADMISSIONS)
    acknowledged = walk.state.obligations.open[owed.id]
    assert acknowledged.status is ObligationStatus.ACKNOWLEDGED and acknowledged.due_at == owed.due_at
    assert acknowledged.is_overdue(walk.now)
    walk.later(hours=134)
    assert hours_late(walk, owed.due_at, owed.id) == [0, 24, 72]
    walk.do(AcknowledgeObligation, obligation=owed.id, by=ADMISSIONS)
    walk.later(hours=3, minutes=59)  # past the repeat on Monday morning
    assert hours_late(walk, owed.due_at, owed.id) == [0, 24, 72]
    walk.later(minutes=1)
    assert [event.to for event in told(walk, owed.id)][3:] == [Role.SUPERVISOR]


def test_a_duty_done_late_is_said_to_be_late() -> None:
    walk = opened()
    walk.later(days=3)
    walk.do(RecordBenefits, verdict="CLEAR", note="called")
    met = [(event.obligation, event.late) for event in walk.saw(ObligationMet)]
    assert met == [("screen-client-1", False), ("verify-benefits-1", True)]


def test_nothing_is_told_about_a_duty_that_has_ended() -> None:
    walk = opened()
    walk.do(RecordBenefits, verdict="CLEAR", note="called")
    walk.later(days=30)
    assert told(walk, "verify-benefits-1") == []


def test_reviews_fall_due_in_week_6_and_every_week_until_the_medical_director_decides() -> None:
    walk = enrolled()
    weeks = []
    for _ in range(6):
        due = walk.state.open_of(REVIEW.kind)[0].due_at
        weeks.append(round((due - MONDAY) / timedelta(weeks=1)))
        walk.later(seconds=(due - walk.now).total_seconds())
        walk.do(CompleteReview, outcome="continue", rationale="still improving")
    assert weeks == [6, 7, 8, 9, 10, 11]
    walk.later(weeks=1)
    walk.refused(CompleteReview, "beyond-last-week", outcome="continue", rationale="one more week")
    walk.do(CompleteReview, outcome="continue", rationale="one more week", by=DIRECTOR)
    assert walk.state.open_of(REVIEW.kind)[0].due_at - walk.now > timedelta(days=6)


def test_a_review_done_when_its_reminder_comes_is_not_owed_again_three_days_later() -> None:
    walk = enrolled()
    walk.later(weeks=6)
    assert len(told(walk, "review-1")) == 2
    walk.do(CompleteReview, outcome="continue", rationale="seen on Monday")
    assert walk.state.obligations.open["review-2"].due_at - MONDAY > timedelta(weeks=7)


def test_an_early_review_does_not_replace_the_one_in_week_6() -> None:
    walk = enrolled()
    owed = walk.state.obligations.open["review-1"]
    walk.later(weeks=3)
    walk.do(CompleteReview, outcome="continue", rationale="doing well")
    assert walk.state.obligations.open["review-1"] == owed and "review-2" not in walk.owes()
    assert timedelta(weeks=6) < owed.due_at - MONDAY < timedelta(weeks=6, days=1)


def test_a_call_that_fails_for_good_is_owed_by_a_person_once() -> None:
    walk = stepping_up()
    walk.later(hours=4)
    walk.settle("place-1-search-1", Failed(code="refused"))
    walk.later(hours=9)
    again = next(k for k in walk.state.pending() if k.startswith("place-"))
    walk.settle(again, Failed(code="refused"))
    assert len(walk.state.open_of(RESOLVE_EFFECT.kind)) == 1
    walk.do(CompleteObligation, obligation="resolve-effect-1", note="done by telephone")
    assert not walk.state.open_of(RESOLVE_EFFECT.kind)


def test_an_ehr_that_recovers_ends_the_duty_it_caused() -> None:
    walk = opened()
    walk.settle(f"ehr-{walk.state.news}", Failed(code="rejected"))
    assert "resolve-effect-1" in walk.owes()
    walk.settle(f"ehr-{walk.state.news}")
    assert "resolve-effect-1" not in walk.owes()


def test_an_ehr_that_refuses_for_good_can_be_waived_so_that_the_journey_finishes() -> None:
    walk = closed()
    for key in [key for key in walk.state.pending() if not key.startswith("ehr-")]:
        walk.settle(key)
    for _ in range(2):  # the duty it raises is news for the EHR too, once
        walk.settle(f"ehr-{walk.state.news}", Failed(code="gone"))
    assert walk.owes() == {"resolve-effect-1"} and not walk.state.pending()
    walk.do(WaiveObligation, obligation="resolve-effect-1", reason="the chart was closed by hand")
    walk.until_final()
    assert walk.state.is_finished


WAITS = st.lists(st.tuples(st.integers(0, 400), st.none() | st.sampled_from(Role)))


@given(kind=st.sampled_from(list(OBLIGATIONS.values())), hours=st.integers(-500, 3000), waits=WAITS)
def test_whatever_the_delays_and_whoever_acknowledges_an_open_duty_always_has_a_next_moment(
    kind: ObligationKind, hours: int, waits: list[tuple[int, Role | None]]
) -> None:
    calendar, terms = site_named("main").calendar, TERMS[kind.kind]
    owed = Obligation.raised(kind, terms, 1, raised_at=MONDAY, counted=Counted.hours(hours, since=MONDAY), by=calendar)
    assert [step.at for step in owed.escalation] == sorted(step.at for step in owed.escalation)
    assert all(step.at >= MONDAY for step in owed.escalation)
    now = MONDAY
    for wait, acknowledged_by in waits:
        if acknowledged_by:
            quiet = {"quiet_until": now + timedelta(hours=4), "acknowledged_by": acknowledged_by}
            owed = owed.model_copy(update=quiet)
        now += timedelta(hours=wait)
        if owed.next_at() <= now:
            steps = owed.steps_reached(now)
            assert steps and steps == sorted(set(steps)) and steps[0] > owed.steps_taken
            owed = owed.model_copy(update={"steps_taken": steps[-1], "last_told_at": now})
        assert owed.next_at() > now and owed.steps_reached(now) == []


def test_who_can_end_a_duty_by_hand_is_fixed() -> None:
    by_hand = {kind for kind, duty in OBLIGATIONS.items() if duty.by_hand}
    assert by_hand == {
        OBTAIN_AUTHORISATION.kind,
        INTERIM_CONTACT.kind,
        REPLACE_PLACE.kind,
        EXTERNAL_CONTACT.kind,
        ARRANGE_RETURN.kind,
        ASK_ABOUT_HOSPITAL_VISIT.kind,
        SEE_AFTER_HOSPITAL_VISIT.kind,
        CHECK_ADMISSION_TIME.kind,
        CHECK_DEATH.kind,
        ASSESS_SAFETY.kind,
        SETTLE_CONSENT.kind,
        SETTLE_REOPENING.kind,
        SETTLE_PAYMENT.kind,
        RESOLVE_CANCELLATION.kind,
        RESOLVE_EFFECT.kind,
        DELIVER_PAGE.kind,
        WAITLIST_CHECK_IN.kind,
        CHECK_CARE_START.kind,
        DECIDE_RETURN.kind,
        CHECK_RETURN_COST.kind,
        RESOLVE_DISENGAGEMENT.kind,
        SEE_CLIENT.kind,
        WRITE_PROGRESS_NOTE.kind,
        TEAM_REVIEW.kind,
        RECERTIFY.kind,
        LEAVE_CONTACT.kind,
        FIRST_VISIT.kind,
        END_TAPER.kind,
    }


def test_an_acknowledgement_does_not_move_the_end_of_the_24_hours() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.later(hours=23)
    walk.do(AcknowledgeObligation, obligation="complete-step-up-1")
    walk.later(hours=1)
    assert not walk.saw(StepUpWindowMissed)
    walk.later(microseconds=1)
    assert walk.saw(StepUpWindowMissed) and "interim-contact-1" in walk.owes()
