"""On time, late and missed: one rule everywhere. What was missed stays visible, and can be finished late."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.missed import missed_of
from dashboard.reading import row
from domain.decide import Decided, decide
from domain.obligation_terms import Priority
from domain.pathway import OBLIGATIONS
from domain.pathway.coverage import RecordBenefits
from domain.pathway.deadlines import TimePassed
from domain.pathway.death import RecordDeath
from domain.pathway.discharge import Discharge
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.move_decisions import ConfirmArrival
from domain.pathway.moves import StepUpWindowMissed
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationEscalated, ObligationMet
from domain.pathway.reviews import CompleteReview
from domain.state import JourneyState
from domain.values import Stage
from tests.domain.walk import (
    DIRECTOR,
    JUST_AFTER,
    MONDAY,
    NO_PLACE,
    STAGES,
    Walk,
    cost_declined,
    discharged,
    elsewhere,
    enrolled,
    opened,
    place_held,
    returning,
    stepping_up,
    window_missed,
)

DAY = timedelta(days=1)
EVERYWHERE = {
    **STAGES,
    "searching": stepping_up,
    "held": place_held,
    "missed": window_missed,
    "returning": returning,
    "declined": cost_declined,
}


def at(walk: Walk, moment: datetime) -> Walk:
    walk.later(seconds=(moment - walk.now).total_seconds())
    return walk


# ---- exactly at the due time -------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "late"), [(timedelta(0), False), (JUST_AFTER, True)])
def test_exactly_at_its_due_time_it_is_on_time_wherever_that_is_said(after: timedelta, late: bool) -> None:
    walk = opened()
    owed = walk.state.obligations.open["verify-benefits-1"]
    at(walk, owed.due_at + after)
    shown = row(walk.state, walk.now)
    assert (shown.overdue, shown.urgent, "overdue" in shown.flags) == (late, late, late)
    assert owed.is_overdue(walk.now) is walk.state.is_urgent(walk.now) is late
    assert [each.obligation_id for each in missed_of(walk.record, walk.now)] == ([owed.id] if late else [])
    walk.do(RecordBenefits, verdict="CLEAR", note="called")
    [met] = [each for each in walk.saw(ObligationMet) if each.obligation == owed.id]
    assert met.late is late


def test_who_is_told_exactly_then_is_reminded_and_not_told_that_it_is_overdue() -> None:
    walk = opened()
    at(walk, walk.state.obligations.open["verify-benefits-1"].due_at)
    [told] = walk.saw(ObligationEscalated)
    assert not told.overdue and told.sentence().startswith("Reminder")


@pytest.mark.parametrize(("after", "missed"), [(timedelta(0), False), (JUST_AFTER, True)])
def test_a_client_who_arrives_exactly_after_24_hours_arrived_in_time(after: timedelta, missed: bool) -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", NO_PLACE)
    at(walk, MONDAY + 24 * timedelta(hours=1) + after)
    assert bool(walk.saw(StepUpWindowMissed)) is missed is ("missed-window" in row(walk.state, walk.now).flags)
    walk.do(ConfirmArrival, facility="County Hospital")
    [met] = [each for each in walk.saw(ObligationMet) if each.kind == "complete-step-up"]
    assert met.late is missed


# ---- time never stands still -------------------------------------------------------------------------------


@given(data=st.data(), place=st.sampled_from(list(EVERYWHERE)), seconds=st.integers(0, 90 * 24 * 3600))
@settings(deadline=None)
def test_once_time_has_passed_the_next_moment_lies_ahead_or_nothing_is_left_to_wait_for(
    data: st.DataObject, place: str, seconds: int
) -> None:
    walk = EVERYWHERE[place]()
    state, now = walk.state, walk.now
    deadline = state.next_deadline()
    moments = [now + timedelta(seconds=seconds), *([deadline, deadline + JUST_AFTER] if deadline else [])]
    for number in range(4):
        now = max(now, data.draw(st.sampled_from(moments)))
        outcome = decide(state, TimePassed(id=f"time-{number}"), now)
        assert isinstance(outcome, Decided)
        state = outcome.state
        following = state.next_deadline()
        assert following > now if following else state.stage.is_end
        moments = [now + timedelta(seconds=seconds), *([following] if following else [])]


# ---- finished late -----------------------------------------------------------------------------------------


def test_overdue_work_can_be_finished_late_after_any_time_and_with_the_time_at_which_it_was_true() -> None:
    late, on_time = elsewhere(), elsewhere()
    due = late.state.obligations.open["external-contact-1"].due_at
    for walk, done_at in ((late, None), (on_time, due - DAY)):
        at(walk, due + 400 * DAY)
        walk.do(CompleteObligation, obligation="external-contact-1", note="called", occurred_at=done_at)
    assert [walk.saw(ObligationMet)[-1].late for walk in (late, on_time)] == [True, False]
    assert [each.obligation_id for each in missed_of(late.record, late.now)] == ["external-contact-1"]


@pytest.mark.parametrize(
    ("day", "counts_for", "late", "left"),
    [
        (3, "early-follow-up-1", False, {"follow-up-1", "follow-up-2"}),
        (4, "follow-up-1", False, {"follow-up-2"}),
        (7, "follow-up-1", False, {"follow-up-2"}),
        (8, "follow-up-1", True, {"follow-up-2"}),
        (30, "follow-up-1", True, {"follow-up-2"}),
        (31, "follow-up-2", True, set()),
    ],
)
def test_what_is_completed_counts_for_the_last_due_date_before_it(
    day: int, counts_for: str, late: bool, left: set[str]
) -> None:
    walk = discharged()
    made = walk.now + day * DAY
    at(walk, made + 20 * DAY)
    walk.do(RecordFollowUp, contact="reached", occurred_at=made)
    met = walk.saw(ObligationMet)[-1]
    assert (met.obligation, met.late) == (counts_for, late)
    assert walk.owes() == left
    if not left:
        assert walk.is_at(Stage.CLOSED)
        assert walk.saw(ObligationCancelled)[-1].obligation == "follow-up-1"
        missed = {each.obligation_id: each.outcome for each in missed_of(walk.record, walk.now)}
        assert missed == {"early-follow-up-1": "met-late", "follow-up-1": "cancelled", "follow-up-2": "met-late"}


def test_a_late_weekly_review_leaves_the_one_of_the_week_in_which_it_is_made() -> None:
    walk = enrolled()
    walk.later(days=51)  # the second day of week 8: weeks 6 and 7 were missed
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    following = walk.state.open_of("review")[0]
    assert walk.saw(ObligationMet)[-1].late
    assert (following.counted.amount, following.counts_from) == (8, (MONDAY + 50 * DAY).date())


# ---- windows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [36, 39, 42])
def test_any_day_of_its_week_will_do_for_a_weekly_review(day: int) -> None:
    walk = enrolled()
    assert walk.state.obligations.open["review-1"].counts_from == (MONDAY + 36 * DAY).date()
    walk.later(days=day)
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    following = walk.state.obligations.open["review-2"]
    assert (following.counted.amount, following.counts_from) == (7, (MONDAY + 43 * DAY).date())
    assert not walk.saw(ObligationMet)[-1].late


def test_a_review_on_the_day_before_its_week_is_on_record_and_does_not_count_for_it() -> None:
    walk = enrolled()
    walk.later(days=35)
    before = walk.state.obligations.open["review-1"]
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    assert walk.state.obligations.open["review-1"] == before and walk.saw(ObligationMet)[-1].kind != "review"


def test_people_are_reminded_when_a_window_begins_and_it_is_overdue_when_it_is_over() -> None:
    walk = discharged()
    later = walk.state.obligations.open["follow-up-2"]
    begins = walk.state.calendar.day_begins((MONDAY + 7 * DAY).date())
    opening = walk.state.calendar.in_opening_hours
    assert later.escalation[0].at == opening(begins) and later.counts_from == (MONDAY + 7 * DAY).date()
    walk.later(days=31)
    told = [(each.planned_at, each.overdue) for each in walk.saw(ObligationEscalated) if each.obligation == later.id]
    assert told[:2] == [(opening(begins), False), (opening(later.due_at), True)]
    assert "missed-window" in later.flags(later.due_at + JUST_AFTER)


def test_a_contact_before_its_window_is_refused_since_it_would_read_as_a_follow_up() -> None:
    walk = discharged()
    walk.later(days=2)
    walk.do(RecordFollowUp, contact="reached")
    walk.later(days=1)
    assert "on or after 2026-03-20" in walk.refused(RecordFollowUp, "too-early", contact="reached")
    walk.later(days=1)
    walk.do(RecordFollowUp, contact="reached")
    assert "on or after 2026-03-23" in walk.refused(RecordFollowUp, "too-early", contact="reached")


# ---- missed, for good --------------------------------------------------------------------------------------


def never_done(walk: Walk) -> None:
    walk.do(Discharge, reason="moved")


def waived_late(walk: Walk) -> None:
    walk.do(WaiveObligation, obligation="external-contact-1", reason="no answer", by=DIRECTOR)


def done_late(walk: Walk) -> None:
    walk.do(CompleteObligation, obligation="external-contact-1", note="called")


@pytest.mark.parametrize(
    ("ends", "outcome", "by"),
    [
        (never_done, "cancelled", None),
        (waived_late, "waived", "director-1"),
        (done_late, "met-late", None),
        (lambda walk: None, "open", None),
    ],
)
def test_what_was_missed_stays_visible_whatever_became_of_it(
    ends: Callable[[Walk], None], outcome: str, by: str | None
) -> None:
    walk = elsewhere()
    due = walk.state.obligations.open["external-contact-1"].due_at
    walk.later(days=9)
    ends(walk)
    [missed] = [each for each in missed_of(walk.record, walk.now) if each.obligation_id == "external-contact-1"]
    assert (missed.outcome, missed.due_at, missed.month, missed.site) == (outcome, due, "2026-03", "main")
    assert by is None or missed.ended_by_id == by


def test_it_stays_visible_after_the_journeys_end_and_what_was_not_due_yet_is_not_among_it() -> None:
    walk = elsewhere()
    walk.later(days=9)
    walk.do(RecordDeath, source="their family told us")
    assert walk.is_at(Stage.DECEASED)
    assert {each.obligation_id for each in missed_of(walk.record, walk.now)} == {"external-contact-1"}


def test_the_month_of_what_is_due_at_midnight_is_that_of_the_day_that_ends() -> None:
    walk = elsewhere()
    walk.do(WaiveObligation, obligation="external-contact-1", reason="r", until="2026-03-31", by=DIRECTOR)
    walk.later(days=30)
    [missed] = missed_of(walk.record, walk.now)
    assert missed.month == "2026-03" and missed.due_at.isoformat() == "2026-04-01T07:00:00+00:00"


# ---- what comes first --------------------------------------------------------------------------------------


def test_priorities_are_in_order_and_only_safety_is_urgent() -> None:
    assert [each.rank for each in Priority] == [0, 1, 2, 3]
    assert {kind for kind, each in OBLIGATIONS.items() if each.urgent} == {
        *("arrange-return", "assess-safety", "check-death", "check-withdrawal", "complete-step-up"),
        *("deliver-page", "interim-contact", "replace-place", "ask-about-hospital-visit", "talk-before-leaving"),
    }


def test_what_presses_comes_first_then_clinical_work_then_what_is_due_first() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.settle("place-1-search-1", NO_PLACE)
    in_order = [owed.id for owed in walk.state.in_order(walk.now)]
    assert in_order == [
        *("interim-contact-1", "complete-step-up-1", "handoff-1", "assign-case-manager-1"),
        *("team-review-1", "see-client-1", "continued-stay-1"),
        *("recertify-1", "refresh-discharge-plan-1"),
    ]
    walk = opened()
    assert [owed.id for owed in walk.state.in_order(walk.now)] == ["verify-benefits-1", "enrol-1"]
    overdue = [owed.id for owed in walk.state.in_order(walk.state.obligations.open["enrol-1"].due_at + JUST_AFTER)]
    assert overdue == ["verify-benefits-1", "enrol-1"]


def test_an_obligation_may_have_several_flags() -> None:
    walk = window_missed()
    assert walk.state.obligations.open["complete-step-up-1"].flags(walk.now) == ("overdue", "urgent")
    assert row(walk.state, walk.now).flags == ("overdue", "missed-window", "urgent")
    assert JourneyState().priority() is None
