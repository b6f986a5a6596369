"""Waivers: with an end, taken back, and of a whole kind. Who may, and that nothing waived is ever forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.benefits import Verdict
from domain.obligations import Obligation, ObligationStatus
from domain.pathway import OBLIGATIONS
from domain.pathway.calls import Done, Failed
from domain.pathway.discharge import Discharge, ReportDischarge
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.moves import StepUpWindowMissed
from domain.pathway.obligation_decisions import (
    AcknowledgeObligation,
    CompleteObligation,
    UndoWaiver,
    WaiveObligation,
)
from domain.pathway.obligation_events import (
    ObligationCancelled,
    ObligationEscalated,
    ObligationMet,
    ObligationRaised,
    ObligationReopened,
)
from domain.pathway.reviews import CompleteReview
from domain.pathway.waivers import ObligationWaivedUntil
from domain.plans import Actor
from domain.values import Role, Stage
from tests.domain.walk import (
    ADMISSIONS,
    DIRECTOR,
    MONDAY,
    NO_PLACE,
    OPERATIONS,
    Walk,
    agreed,
    discharged,
    elsewhere,
    enrolled,
    placed,
    stepping_up,
    window_missed,
)

DAY = timedelta(days=1)
LOCAL = ZoneInfo("America/Los_Angeles")
CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)
UTILISATION = Actor(id="ur-1", role=Role.UTILISATION_REVIEW)


def midnight(day: date) -> datetime:
    """When `day` begins at the site."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)


def owed(walk: Walk, obligation: str) -> Obligation:
    return walk.state.obligations.open[obligation]


def until(walk: Walk, days: int) -> date:
    return walk.state.calendar.local_date(walk.now) + days * DAY


def waive(walk: Walk, obligation: str, days: int | None = None, *, whole: bool = False, by: Actor = DIRECTOR) -> None:
    day = until(walk, days) if days is not None else None
    walk.do(WaiveObligation, obligation=obligation, reason="agreed with the ward", until=day, all_of_kind=whole, by=by)


def undo(walk: Walk, obligation: str, *, whole: bool = False, by: Actor = DIRECTOR) -> None:
    walk.do(UndoWaiver, obligation=obligation, reason="it is needed after all", all_of_kind=whole, by=by)


def told(walk: Walk, obligation: str) -> list[ObligationEscalated]:
    return [event for event in walk.saw(ObligationEscalated) if event.obligation == obligation]


# ---- who may complete --------------------------------------------------------------------------------------


def test_operations_cannot_complete_an_authorisation_that_they_could_not_waive() -> None:
    walk = agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    said = walk.refused(
        CompleteObligation,
        "not-theirs-to-complete",
        obligation="obtain-authorisation-1",
        note="by fax",
        by=OPERATIONS,
    )
    assert said == (
        "Only utilisation review, admissions, clinical supervisor or medical director can complete "
        "obtain-authorisation-1. Ask one of them."
    )
    walk.refused(WaiveObligation, "not-theirs-to-waive", obligation="obtain-authorisation-1", reason="x", by=OPERATIONS)
    walk.do(CompleteObligation, obligation="obtain-authorisation-1", note="by fax", by=UTILISATION)


@pytest.mark.parametrize("role", Role)
def test_each_kind_that_ends_by_hand_is_completed_by_those_it_names_and_by_nobody_else(role: Role) -> None:
    walk = window_missed()
    by, allowed = Actor(id="p", role=role), OBLIGATIONS["interim-contact"].completable_by
    fields = {"obligation": "interim-contact-1", "note": "called", "by": by}
    if role in allowed:
        walk.do(CompleteObligation, **fields)
    else:
        walk.refused(CompleteObligation, "not-theirs-to-complete", **fields)


def test_an_arrival_is_confirmed_by_those_who_are_in_touch_with_the_client() -> None:
    walk = stepping_up("OP", "IOP")
    walk.refused(ConfirmArrival, "not-their-decision", by=OPERATIONS)
    walk.do(ConfirmArrival, by=CASE_MANAGER)


# ---- a waiver with an end ----------------------------------------------------------------------------------


def test_what_is_waived_until_a_day_is_quiet_and_owed_again_on_that_day_due_when_it_is_over() -> None:
    walk = elsewhere()
    before = owed(walk, "external-contact-1")
    waive(walk, before.id, 20)
    waived = owed(walk, before.id)
    assert waived.next_at() == walk.state.next_deadline() == midnight(until(walk, 20))
    assert walk.later(days=19) == [], "nobody is told while it is waived"
    assert not waived.is_overdue(walk.now) and waived.flags(walk.now) == (f"waived-until-{until(walk, 1)}",)
    day = until(walk, 1)
    walk.later(days=1)
    [again] = walk.saw(ObligationReopened)
    assert (again.at, again.owed.due_at) == (midnight(day), midnight(day + DAY))
    assert owed(walk, before.id).due_at == midnight(day + DAY) and not owed(walk, before.id).is_overdue(walk.now)
    assert walk.state.why_due(owed(walk, before.id)).startswith(f"{day:%a} {day.day} {day:%b %Y}, the day named, at")
    walk.later(days=6)
    opening = walk.state.calendar.in_opening_hours
    assert [(each.to, each.planned_at) for each in told(walk, before.id)][:2] == [
        (Role.CASE_MANAGER, opening(midnight(day + DAY))),
        (Role.SUPERVISOR, opening(midnight(day + DAY) + DAY)),
    ]


def test_a_waiver_that_ends_before_the_due_time_leaves_it_as_it_was() -> None:
    walk = discharged()
    before = owed(walk, "follow-up-2")
    waive(walk, before.id, 10)
    walk.later(days=10)
    again = owed(walk, before.id)
    assert (again.due_at, again.escalation, again.counts_from) == (before.due_at, before.escalation, before.counts_from)
    assert again.waiver is None and again.owed_again_at is None


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2027, 3, 13, 20, tzinfo=UTC), date(2027, 3, 14)),
        (datetime(2026, 10, 31, 20, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2028, 2, 28, 20, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_a_waiver_ends_at_midnight_at_the_site_on_clock_changes_and_the_leap_day(now: datetime, day: date) -> None:
    walk = elsewhere()
    walk.now = now
    walk.do(WaiveObligation, obligation="external-contact-1", reason="r", until=day, by=DIRECTOR)
    assert owed(walk, "external-contact-1").next_at() == midnight(day)
    walk.later(days=1)
    assert owed(walk, "external-contact-1").due_at == midnight(day + DAY)


def test_what_was_overdue_when_it_was_waived_stays_missed() -> None:
    walk = elsewhere()
    due = owed(walk, "external-contact-1").due_at
    walk.later(days=9)
    waive(walk, "external-contact-1", 5)
    walk.later(days=5)
    assert owed(walk, "external-contact-1").missed_due_at == due
    assert not owed(walk, "external-contact-1").is_overdue(walk.now)


def test_notices_after_a_waiver_are_not_mistaken_for_those_before_it() -> None:
    walk = elsewhere()
    walk.later(days=9)
    before = {key for key in walk.state.pending() if "external-contact" in key}
    assert before
    walk.settle_all()
    waive(walk, "external-contact-1", 5)
    walk.later(days=8)
    after = {key for key in walk.state.pending() if "external-contact" in key}
    assert after and not after & before


@pytest.mark.parametrize("days", [-1, 0, 91, 3_000])
def test_a_waiver_lasts_as_long_as_the_policy_allows(days: int) -> None:
    walk = elsewhere()
    fields = {"obligation": "external-contact-1", "reason": "r", "by": DIRECTOR}
    walk.refused(WaiveObligation, "waiver-too-long", until=until(walk, days), **fields)
    walk.do(WaiveObligation, until=until(walk, 90), **fields)


def test_what_is_waived_for_a_while_can_be_done_all_the_same_and_is_not_late() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1", 30)
    walk.later(days=12)
    walk.do(CompleteObligation, obligation="external-contact-1", note="they rang us")
    assert not walk.saw(ObligationMet)[-1].late and "external-contact-2" in walk.owes()


def test_care_may_begin_while_an_authorisation_is_waived_for_a_while_and_it_is_owed_again() -> None:
    walk = agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    waive(walk, "obtain-authorisation-1", 5)
    walk.enrol()
    walk.later(days=7)
    again = owed(walk, "obtain-authorisation-1")
    assert again.is_overdue(walk.now) and walk.is_at(Stage.ACTIVE)
    walk.do(CompleteObligation, obligation=again.id, note="authorised from the first day", by=UTILISATION)


def test_a_journey_is_never_silent_while_all_that_it_owes_is_waived() -> None:
    walk = discharged()
    for each in ("early-follow-up-1", "follow-up-1"):
        waive(walk, each, 20, whole=True)
    assert walk.state.waiting_for() is Role.CASE_MANAGER
    assert walk.state.next_deadline() == midnight(until(walk, 20))
    assert not walk.state.is_urgent(walk.now)


def test_a_waiver_is_refused_where_the_journey_would_stop() -> None:
    walk = enrolled()
    for kind in ("review-1", "continued-stay-1"):
        code = "not-waivable" if kind == "review-1" else "not-theirs-to-waive"
        by = DIRECTOR if kind == "review-1" else CASE_MANAGER
        walk.refused(WaiveObligation, code, obligation=kind, reason="r", until=until(walk, 5), by=by)


def test_a_discharge_that_is_decided_is_owed_though_one_reported_was_waived() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="m-2")
    waive(walk, "complete-discharge-1", 20)
    walk.do(CompleteReview, outcome="discharge", rationale="goals met")
    assert owed(walk, "complete-discharge-1").waiver is None and walk.is_at(Stage.DISCHARGING)


# ---- a whole kind ------------------------------------------------------------------------------------------


def test_a_whole_kind_is_waived_and_so_is_what_is_raised_until_the_waiver_ends() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1", 20, whole=True)
    walk.do(CompleteObligation, obligation="external-contact-1", note="they rang us")
    assert owed(walk, "external-contact-2").waiver is not None
    assert walk.later(days=19) == []
    walk.later(days=1)
    assert owed(walk, "external-contact-2").waiver is None
    walk.do(CompleteObligation, obligation="external-contact-2", note="called")
    assert owed(walk, "external-contact-3").waiver is None, "the waiver is over"


def test_a_whole_kind_without_a_day_covers_what_is_open_and_nothing_that_comes_later() -> None:
    walk = discharged()
    waive(walk, "follow-up-1", whole=True)
    assert walk.owes() == {"early-follow-up-1"}
    waive(walk, "early-follow-up-1", whole=True)
    assert walk.is_at(Stage.CLOSED)
    contact = elsewhere()
    waive(contact, "external-contact-1", whole=True)
    assert owed(contact, "external-contact-2").waiver is None


def test_a_kind_that_is_waived_pages_nobody_when_a_step_up_misses_its_window() -> None:
    walk = stepping_up("IOP", "PHP")
    walk.hand_off()
    walk.settle("place-1-search-1", NO_PLACE)
    waive(walk, "interim-contact-1", 5, whole=True)
    walk.do(CompleteObligation, obligation="interim-contact-1", note="with family")
    walk.later(hours=30)
    assert walk.saw(StepUpWindowMissed) and not told(walk, "interim-contact-1") and not told(walk, "interim-contact-2")
    told_of = {each.obligation for each in walk.saw(ObligationEscalated)}
    assert told_of == {"complete-step-up-1", "assign-case-manager-1"}


def test_the_waiver_of_a_kind_is_taken_back_for_all_that_it_covers() -> None:
    walk = discharged()
    before = {key: each for key, each in walk.state.obligations.open.items()}
    waive(walk, "follow-up-1", 20, whole=True)
    undo(walk, "follow-up-2", whole=True)
    assert walk.state.obligations.open == before and not walk.state.obligations.kinds_waived


def test_the_waiver_of_a_kind_does_not_cover_what_its_owner_may_not_waive() -> None:
    walk = enrolled()
    walk.do(ReportDischarge, message="m-2")
    waive(walk, "complete-discharge-1", 20, whole=True)
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.do(ConfirmArrival, facility="Harbour Day Hospital")
    walk.do(ReportDischarge, message="m-3")
    assert owed(walk, "complete-discharge-2").waiver is not None
    walk.do(StartStepDown, to="IOP", reason="better")
    walk.do(ConfirmArrival)
    walk.do(CompleteReview, outcome="discharge", rationale="goals met")
    assert owed(walk, walk.state.open_of("complete-discharge")[0].id).waiver is None


# ---- taken back --------------------------------------------------------------------------------------------


def acknowledged() -> Walk:
    walk = discharged()
    walk.later(days=8)
    walk.do(AcknowledgeObligation, obligation="follow-up-1", by=CASE_MANAGER)
    return walk


@pytest.mark.parametrize("days", [None, 30])
def test_a_waiver_undone_reopens_the_same_obligation_as_it_was_overdue_at_once(days: int | None) -> None:
    walk = acknowledged()
    before = owed(walk, "follow-up-1")
    waive(walk, before.id, days)
    walk.later(days=2)
    undo(walk, before.id)
    again = owed(walk, before.id)
    assert again.changed(missed_due_at=None) == before and again.is_overdue(walk.now)
    assert again.status is ObligationStatus.ACKNOWLEDGED
    walk.later(minutes=1)
    steps = [each.steps_taken for each in told(walk, before.id)]
    assert steps == sorted(set(steps)), "no step is taken twice"
    assert told(walk, before.id)[-1].at >= walk.saw(ObligationReopened)[-1].at, (
        "what came due meanwhile is told at once"
    )


def test_what_was_raised_in_its_place_is_not_owed_beside_it() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1")
    assert walk.owes() == {"external-contact-2"}
    undo(walk, "external-contact-1")
    assert walk.owes() == {"external-contact-1"}
    assert [each.obligation for each in walk.saw(ObligationCancelled)][-1] == "external-contact-2"


def test_with_every_waiver_of_a_kind_undone_only_the_first_is_owed_of_those_that_stood_for_each_other() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1")
    waive(walk, "external-contact-2", 20)
    undo(walk, "external-contact-2", whole=True)
    assert walk.owes() == {"external-contact-1"}


def test_a_waiver_cannot_be_undone_once_something_else_was_done_in_its_place() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1")
    walk.do(CompleteObligation, obligation="external-contact-2", note="called")
    walk.refused(UndoWaiver, "not-waived", obligation="external-contact-1", reason="r", by=DIRECTOR)


@pytest.mark.parametrize(
    ("walk_to", "obligation", "moved_on"),
    [
        (window_missed, "interim-contact-1", lambda walk: walk.do(ConfirmArrival, facility="County Hospital")),
        (elsewhere, "external-contact-1", lambda walk: walk.do(Discharge, reason="moved")),
    ],
)
def test_a_waiver_cannot_be_undone_when_what_it_was_for_is_over(
    walk_to: Callable[[], Walk], obligation: str, moved_on: Callable[[Walk], object]
) -> None:
    walk = walk_to()
    waive(walk, obligation)
    moved_on(walk)
    walk.refused(UndoWaiver, "not-waived", obligation=obligation, reason="r", by=DIRECTOR)
    assert not walk.state.obligations.waived


def test_a_waiver_is_undone_by_those_who_may_waive() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1")
    said = walk.refused(UndoWaiver, "not-theirs-to-waive", obligation="external-contact-1", reason="r", by=CASE_MANAGER)
    assert "medical-director" in said


def test_an_authorisation_whose_waiver_is_undone_comes_before_enrolment_again() -> None:
    walk = placed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    waive(walk, "obtain-authorisation-1")
    assert walk.state.authorisation.obtained
    undo(walk, "obtain-authorisation-1")
    assert not walk.state.authorisation.obtained and "obtain-authorisation-1" in walk.owes()


def test_the_end_of_a_stay_is_owed_once_when_its_waiver_is_undone() -> None:
    walk = enrolled()
    walk.later(days=80)
    walk.do(StartStepDown, to="OP", reason="steady")
    waive(walk, "continued-stay-1")
    assert "continued-stay-2" in walk.owes()
    undo(walk, "continued-stay-1")
    assert [each.id for each in walk.state.open_of("continued-stay")] == ["continued-stay-1"]


def test_follow_up_that_was_waived_and_undone_still_closes_the_journey_when_it_is_done() -> None:
    walk = discharged()
    waive(walk, "follow-up-1")
    walk.later(days=10)
    undo(walk, "follow-up-1")
    walk.do(RecordFollowUp, contact="reached")
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.CLOSED)


def test_a_notice_that_reached_nobody_is_flagged_until_one_does() -> None:
    walk = elsewhere()
    walk.later(days=9)
    first, *others = [key for key in walk.state.pending() if key.startswith("notify-external-contact-1")]
    walk.settle(first, Failed(code="mailbox-unknown"))
    assert "not-delivered" in owed(walk, "external-contact-1").flags(walk.now)
    walk.settle(others[0], Done())
    assert "not-delivered" not in owed(walk, "external-contact-1").flags(walk.now)


def test_what_is_raised_while_its_kind_is_waived_says_by_whose_decision() -> None:
    walk = elsewhere()
    waive(walk, "external-contact-1", 20, whole=True)
    walk.do(CompleteObligation, obligation="external-contact-1", note="they rang us")
    raised = [each for each in walk.saw(ObligationRaised) if each.obligation.id == "external-contact-2"]
    [waived] = [each for each in walk.saw(ObligationWaivedUntil) if each.obligation == "external-contact-2"]
    assert waived.by == DIRECTOR and waived.reason is None and waived.cause == raised[0].cause
    assert (walk.now, waived.until) == (waived.at, until(walk, 20))
    assert ADMISSIONS.role not in OBLIGATIONS["external-contact"].waivable_by and walk.now > MONDAY - DAY
