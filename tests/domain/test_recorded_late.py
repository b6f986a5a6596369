"""A decision that is typed in late counts from when it was true, and what follows from it does too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from domain.commands import Decision
from domain.pathway import DECISIONS
from domain.pathway.admission import OpenJourney
from domain.pathway.coverage import RecordBenefits
from domain.pathway.discharge import Discharge
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.funding import ResolveFunding
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp
from domain.pathway.obligation_decisions import CompleteObligation
from domain.pathway.obligation_events import ObligationMet
from domain.pathway.place_search import PlaceSearchStarted
from domain.pathway.placement import DecidePlacement, PlacementDecided
from domain.pathway.reviews import CompleteReview
from domain.pathway.screening import CompleteScreening
from domain.values import Stage
from tests.domain.walk import (
    MONDAY,
    SCREENED,
    Walk,
    agreed,
    discharged,
    elsewhere,
    enrolled,
    opened,
    stepping_up,
    window_missed,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def due(walk: Walk, obligation: str) -> datetime:
    return walk.state.obligations.open[obligation].due_at


def test_care_that_began_on_friday_is_reviewed_from_friday_on() -> None:
    on_time, late = agreed(), agreed()
    on_time.enrol()
    began = late.now
    late.later(days=3)
    late.enrol(occurred_at=began)
    assert due(late, "review-1") == due(on_time, "review-1")
    assert late.state.level_since == began
    assert due(late, "draft-discharge-plan-1") == began + 24 * HOUR


def test_a_review_done_on_time_and_typed_in_late_is_not_late() -> None:
    walk = enrolled()
    walk.later(weeks=7)
    done_at = due(walk, "review-1") - HOUR
    walk.do(CompleteReview, outcome="continue", rationale="steady", occurred_at=done_at)
    [met] = [event for event in walk.saw(ObligationMet) if event.obligation == "review-1"]
    assert (met.late, met.at) == (False, done_at)


def test_the_24_hours_of_a_step_up_count_from_its_decision_and_the_search_begins_now() -> None:
    walk = enrolled()
    decided = walk.now + DAY
    walk.later(hours=54)
    walk.do(RequestStepUp, to="PHP", reason="worse", occurred_at=decided)
    assert due(walk, "complete-step-up-1") == decided + 24 * HOUR
    [search] = walk.saw(PlaceSearchStarted)
    assert search.at == walk.now
    [wanted] = [effect for effect in walk.state.pending().values() if effect.kind == "hold-place"]
    assert wanted.wanted_by == walk.now + 24 * HOUR, "a place in the past helps nobody"


def test_the_payer_is_asked_about_today_where_other_coverage_is_typed_in_late() -> None:
    walk = opened()
    walk.do(RecordBenefits, verdict="INACTIVE", note="by phone")
    known = walk.now
    walk.later(days=5)
    walk.do(ResolveFunding, route="other-coverage", reason="a second plan", occurred_at=known)
    asked = walk.state.pending()["benefits-2"]
    assert asked.kind == "check-benefits"
    assert asked.service_date == (MONDAY + 5 * DAY).date()


def test_an_arrival_and_a_discharge_keep_the_order_of_stays() -> None:
    walk = stepping_up()
    arrived = walk.now + HOUR
    walk.later(days=2)
    walk.do(ConfirmArrival, facility="County Hospital", occurred_at=arrived)
    walk.refused(Discharge, "before-this-level", reason="moved", occurred_at=arrived - HOUR)
    walk.do(Discharge, reason="moved", occurred_at=arrived + HOUR)
    assert [(stay.since, stay.until) for stay in walk.state.care.stays][-1] == (arrived, arrived + HOUR)
    assert all(stay.since <= (stay.until or walk.now) for stay in walk.state.care.stays)


def test_a_contact_after_discharge_counts_on_the_day_it_was_made() -> None:
    walk = discharged()
    ended = walk.now
    walk.later(days=3)
    walk.do(RecordFollowUp, contact="reached", occurred_at=ended + DAY)
    assert walk.is_at(Stage.FOLLOW_UP)
    same_day = discharged()
    same_day.later(days=3)
    same_day.refused(RecordFollowUp, "too-early", contact="reached", occurred_at=ended)


def test_an_admission_that_reached_us_late_leaves_room_for_what_was_decided_before() -> None:
    walk = Walk(MONDAY)
    friday = MONDAY - 3 * DAY
    opening = {"journey_id": "journey-1", "client_ref": "client-1", "site": "main", "message": "message-1"}
    walk.do(OpenJourney, **opening, admitted_at=friday)
    walk.do(RecordBenefits, verdict="CLEAR", note="by phone", occurred_at=friday + HOUR)
    walk.do(CompleteScreening, **SCREENED, occurred_at=friday + HOUR)
    walk.do(DecidePlacement, recommended="OP", actual="OP", occurred_at=friday + 2 * HOUR)
    assert walk.saw(PlacementDecided)[0].at == friday + 2 * HOUR


@pytest.mark.parametrize(
    ("walk_to", "contact"), [(elsewhere, "external-contact-1"), (window_missed, "interim-contact-1")]
)
def test_one_contact_does_not_count_twice(walk_to: Callable[[], Walk], contact: str) -> None:
    walk = walk_to()
    walk.later(hours=3)
    made = walk.now - HOUR
    walk.do(CompleteObligation, obligation=contact, note="called", occurred_at=made)
    following = contact.replace("-1", "-2")
    assert due(walk, following) > walk.now
    walk.refused(CompleteObligation, "before-it-was-owed", obligation=following, note="again", occurred_at=made - HOUR)
    walk.do(CompleteObligation, obligation=following, note="called once more")


def test_a_review_before_the_last_one_does_not_bring_the_next_forward() -> None:
    walk = enrolled("OP")
    walk.later(days=60)
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    owed = due(walk, "review-2")
    early = MONDAY + 10 * DAY
    walk.refused(CompleteReview, "before-it-was-owed", outcome="continue", rationale="older", occurred_at=early)
    assert due(walk, "review-2") == owed


def test_a_client_is_not_back_from_leave_before_it_began() -> None:
    walk = enrolled()
    walk.later(days=10)
    walk.do(StartLeave, until=(walk.now + 3 * DAY).date(), category="family", reason="family")
    walk.refused(EndLeave, "before-it-was-owed", occurred_at=walk.now - DAY)


@pytest.mark.parametrize("kind", DECISIONS, ids=lambda kind: kind.__name__)
def test_every_decision_can_say_when_it_was_true(kind: type[Decision]) -> None:
    assert kind.model_fields["occurred_at"].default is None
