"""An obligation's owner is a person, with the role as fallback: assigned, handed over, told."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.effects import Notify
from domain.obligation_terms import Channel
from domain.pathway.care_team import AssignCareTeam, AssignObligation, HandOver
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation
from domain.pathway.obligation_events import ObligationAssigned, ObligationEscalated
from domain.pathway.reviews import CompleteReview
from domain.plans import Actor
from domain.refusal import UnknownHere
from domain.values import Role
from tests.domain.walk import OPERATIONS, Walk, answered, discharged, enrolled, opened, stepping_up

SUPERVISOR = Actor(id="s-105", role=Role.SUPERVISOR)
ALMA = Actor(id="s-102", role=Role.CLINICIAN)
BEN = Actor(id="s-112", role=Role.CLINICIAN)


def treated_by(person: str, walk: Walk) -> Walk:
    walk.do(AssignCareTeam, team_role="clinician", to=person, by=SUPERVISOR)
    return walk


def owners(walk: Walk) -> dict[str, str | None]:
    return {owed.id: owed.assignee for owed in walk.state.obligations.open.values()}


def notices(walk: Walk, obligation: str) -> list[Notify]:
    calls = (call for call in walk.state.pending().values() if isinstance(call, Notify))
    return [call for call in calls if call.obligation == obligation]


# ---- the care team -----------------------------------------------------------------------------------------


def test_before_anyone_is_assigned_the_role_owns_it() -> None:
    walk = enrolled()
    assert owners(walk)["review-1"] is None and walk.state.waiting_for_person() is None


def test_what_a_role_owes_is_its_persons_from_the_assignment_on() -> None:
    walk = treated_by("s-102", enrolled())
    others = {"assign-case-manager-1", "continued-stay-1", "recertify-1", "see-client-1", "refresh-discharge-plan-1"}
    assert owners(walk) == {"review-1": "s-102", "team-review-1": "s-102", **dict.fromkeys(others)}
    assert walk.state.waiting_for() is Role.SUPERVISOR, "who is to name a case manager first"
    walk.do(AssignCareTeam, team_role="case-manager", to="s-103", by=SUPERVISOR)
    assert walk.state.waiting_for() is Role.CLINICIAN and walk.state.waiting_for_person() == "s-102"


def test_new_obligations_go_to_the_person_who_has_the_role_for_this_client() -> None:
    walk = treated_by("s-102", enrolled())
    walk.later(weeks=6, days=-1)
    walk.do(CompleteReview, outcome="continue", rationale="steady", by=BEN)
    assert owners(walk)["review-2"] == "s-102"


def test_an_assignment_lasts_through_a_move_and_a_discharge() -> None:
    walk = discharged()
    walk.do(AssignCareTeam, team_role="case-manager", to="s-103", by=OPERATIONS)
    assert set(owners(walk).values()) == {"s-103"}


def test_another_person_takes_what_the_one_before_had_and_not_what_a_third_was_given() -> None:
    walk = treated_by("s-102", stepping_up())
    walk.do(AssignObligation, obligation="complete-step-up-1", to="s-105", by=SUPERVISOR)
    walk.do(AssignCareTeam, team_role="clinician", to="s-112", by=SUPERVISOR)
    assert owners(walk)["complete-step-up-1"] == "s-105"
    walk.do(AssignObligation, obligation="complete-step-up-1", to="s-112", by=BEN)
    walk.do(AssignCareTeam, team_role="clinician", by=SUPERVISOR)
    assert owners(walk)["complete-step-up-1"] is None
    assert Role.CLINICIAN not in walk.state.care_team.members


# ---- one obligation, or all of a person's ------------------------------------------------------------------


def test_one_obligation_is_given_alone_and_the_care_team_stays() -> None:
    walk = treated_by("s-102", enrolled())
    walk.do(AssignObligation, obligation="review-1", to="s-112", by=ALMA)
    assert owners(walk)["review-1"] == "s-112"
    walk.later(weeks=6, days=-1)
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    assert owners(walk)["review-2"] == "s-102"


def test_the_due_time_and_the_escalation_stay_when_it_is_given_away() -> None:
    walk = treated_by("s-102", enrolled())
    before = walk.state.obligations.open["review-1"]
    walk.do(AssignObligation, obligation="review-1", to="s-112", by=ALMA)
    after = walk.state.obligations.open["review-1"]
    assert (after.due_at, after.escalation) == (before.due_at, before.escalation)


def test_all_that_one_person_owes_is_handed_over_with_their_roles() -> None:
    walk = treated_by("s-102", stepping_up())
    walk.do(AssignCareTeam, team_role="case-manager", to="s-103", by=SUPERVISOR)
    walk.do(HandOver, of="s-102", to="s-112", reason="on leave from May", by=ALMA)
    assert "s-102" not in owners(walk).values() and owners(walk)["complete-step-up-1"] == "s-112"
    assert walk.state.care_team.members == {Role.CLINICIAN: "s-112", Role.CASE_MANAGER: "s-103"}
    walk.refused(HandOver, "nothing-of-theirs", of="s-102", to="s-112", reason="again", by=SUPERVISOR)


def test_a_hand_over_takes_what_was_given_to_the_person_alone() -> None:
    walk = enrolled()
    walk.do(AssignObligation, obligation="review-1", to="s-102", by=ALMA)
    walk.do(HandOver, of="s-102", to="s-112", reason="left", by=SUPERVISOR)
    assert owners(walk)["review-1"] == "s-112"


def given_alone_and_paused() -> Walk:
    """A decision on the level was given to one clinician alone, then the client went to a hospital."""
    walk = treated_by("s-102", answered())
    walk.do(AssignObligation, obligation="decide-placement-1", to="s-112", by=OPERATIONS)
    walk.do(RecordCrisis, place="inpatient", reason="attempt at home")
    return walk


def test_what_was_given_to_one_person_alone_is_theirs_again_after_a_crisis() -> None:
    walk = given_alone_and_paused()
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert owners(walk)["decide-placement-2"] == "s-112"


def test_a_hand_over_takes_what_waits_too() -> None:
    walk = given_alone_and_paused()
    walk.do(HandOver, of="s-112", to="s-102", reason="left the centre", by=OPERATIONS)
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert owners(walk)["decide-placement-2"] == "s-102"


def test_a_hand_over_to_one_who_lacks_a_role_changes_nothing_and_can_be_split_by_role() -> None:
    walk = treated_by("s-105", stepping_up())  # clinician and clinical supervisor
    walk.do(AssignCareTeam, team_role="clinical-supervisor", to="s-105", by=OPERATIONS)
    fields = {"of": "s-105", "reason": "left", "by": OPERATIONS}
    sentence = walk.refused(HandOver, "person-lacks-role", to="s-112", **fields)
    assert sentence == "s-112 is not clinical-supervisor. Choose someone who is."
    walk.do(HandOver, to="s-112", only_as="clinician", **fields)
    walk.do(HandOver, to="s-106", **fields)
    assert walk.state.care_team.members == {Role.CLINICIAN: "s-112", Role.SUPERVISOR: "s-106"}


@pytest.mark.parametrize("by", [Actor(id="s-112", role=Role.CLINICIAN), Actor(id="s-103", role=Role.CASE_MANAGER)])
def test_work_is_not_given_away_by_those_whose_it_is_not(by: Actor) -> None:
    walk = treated_by("s-102", enrolled())
    walk.refused(AssignObligation, "not-theirs-to-assign", obligation="review-1", to="s-105", by=by)
    walk.refused(HandOver, "not-theirs-to-assign", of="s-102", to="s-105", reason="left", by=by)


def test_anyone_may_take_something_over_and_a_role_may_give_away_what_nobody_has() -> None:
    walk = enrolled()
    walk.do(AssignObligation, obligation="review-1", to="s-112", by=ALMA)
    walk.do(AssignObligation, obligation="review-1", to="s-102", by=ALMA)
    assert [event.assignee for event in walk.saw(ObligationAssigned)] == ["s-112", "s-102"]


def test_without_a_list_of_staff_it_is_said_that_this_process_knows_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.people._FIND", [])
    with pytest.raises(UnknownHere, match="the centre's staff is unknown here"):
        enrolled().decide(AssignCareTeam, team_role="clinician", to="s-102", by=SUPERVISOR)


# ---- who is told -------------------------------------------------------------------------------------------


def test_the_persons_own_steps_name_them_and_the_others_name_a_role() -> None:
    walk = treated_by("s-102", enrolled())
    told = [e for e in walk.later(weeks=6, days=4) if isinstance(e, ObligationEscalated)]
    review = [e for e in told if e.obligation == "review-1"]
    clinicians = [(Role.CLINICIAN, "s-102")] * 3
    assert [(e.to, e.person) for e in review[:4]] == [*clinicians, (Role.SUPERVISOR, None)]
    assert [call.person for call in notices(walk, "review-1")][:4] == ["s-102", "s-102", "s-102", None]


def test_an_urgent_obligation_pages_its_person_as_it_is_raised() -> None:
    walk = treated_by("s-112", enrolled())
    walk.do(RequestStepUp, to="PHP", reason="worse at night", by=ALMA)
    walk.later(minutes=1)
    (page,) = notices(walk, "complete-step-up-1")
    assert (page.person, page.how) == ("s-112", Channel.PAGE)


def test_who_raised_it_themselves_is_not_told_of_it_and_the_supervisor_hears_on_time() -> None:
    walk = treated_by("s-102", enrolled())
    walk.do(RequestStepUp, to="PHP", reason="worse at night", by=ALMA)
    walk.later(hours=11)
    assert notices(walk, "complete-step-up-1") == []
    walk.later(hours=1)
    assert [call.to for call in notices(walk, "complete-step-up-1")] == [Role.SUPERVISOR]


def test_an_urgent_obligation_pages_the_person_who_is_given_it_and_nobody_else() -> None:
    walk = stepping_up()
    walk.later(minutes=1)
    walk.do(AssignObligation, obligation="complete-step-up-1", to="s-112", by=SUPERVISOR)
    assert [call.person for call in notices(walk, "complete-step-up-1")] == [None, "s-112"]
    walk.do(AssignObligation, obligation="complete-step-up-1", to="s-102", by=ALMA)
    assert len(notices(walk, "complete-step-up-1")) == 2, "who takes it knows it"


def test_what_is_not_urgent_tells_nobody_at_once_who_is_given_it() -> None:
    walk = treated_by("s-102", enrolled())
    assert notices(walk, "review-1") == []


def test_that_the_one_before_had_it_in_hand_keeps_nobody_quiet_once_it_is_anothers() -> None:
    walk = treated_by("s-102", opened())
    walk.do(AcknowledgeObligation, obligation="verify-benefits-1", by=Actor(id="s-101", role=Role.ADMISSIONS))
    walk.do(AssignObligation, obligation="verify-benefits-1", to="s-101", by=SUPERVISOR)
    owed = walk.state.obligations.open["verify-benefits-1"]
    assert owed.quiet_until is None and owed.acknowledged_times == 1


def test_the_owner_in_person_may_acknowledge_in_any_role() -> None:
    walk = enrolled()
    walk.do(AssignObligation, obligation="review-1", to="s-105", by=SUPERVISOR)
    walk.do(AcknowledgeObligation, obligation="review-1", by=SUPERVISOR)


def test_a_contact_recorded_by_its_person_tells_them_of_the_next_one_only_before_it_is_due() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.do(AssignCareTeam, team_role="case-manager", to="s-103", by=SUPERVISOR)
    walk.later(hours=25)
    walk.do(
        CompleteObligation, obligation="interim-contact-1", note="called", by=Actor(id="s-103", role="case-manager")
    )
    assert owners(walk)["interim-contact-2"] == "s-103"
    raised_at: datetime = walk.now
    walk.later(hours=22)
    assert [call.person for call in notices(walk, "interim-contact-2")] == ["s-103"]
    assert walk.now - raised_at == timedelta(hours=22)
