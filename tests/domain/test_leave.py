"""Leave of absence: the client keeps their place, and someone sees that they come back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.pathway.corrections import CorrectDischarge
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.discharge import Discharge, UpdateDischargePlan
from domain.pathway.leave import LEAVE_CONTACT, EndLeave, LeaveStarted, StartLeave, in_words
from domain.pathway.move_decisions import ConfirmArrival, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationMet
from domain.values import Stage
from tests.domain.walk import MONDAY, WHOLE_PLAN, Walk, agreed, enrolled

FRIDAY = date(2026, 3, 20)


def on_leave() -> Walk:
    walk = enrolled()
    walk.do(StartLeave, until=FRIDAY, category="family", reason="a funeral")
    return walk


def test_the_return_is_owed_until_the_day_named_is_over() -> None:
    walk = on_leave()
    owed = walk.state.obligations.open["return-from-leave-1"]
    assert owed.due_at == datetime(2026, 3, 21, 7, 0, tzinfo=UTC)  # midnight in Los Angeles
    assert walk.is_at(Stage.ACTIVE) and walk.state.leave.until == FRIDAY


@pytest.mark.parametrize(("days", "late"), [(2, False), (9, True)])
def test_a_client_who_is_back_is_no_longer_expected(days: int, late: bool) -> None:
    walk = on_leave()
    walk.later(days=days)
    walk.do(EndLeave)
    [met] = [event for event in walk.saw(ObligationMet) if event.obligation == "return-from-leave-1"]
    assert met.late is late
    assert walk.state.leave.until is None and "return-from-leave-1" not in walk.owes()


def test_a_leave_may_be_taken_again_and_not_twice_at_once() -> None:
    walk = on_leave()
    walk.refused(StartLeave, "on-leave-already", until=FRIDAY, category="family", reason="another")
    walk.do(EndLeave)
    walk.do(StartLeave, until=FRIDAY, category="family", reason="another")
    assert "return-from-leave-2" in walk.owes() and len(walk.saw(LeaveStarted)) == 2


@pytest.mark.parametrize("days", [-1, 0, 15, 400])
def test_a_leave_is_as_long_as_the_policy_allows(days: int) -> None:
    walk = enrolled()
    today = walk.state.calendar.local_date(MONDAY)
    walk.refused(StartLeave, "leave-too-long", until=today + timedelta(days=days), category="family", reason="because")
    walk.do(StartLeave, until=today + timedelta(days=walk.state.policy.leave_days), category="family", reason="because")


def test_a_client_who_comes_to_another_level_is_no_longer_on_leave() -> None:
    walk = on_leave()
    walk.do(StartStepDown, to="OP", reason="steady")
    assert "return-from-leave-1" in walk.owes()
    walk.do(ConfirmArrival)
    assert walk.state.leave.until is None and "return-from-leave-1" not in walk.owes()


def test_what_waited_for_the_return_is_not_owed_at_another_level() -> None:
    walk = on_leave()
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    kinds = {each.kind for each in walk.state.obligations.open.values()} - {"handoff", "first-visit"}
    assert kinds == {"review", "see-client", "refresh-discharge-plan"} and not walk.state.suspension.waiting


def test_a_client_back_during_a_move_and_a_crisis_is_not_asked_how_they_are_on_leave() -> None:
    walk = on_leave()
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(RecordCrisis, place="emergency-department", reason="a fall")
    walk.do(EndLeave)
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert not walk.state.open_of("leave-contact") and not walk.state.suspension.waiting


def test_no_return_is_owed_by_a_client_who_is_not_away() -> None:
    enrolled().refused(EndLeave, "not-on-leave")


def test_a_plan_that_is_updated_during_a_leave_is_looked_at_again_after_it() -> None:
    for with_a_plan in (True, False):
        walk = agreed("OP")
        walk.enrol()
        if with_a_plan:
            walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
        walk.do(StartLeave, until=FRIDAY, category="family", reason="a funeral")
        walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
        walk.do(UpdateDischargePlan, plan=WHOLE_PLAN)
        assert not walk.state.open_of("refresh-discharge-plan")
        waiting = [each.owed.kind for each in walk.state.suspension.waiting]
        assert waiting.count("refresh-discharge-plan") == 1
        walk.later(days=2)
        walk.do(EndLeave)
        [owed] = walk.state.open_of("refresh-discharge-plan")
        assert owed.raised_at == walk.now and owed.counted.amount == walk.state.policy.plan_stale_days


def test_the_ledger_has_every_leave_with_its_days_and_reason_and_what_is_left() -> None:
    walk = on_leave()
    walk.later(days=2)
    walk.do(EndLeave)
    walk.later(days=7)
    walk.do(StartLeave, until=date(2026, 4, 3), category="travel", reason="a wedding")
    leave, most = walk.state.leave, walk.state.policy.leave_days_in_all
    assert [each.in_words() for each in leave.taken] == ["family leave from 2026-03-16 to 2026-03-18, 2 days"]
    assert [each.reason for each in leave.taken] == ["a funeral"] and leave.without_words().taken[0].reason == ""
    assert in_words(walk.state) == f"travel leave until 2026-04-03; 2 days taken before, {most - 2 - 9} left"
    walk.do(EndLeave)
    assert [(each.category, each.days) for each in walk.state.leave.taken] == [("family", 2), ("travel", 0)]


def test_they_are_asked_how_they_are_again_and_again_while_they_are_away() -> None:
    walk = on_leave()
    [first] = walk.state.open_of(LEAVE_CONTACT.kind)
    walk.later(days=1)
    walk.do(CompleteObligation, obligation=first.id, note="well")
    [second] = walk.state.open_of(LEAVE_CONTACT.kind)
    assert second.id != first.id and second.due_at > first.due_at
    walk.do(WaiveObligation, obligation=second.id, reason="reached by the family")
    assert len(walk.state.open_of(LEAVE_CONTACT.kind)) == 1
    walk.do(EndLeave)
    assert not walk.state.open_of(LEAVE_CONTACT.kind)


def test_a_leave_that_a_discharge_ended_is_in_the_ledger_unless_the_discharge_was_a_mistake() -> None:
    walk = on_leave()
    before = walk.state.leave
    walk.do(Discharge, reason="moved")
    assert [(each.days, each.reason) for each in walk.state.leave.taken] == [(4, "a funeral")]
    walk.do(CorrectDischarge, reason="another client of that name")
    assert walk.state.leave == before
    walk.do(EndLeave)
    assert [each.days for each in walk.state.leave.taken] == [0]
