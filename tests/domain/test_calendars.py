"""A newer calendar of the site moves what is open and still ahead, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.clock import TimeKind
from domain.obligations import Obligation
from domain.pathway.admission import OpenJourney
from domain.pathway.calendars import AdoptCalendar, CalendarChanged
from domain.pathway.leave import StartLeave
from domain.pathway.obligation_events import ObligationEscalated, ObligationMoved
from domain.pathway.reviews import CompleteReview
from domain.values import Role
from tests.centres import deployed
from tests.domain.walk import (
    MONDAY,
    Walk,
    enrolled,
    opened,
    stepping_down,
    stepping_up,
    window_missed,
)

FLOOD = {"closures": [{"first_day": "2026-03-17", "last_day": "2026-03-20", "reason": "flood"}]}
NEW_YORK = {"zone": "America/New_York"}
WHY = "The building was under water."


def local(day: int, hour: int = 17, month: int = 3, zone: str = "America/Los_Angeles") -> datetime:
    return datetime(2026, month, day, hour, tzinfo=ZoneInfo(zone))


def obligation_of(walk: Walk, obligation_id: str) -> Obligation:
    return walk.state.obligations.open[obligation_id]


def adopt(walk: Walk, calendar: int = 2, **fields: object) -> list[str]:
    """Adopts it; the ids of what moved."""
    events = walk.do(AdoptCalendar, calendar=calendar, reason=WHY, **fields)
    return [event.obligation for event in events if isinstance(event, ObligationMoved)]


@pytest.fixture(autouse=True)
def no_calendar_is_left() -> Iterator[None]:
    with deployed():
        yield


def test_an_unplanned_closure_moves_what_is_counted_in_business_days() -> None:
    walk = opened()
    assert obligation_of(walk, "verify-benefits-1").due_at == local(17)
    with deployed(FLOOD):
        assert adopt(walk) == ["verify-benefits-1", "enrol-1"]
    assert obligation_of(walk, "verify-benefits-1").due_at == local(23)
    assert obligation_of(walk, "enrol-1").due_at == local(6, month=4)
    [changed] = walk.saw(CalendarChanged)
    assert (changed.site, changed.before, changed.calendar, changed.by.role) == ("main", 1, 2, Role.OPERATIONS)


@pytest.mark.parametrize("walk_to", [enrolled, stepping_up, window_missed])
def test_elapsed_hours_never_move(walk_to: Callable[[], Walk]) -> None:
    walk = walk_to()
    before = {o.id: o.due_at for o in walk.state.obligations.open.values() if o.counted.kind is TimeKind.ELAPSED}
    with deployed(FLOOD | NEW_YORK):
        moved = adopt(walk)
    assert {each: obligation_of(walk, each).due_at for each in before} == before
    assert not set(before) & set(moved)


def test_what_was_missed_stays_missed_and_goes_on_escalating() -> None:
    walk = opened()
    walk.later(days=1, hours=8)
    owed = obligation_of(walk, "verify-benefits-1")
    assert owed.is_overdue(walk.now)
    with deployed(FLOOD):
        assert adopt(walk) == ["enrol-1"]
        assert obligation_of(walk, "verify-benefits-1") == owed
        assert [each.id for each in walk.state.kept_due_times()] == ["verify-benefits-1"]
        walk.later(days=2)
        assert walk.state.why_due(owed) == "1 business day from Mon 16 Mar 2026 at Main site, closing 17:00"
    assert Role.OPERATIONS in {each.to for each in walk.saw(ObligationEscalated)}


def test_what_is_recorded_late_cannot_undo_a_miss() -> None:
    walk = opened()
    walk.later(days=1, hours=8)
    with deployed(FLOOD):
        assert adopt(walk, occurred_at=walk.now - timedelta(hours=20)) == ["enrol-1"]


def test_nothing_is_moved_into_the_past() -> None:
    with deployed(FLOOD):
        walk = opened()
        assert obligation_of(walk, "verify-benefits-1").due_at == local(23)
    walk.later(days=3)
    with deployed(FLOOD, {"closures": []}):  # the building dried sooner: it was due on the 17th after all
        assert adopt(walk, 3) == ["enrol-1"]
        assert [each.id for each in walk.state.kept_due_times()] == ["verify-benefits-1"]
    assert obligation_of(walk, "verify-benefits-1").due_at == local(23)
    assert obligation_of(walk, "enrol-1").due_at == local(30)


def test_people_are_told_by_the_new_due_time_and_not_twice() -> None:
    walk = opened()
    with deployed(FLOOD):
        adopt(walk)
        walk.later(days=3)
        assert not walk.saw(ObligationEscalated)
        walk.later(days=6)
    told = [each for each in walk.saw(ObligationEscalated) if each.kind == "verify-benefits"]
    assert [(each.to, each.planned_at) for each in told] == [
        (Role.ADMISSIONS, local(23)),
        (Role.OPERATIONS, local(24)),
    ]


def test_a_reminder_that_was_sent_is_not_sent_again() -> None:
    walk = enrolled()
    due = obligation_of(walk, "review-1").due_at
    walk.later(seconds=(due - timedelta(hours=10) - walk.now).total_seconds())
    with deployed({"zone": "America/Anchorage"}):  # an hour behind
        assert adopt(walk) == ["review-1", "recertify-1", "continued-stay-1"], "what is overdue stays as it was"
        walk.later(hours=22)
    told = [each.planned_at for each in walk.saw(ObligationEscalated) if each.obligation == "review-1"]
    opening, after = timedelta(hours=8), timedelta(hours=9)
    monday = due - timedelta(days=1) + opening  # 72 hours before would be on Saturday
    assert told == [due - timedelta(days=7) + opening, monday, due + after]


def test_a_step_down_ends_when_what_is_owed_for_it_does() -> None:
    walk = stepping_down()
    with deployed(NEW_YORK):
        assert "complete-step-down-1" in adopt(walk)
    move = walk.state.moves.current
    assert move is not None
    assert move.due_at == obligation_of(walk, "complete-step-down-1").due_at == local(24, 0, zone="America/New_York")


def test_a_client_on_leave_is_expected_on_the_day_that_was_named() -> None:
    walk = enrolled()
    walk.do(StartLeave, until="2026-03-20", category="family", reason="a funeral")
    with deployed(NEW_YORK):
        adopt(walk)
    assert obligation_of(walk, "return-from-leave-1").due_at == local(21, 0, zone="America/New_York")


def test_the_ehr_is_told_of_what_moved() -> None:
    walk = opened()
    walk.settle_all()
    assert "verify-benefits-1" not in walk.state.obligations.untold or not walk.state.pending()
    with deployed(FLOOD):
        adopt(walk)
    assert walk.state.obligations.untold["enrol-1"][1].due_at == local(6, month=4)
    assert f"ehr-{walk.state.news}" in walk.state.pending()


def test_what_is_owed_later_is_counted_by_the_new_calendar() -> None:
    walk = enrolled()
    with deployed(NEW_YORK):
        adopt(walk)
        walk.later(weeks=6)
        walk.do(CompleteReview, outcome="continue", rationale="steady")
        [review] = walk.state.open_of("review")
        assert (review.calendar, review.due_at.astimezone(ZoneInfo("America/New_York")).hour) == (2, 0)


def test_a_new_journey_opens_under_the_newest_calendar() -> None:
    with deployed(FLOOD):
        walk = opened()
    assert walk.state.admission.calendar == 2
    assert obligation_of(walk, "verify-benefits-1").due_at == local(23)


def test_the_same_command_again_leads_to_nothing_new() -> None:
    walk = opened()
    with deployed(FLOOD):
        assert adopt(walk, id="calendar/main/2/journey-1")
        assert walk.do(AdoptCalendar, calendar=2, reason=WHY, id="calendar/main/2/journey-1") == ()
        walk.refused(AdoptCalendar, "calendar-not-newer", calendar=2, reason=WHY, id="another")
        walk.refused(AdoptCalendar, "calendar-not-newer", calendar=1, reason=WHY)


def test_a_version_that_this_process_does_not_know_is_no_refusal_by_the_journey() -> None:
    with pytest.raises(LookupError, match=r"calendar 2 of site 'main' is unknown here: deploy .*sites/main\.toml"):
        opened().decide(AdoptCalendar, calendar=2, reason=WHY)


def test_a_site_that_this_process_does_not_know_is_named() -> None:
    fields = {"journey_id": "j", "client_ref": "c", "site": "harbour", "message": "m"}
    with pytest.raises(LookupError, match=r"site 'harbour' is unknown here \(known: main\)"):
        Walk().decide(OpenJourney, **fields, admitted_at=MONDAY)
