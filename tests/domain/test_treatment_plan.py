"""The treatment plan: drafted soon after care begins, and gone through with the client at each review."""

from __future__ import annotations

from datetime import date

import pytest

from domain.comparing import comparable
from domain.evolve import fold
from domain.goals import Progress
from domain.pathway.corrections import CorrectDischarge
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.discharge import Discharge
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import ConfirmArrival, StartStepDown
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CompleteReview
from domain.pathway.treatment_decisions import ReviewGoals, SetGoal, UpdateTreatmentPlan
from domain.pathway.treatment_plan import GoalSet
from domain.values import Stage
from record.sealing import MASK
from tests.domain.walk import Walk, agreed, enrolled, held, in_emergency_department
from tests.policies import OTHERS


def in_care(level: str = "OP") -> Walk:
    """Care began, and nobody has written a treatment plan."""
    walk = agreed(level)
    walk.enrol()
    return walk


def review(walk: Walk, outcome: str = "continue") -> None:
    walk.do(CompleteReview, outcome=outcome, rationale="as seen")


def owed(walk: Walk) -> set[str]:
    return {each for each in walk.owes() if each.startswith(("draft-treatment-plan", "review-goals"))}


def test_a_plan_is_owed_within_the_days_of_the_policy_and_needs_a_goal_and_criteria() -> None:
    walk = in_care()
    draft = walk.state.obligations.open["draft-treatment-plan-1"]
    assert draft.counted.amount == walk.state.policy.treatment_plan_days
    assert draft.counted.rule == "treatment_plan_days"
    walk.do(SetGoal, words="sleep through the night", measure="sleep diary", target="2026-06-01")
    assert owed(walk) == {"draft-treatment-plan-1"}, "nobody has said what must be so before discharge"
    walk.do(UpdateTreatmentPlan, discharge_criteria=(" ",), participation="agreed")
    assert owed(walk) == {"draft-treatment-plan-1"}, "a blank line is not a line"
    walk.do(UpdateTreatmentPlan, discharge_criteria=("four steady weeks",), participation="disagreed")
    assert owed(walk) == set() and walk.state.treatment_plan.drafted_at == walk.now
    assert walk.state.treatment_plan.goals[0].target == date(2026, 6, 1)


def test_a_goal_keeps_its_id_and_its_progress_when_its_words_change() -> None:
    walk = enrolled()
    walk.do(SetGoal, words="go back to school")
    walk.do(ReviewGoals, progressing=("goal-1",), met=("goal-2",))
    walk.do(SetGoal, goal="goal-2", words="go back to college")
    goals = {goal.id: (goal.words, goal.progress) for goal in walk.state.treatment_plan.goals}
    assert goals == {
        "goal-1": ("sleep through the night", Progress.PROGRESSING),
        "goal-2": ("go back to college", Progress.MET),
    }
    assert (walk.state.treatment_plan.met, [goal.id for goal in walk.state.treatment_plan.open_goals()]) == (
        1,
        ["goal-1"],
    )


def test_a_goal_that_was_met_can_be_taken_up_again() -> None:
    walk = enrolled()
    walk.do(ReviewGoals, met=("goal-1",))
    walk.do(ReviewGoals)
    walk.do(ReviewGoals, not_started=("goal-1",))
    assert [goal.id for goal in walk.state.treatment_plan.open_goals()] == ["goal-1"]


def test_each_review_asks_for_the_goals_unless_somebody_went_through_them_since_the_one_before() -> None:
    walk = enrolled("OP")
    walk.later(days=80)
    review(walk)
    assert owed(walk) == {"review-goals-1"}, "written in the first days, and not looked at since"
    goals = walk.state.obligations.open["review-goals-1"]
    assert goals.counted.amount == walk.state.policy.goals_review_business_days
    walk.later(days=1)
    walk.do(ReviewGoals, progressing=("goal-1",), note="they sleep better")
    assert owed(walk) == set()
    walk.later(days=80)
    review(walk)
    assert owed(walk) == set(), "they were gone through after the review before"
    walk.later(days=80)
    review(walk)
    assert owed(walk) == {"review-goals-2"}, "not since the review before"
    review(walk)
    assert owed(walk) == {"review-goals-2"}, "once"


def test_a_changed_plan_counts_as_gone_through_and_the_first_draft_does_not() -> None:
    walk = enrolled("OP")
    walk.later(days=80)
    walk.do(UpdateTreatmentPlan, discharge_criteria=("six steady weeks",), participation="agreed")
    review(walk)
    assert owed(walk) == set()


def test_a_review_that_ends_care_and_a_plan_whose_goals_are_reached_ask_for_nothing() -> None:
    walk = enrolled("OP")
    review(walk, "discharge")
    assert owed(walk) == set()
    reached = enrolled("OP")
    reached.do(ReviewGoals, met=("goal-1",))
    reached.later(days=80)
    review(reached)
    reached.later(days=80)
    review(reached)
    assert owed(reached) == set()


def test_a_review_is_never_refused_for_want_of_a_plan() -> None:
    walk = in_care()
    review(walk)
    assert owed(walk) == {"draft-treatment-plan-1"}


def test_the_duty_goes_with_the_client_to_another_level_of_ours() -> None:
    walk = enrolled()
    walk.do(CompleteReview, outcome="step-down", rationale="steady", to="OP")
    assert walk.is_at(Stage.TRANSITION) and owed(walk) == {"review-goals-1"}
    walk.do(ReviewGoals, progressing=("goal-1",))
    assert owed(walk) == set()


def test_another_facility_has_a_plan_of_its_own_and_ours_is_owed_again_on_return() -> None:
    walk = in_care("IOP")
    walk.do(CompleteReview, outcome="step-up", rationale="worse", to="PHP")
    assert owed(walk) == {"draft-treatment-plan-1"}
    walk.settle("place-1-search-1", held(walk))
    walk.do(ConfirmArrival)
    assert walk.is_at(Stage.EXTERNAL) and owed(walk) == set()
    walk.do(StartStepDown, to="IOP", reason="ready")
    walk.do(ConfirmArrival)
    assert owed(walk) == {"draft-treatment-plan-2"}


@pytest.mark.parametrize("kept", ["draft-treatment-plan-1", "review-goals-1"])
def test_a_discharge_ends_both_and_its_correction_owes_them_again(kept: str) -> None:
    walk = in_care() if kept.startswith("draft") else enrolled("OP")
    if kept.startswith("review"):
        review(walk)
    due = walk.state.obligations.open[kept].due_at
    walk.do(Discharge, reason="moved")
    assert owed(walk) == set()
    walk.do(CorrectDischarge, reason="another client of that name")
    [again] = owed(walk)
    assert walk.state.obligations.open[again].due_at == due
    assert walk.state.treatment_plan.goals == fold(walk.record).treatment_plan.goals


def test_both_wait_during_a_leave_and_what_was_done_meanwhile_is_not_owed_again() -> None:
    walk = in_care()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    assert owed(walk) == set() and "draft-treatment-plan-1" in walk.state.suspension.ids
    walk.plan_treatment()
    review(walk)
    assert owed(walk) == set() and "review-goals-1" in walk.state.suspension.ids, "raised, and waiting at once"
    walk.later(days=3)
    walk.do(EndLeave)
    assert owed(walk) == {"review-goals-2"}
    assert walk.state.obligations.open["review-goals-2"].raised_at == walk.now


def test_goals_gone_through_on_leave_are_not_owed_on_return() -> None:
    walk = enrolled("OP")
    review(walk)
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    walk.do(ReviewGoals, progressing=("goal-1",))
    walk.later(days=2)
    walk.do(EndLeave)
    assert owed(walk) == set()


def test_a_plan_drafted_in_an_emergency_department_is_not_owed_afterwards() -> None:
    walk = in_care()
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    walk.plan_treatment()
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert owed(walk) == set()
    assert owed(in_emergency_department()) == set()


def test_what_was_gone_through_before_the_review_does_not_count_for_it() -> None:
    walk = enrolled("OP")
    walk.later(days=5)
    review(walk)
    earlier = walk.now.replace(hour=1)
    walk.refused(ReviewGoals, "before-it-was-owed", progressing=("goal-1",), occurred_at=earlier)


def test_goal_words_are_in_no_comparison_and_the_masked_record_folds_to_the_same() -> None:
    walk = enrolled()
    walk.do(SetGoal, words="Maria wants to see her sister", measure="a visit")
    text = comparable(walk.state).model_dump_json()
    assert "Maria" not in text and "a visit" not in text and "four steady weeks" not in text
    masked = [each.changed(words=MASK, measure=MASK) if isinstance(each, GoalSet) else each for each in walk.record]
    assert comparable(fold(masked)) == comparable(walk.state)


def test_a_policy_without_it_asks_for_no_plan_and_a_change_of_policy_brings_it() -> None:
    assert "us-no-treatment-plan-1" in OTHERS
    walk = enrolled()
    walk.do(ChangePolicy, to="us-no-treatment-plan-1", reason="another centre")
    walk.refused(SetGoal, "not-in-this-policy", words="sleep")
    bare = in_care()
    bare.refused(ChangePolicy, "obligation-unknown", to="us-no-treatment-plan-1", reason="another centre")


def test_a_plan_whose_criteria_are_taken_out_is_owed_again_until_somebody_waives_it() -> None:
    walk = enrolled()
    assert owed(walk) == set()
    walk.do(UpdateTreatmentPlan, discharge_criteria=(), participation="agreed")
    assert owed(walk) == {"draft-treatment-plan-2"}
    walk.do(WaiveObligation, obligation="draft-treatment-plan-2", reason="the plan is kept on paper")
    walk.do(SetGoal, words="go back to school")
    walk.do(UpdateTreatmentPlan, discharge_criteria=(), participation="agreed")
    assert owed(walk) == set()
