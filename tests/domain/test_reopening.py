"""An end that was a mistake can be taken back for some days, and what was owed is owed again as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.benefits import Verdict
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.corrections import CorrectDischarge
from domain.pathway.death import CorrectDeath, ReviewDeath
from domain.pathway.follow_up import EndFollowUp, RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.reopening import ReopenJourney
from domain.pathway.withdrawal import TakeBackWithdrawal
from domain.plans import Actor
from domain.values import Role, Stage
from tests.domain.walk import DIRECTOR, Walk, answered, closed, died, discharged, withdrawn

SUPERVISOR = Actor(id="supervisor-1", role=Role.SUPERVISOR)
MISTAKE = {"reason": "it was about another client"}


def referred_out() -> Walk:
    walk = answered(Verdict.NOT_COVERED)
    walk.do(ResolveFunding, route="referred-out", reason="the county clinic takes them")
    return walk


def no_more_contact() -> Walk:
    walk = discharged()
    walk.do(EndFollowUp, reason="moved-away", note="abroad")
    return walk


def death_reviewed() -> Walk:
    walk = died()
    walk.do(ReviewDeath, finding="natural causes", by=SUPERVISOR)
    return walk


def reopened(walk: Walk) -> Walk:
    walk.do(ReopenJourney, **MISTAKE, by=SUPERVISOR)
    return walk


def due(walk: Walk) -> list[tuple[str, datetime]]:
    return sorted((owed.kind, owed.due_at) for owed in walk.state.obligations.open.values())


ENDS: dict[str, tuple[Callable[[], Walk], type[Any], dict[str, Any]]] = {
    "withdrawn": (withdrawn, TakeBackWithdrawal, MISTAKE),
    "referred-out": (referred_out, ReopenJourney, MISTAKE | {"by": SUPERVISOR}),
    "followed-up": (closed, ReopenJourney, MISTAKE | {"by": SUPERVISOR}),
    "no-more-contact": (no_more_contact, ReopenJourney, MISTAKE | {"by": SUPERVISOR}),
    "death-reviewed": (death_reviewed, CorrectDeath, MISTAKE | {"by": DIRECTOR}),
}
every_end = pytest.mark.parametrize("end", ENDS)


@every_end
def test_an_end_can_be_taken_back_until_the_seventh_day_is_over(end: str) -> None:
    walk_to, decision, fields = ENDS[end]
    walk = walk_to()
    ended, until = walk.now, walk.state.closing.correctable_until
    local = walk.state.calendar.local_date
    assert until is not None and local(until) == local(ended) + timedelta(days=8), "at midnight after the seventh day"
    walk.later(seconds=(until - ended).total_seconds() - 1)
    walk.do(decision, **fields)
    assert not walk.state.stage.is_end
    assert walk.owes() and walk.state.next_deadline() is not None, "it goes on, and somebody owes something"


@every_end
def test_then_it_is_final(end: str) -> None:
    walk_to, decision, fields = ENDS[end]
    walk = walk_to()
    stage = walk.state.stage
    assert stage.is_end and not walk.state.is_over
    walk.until_final()
    assert walk.is_at(stage) and walk.state.is_finished and walk.record[-1].type == "journey.final"
    walk.refused(decision, "end-is-final", **fields)


@every_end
def test_an_admission_makes_the_end_final_so_that_a_client_never_has_two_open_journeys(end: str) -> None:
    walk_to, decision, fields = ENDS[end]
    walk = walk_to()
    walk.do(RepeatAdmission, message="message-9")
    assert walk.state.is_over
    walk.refused(decision, "end-is-final", **fields)
    walk.refused(RepeatAdmission, "journey-ended", message="message-10")


def test_a_journey_closed_by_mistake_owes_again_exactly_what_it_owed_and_a_decision() -> None:
    walk = discharged()
    before = due(walk)
    walk.do(EndFollowUp, reason="moved-away", note="abroad")
    assert walk.owes() == set()
    walk.later(days=2)
    *after, (kind, due_at) = due(reopened(walk))
    assert after == before and (kind, due_at > walk.now) == ("settle-reopening", True)
    walk.later(days=3)
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.FOLLOW_UP)


def test_a_waiver_that_still_runs_is_restored_with_what_it_waives() -> None:
    walk = discharged()
    until = walk.state.calendar.local_date(walk.now) + timedelta(days=20)
    walk.do(WaiveObligation, obligation="follow-up-1", until=until, reason="abroad", by=DIRECTOR)
    walk.do(EndFollowUp, reason="moved-away", note="abroad")
    walk.later(days=2)
    waived = [owed for owed in reopened(walk).state.open_of("follow-up") if owed.waiver]
    assert [owed.waiver.until for owed in waived if owed.waiver] == [until]
    told = [event for event in walk.later(days=30) if event.type == "obligation.reopened"]
    assert len(told) == 1, "and ends on its day"


def test_a_referral_out_by_mistake_looks_for_another_way_to_pay() -> None:
    walk = reopened(referred_out())
    assert walk.is_at(Stage.FUNDING_EXCEPTION)
    assert {"enrol-2", "resolve-funding-2", "settle-reopening-1"} <= walk.owes()
    walk.do(ResolveFunding, route="self-pay", reason="the client's choice")
    assert walk.is_at(Stage.PLACEMENT) and "settle-reopening-1" not in walk.owes()


def test_after_the_last_follow_up_care_can_go_on() -> None:
    walk = reopened(closed())
    [owed] = walk.state.obligations.open.values()
    assert (owed.kind, owed.owner) == ("settle-reopening", Role.SUPERVISOR)
    walk.do(CorrectDischarge, reason="another client")
    assert walk.is_at(Stage.ACTIVE) and "settle-reopening-1" not in walk.owes()


def test_a_journey_can_be_closed_and_reopened_again_and_again() -> None:
    walk = closed()
    for number in (1, 2, 3):
        assert reopened(walk).owes() == {f"settle-reopening-{number}"}
        walk.do(CompleteObligation, obligation=f"settle-reopening-{number}", note="it was right", by=SUPERVISOR)
        assert walk.is_at(Stage.CLOSED) and not walk.state.is_over


def test_what_is_owed_anew_already_is_not_owed_twice() -> None:
    walk = reopened(no_more_contact())
    walk.do(EndFollowUp, reason="moved-away", note="abroad after all")
    assert reopened(walk).state.open_of("settle-reopening") == [walk.state.obligations.open["settle-reopening-2"]]


def test_a_reviewed_death_is_corrected_by_the_medical_director_alone() -> None:
    walk = death_reviewed()
    walk.refused(CorrectDeath, "director-decides", **MISTAKE, by=SUPERVISOR)
    walk.do(CorrectDeath, **MISTAKE, by=DIRECTOR)
    assert walk.is_at(Stage.ACTIVE)


def test_an_admission_cancelled_at_its_source_is_final_at_once_since_the_source_sends_another() -> None:
    walk = answered()
    walk.do(CancelAdmission, message="message-2")
    assert walk.state.is_over
