"""Each test here stands for something that users of systems like this one asked for in public, and is named after it.

The requests are told in our own words. One that only a command can show is in `tests/cli/test_asked_for.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.missed import missed_of
from dashboard.reading import row, urgency
from domain.benefits import Verdict
from domain.clock import TimeKind
from domain.commands import Decision
from domain.obligations import Obligation
from domain.pathway.admission import CancelAdmission, RepeatAdmission
from domain.pathway.calendars import AdoptCalendar, CalendarChanged
from domain.pathway.care_team import AssignCareTeam, AssignObligation, HandOver
from domain.pathway.corrections import CorrectDischarge, DischargeCorrected
from domain.pathway.coverage import RecordBenefits
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.death import CorrectDeath, DeathCorrected, RecordDeath
from domain.pathway.discharge import Discharge, RecordPlanDelivery
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.follow_up import RecordFollowUp
from domain.pathway.leave import EndLeave, LeaveStarted, StartLeave
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, UndoWaiver, WaiveObligation
from domain.pathway.obligation_events import (
    ObligationEscalated,
    ObligationMet,
    ObligationMoved,
    ObligationRaised,
    ObligationReopened,
)
from domain.pathway.reopening import JourneyReopened, ReopenJourney
from domain.pathway.reviews import CompleteReview
from domain.pathway.waivers import ObligationKindWaived
from domain.pathway.withdrawal import RecordWithdrawal, TakeBackWithdrawal, WithdrawalTakenBack
from domain.plans import Actor
from domain.values import Role, Stage
from domain.why_due import why_due, why_due_if
from recovery.hand_over import HandOverOfAll
from tests.centres import deployed, loaded, three_sites
from tests.domain.walk import (
    CLINICIAN,
    DIRECTOR,
    JUST_AFTER,
    MONDAY,
    OPERATIONS,
    STAGES,
    Walk,
    admitted,
    agreed,
    closed,
    discharged,
    elsewhere,
    enrolled,
    opened,
    stepping_up,
    withdrawing,
    withdrawn,
)

DAY = timedelta(days=1)
ZONE = ZoneInfo("America/Los_Angeles")
SUPERVISOR = Actor(id="s-105", role=Role.SUPERVISOR)
WISH = {"reason": "client-withdrew", "initiator": "client", "risk": "unknown"}


def owed(walk: Walk, obligation: str) -> Obligation:
    return walk.state.obligations.open[obligation]


def wait_until(walk: Walk, moment: datetime) -> Walk:
    walk.later(seconds=(moment - walk.now).total_seconds())
    return walk


def overdue(walk_to: Callable[[], Walk], obligation: str) -> Walk:
    """A day after it was due, with nothing done about it."""
    walk = walk_to()
    return wait_until(walk, owed(walk, obligation).due_at + DAY)


def met(walk: Walk, obligation: str) -> ObligationMet:
    [event] = [each for each in walk.saw(ObligationMet) if each.obligation == obligation]
    return event


def outcomes(walk: Walk, now: datetime | None = None) -> dict[str, str]:
    """What became of each duty that was missed."""
    return {each.obligation_id: each.outcome for each in missed_of(walk.record, now or walk.now)}


# ---- overdue work, and what is stuck -----------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_overdue_work_stays(stage: str) -> None:
    walk = STAGES[stage]()
    before = walk.owes()
    walk.later(days=300)
    assert before <= walk.owes()
    assert all(owed(walk, each).is_overdue(walk.now) for each in before)


FINISHED: list[tuple[Callable[[], Walk], str, type[Decision], dict[str, Any]]] = [
    (opened, "verify-benefits-1", RecordBenefits, {"verdict": "CLEAR", "note": "by phone"}),
    (enrolled, "review-1", CompleteReview, {"outcome": "continue", "rationale": "steady"}),
    (stepping_up, "complete-step-up-1", ConfirmArrival, {"facility": "County Hospital"}),
    (elsewhere, "external-contact-1", CompleteObligation, {"obligation": "external-contact-1", "note": "called"}),
    (discharged, "follow-up-1", RecordFollowUp, {"contact": "reached"}),
]


@pytest.mark.parametrize(("walk_to", "obligation", "decision", "fields"), FINISHED)
def test_overdue_work_can_be_finished_late(
    walk_to: Callable[[], Walk], obligation: str, decision: type[Decision], fields: dict[str, Any]
) -> None:
    walk = overdue(walk_to, obligation)
    walk.do(decision, **fields)
    assert met(walk, obligation).late
    assert outcomes(walk)[obligation] == "met-late"


HOLDS: dict[str, tuple[type[Decision], dict[str, Any]]] = {
    "in hand": (AcknowledgeObligation, {"obligation": "review-1"}),
    "given to a person": (AssignObligation, {"obligation": "review-1", "to": "s-102", "by": SUPERVISOR}),
    "another duty waived": (
        WaiveObligation,
        {"obligation": "continued-stay-1", "reason": "r", "until": "2026-05-20", "by": DIRECTOR},
    ),
    "on leave": (StartLeave, {"until": "2026-05-08", "category": "family", "reason": "a funeral"}),
    "leaving for another level": (StartStepDown, {"to": "OP", "reason": "steady"}),
    "in an emergency department": (RecordCrisis, {"place": "emergency-department", "reason": "panic"}),
}


@pytest.mark.parametrize("hold", HOLDS)
def test_a_watcher_or_a_hold_does_not_hide_a_stuck_case(hold: str) -> None:
    walk = overdue(enrolled, "review-1")
    decision, fields = HOLDS[hold]
    walk.do(decision, **fields)
    walk.later(days=30)
    shown = row(walk.state, walk.now)
    assert shown.overdue and shown.urgent and "overdue" in shown.flags
    assert "review-1" in outcomes(walk)
    assert walk.later(days=3), "people are told again and again"
    assert {each.overdue for each in walk.saw(ObligationEscalated)[-1:]} == {True}


def test_a_case_whose_every_duty_is_waived_comes_back_to_the_list_by_itself() -> None:
    walk = overdue(discharged, "follow-up-1")
    until = walk.state.calendar.local_date(walk.now) + 20 * DAY
    for each in ("early-follow-up-1", "follow-up-1"):
        walk.do(WaiveObligation, obligation=each, reason="abroad", until=until, all_of_kind=True, by=DIRECTOR)
    told = len(walk.saw(ObligationEscalated))
    assert not row(walk.state, walk.now).overdue and row(walk.state, walk.now).waiting_for is Role.CASE_MANAGER
    walk.later(days=22)
    assert row(walk.state, walk.now).overdue and len(walk.saw(ObligationEscalated)) > told


# ---- exemptions --------------------------------------------------------------------------------------------


def test_an_exemption_has_a_note_and_an_end_covers_all_of_a_kind_and_can_be_undone() -> None:
    walk = discharged()
    before = dict(walk.state.obligations.open)
    fields = {"obligation": "follow-up-1", "reason": "on a ship", "until": "2026-04-20", "by": DIRECTOR}
    walk.do(WaiveObligation, all_of_kind=True, **fields)
    [waived] = walk.saw(ObligationKindWaived)
    assert (waived.reason, waived.until, waived.by) == ("on a ship", date(2026, 4, 20), DIRECTOR)
    assert {each.kind: each.waiver is not None for each in walk.state.obligations.open.values()} == {
        "follow-up": True,
        "early-follow-up": False,
    }
    assert all(each.waiver is not None for each in walk.state.open_of("follow-up"))
    walk.do(UndoWaiver, obligation="follow-up-1", reason="back in port", all_of_kind=True, by=DIRECTOR)
    assert walk.state.obligations.open == before
    assert {each.reason for each in walk.saw(ObligationReopened)} == {"back in port"}


# ---- windows -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", range(7))
def test_any_day_of_that_week_is_a_kind_of_due_date(day: int) -> None:
    walk = enrolled()
    first_day = owed(walk, "review-1").counts_from
    assert first_day is not None
    noon = datetime(first_day.year, first_day.month, first_day.day, 12, tzinfo=ZONE)
    wait_until(walk, noon + day * DAY)
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    assert not met(walk, "review-1").late
    assert owed(walk, "review-2").counts_from == first_day + 7 * DAY, "whichever day it was, the next week is the same"


@pytest.mark.parametrize("day", [-1, 7])
def test_the_days_before_and_after_that_week_do_not_meet_it(day: int) -> None:
    walk = enrolled()
    first_day = owed(walk, "review-1").counts_from
    assert first_day is not None
    until = datetime(first_day.year, first_day.month, first_day.day, 12, tzinfo=ZONE) + day * DAY
    walk.later_with_the_team(seconds=(until - walk.now).total_seconds())
    assert ("missed-window" in row(walk.state, walk.now).flags) is (day > 0)
    walk.do(CompleteReview, outcome="continue", rationale="steady")
    assert [each.late for each in walk.saw(ObligationMet) if each.obligation == "review-1"] == (
        [True] if day > 0 else []
    )


@pytest.mark.parametrize(
    ("made_after", "counts_for"),
    [
        (3, "early-follow-up-1"),
        (5, "follow-up-1"),
        (7, "follow-up-1"),
        (9, "follow-up-1"),
        (29, "follow-up-1"),
        (33, "follow-up-2"),
    ],
)
def test_a_completed_thing_counts_for_the_last_due_date_before_it(made_after: int, counts_for: str) -> None:
    at_once, typed_in_late = discharged(), discharged()
    made = at_once.now + made_after * DAY
    wait_until(at_once, made).do(RecordFollowUp, contact="reached")
    wait_until(typed_in_late, MONDAY + 60 * DAY).do(RecordFollowUp, contact="reached", occurred_at=made)
    if counts_for == "early-follow-up-1":
        for walk in (at_once, typed_in_late):
            assert not met(walk, counts_for).late and walk.owes() == {"follow-up-1", "follow-up-2"}
        assert outcomes(at_once) == {} and outcomes(typed_in_late)["follow-up-1"] == "open"
        return
    for walk in (at_once, typed_in_late):
        assert met(walk, counts_for).late is (made_after > 7)
        assert walk.owes() == ({"follow-up-2"} if counts_for == "follow-up-1" else set())
        assert outcomes(walk).get("follow-up-1") == (
            "cancelled" if made_after > 30 else "met-late" if made_after > 7 else None
        )


# ---- the end, and back -------------------------------------------------------------------------------------


ENDS: list[tuple[Callable[[], Walk], str, type[Any], dict[str, Any]]] = [
    (opened, "verify-benefits-1", CancelAdmission, {"message": "message-2"}),
    (opened, "verify-benefits-1", RecordWithdrawal, WISH | {"risk": "low"}),
    (elsewhere, "external-contact-1", Discharge, {"reason": "moved"}),
    (agreed, "enrol-1", RecordDeath, {"source": "their sister"}),
]


@pytest.mark.parametrize(("walk_to", "obligation", "end", "fields"), ENDS)
def test_duties_that_were_missed_stay_visible_after_the_end(
    walk_to: Callable[[], Walk], obligation: str, end: type[Any], fields: dict[str, Any]
) -> None:
    walk = overdue(walk_to, obligation)
    walk.do(end, **fields)
    assert obligation not in walk.owes()
    assert outcomes(walk, walk.now + 400 * DAY)[obligation] == "cancelled"


REOPENED: list[tuple[Callable[[], Walk], type[Decision], type[Any], dict[str, Any], Stage]] = [
    (discharged, CorrectDischarge, DischargeCorrected, {}, Stage.ACTIVE),
    (withdrawing, TakeBackWithdrawal, WithdrawalTakenBack, {}, Stage.PLACEMENT),
    (STAGES["DECEASED"], CorrectDeath, DeathCorrected, {"by": DIRECTOR}, Stage.ACTIVE),
    (withdrawn, TakeBackWithdrawal, WithdrawalTakenBack, {}, Stage.PLACEMENT),
    (closed, ReopenJourney, JourneyReopened, {"by": DIRECTOR}, Stage.FOLLOW_UP),
]


@pytest.mark.parametrize(("walk_to", "decision", "event", "by", "stage"), REOPENED)
def test_a_case_that_came_to_its_end_can_be_reopened_with_a_note(
    walk_to: Callable[[], Walk], decision: type[Decision], event: type[Any], by: dict[str, Any], stage: Stage
) -> None:
    walk = walk_to()
    walk.later(days=2)
    walk.do(decision, reason="the wrong client was meant", **by)
    assert walk.is_at(stage) and walk.state.next_deadline() is not None
    [reopened] = walk.saw(event)
    assert reopened.reason == "the wrong client was meant" and reopened.by.id


def test_a_client_who_returns_after_the_close_is_a_new_case_and_the_closed_one_stays_closed() -> None:
    walk = closed()
    walk.until_final()
    walk.refused(CorrectDischarge, "journey-ended", reason="they rang")
    said = walk.refused(RepeatAdmission, "journey-ended", message="message-9")
    assert "begins a new one" in said


def duties(walk: Walk) -> set[tuple[object, ...]]:
    """What is owed, without the numbers that tell one of a kind from the next."""
    owed = walk.state.obligations.open.values()
    return {(each.kind, each.due_at, each.counted, each.owner, each.about) for each in owed}


def kinds(walk: Walk) -> list[str]:
    return sorted(each.kind for each in walk.state.obligations.open.values())


IN_CARE_OR_BEFORE = [stage for stage in STAGES if not Stage(stage).is_end and stage != "DISENGAGED"]


@pytest.mark.parametrize("stage", IN_CARE_OR_BEFORE)
def test_leaving_cancels_all_that_was_owed_and_the_undo_restores_exactly_that(stage: str) -> None:
    walk = STAGES[stage]()
    before, where = duties(walk), walk.state.stage
    walk.do(RecordDeath, source="a caller")
    assert kinds(walk) == ["mortality-review"]
    walk.later(hours=1)
    walk.do(CorrectDeath, reason="another client of that name", by=DIRECTOR)
    assert duties(walk) == before and walk.state.stage is where


BEFORE_CARE = ["BENEFITS_CHECK", "FUNDING_EXCEPTION", "PLACEMENT", "COST_REVIEW", "ENROLLING", "ENROLLED"]


@pytest.mark.parametrize("stage", BEFORE_CARE)
def test_a_withdrawal_cancels_all_and_the_undo_restores_exactly_those_kinds_once_each(stage: str) -> None:
    walk = STAGES[stage]()
    before = kinds(walk)
    walk.do(RecordWithdrawal, **WISH)
    assert kinds(walk) == ["check-withdrawal"]
    walk.do(TakeBackWithdrawal, reason="wants to start after all")
    assert kinds(walk) == before


def care_begun_with_more_owed(days: float = 6) -> Walk:
    """The authorisation is still to come, and nobody has drafted the discharge plan."""
    walk = agreed(verdict=Verdict.CLEAR_AUTH_REQUIRED)
    until = walk.state.calendar.local_date(walk.now) + 5 * DAY
    walk.do(WaiveObligation, obligation="obtain-authorisation-1", reason="by fax", until=until, by=DIRECTOR)
    walk.enrol()
    walk.later(days=days)
    return walk


@pytest.mark.parametrize("in_crisis", [False, True])
def test_a_discharge_cancels_all_and_its_correction_restores_what_care_owed(in_crisis: bool) -> None:
    walk = care_begun_with_more_owed()
    before = kinds(walk)
    assert before == [
        *("assign-case-manager", "continued-stay", "draft-discharge-plan", "draft-treatment-plan"),
        *("obtain-authorisation", "recertify"),
        *("review", "see-client", "team-review"),
    ]
    due = {kind: walk.state.open_of(kind)[0].due_at for kind in before}
    if in_crisis:
        walk.do(RecordCrisis, place="emergency-department", reason="panic")
    walk.do(Discharge, reason="moved")
    assert kinds(walk) == ["deliver-discharge-plan", "early-follow-up", "follow-up", "follow-up"]
    walk.do(CorrectDischarge, reason="another client of that name")
    if in_crisis:
        now = walk.state.crisis.current
        assert now is not None and now.place == "emergency-department", "they are there all the same"
        assert "arrange-return" in kinds(walk)
        anew = "assign-case-manager", "obtain-authorisation", "see-client", "draft-treatment-plan"
        assert set(walk.state.suspension.ids) == {"team-review-1", *(f"{kind}-1" for kind in anew)}
        walk.do(EndCrisis, safety_rechecked=True, note="home")
        for kind in anew:  # counted anew, as ever
            due[kind] = walk.state.open_of(kind)[0].due_at
    assert kinds(walk) == sorted([*before, *(["see-after-hospital-visit"] if in_crisis else [])])
    again = {kind: walk.state.open_of(kind)[0].due_at for kind in before}
    assert {**again, "review": None} == {**due, "review": None}, "a review is owed soon, the rest as it was"


IN_OUR_CARE = {
    *("review", "continued-stay", "team-review", "recertify", "see-client", "refresh-discharge-plan"),
    "assign-case-manager",
}


@pytest.mark.parametrize("stage", ["ACTIVE", "TRANSITION", "EXTERNAL", "DISCHARGING"])
def test_a_discharge_undone_leaves_no_duty_of_what_went_before_it_and_none_twice(stage: str) -> None:
    walk = STAGES[stage]()
    walk.do(Discharge, reason="moved")
    walk.do(CorrectDischarge, reason="another client of that name")
    assert set(kinds(walk)) == ({"external-contact"} if stage == "EXTERNAL" else IN_OUR_CARE)
    assert walk.state.next_due() is not None
    assert len(kinds(walk)) == len(set(kinds(walk))) and not walk.state.suspension.waiting


def test_what_a_discharge_cancelled_is_restored_also_after_the_close() -> None:
    walk = care_begun_with_more_owed()
    before = kinds(walk)
    walk.do(Discharge, reason="moved")
    assert walk.state.suspension.waiting and not walk.state.suspension.ids, "nobody waits for the client's return"
    walk.do(RecordCrisis, place="emergency-department", reason="panic")
    walk.do(EndCrisis, safety_rechecked=True, note="home")
    after_care = ["deliver-discharge-plan", "early-follow-up", "follow-up", "follow-up"]
    assert kinds(walk) == after_care, "a return from a crisis does not undo a discharge"
    walk.do(RecordPlanDelivery, how="handed-over")
    walk.later(days=20)
    walk.do(RecordFollowUp, contact="reached")
    walk.do(RecordFollowUp, contact="reached")
    assert walk.is_at(Stage.CLOSED) and kinds(walk) == []
    walk.do(ReopenJourney, reason="it was about another client", by=DIRECTOR)
    assert kinds(walk) == ["settle-reopening"], "until somebody decides"
    walk.do(CorrectDischarge, reason="it was about another client")
    assert set(kinds(walk)) == set(before)


# ---- pauses, calendars, and why ----------------------------------------------------------------------------


def test_a_pause_is_on_record_with_its_end_and_why_and_is_no_longer_than_allowed() -> None:
    walk = enrolled()
    today = walk.state.calendar.local_date(walk.now)
    said = walk.refused(StartLeave, "leave-too-long", until=today + 15 * DAY, category="family", reason="a long trip")
    assert f"{today + walk.state.policy.leave_days * DAY} at the latest" in said
    walk.do(StartLeave, until=today + 4 * DAY, category="family", reason="a funeral")
    [left] = walk.saw(LeaveStarted)
    assert (left.until, left.reason, left.by) == (today + 4 * DAY, "a funeral", CLINICIAN)
    walk.later(days=6)
    assert owed(walk, "return-from-leave-1").is_overdue(walk.now), "a pause that runs over is somebody's to end"
    walk.do(EndLeave)
    assert "return-from-leave-1" not in walk.owes()


def test_a_pause_of_care_uses_up_no_weeks_and_the_due_time_says_how_many_were_used() -> None:
    walk = enrolled()
    walk.later(days=37)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.later(days=20)
    walk.do(RequestStepUp, to="IOP", reason="worse")
    walk.do(ConfirmArrival)
    [last] = walk.state.open_of("continued-stay")
    told = why_due(walk.state, last)
    assert told.counted.earlier_days == 37 and "37 days at this level" in told.pauses[0]
    weeks = told.counted.amount
    assert told.due_day == walk.state.calendar.local_date(walk.now) + (7 * weeks - 37) * DAY


def test_the_calendar_is_edited_open_deadlines_move_and_the_reason_is_on_record() -> None:
    walk = opened()
    closure = {"first_day": "2026-03-17", "last_day": "2026-03-20", "reason": "flood"}
    before = owed(walk, "verify-benefits-1")
    with deployed({"closures": [closure]}):
        walk.do(AdoptCalendar, calendar=2, reason="The building was under water.")
        after = owed(walk, "verify-benefits-1")
        [changed] = walk.saw(CalendarChanged)
        moved = {each.obligation: each for each in walk.saw(ObligationMoved)}[before.id]
        assert (changed.reason, changed.by.role) == ("The building was under water.", Role.OPERATIONS)
        assert (moved.was_due_at, moved.due_at) == (before.due_at, after.due_at) and after.due_at > before.due_at
        assert (date(2026, 3, 17), "flood") in why_due(walk.state, after).not_counted


def test_it_is_shown_why_something_is_due_then_and_when_it_would_be_from_a_day_that_i_choose() -> None:
    walk = opened()
    verify = owed(walk, "verify-benefits-1")
    told = why_due(walk.state, verify)
    assert (told.counted.amount, told.counted.kind, told.due_day) == (1, TimeKind.BUSINESS_DAYS, date(2026, 3, 17))
    assert (told.site, told.policy, told.counted.rule) == ("main", "us-generic-1", "benefits_business_days")
    chosen = why_due_if(walk.state, verify, date(2026, 12, 24))
    assert chosen.due_day == date(2026, 12, 28)
    assert {day for day, _ in chosen.not_counted} == {date(2026, 12, day) for day in (25, 26, 27)}
    assert all(why for _, why in chosen.not_counted)
    assert owed(walk, verify.id) == verify, "to ask changes nothing"


def test_each_site_has_its_own_calendar(tmp_path: Path) -> None:
    thursday = datetime(2026, 10, 8, 16, tzinfo=UTC)
    flood = '{ first_day = 2026-10-09, last_day = 2026-10-09, reason = "flood" }'
    with loaded(three_sites(tmp_path, closed="pier", closures=flood)):
        due = {site: owed(opened(thursday, site), "verify-benefits-1").due_at for site in ("harbour", "mesa", "pier")}
    assert due == {
        "harbour": datetime(2026, 10, 9, 21, tzinfo=UTC),
        "mesa": datetime(2026, 10, 10, 0, tzinfo=UTC),
        "pier": datetime(2026, 10, 14, 0, tzinfo=UTC),
    }


def test_each_task_counts_its_own_kind_of_time_and_a_business_day_is_not_so_many_business_hours() -> None:
    friday = datetime(2026, 3, 20, 16, 55, tzinfo=ZONE)
    walk = opened(friday)
    assert owed(walk, "verify-benefits-1").due_at == datetime(2026, 3, 23, 17, tzinfo=ZONE), "at closing, not at 16:55"
    urgent = stepping_up("IOP", "PHP")
    assert owed(urgent, "complete-step-up-1").due_at == urgent.now + timedelta(hours=24)
    counted = {each.counted.kind for stage in STAGES.values() for each in stage().state.obligations.open.values()}
    assert counted >= {TimeKind.ELAPSED, TimeKind.CALENDAR_DAYS, TimeKind.BUSINESS_DAYS, TimeKind.SERVICE_WEEKS}


# ---- backdated entries, and reading ------------------------------------------------------------------------


BACKDATED: list[tuple[Callable[[], Walk], float, type[Decision], dict[str, Any]]] = [
    (agreed, 5, ConfirmEnrolment, {"track": "evening"}),
    (enrolled, 41, CompleteReview, {"outcome": "continue", "rationale": "steady"}),
    (enrolled, 2, RequestStepUp, {"to": "PHP", "reason": "worse"}),
    (stepping_up, 1, ConfirmArrival, {"facility": "County Hospital"}),
    (elsewhere, 2, CompleteObligation, {"obligation": "external-contact-1", "note": "called"}),
    (enrolled, 2, Discharge, {"reason": "goals-met"}),
]


@pytest.mark.parametrize(("walk_to", "days", "decision", "fields"), BACKDATED)
def test_a_backdated_entry_schedules_nothing_twice(
    walk_to: Callable[[], Walk], days: float, decision: type[Decision], fields: dict[str, Any]
) -> None:
    walk = walk_to()
    at = walk.now + days * DAY
    wait_until(walk, at + 2 * DAY)
    events = walk.do(decision, occurred_at=at, id="typed-in-late", **fields)
    raised = [(each.obligation.kind, each.obligation.due_at) for each in events if isinstance(each, ObligationRaised)]
    assert raised and len(raised) == len(set(raised))
    assert walk.do(decision, occurred_at=at, id="typed-in-late", **fields) == ()
    outcome = walk.decide(decision, occurred_at=at - timedelta(hours=1), **fields)
    assert not hasattr(outcome, "events"), "the same again, a little earlier, is refused"
    for kind in {each.kind for each in walk.state.obligations.open.values()} - {"follow-up"}:
        assert len(walk.state.open_of(kind)) == 1


def test_due_status_waits_for_no_nightly_job() -> None:
    """Nothing has happened on the journey since: it is read at two moments."""
    walk = opened()
    due = owed(walk, "verify-benefits-1").due_at
    before, after = row(walk.state, due), row(walk.state, due + JUST_AFTER)
    assert (before.overdue, after.overdue) == (False, True)
    assert after.urgent and "overdue" in after.flags and after.version == before.version
    assert outcomes(walk, due) == {} and outcomes(walk, due + JUST_AFTER) == {"verify-benefits-1": "open"}


def test_lists_are_sorted_by_clinical_priority_and_then_by_due_time() -> None:
    listed = care_begun_with_more_owed(days=0).state.in_order(MONDAY)
    assert [each.kind for each in listed] == [
        "draft-discharge-plan",
        "assign-case-manager",
        "team-review",
        "see-client",
        "draft-treatment-plan",
        "review",
        "continued-stay",
        "obtain-authorisation",
        "recertify",
    ]
    due = {each.kind: each.falls_due for each in listed}
    assert due["obtain-authorisation"] < due["review"], "clinical work first, though the authorisation is due before it"
    walks = [make() for make in STAGES.values()]
    rows = sorted((row(walk.state, MONDAY) for walk in walks if not walk.state.stage.is_end), key=urgency)
    keys = [(each.priority.rank, each.next_due) for each in rows if each.priority and each.next_due]
    assert keys == sorted(keys) and len({rank for rank, _ in keys}) > 2
    assert any(later < sooner for (_, sooner), (_, later) in pairwise(keys)), "not by due time alone"


# ---- hand over ---------------------------------------------------------------------------------------------


def test_all_of_a_persons_work_is_handed_over_and_what_fails_is_said_and_stays_with_them() -> None:
    asked = HandOverOfAll(of="s-105", to="s-112", reason="leaves the centre", by=OPERATIONS)
    as_clinician, also_as_supervisor, others = enrolled(), stepping_up(), admitted()
    for walk in (as_clinician, also_as_supervisor):
        walk.do(AssignCareTeam, team_role="clinician", to="s-105", by=OPERATIONS)
    also_as_supervisor.do(AssignCareTeam, team_role="clinical-supervisor", to="s-105", by=OPERATIONS)
    assert [asked.is_about(walk.state) for walk in (as_clinician, also_as_supervisor, others)] == [True, True, False]
    as_clinician.do(HandOver, **dict(asked))
    assert [each.id for each in as_clinician.state.obligations.of_person("s-112")] == ["team-review-1", "review-1"]
    said = also_as_supervisor.refused(HandOver, "person-lacks-role", **dict(asked))
    assert "s-112 is not clinical-supervisor" in said
    left = [asked.is_about(walk.state) for walk in (as_clinician, also_as_supervisor, others)]
    assert left == [False, True, False], "asked again, it is about the failed one alone"
    assert also_as_supervisor.state.obligations.of_person("s-105"), "nothing of it was handed over by half"
