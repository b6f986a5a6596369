"""Forms made from declarations, and the decisions read back from them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from access.rules import Viewer
from dashboard.board.forms import Control, FormError, controls, is_offered, read, roles_for
from domain.commands import Decision
from domain.decision_options import options_of
from domain.evolve import fold
from domain.pathway import DECISIONS
from domain.pathway.coverage import RecordBenefits
from domain.pathway.discharge import UpdateDischargePlan
from domain.pathway.leave import StartLeave
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.reviews import CompleteReview
from domain.pathway.treatment_decisions import ReviewGoals, SetGoal, UpdateTreatmentPlan
from domain.pathway.treatment_plan import GoalSet
from domain.values import Role
from record.sealing import MASK
from tests.domain import walk

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 3, 10, 18, tzinfo=UTC)
EVERYONE = Viewer(person="s-1", roles=tuple(Role))
CLINICIAN = Viewer(person="s-102", roles=(Role.CLINICIAN,))


def _given(decision: type[Decision], **given: str) -> dict[str, str]:
    return {"decision_id": "board/1", **given}


@pytest.mark.parametrize("decision", DECISIONS, ids=[each.name() for each in DECISIONS])
def test_every_decision_has_a_form_with_a_control_for_each_of_its_options(decision: type[Decision]) -> None:
    state = walk.enrolled().state
    made = controls(decision, state, {})
    assert [each.name for each in made] == [option.name for option in options_of(decision)]
    assert all(each.help and (each.kind == "choice") == bool(each.choices) for each in made)


@pytest.mark.parametrize("decision", DECISIONS, ids=[each.name() for each in DECISIONS])
def test_an_empty_form_is_refused_at_a_field_or_read_as_the_decision(decision: type[Decision]) -> None:
    needed = [option.name for option in options_of(decision) if option.required]
    try:
        made = read(decision, _given(decision), EVERYONE, ZONE, NOW)
    except FormError as wrong:
        assert wrong.field in needed or not wrong.field
    else:
        assert not needed and made.by.id == "s-1" and made.by.role in decision.declared.by


def test_values_of_each_kind_are_read() -> None:
    review = read(
        CompleteReview,
        _given(CompleteReview, outcome="step-down", rationale="  better  ", to="OP", occurred_at="2026-03-09T10:30"),
        CLINICIAN,
        ZONE,
        NOW,
    )
    assert isinstance(review, CompleteReview)
    assert (review.outcome, review.rationale, review.to, review.by.id) == ("step-down", "better", "OP", "s-102")
    assert review.occurred_at == datetime(2026, 3, 9, 17, 30, tzinfo=UTC)

    leave = read(
        StartLeave, _given(StartLeave, until="2026-03-20", category="family", reason="family"), EVERYONE, ZONE, NOW
    )
    assert isinstance(leave, StartLeave) and leave.until == date(2026, 3, 20)

    plan = read(
        UpdateDischargePlan, _given(UpdateDischargePlan, follow_ups="One\n\n Two \n", resources=""), EVERYONE, ZONE, NOW
    )
    assert isinstance(plan, UpdateDischargePlan)
    assert (plan.plan.follow_ups, plan.plan.resources) == (("One", "Two"), ())

    waived = read(
        WaiveObligation,
        _given(WaiveObligation, obligation="review-1", reason="double", all_of_kind="false"),
        EVERYONE,
        ZONE,
        NOW,
    )
    assert isinstance(waived, WaiveObligation) and not waived.all_of_kind

    benefits = read(
        RecordBenefits, _given(RecordBenefits, verdict="CLEAR", copay="30.50", note="called"), EVERYONE, ZONE, NOW
    )
    assert isinstance(benefits, RecordBenefits) and benefits.cost_share is not None
    assert benefits.cost_share.copay == Decimal("30.50")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("outcome", {"outcome": "escape", "rationale": "x"}),
        ("rationale", {"outcome": "continue", "rationale": "   "}),
        ("rationale", {"outcome": "continue", "rationale": "x" * 2001}),
        ("rationale", {"outcome": "continue", "rationale": f"as before {MASK}"}),
        ("occurred_at", {"outcome": "continue", "rationale": "x", "occurred_at": "yesterday"}),
        ("occurred_at", {"outcome": "continue", "rationale": "x", "occurred_at": "2026-11-01T01:30"}),
        ("occurred_at", {"outcome": "continue", "rationale": "x", "occurred_at": "2026-03-08T02:30"}),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(field: str, given: dict[str, str]) -> None:
    with pytest.raises(FormError) as wrong:
        read(CompleteReview, _given(CompleteReview, **given), CLINICIAN, ZONE, NOW)
    assert wrong.value.field == field and wrong.value.sentence.endswith(".")


def test_an_hour_that_happens_twice_can_be_told_by_its_offset() -> None:
    given = _given(CompleteReview, outcome="continue", rationale="x", occurred_at="2026-11-01T01:30-08:00")
    made = read(CompleteReview, given, CLINICIAN, ZONE, NOW)
    assert made.occurred_at == datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


def test_a_person_acts_in_a_role_of_theirs_whatever_the_form_says() -> None:
    given = _given(CompleteReview, outcome="continue", rationale="x", role="medical-director", by="s-106")
    made = read(CompleteReview, given, CLINICIAN, ZONE, NOW)
    assert (made.by.id, made.by.role) == ("s-102", Role.CLINICIAN)
    with pytest.raises(FormError):
        read(CompleteReview, given, Viewer(person="s-101", roles=(Role.ADMISSIONS,)), ZONE, NOW)


def test_only_what_the_stage_and_the_roles_allow_is_offered() -> None:
    state = walk.enrolled().state
    offered = {each.name() for each in DECISIONS if is_offered(each, state, CLINICIAN)}
    assert {"complete-review", "request-step-up"} <= offered
    assert not offered & {"confirm-enrolment", "confirm-arrival", "adopt-calendar"}
    assert all(Role.CLINICIAN in each.declared.by for each in DECISIONS if each.name() in offered)
    assert roles_for(CompleteReview, EVERYONE) == tuple(role for role in Role if role in CompleteReview.declared.by)


def test_goals_are_chosen_and_each_list_holds_those_that_stand_so() -> None:
    walked = walk.enrolled()
    walked.do(SetGoal, words="go back to school")
    walked.do(ReviewGoals, progressing=("goal-1",), met=("goal-2",))
    made = {each.name: each for each in controls(ReviewGoals, walked.state, {})}
    assert (made["progressing"].value, made["met"].value, made["not_started"].value) == ("goal-1", "goal-2", "")
    goal = controls(SetGoal, walked.state, {})[0]
    assert (goal.kind, goal.choices[1]) == ("choice", ("goal-2", "goal-2: go back to school"))
    masked = fold([each.changed(words=MASK) if isinstance(each, GoalSet) else each for each in walked.record])
    assert controls(SetGoal, masked, {})[0].choices[1] == ("goal-2", "goal-2")
    criteria = {each.name: each.value for each in controls(UpdateTreatmentPlan, walked.state, {})}
    assert criteria["discharge_criteria"] == "four steady weeks"
    given = _given(ReviewGoals, progressing="goal-1", no_longer_wanted="goal-2\n")
    reviewed = read(ReviewGoals, given, CLINICIAN, ZONE, NOW)
    assert isinstance(reviewed, ReviewGoals) and reviewed.no_longer_wanted == ("goal-2",)


def test_the_plan_is_filled_in_as_it_stands_and_a_masked_line_is_not() -> None:
    walked = walk.enrolled()
    walked.do(UpdateDischargePlan, plan={"follow_ups": ["One", MASK], "crisis_contacts": [], "resources": []})
    made: dict[str, Control] = {each.name: each for each in controls(UpdateDischargePlan, walked.state, {})}
    assert made["follow_ups"].value == "One"
