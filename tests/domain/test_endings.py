"""How a journey ends after care: followed up, waived, or at the client's wish."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.pathway.closing import JourneyClosed
from domain.pathway.follow_up import EndFollowUp, RecordFollowUp
from domain.pathway.obligation_decisions import WaiveObligation
from domain.values import Stage
from tests.domain.walk import Walk, closed, discharged, followed_up_once


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
    assert walk.later(days=60) == []
    walk.refused(RecordFollowUp, "journey-ended", contact="reached")
    walk.settle_all()
    assert walk.state.is_finished
