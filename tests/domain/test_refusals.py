"""Refusals: every code can be met, says a sentence, and leaves the journey as it was."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import domain
from domain import commands as cmd
from domain.benefits import Verdict
from domain.decide import decide
from domain.evolve import evolve, fold
from domain.refusal import Refusal
from domain.state import JourneyState
from domain.values import LevelOfCare, Stage
from tests.domain.walk import (
    STAGES,
    WHOLE_PLAN,
    Walk,
    agreed,
    answered,
    closed,
    discharged,
    discharging,
    enrolled,
    opened,
    placed,
    stepping_down,
    stepping_up,
    window_missed,
)

NURSE = {"id": "clerk-1", "role": "case-manager"}
WHY = {"reason": "because"}
OUTPATIENT = {"recommended": "OP", "actual": "OP"}

Case = tuple[Callable[[], Walk], type[cmd.BaseCommand], dict[str, Any]]


def changed(walk: Walk, **state: Any) -> Walk:
    """A walk put into a state that no command leads to; the last guards are for those."""
    walk.state = walk.state.model_copy(update=state)
    return walk


CASES: dict[str, Case] = {
    "not-open": (Walk, cmd.RepeatAdmission, {"message": "m"}),
    "journey-ended": (closed, cmd.CancelAdmission, {"message": "m"}),
    "wrong-stage": (opened, cmd.DecidePlacement, OUTPATIENT),
    "not-a-clinician": (answered, cmd.DecidePlacement, OUTPATIENT | {"by": NURSE}),
    "level-not-ours": (answered, cmd.DecidePlacement, {"recommended": "PHP", "actual": "PHP"}),
    "variance-missing": (answered, cmd.DecidePlacement, {"recommended": "IOP", "actual": "OP"}),
    "verdict-not-final": (placed, cmd.RecordBenefits, {"verdict": "NEEDS_REVIEW", "note": "by phone"}),
    "not-admissions": (opened, cmd.RecordBenefits, {"verdict": "CLEAR", "note": "by phone", "by": NURSE}),
    "estimate-outdated": (placed, cmd.AcceptCost, {"estimate": "estimate-9"}),
    "cost-unknown": (lambda: unpriced(), cmd.AcceptCost, {"estimate": "estimate-1"}),
    "authorisation-open": (
        lambda: agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED),
        cmd.ConfirmEnrolment,
        {"track": "evening"},
    ),
    "level-missing": (enrolled, cmd.CompleteReview, {"outcome": "step-down", "rationale": "steady"}),
    "beyond-last-week": (lambda: after_weeks(12), cmd.CompleteReview, {"outcome": "continue", "rationale": "more"}),
    "not-that-way": (enrolled, cmd.RequestStepUp, WHY | {"to": "OP"}),
    "no-place-yet": (stepping_up, cmd.ConfirmArrival, {}),
    "safety-plan-first": (stepping_up, cmd.DeclineTransition, WHY | {"safety_plan_reviewed": False}),
    "plan-incomplete": (lambda: unplanned(), cmd.Discharge, {"reason": "transferred"}),
    "no-such-obligation": (enrolled, cmd.AcknowledgeObligation, {"obligation": "review-9"}),
    "has-its-own-decision": (enrolled, cmd.CompleteObligation, {"obligation": "review-1", "note": "done"}),
    "not-waivable": (discharging, cmd.WaiveObligation, WHY | {"obligation": "complete-discharge-1"}),
    "not-theirs-to-waive": (
        window_missed,
        cmd.WaiveObligation,
        WHY | {"obligation": "interim-contact-1", "by": NURSE},
    ),
    "already-moving-up": (stepping_up, cmd.RequestStepUp, WHY | {"to": "IOP"}),
    "too-early": (discharged, cmd.RecordFollowUp, {"contact": "reached"}),
    "not-pending": (opened, cmd.SettleEffect, {"key": "benefits-2", "answer": cmd.Done()}),
    "no-placement": (lambda: changed(agreed(), placement=None), cmd.ConfirmEnrolment, {"track": "evening"}),
    "not-in-care": (lambda: changed(enrolled(), stays=()), cmd.RequestStepUp, WHY | {"to": "PHP"}),
    "no-transition": (lambda: changed(stepping_down(), transition=None), cmd.ConfirmArrival, {}),
    "nothing-owed": (lambda: changed(discharged(), obligations={}), cmd.RecordFollowUp, {"contact": "reached"}),
}


def unpriced() -> Walk:
    walk = answered(share=None)
    walk.do(cmd.DecidePlacement, **OUTPATIENT)
    return walk


def unplanned() -> Walk:
    walk = agreed()
    walk.do(cmd.ConfirmEnrolment, track="evening")
    return walk


def after_weeks(weeks: int) -> Walk:
    walk = enrolled()
    walk.later(weeks=weeks)
    return walk


@pytest.mark.parametrize("code", CASES)
def test_every_code_can_be_met_and_says_what_to_do(code: str) -> None:
    walk_to, kind, fields = CASES[code]
    sentence = walk_to().refused(kind, code, **fields)
    assert sentence[0].isupper() or sentence[0].isalpha()
    assert sentence.endswith(".") and len(sentence.split()) > 4
    assert "None" not in sentence and "client-1" not in sentence and "journey-1" not in sentence


def test_the_cases_are_all_the_codes_there_are() -> None:
    assert set(CASES) == set(_codes_in_the_source())


def _codes_in_the_source() -> list[str]:
    """The first words of each `Refused(code, …)`, `require(met, code, …)` and `Refusal(code=…)`."""
    package = Path(inspect.getfile(domain)).parent
    trees = [ast.parse(path.read_text()) for path in package.rglob("*.py") if path.name != "refusal.py"]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    place = {"Refused": 0, "require": 1}
    found = []
    for call in calls:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        named = [word.value for word in call.keywords if name == "Refusal" and word.arg == "code"]
        found += [call.args[place[name]]] if name in place else named
    return [ast.literal_eval(code) for code in found]


EARLY = {Stage.BENEFITS_CHECK, Stage.FUNDING_EXCEPTION}
IN_CARE = {Stage.ACTIVE, Stage.TRANSITION, Stage.EXTERNAL, Stage.DISCHARGING}
ENDS = {Stage.CLOSED, Stage.CANCELLED}
ALL = {Stage(name) for name in STAGES}

DECISIONS: dict[type[cmd.BaseCommand], tuple[dict[str, Any], set[Stage]]] = {
    cmd.OpenJourney: (
        {"journey_id": "j", "client_ref": "c", "message": "m", "admitted_at": "2026-03-16T17:00:00Z"},
        ALL,
    ),
    cmd.RepeatAdmission: ({"message": "m"}, ALL - ENDS),
    cmd.CancelAdmission: ({"message": "m"}, ALL - ENDS),
    cmd.ReportDischarge: ({"message": "m"}, ALL - ENDS),
    cmd.RecordBenefits: (
        {"verdict": "CLEAR", "note": "by phone"},
        EARLY | {Stage.PLACEMENT, Stage.COST_REVIEW, Stage.ENROLLING},
    ),
    cmd.ResolveFunding: (WHY | {"route": "self-pay"}, {Stage.FUNDING_EXCEPTION}),
    cmd.DecidePlacement: (OUTPATIENT, {Stage.PLACEMENT}),
    cmd.AcceptCost: ({"estimate": "estimate-1"}, {Stage.COST_REVIEW}),
    cmd.DeclineCost: (WHY, {Stage.COST_REVIEW}),
    cmd.ConfirmEnrolment: ({"track": "evening"}, {Stage.ENROLLING}),
    cmd.UpdateDischargePlan: ({"plan": WHOLE_PLAN}, IN_CARE | {Stage.ENROLLING}),
    cmd.CompleteReview: ({"outcome": "continue", "rationale": "steady"}, {Stage.ACTIVE}),
    cmd.RequestStepUp: (WHY | {"to": "INPATIENT"}, IN_CARE),
    cmd.StartStepDown: (WHY | {"to": "OP"}, {Stage.ACTIVE, Stage.EXTERNAL}),
    cmd.ConfirmArrival: ({}, {Stage.TRANSITION}),
    cmd.DeclineTransition: (WHY | {"safety_plan_reviewed": True}, {Stage.TRANSITION}),
    cmd.Discharge: ({"reason": "goals-met"}, IN_CARE),
    cmd.RecordFollowUp: ({"contact": "reached"}, {Stage.DISCHARGED, Stage.FOLLOW_UP}),
    cmd.AcknowledgeObligation: ({"obligation": "nothing-1"}, set()),
    cmd.CompleteObligation: ({"obligation": "nothing-1", "note": "done"}, set()),
    cmd.WaiveObligation: (WHY | {"obligation": "nothing-1"}, set()),
    cmd.SettleEffect: ({"key": "nothing-1", "answer": {"kind": "done"}}, set()),
    cmd.TimePassed: ({}, ALL),
}


def test_the_table_names_every_command_and_every_stage_at_rest() -> None:
    from tests.domain.test_completeness import COMMANDS

    assert set(DECISIONS) == set(COMMANDS)
    assert set(Stage) - ALL == {Stage.REFERRED}, "a journey leaves REFERRED with its first command"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", DECISIONS, ids=lambda kind: kind.__name__)
def test_every_command_at_every_stage_is_allowed_or_refused(kind: type[cmd.BaseCommand], stage: str) -> None:
    walk = STAGES[stage]()
    fields, allowed = DECISIONS[kind]
    walk.later(days=7)  # a follow-up counts from then on
    if walk.state.stage in allowed:
        walk.do(kind, **fields)
        return
    own = {"AcknowledgeObligation", "CompleteObligation", "WaiveObligation"}
    ended = "journey-ended" if Stage(stage) in ENDS else "wrong-stage"
    code = "no-such-obligation" if kind.__name__ in own else "not-pending" if kind is cmd.SettleEffect else ended
    walk.refused(kind, code, **fields)


@pytest.mark.parametrize("stage", STAGES)
def test_the_walks_lead_where_they_say(stage: str) -> None:
    assert STAGES[stage]().state.stage == stage


@pytest.mark.parametrize("key", ["ehr-", "ehr-x", "ehr-0", "ehr-99999", "ehr--1", "ehr-+1", "release-"])
def test_an_answer_nobody_waits_for_is_refused(key: str) -> None:
    opened().refused(cmd.SettleEffect, "not-pending", key=key, answer=cmd.Done())


def test_the_answer_to_an_older_wish_of_the_ehr_is_taken_but_does_not_settle_the_newest() -> None:
    walk = opened()
    older = walk.state.ehr_revision
    walk.do(cmd.RecordBenefits, verdict="CLEAR", note="called")
    walk.settle(f"ehr-{older}")
    assert f"ehr-{walk.state.ehr_revision}" in walk.state.pending()
    walk.settle(f"ehr-{walk.state.ehr_revision}")
    assert not any(key.startswith("ehr") for key in walk.state.pending())
    walk.refused(cmd.SettleEffect, "not-pending", key=f"ehr-{older}", answer=cmd.Failed(code="late"))


def test_a_command_answered_before_leads_to_nothing_new() -> None:
    walk = opened()
    command = cmd.RecordBenefits(id="once", by={"id": "a", "role": "admissions"}, verdict="CLEAR", note="called")
    first = decide(walk.state, command, walk.now)
    assert isinstance(first, tuple) and first
    assert decide(fold(first, walk.state), command, walk.now) == ()


def test_a_refused_command_may_be_sent_again_under_the_same_id() -> None:
    walk = enrolled(LevelOfCare.OP)
    command = cmd.Discharge(id="again", by={"id": "c", "role": "case-manager"}, reason="moved")
    assert isinstance(decide(walk.state, command, walk.now), Refusal)
    by_a_clinician = command.model_copy(update={"by": command.by.model_copy(update={"role": "clinician"})})
    assert isinstance(decide(walk.state, by_a_clinician, walk.now), tuple)


def test_a_state_that_was_never_opened_takes_an_admission() -> None:
    outcome = Walk().do(
        cmd.OpenJourney, journey_id="j", client_ref="c", message="m", admitted_at="2026-03-16T17:00:00Z"
    )
    assert evolve(JourneyState(), outcome[0]).version == 1


@pytest.mark.parametrize(
    ("walk_to", "kind", "fields"),
    [
        (answered, cmd.DecidePlacement, OUTPATIENT),
        (enrolled, cmd.CompleteReview, {"outcome": "continue", "rationale": "steady"}),
        (enrolled, cmd.RequestStepUp, WHY | {"to": "PHP"}),
        (enrolled, cmd.StartStepDown, WHY | {"to": "OP"}),
        (stepping_down, cmd.DeclineTransition, WHY | {"safety_plan_reviewed": True}),
        (enrolled, cmd.Discharge, {"reason": "moved"}),
    ],
)
def test_only_a_clinician_decides_about_care(
    walk_to: Callable[[], Walk], kind: type[cmd.BaseCommand], fields: dict[str, Any]
) -> None:
    for role in ("case-manager", "admissions", "operations", "utilisation-review"):
        walk_to().refused(kind, "not-a-clinician", by={"id": "somebody", "role": role}, **fields)
    for role in ("clinician", "clinical-supervisor", "medical-director"):
        walk_to().do(kind, by={"id": "somebody", "role": role}, **fields)
