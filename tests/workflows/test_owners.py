"""A person owns what is owed, on the real parts: assigned, refused, handed over everywhere, and told."""

from __future__ import annotations

import re

import pytest

from domain.evolve import fold
from domain.pathway.care_team import AssignCareTeam, AssignObligation, HandOver
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.notices import DELIVER_PAGE, NoticeNotDelivered
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.reviews import CompleteReview
from domain.plans import Actor
from domain.values import Role
from recovery.hand_over import HandOverOfAll, HandOvers
from recovery.telling import Told
from tests.workflows.house import Case, House
from tests.workflows.paths import IOP, PHP, enrol

pytestmark = pytest.mark.stack

SUPERVISOR = Actor(id="s-105", role=Role.SUPERVISOR)
ALMA, BEN = "s-102", "s-112"


async def treated_by(house: House, person: str, role: str = "clinician") -> Case:
    case = await house.admit()
    await enrol(case, IOP)
    await case.do(AssignCareTeam, team_role=role, to=person, by=SUPERVISOR)
    await case.settled()
    return case


async def owner_of(case: Case, obligation: str) -> str | None:
    return (await case.state()).obligations.open[obligation].assignee


async def test_an_assignment_lasts_when_the_journey_rolls_over_and_new_obligations_go_to_that_person(
    house: House,
) -> None:
    case = await treated_by(house, ALMA)
    await case.roll_over()
    await case.later(weeks=5, days=6)
    await case.do(CompleteReview, outcome="continue", rationale="steady")
    state = await case.settled()
    assert await owner_of(case, "review-2") == ALMA
    recorded = fold(await case.record())
    assert (recorded.care_team, recorded.obligations) == (state.care_team, state.obligations)
    status = await case.journeys.status(case.id)
    assert (status.waiting_for, status.waiting_for_person) == (state.waiting_for(), state.waiting_for_person())


@pytest.mark.parametrize(
    ("to", "code"), [("s-999", "person-unknown"), ("s-103", "person-lacks-role"), (ALMA, "already-theirs")]
)
async def test_who_cannot_own_it_is_refused_before_anything_is_in_the_history(house: House, to: str, code: str) -> None:
    case = await treated_by(house, ALMA)
    before = len(await case.happened("workflow_execution_update_accepted"))
    refused = await case.refused(AssignObligation, obligation="review-1", to=to, by=SUPERVISOR)
    assert refused.code == code
    assert len(await case.happened("workflow_execution_update_accepted")) == before


async def test_all_that_a_person_owes_is_handed_over_and_each_failure_is_listed_by_journey(house: House) -> None:
    ours = [await treated_by(house, ALMA), await treated_by(house, ALMA)]
    of_two_roles = await treated_by(house, ALMA)
    await of_two_roles.do(AssignObligation, obligation="continued-stay-1", to="s-106", by=SUPERVISOR)
    await of_two_roles.do(AssignCareTeam, team_role="clinician", to="s-105", by=SUPERVISOR)
    others = await treated_by(house, BEN)
    asked = HandOverOfAll(of=ALMA, to=BEN, reason="left", by=SUPERVISOR)
    results: list[Told] = []
    concerned = await _concerned(house, asked, [*ours, of_two_roles, others])
    assert set(concerned) == {case.id for case in ours}
    wrong = asked.changed(to="s-103")
    hand_overs = HandOvers(house.store, house.journeys, _at_once)
    await hand_overs.carry_out(wrong, concerned, 600, results.append)
    assert {each.failed for each in results} == {"s-103 is not clinician. Choose someone who is."}
    assert await _concerned(house, asked, ours) == concerned, "it can be asked for again"
    results.clear()
    await hand_overs.carry_out(asked, [*concerned, "no-such-journey"], 600, results.append)
    assert [each.failed for each in results[:2]] == [None, None]
    assert "no journey no-such-journey runs" in (results[2].failed or "")
    assert await _concerned(house, asked, ours) == []
    for case in ours:
        assert await owner_of(case, "review-1") == BEN
        [handed] = [each for each in await case.record() if each.cause.startswith(f"{HandOver.name()}/")][:1]
        assert handed.type == "care-team.assigned"


async def _concerned(house: House, asked: HandOverOfAll, cases: list[Case]) -> list[str]:
    """Those of this test: the record holds other tests' journeys too."""
    ids = {case.id for case in cases}
    found = await HandOvers(house.store, house.journeys).concerned(asked)
    return [each for each in found if each in ids]


async def _at_once(seconds: float) -> None:
    """Waits for nothing."""


async def test_a_mail_goes_to_the_person_who_owns_it(house: House) -> None:
    case = await treated_by(house, ALMA)
    review = (await case.state()).obligations.open["review-1"]
    await case.later(seconds=(review.escalation[0].at - await case.now()).total_seconds() + 60)
    [mail] = [each for each in case.mail() if re.search(r"(?<!-)review-1", each["body"])]
    assert "clinician s-102 owns it" in mail["body"]
    assert mail["to"] in (["s-102@clinic.example"], ["s-112@clinic.example"]), "or to her cover, while she is absent"


async def test_a_page_that_the_mail_server_refuses_goes_to_the_next_person_at_once(house: House) -> None:
    case = await house.admit()
    await enrol(case, IOP)
    house.clinic.script("*", mail_refused=True)
    await case.do(RequestStepUp, to=PHP, reason="worse")
    state = await case.settled()
    record = await case.record()
    assert [each.to for each in record if isinstance(each, NoticeNotDelivered) if each.step == 1][:1] == [
        Role.CLINICIAN
    ]
    steps = [
        each for each in record if isinstance(each, ObligationEscalated) and each.obligation == "complete-step-up-1"
    ]
    assert [each.to for each in steps] == [Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR]
    assert (steps[-1].at - steps[0].at).total_seconds() < 3600, "nobody waited for the next step's hour"
    assert any(each.about == "complete-step-up-1" for each in state.open_of(DELIVER_PAGE.kind))
    house.clinic.script("*", mail_refused=False)
    await case.later(hours=2)
    subjects = {mail["subject"] for mail in case.mail()}
    assert {"Complete the step-up", "OVERDUE: Telephone those whom a page did not reach"} & subjects
