"""The handoff of a client who moves: owed from the start of the move until it was read back, arrived or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from centre.policies import read_policy
from domain.move_words import move_words
from domain.pathway.corrections import CorrectDischarge, WithdrawMove
from domain.pathway.crisis import RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath
from domain.pathway.discharge import Discharge
from domain.pathway.handoff import HANDOFF, HandoffPackage, HandoffRecorded, RecordHandoff, in_words
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationEscalated, ObligationMet
from domain.pathway.policy_change import ChangePolicy
from domain.plans import Actor
from domain.policy import Policy, policy_named, use_policies
from domain.values import Role
from tests.domain.walk import DIRECTOR, Walk, enrolled, place_held, returning, stepping_down, stepping_up
from tests.domain.walk import WHOLE_PACKAGE as WHOLE
from tests.policies import EXAMPLE_FILE, terms_of, variant

BY_PHONE: dict[str, Any] = {"to": "their charge nurse", "how": "phone"}
CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)
LEAVING: dict[str, Callable[[Walk], object]] = {
    "declined": lambda walk: walk.do(DeclineTransition, reason="no", safety_plan_reviewed=True),
    "withdrawn": lambda walk: walk.do(WithdrawMove, reason="settled"),
    "in hospital": lambda walk: walk.do(RecordCrisis, place="inpatient", level="INPATIENT", reason="attempt"),
    "discharged": lambda walk: walk.do(Discharge, reason="against-advice"),
    "died": lambda walk: walk.do(RecordDeath, source="their sister"),
}


def owed(walk: Walk) -> list[str]:
    return [each.id for each in walk.state.open_of(HANDOFF.kind)]


@pytest.mark.parametrize("walk_to", [stepping_up, stepping_down, returning])
def test_it_is_owed_from_the_start_of_every_move_and_due_before_the_move_is(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    [handoff], move = walk.state.open_of(HANDOFF.kind), walk.state.moves.current
    assert move is not None and handoff.due_at < move.due_at and handoff.policy == "us-generic-1"


def test_with_read_back_and_the_whole_package_it_is_done() -> None:
    walk = stepping_up()
    walk.do(RecordHandoff, **BY_PHONE, package=WHOLE, read_back=True, by=CASE_MANAGER)
    assert owed(walk) == [] and HANDOFF.kind in {each.kind for each in walk.saw(ObligationMet)}
    assert in_words(walk.state) == "to PHP, read back"


@pytest.mark.parametrize(
    ("package", "read_back", "words"),
    [
        (WHOLE, False, "to PHP, not read back"),
        (WHOLE.changed(contacts=False), True, "to PHP, read back, without contacts"),
        (HandoffPackage(), False, "to PHP, not read back, without medication list, risk and safety plan, "),
    ],
)
def test_an_attempt_without_read_back_or_with_something_missing_leaves_it_owed(
    package: HandoffPackage, read_back: bool, words: str
) -> None:
    walk = stepping_up()
    walk.do(RecordHandoff, **BY_PHONE, package=package, read_back=read_back)
    assert owed(walk) == ["handoff-1"]
    assert (in_words(walk.state) or "").startswith(words)


def test_what_was_given_before_need_not_be_given_again() -> None:
    walk = stepping_up()
    walk.do(RecordHandoff, to="their inbox", how="secure-message", package=HandoffPackage(medication_list=True))
    walk.do(RecordHandoff, **BY_PHONE, package=WHOLE.changed(medication_list=False), read_back=True)
    assert owed(walk) == [] and [each.attempt for each in walk.saw(HandoffRecorded)] == [1, 2]


def test_whoever_arrived_without_a_handoff_is_open_work_and_people_are_told() -> None:
    walk = place_held()
    walk.do(ConfirmArrival)
    assert owed(walk) == ["handoff-1"] and in_words(walk.state) == "to PHP, not tried yet"
    walk.later(hours=25)
    told = {each.to for each in walk.saw(ObligationEscalated) if each.obligation == "handoff-1"}
    assert told == {Role.CLINICIAN, Role.SUPERVISOR}
    walk.do(RecordHandoff, **BY_PHONE, package=WHOLE, read_back=True)
    assert owed(walk) == [] and in_words(walk.state) is None
    [done] = [each for each in walk.saw(ObligationMet) if each.kind == HANDOFF.kind]
    assert done.late


def test_in_an_emergency_a_clinician_waives_it_with_a_reason() -> None:
    walk = place_held()
    walk.do(WaiveObligation, obligation="handoff-1", reason="the ambulance crew took over")
    assert owed(walk) == []


@pytest.mark.parametrize("walk_to", [stepping_up, place_held, stepping_down, returning])
@pytest.mark.parametrize("leave", LEAVING.values(), ids=list(LEAVING))
def test_it_ends_with_its_move(walk_to: Callable[[], Walk], leave: Callable[[Walk], object]) -> None:
    walk = walk_to()
    leave(walk)
    assert owed(walk) == [] and in_words(walk.state) is None


def test_a_higher_move_has_its_own() -> None:
    walk = stepping_up()
    walk.do(RecordHandoff, **BY_PHONE, package=WHOLE)
    walk.do(RequestStepUp, to="INPATIENT", reason="worse")
    assert owed(walk) == ["handoff-2"] and in_words(walk.state) == "to INPATIENT, not tried yet"


def test_a_discharge_during_a_move_does_not_bring_it_back_but_one_after_the_arrival_does() -> None:
    moving, arrived = stepping_down(), stepping_down()
    arrived.do(ConfirmArrival)
    for walk in (moving, arrived):
        walk.do(Discharge, reason="moved")
        walk.do(CorrectDischarge, reason="another client of that name")
    assert (owed(moving), owed(arrived)) == ([], ["handoff-2"])


def test_a_death_recorded_by_mistake_brings_it_back_with_its_due_time() -> None:
    walk = stepping_up()
    due_at = walk.state.open_of(HANDOFF.kind)[0].due_at
    walk.do(RecordHandoff, **BY_PHONE, package=WHOLE)
    walk.do(RecordDeath, source="their sister")
    walk.do(CorrectDeath, reason="another client", by=DIRECTOR)
    [handoff] = walk.state.open_of(HANDOFF.kind)
    assert handoff.due_at == due_at and in_words(walk.state) == "to PHP, not read back"


def test_an_attempt_from_before_the_move_is_refused() -> None:
    walk = enrolled()
    walk.later(hours=5)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.refused(RecordHandoff, "before-it-was-owed", **BY_PHONE, occurred_at=walk.now - timedelta(hours=1))


def test_the_policy_must_have_the_handoff_due_before_the_move() -> None:
    policy = policy_named("us-generic-1")
    for late in ({"step_up_handoff_hours": policy.step_up_hours}, {"step_down_handoff_days": policy.step_down_days}):
        with pytest.raises(ValidationError, match="a handoff is due before its move"):
            Policy.model_validate({**policy.model_dump(), **late})


def test_a_cancelled_one_says_why() -> None:
    walk = stepping_up()
    walk.do(DeclineTransition, reason="no", safety_plan_reviewed=True)
    [cancelled] = [each for each in walk.saw(ObligationCancelled) if each.kind == HANDOFF.kind]
    assert cancelled.because == "transition.declined"


def test_a_policy_may_leave_out_what_goes_with_a_move(tmp_path: Path) -> None:
    text = EXAMPLE_FILE.read_text()
    kinds = ("handoff", "book-first-visit", "first-visit", "end-taper")
    terms = [(terms_of(text, kind), "") for kind in kinds]
    parts = [(f'  "{part}",\n', "") for part in ("handoff", "first_visit", "taper")]
    file = variant(tmp_path, "us-bare-moves-1", *terms, *parts)
    use_policies([read_policy(file).policy])
    walk = enrolled()
    walk.do(ChangePolicy, to="us-bare-moves-1", reason="its site keeps its own lists")
    tapered = {"to": "OP", "reason": "steady", "taper_until": "2026-03-30"}
    walk.refused(StartStepDown, "not-in-this-policy", **tapered)
    walk.do(StartStepDown, to="OP", reason="steady")
    assert not {each.kind for each in walk.state.obligations.open.values()} & set(kinds)
    walk.refused(RecordHandoff, "not-in-this-policy", **BY_PHONE)
    walk.do(ConfirmArrival)
    assert not {each.kind for each in walk.state.obligations.open.values()} & set(kinds)
    assert move_words(walk.state) == {}
