"""A page that reaches nobody: the next person hears at once, and operations telephone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.effects import Notify
from domain.obligation_terms import Channel
from domain.pathway.calls import RESOLVE_EFFECT, Done, Failed
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition
from domain.pathway.notices import DELIVER_PAGE, NoticeNotDelivered
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation
from domain.pathway.obligation_events import ObligationCancelled, ObligationEscalated
from domain.values import Role
from tests.domain.walk import OPERATIONS, Walk, closed, opened, place_held, stepping_up

REFUSED = Failed(code="mail/smtp-554")


def paged() -> Walk:
    """A clinician is being paged about a step-up."""
    walk = stepping_up("IOP", "PHP")
    walk.later(minutes=1)
    return walk


def pages(walk: Walk, obligation: str) -> list[Notify]:
    calls = (call for call in walk.state.pending().values() if isinstance(call, Notify))
    return [call for call in calls if call.obligation == obligation and call.how is Channel.PAGE]


def told(walk: Walk, obligation: str) -> list[tuple[Role, timedelta]]:
    """Who was told, and how long after the start of the walk's step-up."""
    began = next(e for e in walk.record if e.type == "transition.started").at
    return [(e.to, e.at - began) for e in walk.saw(ObligationEscalated) if e.obligation == obligation]


def test_a_page_that_is_refused_goes_to_the_next_person_at_once() -> None:
    walk = paged()
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    assert told(walk, "complete-step-up-1") == [
        (Role.CLINICIAN, timedelta(0)),
        (Role.SUPERVISOR, timedelta(minutes=1)),
    ]
    assert [page.to for page in pages(walk, "complete-step-up-1")] == [Role.SUPERVISOR]


def test_that_a_page_was_not_delivered_is_urgent_itself_and_operations_are_paged() -> None:
    walk = paged()
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    (owed,) = walk.state.open_of(DELIVER_PAGE.kind)
    assert owed.urgent and owed.owner is Role.OPERATIONS and owed.about == "complete-step-up-1"
    walk.later(minutes=1)
    assert [page.to for page in pages(walk, owed.id)] == [Role.OPERATIONS]
    (event,) = walk.saw(NoticeNotDelivered)
    assert event.sentence() == (
        "The page to clinician was not delivered: complete the step-up (complete-step-up-1), mail/smtp-554"
    )


def test_with_the_mail_system_away_everyone_is_tried_and_then_the_last_once_an_hour() -> None:
    walk = paged()
    for _ in range(6):
        for page in pages(walk, "complete-step-up-1"):
            walk.settle(page.key, Failed(code="no-answer-in-time"))
        walk.later(hours=1)
    roles = [role for role, _ in told(walk, "complete-step-up-1")]
    assert roles[:3] == [Role.CLINICIAN, Role.SUPERVISOR, Role.MEDICAL_DIRECTOR]
    assert set(roles[3:]) == {Role.MEDICAL_DIRECTOR} and len(roles[3:]) == 4, "no more than one an hour"
    assert len(walk.state.open_of(DELIVER_PAGE.kind)) == 1


def test_operations_own_page_that_fails_goes_to_the_supervisor_and_raises_nothing_more() -> None:
    walk = paged()
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    walk.later(minutes=1)
    walk.settle("notify-deliver-page-1-1", REFUSED)
    assert [page.to for page in pages(walk, "deliver-page-1")] == [Role.SUPERVISOR]
    assert len(walk.state.open_of(DELIVER_PAGE.kind)) == 1


def test_a_page_that_fails_after_a_later_one_went_out_brings_no_further_one_forward() -> None:
    walk = paged()
    walk.later(hours=12)
    walk.settle("notify-complete-step-up-1-1", Failed(code="no-answer-in-time"))
    assert [role for role, _ in told(walk, "complete-step-up-1")] == [Role.CLINICIAN, Role.SUPERVISOR]
    assert walk.state.open_of(DELIVER_PAGE.kind)


def test_an_acknowledgement_does_not_keep_the_next_person_from_being_told_of_it() -> None:
    walk = paged()
    walk.do(AcknowledgeObligation, obligation="complete-step-up-1")
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    assert [page.to for page in pages(walk, "complete-step-up-1")] == [Role.SUPERVISOR]


def test_a_page_that_failed_needs_no_telephone_once_what_it_was_about_has_ended() -> None:
    walk = paged()
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    walk.do(DeclineTransition, reason="wants to stay", safety_plan_reviewed=True)
    assert not walk.state.open_of(DELIVER_PAGE.kind)
    assert "deliver-page-1" in {each.obligation for each in walk.saw(ObligationCancelled)}


def test_a_page_that_fails_once_what_it_was_about_has_ended_asks_nothing_of_anyone() -> None:
    walk = place_held()
    walk.later(minutes=1)
    walk.do(ConfirmArrival)
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    assert not walk.state.open_of(DELIVER_PAGE.kind, RESOLVE_EFFECT.kind)
    assert walk.saw(NoticeNotDelivered)


def test_operations_say_that_they_have_telephoned() -> None:
    walk = paged()
    walk.settle("notify-complete-step-up-1-1", REFUSED)
    walk.do(CompleteObligation, obligation="deliver-page-1", note="reached at home", by=OPERATIONS)
    assert "deliver-page-1" not in walk.owes() and "complete-step-up-1" in walk.owes()


def test_a_mail_that_is_refused_is_for_operations_to_resolve_and_brings_nothing_forward() -> None:
    walk = opened()
    due = walk.state.obligations.open["verify-benefits-1"].due_at
    walk.later(seconds=(due - walk.now).total_seconds())
    walk.settle("notify-verify-benefits-1-1", REFUSED)
    assert [owed.about for owed in walk.state.open_of(RESOLVE_EFFECT.kind)] == ["notify"]
    assert not walk.state.open_of(DELIVER_PAGE.kind)
    assert walk.state.obligations.open["verify-benefits-1"].steps_taken == 1


@pytest.mark.parametrize("answer", [REFUSED, Done()])
def test_a_page_about_a_journey_that_is_over_keeps_it_no_longer_than_its_answer(answer: Failed | Done) -> None:
    walk = closed()
    for key in [key for key in walk.state.pending() if key.startswith("notify")]:
        walk.settle(key, answer)
    assert not walk.state.open_of(DELIVER_PAGE.kind)
