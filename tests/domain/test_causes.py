"""What the record knows a command by: a decision's own id never stands for anything else."""

from __future__ import annotations

import pytest

from domain.commands import Decision
from domain.decide import Decided, decide
from domain.pathway import DECISIONS
from domain.pathway.calls import Done, PlaceAnswer, SettleEffect
from domain.pathway.cost import AcceptCost, CostAccepted
from domain.pathway.enrolment import ConfirmEnrolment, Enrolled
from domain.pathway.move_decisions import RequestStepUp
from domain.pathway.obligation_decisions import AcknowledgeObligation
from domain.pathway.place_search import NoPlaceFound
from domain.pathway.placement import DecidePlacement, PlacementDecided
from tests.domain.walk import answered, enrolled, opened, stepping_up

BY_SYSTEMS = ("open", "repeat", "cancel", "discharge-report", "settle", "time")
"""What the ids of commands that no person gives begin with."""


def test_the_same_id_for_another_kind_is_another_command() -> None:
    walk = answered()
    walk.do(DecidePlacement, id="same", recommended="IOP", actual="IOP")
    walk.do(AcceptCost, id="same", estimate="estimate-1")
    walk.do(ConfirmEnrolment, id="same", track="evening")
    walk.attended(first_kept_at=walk.now)
    assert walk.path() == ["IOP"]
    assert [e.cause for e in walk.record if isinstance(e, PlacementDecided | CostAccepted | Enrolled)] == [
        "decide-placement/same",
        "accept-cost/same",
        "confirm-enrolment/same",
    ]


def test_the_same_id_for_the_same_kind_is_the_same_command() -> None:
    walk = enrolled()
    walk.do(RequestStepUp, id="same", to="PHP", reason="worse")
    assert walk.decide(RequestStepUp, id="same", to="INPATIENT", reason="much worse") == Decided((), walk.state)


def test_a_decision_that_calls_itself_an_answer_does_not_shadow_the_answer() -> None:
    walk = stepping_up()
    key = "place-1-search-1"
    walk.do(AcknowledgeObligation, id=f"settle/{key}", obligation="complete-step-up-1")
    walk.do(SettleEffect, id=f"settle/{key}", key=key, answer=PlaceAnswer())
    assert len(walk.saw(NoPlaceFound)) == 1


def test_an_answer_is_taken_once_under_its_id() -> None:
    walk = opened()
    key = f"ehr-{walk.state.news}"
    settled = SettleEffect(id=f"settle/{key}", key=key, answer=Done())
    first = decide(walk.state, settled, walk.now)
    assert isinstance(first, Decided) and {event.cause for event in first.events} == {f"settle/{key}"}
    assert decide(first.state, settled, walk.now) == Decided(events=(), state=first.state)


@pytest.mark.parametrize("kind", DECISIONS, ids=lambda kind: kind.__name__)
def test_no_decision_can_take_the_name_of_what_systems_say(kind: type[Decision]) -> None:
    assert kind.model_fields["kind"].default not in BY_SYSTEMS
