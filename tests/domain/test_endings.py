"""How a journey ends after care: followed up, waived, or with the client's death."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.effects import ReleasePlace
from domain.pathway.closing import JourneyClosed
from domain.pathway.discharge import Discharge, Discharged, ReportDischarge, UpdateDischargePlan
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.obligation_decisions import WaiveObligation
from domain.pathway.obligations import ObligationRaised
from domain.values import Stage
from tests.domain.walk import (
    Walk,
    closed,
    discharged,
    discharging,
    elsewhere,
    enrolled,
    followed_up_once,
    place_held,
    returning,
    stepping_down,
    stepping_up,
    window_missed,
)

IN_CARE = [enrolled, stepping_down, stepping_up, place_held, window_missed, elsewhere, returning, discharging]


def ending(walk: Walk) -> str:
    (event,) = walk.saw(JourneyClosed)
    return event.reason


@pytest.mark.parametrize("walk_to", IN_CARE)
def test_after_a_death_nobody_is_called_and_nothing_is_owed(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(ReportDischarge, message="message-2")
    raised = len(walk.saw(ObligationRaised))
    walk.do(Discharge, reason="deceased")
    assert (walk.state.stage, ending(walk), walk.owes()) == (Stage.CLOSED, "deceased", set())
    assert walk.state.level is None and walk.state.care.stays[-1].until == walk.now
    assert len(walk.saw(ObligationRaised)) == raised
    assert walk.later(days=60) == []
    walk.refused(RecordFollowUp, "journey-ended", contact="reached")
    walk.settle_all()
    assert walk.state.is_finished


@pytest.mark.parametrize("walk_to", [stepping_up, place_held])
def test_after_a_death_during_a_step_up_the_place_is_given_back(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    walk.do(Discharge, reason="deceased")
    assert not walk.state.is_finished
    assert [c.hold_key for c in walk.state.pending().values() if isinstance(c, ReleasePlace)] == ["place-1"]


def test_a_death_excuses_an_incomplete_plan_and_is_still_a_clinicians_word() -> None:
    walk = enrolled()
    walk.do(UpdateDischargePlan, plan={})
    walk.refused(Discharge, "not-their-decision", reason="deceased", by={"id": "p", "role": "case-manager"})
    walk.do(Discharge, reason="deceased")
    assert walk.saw(Discharged)[0].gaps == ("follow-up appointments", "crisis contacts", "community resources")


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
