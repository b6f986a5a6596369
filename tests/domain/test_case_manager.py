"""In IOP each client has a case manager: named at the enrolment, or owed by the supervisor."""

from __future__ import annotations

from datetime import timedelta

from domain.obligation_terms import Priority
from domain.pathway.care_team import AssignCareTeam
from domain.pathway.corrections import CorrectEnrolment
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.obligation_events import ObligationMet
from domain.values import Role, Stage
from tests.domain.walk import ADMISSIONS, DIRECTOR, MONDAY, agreed, enrolled, unseen


def test_the_supervisor_owes_a_case_manager_from_the_enrolment_in_iop_on() -> None:
    walk = unseen()
    [owed] = walk.state.open_of("assign-case-manager")
    assert owed.owner is Role.SUPERVISOR and owed.priority is Priority.CLINICAL
    assert walk.state.calendar.local_date(owed.due_at - timedelta(seconds=1)) == MONDAY.date() + timedelta(days=1)
    walk.do(AssignCareTeam, team_role="case-manager", to="s-103", by=DIRECTOR)
    assert walk.saw(ObligationMet)[-1].obligation == owed.id and not walk.state.open_of("assign-case-manager")
    assert walk.state.open_of("first-session")[0].assignee == "s-103"


def test_a_case_manager_named_at_the_enrolment_owes_what_it_raises() -> None:
    walk = agreed()
    walk.refused(ConfirmEnrolment, "person-lacks-role", track="evening", case_manager="s-102")
    walk.do(ConfirmEnrolment, track="evening", case_manager="s-103")
    assert walk.state.care_team.members == {Role.CASE_MANAGER: "s-103"}
    assert not walk.state.obligations.raised.get("assign-case-manager"), "it was never owed"
    assert walk.state.open_of("first-session")[0].assignee == "s-103"


def test_no_case_manager_is_owed_at_op_and_one_is_after_a_step_up() -> None:
    walk = enrolled("OP")
    assert not walk.state.open_of("assign-case-manager")
    walk.do(RequestStepUp, to="IOP", reason="worse at night")
    walk.do(ConfirmArrival)
    assert walk.state.open_of("assign-case-manager")
    walk.do(StartStepDown, to="OP", reason="steady again")
    walk.do(ConfirmArrival)
    assert not walk.state.open_of("assign-case-manager"), "nobody is owed one there"


def test_a_case_manager_who_leaves_is_replaced() -> None:
    walk = agreed()
    walk.do(ConfirmEnrolment, track="evening", case_manager="s-103")
    walk.do(AssignCareTeam, team_role="case-manager", to=None, by=DIRECTOR)
    assert walk.state.open_of("assign-case-manager")


def test_a_waived_case_manager_is_not_owed_again_when_care_begins() -> None:
    walk = unseen()
    walk.do(WaiveObligation, obligation="assign-case-manager-1", reason="their own in the community", by=DIRECTOR)
    walk.attended(first_kept_at=walk.now)
    assert walk.is_at(Stage.ACTIVE) and not walk.state.open_of("assign-case-manager")


def test_an_enrolment_by_mistake_leaves_no_case_manager_owed() -> None:
    walk = unseen()
    walk.do(CorrectEnrolment, reason="another client's", by=ADMISSIONS)
    assert not walk.state.open_of("assign-case-manager")
