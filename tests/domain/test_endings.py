"""How a journey ends after care: followed up, waived, or at the client's wish."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.pathway.closing import JourneyClosed
from domain.pathway.corrections import CorrectDischarge
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.discharge import Discharge, RecordPlanDelivery
from domain.pathway.follow_up import EndFollowUp, RecordFollowUp
from domain.pathway.leave import StartLeave
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.reopening import ReopenJourney
from domain.plans import DischargeReason
from domain.values import Stage
from tests.domain.walk import (
    AFTER_CARE,
    DIRECTOR,
    Walk,
    closed,
    discharged,
    discharging,
    elsewhere,
    enrolled,
    followed_up_once,
    in_emergency_department,
    in_hospital,
    place_held,
    returning,
    stepping_down,
    stepping_up,
    window_missed,
)


def on_leave() -> Walk:
    walk = enrolled()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    return walk


MOVING = (stepping_down, stepping_up, place_held, window_missed, returning)
IN_CARE = (enrolled, on_leave, *MOVING, elsewhere, in_emergency_department, in_hospital, discharging)


def ending(walk: Walk) -> str:
    (event,) = walk.saw(JourneyClosed)
    return event.reason


def test_what_was_done_last_says_how_the_journey_closed() -> None:
    assert ending(closed()) == "followed-up"
    last_waived = followed_up_once()
    last_waived.do(WaiveObligation, obligation="follow-up-2", reason="moved abroad")
    assert ending(last_waived) == "follow-up-waived"
    first_waived = discharged()
    first_waived.do(WaiveObligation, obligation="follow-up-1", reason="the new therapist calls")
    assert not first_waived.saw(JourneyClosed)
    first_waived.later(days=8)
    first_waived.do(RecordFollowUp, contact="reached")
    assert ending(first_waived) == "followed-up"


@pytest.mark.parametrize("reason", ["contact-declined", "moved-away", "care-elsewhere"])
@pytest.mark.parametrize("walk_to", [discharged, followed_up_once])
def test_a_client_who_wants_no_further_contact_is_not_called_again(walk_to: Callable[[], Walk], reason: str) -> None:
    walk = walk_to()
    walk.do(EndFollowUp, reason=reason, note="as they said", by={"id": "c-1", "role": "case-manager"})
    assert (walk.state.stage, ending(walk), walk.owes()) == (Stage.CLOSED, reason, set())
    assert [event.type for event in walk.later(days=60)] == ["journey.final"]
    walk.refused(RecordFollowUp, "journey-ended", contact="reached")
    walk.settle_all()
    assert walk.state.is_finished


@pytest.mark.parametrize("reason", DischargeReason)
@pytest.mark.parametrize("walk_to", IN_CARE)
def test_a_client_can_leave_care_for_every_reason_wherever_they_are(
    walk_to: Callable[[], Walk], reason: DischargeReason
) -> None:
    walk = walk_to()
    walk.do(Discharge, reason=reason)
    assert walk.is_at(Stage.DISCHARGED) and walk.owes() == AFTER_CARE
    state = walk.state
    assert (state.level, state.moves.current, state.crisis.current, state.leave.until) == (None, None, None, None)
    told = {event.kind for event in walk.later(days=40) if isinstance(event, ObligationEscalated)}
    assert told == {"follow-up", "early-follow-up", "deliver-discharge-plan"}
    walk.do(EndFollowUp, reason="moved-away", note="abroad")
    walk.do(RecordPlanDelivery, how="mailed")
    walk.until_final()
    assert walk.state.is_finished and walk.state.next_deadline() is None


def test_a_journey_without_further_contact_closes_once_the_plan_is_delivered() -> None:
    for deliver in (True, False):
        walk = enrolled()
        walk.do(Discharge, reason="moved")
        walk.do(EndFollowUp, reason="moved-away", note="abroad")
        assert walk.is_at(Stage.DISCHARGED) and walk.owes() == {"deliver-discharge-plan-1"}
        walk.do(RecordCrisis, place="emergency-department", reason="panic")
        walk.do(EndCrisis, safety_rechecked=True, note="home")
        assert walk.owes() == {"deliver-discharge-plan-1"}, "nobody is contacted who wants none"
        if deliver:
            walk.do(RecordPlanDelivery, how="mailed")
        else:
            walk.do(WaiveObligation, obligation="deliver-discharge-plan-1", reason="no address", by=DIRECTOR)
        assert walk.is_at(Stage.CLOSED) and walk.saw(JourneyClosed)[-1].reason == "moved-away"
        walk.do(ReopenJourney, reason="another client", by=DIRECTOR)
        assert {"early-follow-up", "follow-up"} <= {each.kind for each in walk.state.obligations.open.values()}


def test_a_correction_while_the_plan_is_to_be_delivered_owes_no_contacts() -> None:
    walk = enrolled()
    walk.do(Discharge, reason="moved")
    walk.do(EndFollowUp, reason="moved-away", note="abroad")
    walk.do(CorrectDischarge, reason="another client of that name")
    kinds = {each.kind for each in walk.state.obligations.open.values()}
    assert walk.is_at(Stage.ACTIVE) and not kinds & {"early-follow-up", "follow-up", "deliver-discharge-plan"}
    walk.do(Discharge, reason="moved")
    assert {each.kind for each in walk.state.obligations.open.values()} >= {"early-follow-up", "follow-up"}
