"""Leaving against advice: a clinician is paged at once, and who leaves is contacted first."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.obligation_terms import Priority
from domain.pathway.against_advice import RecordStaying, ReportLeavingAgainstAdvice
from domain.pathway.corrections import CorrectDischarge, CorrectEnrolment
from domain.pathway.discharge import Discharge, Discharged
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet
from domain.pathway.policy_change import ChangePolicy
from domain.values import Role, Stage
from tests.domain.walk import ADMISSIONS, Walk, discharged, enrolled, stepping_down
from tests.policies import OTHERS


def wanting_to_leave() -> Walk:
    walk = enrolled("OP")
    walk.do(ReportLeavingAgainstAdvice, reason="it does not help")
    return walk


def owes_a_talk(walk: Walk) -> bool:
    return bool(walk.state.open_of("talk-before-leaving"))


def test_a_clinician_is_paged_at_once_and_a_supervisor_once_it_is_late() -> None:
    walk = wanting_to_leave()
    [owed] = walk.state.open_of("talk-before-leaving")
    hours = walk.state.policy.against_advice_hours
    assert owed.urgent and owed.due_at == walk.now + timedelta(hours=hours)
    told = [event for event in walk.later(hours=hours + 1) if isinstance(event, ObligationEscalated)]
    assert [(each.to, each.how) for each in told if each.obligation == owed.id] == [
        (Role.CLINICIAN, "page"),
        (Role.SUPERVISOR, "page"),
    ]
    assert told[0].at == owed.raised_at


def test_whoever_stays_is_reviewed_soon() -> None:
    walk = wanting_to_leave()
    walk.later(hours=1)
    walk.do(RecordStaying, note="agreed on fewer groups")
    assert not owes_a_talk(walk) and walk.state.against_advice.reported_at is None
    [review] = walk.state.open_of("review")
    assert review.due_at == walk.now + timedelta(hours=walk.state.policy.stayed_review_hours)
    walk.do(ReportLeavingAgainstAdvice, reason="again")
    assert owes_a_talk(walk)


def test_who_stays_while_a_move_is_under_way_goes_on_moving() -> None:
    walk = stepping_down()
    walk.do(ReportLeavingAgainstAdvice, reason="it does not help")
    walk.do(RecordStaying, note="they move down after all")
    assert walk.is_at(Stage.TRANSITION) and not walk.state.open_of("review")


@pytest.mark.parametrize(
    ("done", "missing"),
    [
        ({}, ("check of the risk", "offer of a plan")),
        ({"risk_checked": True}, ("offer of a plan",)),
        ({"risk_checked": False, "plan_offered": True}, ("check of the risk",)),
        ({"risk_checked": True, "plan_offered": True}, ()),
    ],
)
def test_a_discharge_says_what_was_done_before_and_is_never_refused_for_it(
    done: dict[str, bool], missing: tuple[str, ...]
) -> None:
    walk = wanting_to_leave()
    walk.do(Discharge, reason="against-advice", initiator="client", **done)
    [event] = walk.saw(Discharged)
    assert event.not_done() == missing
    assert all(each in event.sentence() for each in missing)
    was_met = "talk-before-leaving-1" in {each.obligation for each in walk.saw(ObligationMet)}
    assert not owes_a_talk(walk) and was_met == (missing == ()), "what was not done is not on record as done"
    assert walk.state.against_advice.reported_at is None


def test_no_other_discharge_lacks_these() -> None:
    [event] = discharged().saw(Discharged)
    assert event.not_done() == () and "on record" not in event.sentence()


def test_who_left_against_advice_is_contacted_before_all_else_within_the_first_days() -> None:
    walk = wanting_to_leave()
    walk.do(Discharge, reason="against-advice")
    [early] = walk.state.open_of("early-follow-up")
    today = walk.state.calendar.local_date(walk.now)
    assert early.priority is Priority.SAFETY and walk.state.is_urgent(walk.now)
    assert early.counts_from == today + timedelta(days=1), "from 24 hours on"
    assert early.counted.amount == 3 and len(walk.state.open_of("follow-up")) == 2
    assert walk.state.in_order(walk.now)[0].id == early.id
    [other] = discharged().state.open_of("early-follow-up")
    assert other.priority is Priority.CLINICAL


def test_a_discharge_for_another_reason_that_was_a_mistake_leaves_the_wish_as_it_was() -> None:
    walk = wanting_to_leave()
    due = walk.state.open_of("talk-before-leaving")[0].due_at
    walk.do(Discharge, reason="administrative")
    assert not owes_a_talk(walk)
    walk.do(CorrectDischarge, reason="another client of that name")
    assert walk.state.open_of("talk-before-leaving")[0].due_at == due
    walk.do(RecordStaying, note="they stay")
    assert not owes_a_talk(walk)


def test_a_discharge_against_advice_can_be_corrected_and_the_journey_goes_on() -> None:
    walk = wanting_to_leave()
    walk.do(Discharge, reason="against-advice")
    walk.later(days=2)
    walk.do(CorrectDischarge, reason="they never left")
    assert walk.is_at(Stage.ACTIVE) and owes_a_talk(walk) and walk.state.against_advice.reported_at is not None


def test_nobody_leaves_who_was_never_in_care() -> None:
    walk = wanting_to_leave()
    walk.do(CorrectEnrolment, reason="another client", by=ADMISSIONS)
    assert not owes_a_talk(walk) and walk.state.against_advice.reported_at is None


def test_a_policy_without_it_has_no_such_path() -> None:
    assert "us-no-against-advice-1" in OTHERS
    walk = enrolled()
    walk.do(ChangePolicy, to="us-no-against-advice-1", reason="another centre")
    walk.refused(ReportLeavingAgainstAdvice, "not-in-this-policy", reason="it does not help")
    walk.do(Discharge, reason="against-advice")
    assert walk.state.open_of("early-follow-up")[0].priority is Priority.SAFETY


def test_a_discharge_by_mistake_leaves_the_wish_and_the_talk_owed() -> None:
    walk = wanting_to_leave()
    walk.do(Discharge, reason="against-advice")
    walk.do(CorrectDischarge, reason="another client of that name")
    assert walk.state.against_advice.reported_at is not None and owes_a_talk(walk)
