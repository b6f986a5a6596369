"""Maintenance at OP: no end date, a relapse-prevention plan that is looked at again, and visits at a rhythm."""

from __future__ import annotations

from datetime import timedelta

from domain.comparing import comparable
from domain.evolve import fold
from domain.pathway.corrections import CorrectDischarge
from domain.pathway.discharge import Discharge
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.maintenance import (
    EndMaintenance,
    MaintenanceStarted,
    StartMaintenance,
    UpdateRelapsePreventionPlan,
)
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.plans import RelapsePreventionPlan
from domain.values import Stage
from record.sealing import MASK
from tests.domain.walk import DIRECTOR, RELAPSE_PLAN, Walk, enrolled, in_maintenance
from tests.policies import OTHERS


def mode(walk: Walk) -> str | None:
    return walk.state.mode


def owed(walk: Walk, kind: str) -> set[str]:
    return {each.id for each in walk.state.open_of(kind)}


def test_care_goes_on_at_the_same_level_without_an_end() -> None:
    walk = in_maintenance()
    assert (walk.state.stage, walk.state.level, walk.state.mode) == (Stage.ACTIVE, "OP", "maintenance")
    assert walk.state.care.last_week is None and not owed(walk, "continued-stay")
    for _ in range(9):
        walk.later(days=80)
        walk.do(CompleteReview, outcome="continue", rationale="steady")
    assert mode(walk) == "maintenance" and walk.path() == ["OP"], "two years later"
    review = walk.state.open_of("review")[0]
    assert review.counted.amount == 90 and review.counted.rule == "levels.OP.review.every_days"


def test_the_plan_is_looked_at_again_and_again() -> None:
    walk = in_maintenance()
    days = walk.state.policy.relapse_plan_days
    [first] = walk.state.open_of("refresh-relapse-plan")
    assert (first.counted.amount, first.counted.rule) == (days, "relapse_plan_days")
    walk.later(days=days - 1)
    walk.do(UpdateRelapsePreventionPlan, plan=RELAPSE_PLAN)
    assert owed(walk, "refresh-relapse-plan") == {"refresh-relapse-plan-2"}
    walk.do(WaiveObligation, obligation="refresh-relapse-plan-2", reason="done by telephone", by=DIRECTOR)
    assert owed(walk, "refresh-relapse-plan") == {"refresh-relapse-plan-3"}


def test_the_client_is_waited_for_at_their_own_rhythm() -> None:
    walk = enrolled("OP")
    before = walk.state.open_of("see-client")[0]
    walk.do(StartMaintenance, plan=RELAPSE_PLAN, visit_days=60)
    [owed_now] = walk.state.open_of("see-client")
    assert owed_now.counted.since == before.counted.since
    assert owed_now.due_at - before.due_at == timedelta(days=60 + 7 - 21)
    walk.later(days=30)
    walk.attended()
    [after] = walk.state.open_of("see-client")
    assert after.counted.amount == 67 and after.counted.since > owed_now.counted.since
    walk.do(UpdateRelapsePreventionPlan, plan=RELAPSE_PLAN, visit_days=14)
    assert walk.state.open_of("see-client")[0].counted.amount == 21
    walk.do(EndMaintenance, reason="mistake")
    assert walk.state.open_of("see-client")[0].counted.rule == "levels.OP.unseen_days"


def test_an_update_without_a_rhythm_keeps_it() -> None:
    walk = in_maintenance()
    [before] = walk.state.open_of("see-client")
    walk.do(UpdateRelapsePreventionPlan, plan=RELAPSE_PLAN.changed(support_people=("their brother",)))
    assert walk.state.maintenance.visit_days == 28 and walk.state.open_of("see-client") == [before]
    assert walk.state.maintenance.plan.support_people == ("their brother",)


def test_whoever_needs_more_is_reviewed_soon_and_others_as_ever() -> None:
    for reason, hours in (("needs-more", 72), ("discharge-near", None), ("mistake", None)):
        walk = in_maintenance()
        before = walk.state.open_of("review")[0].due_at
        walk.do(EndMaintenance, reason=reason)
        due = walk.state.open_of("review")[0].due_at
        assert walk.state.mode is None and not owed(walk, "refresh-relapse-plan")
        assert due == (walk.now + timedelta(hours=hours) if hours else before)


def test_a_step_up_goes_as_from_op_and_ends_it_on_arrival() -> None:
    walk = in_maintenance()
    walk.do(RequestStepUp, to="IOP", reason="worse at night")
    assert "complete-step-up-1" in walk.owes() and mode(walk) == "maintenance"
    walk.do(ConfirmArrival)
    assert (walk.state.level, walk.state.mode) == ("IOP", None) and not owed(walk, "refresh-relapse-plan")
    assert walk.state.open_of("see-client")[0].counted.rule == "levels.IOP.unseen_days"


def test_a_step_up_that_is_declined_leaves_the_client_in_maintenance() -> None:
    walk = in_maintenance()
    walk.do(RequestStepUp, to="IOP", reason="worse at night")
    walk.do(DeclineTransition, reason="wants to stay", safety_plan_reviewed=True)
    assert (walk.state.mode, walk.state.stage) == ("maintenance", Stage.ACTIVE)


def test_a_discharge_ends_it_and_its_correction_brings_it_back() -> None:
    walk = in_maintenance()
    due = walk.state.open_of("refresh-relapse-plan")[0].due_at
    since = walk.state.maintenance.since
    walk.do(Discharge, reason="goals-met")
    assert mode(walk) is None and not owed(walk, "refresh-relapse-plan")
    walk.do(CorrectDischarge, reason="another client of that name")
    assert mode(walk) == "maintenance" and walk.state.maintenance.since == since
    assert [each.due_at for each in walk.state.open_of("refresh-relapse-plan")] == [due]


def test_the_look_at_the_plan_waits_during_a_leave() -> None:
    walk = in_maintenance()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    walk.do(UpdateRelapsePreventionPlan, plan=RELAPSE_PLAN)
    assert not owed(walk, "refresh-relapse-plan")
    walk.later(days=3)
    walk.do(EndLeave)
    [again] = walk.state.open_of("refresh-relapse-plan")
    assert again.raised_at == walk.now


def test_what_people_wrote_is_in_no_comparison() -> None:
    walk = in_maintenance()
    assert "three bad nights" not in comparable(walk.state).model_dump_json()
    plan = RelapsePreventionPlan(**{name: (MASK,) for name in RelapsePreventionPlan.model_fields})
    masked = [each.changed(plan=plan) if isinstance(each, MaintenanceStarted) else each for each in walk.record]
    assert comparable(fold(masked)) == comparable(walk.state)


def test_a_policy_without_it_has_no_maintenance() -> None:
    assert "us-no-maintenance-1" in OTHERS
    walk = enrolled("OP")
    walk.do(ChangePolicy, to="us-no-maintenance-1", reason="another centre")
    walk.refused(StartMaintenance, "not-in-this-policy", plan=RELAPSE_PLAN, visit_days=28)
    in_maintenance().refused(ChangePolicy, "obligation-unknown", to="us-no-maintenance-1", reason="another centre")
