"""The last week of IOP belongs to the medical director, whatever a clinician does before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.benefits import Benefits, Verdict
from domain.due_times import Counted
from domain.obligation_terms import Channel
from domain.pathway.calls import BenefitsAnswer
from domain.pathway.cost import AcceptCost
from domain.pathway.discharge import Discharge
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import ConfirmArrival, DeclineTransition, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import AcknowledgeObligation, CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated, ObligationMet
from domain.pathway.placement import DecidePlacement
from domain.pathway.policy_change import ChangePolicy
from domain.pathway.reviews import CONTINUED_STAY, REVIEW, CompleteReview
from domain.plans import Actor
from domain.policy import ReviewRule, policy_named, use_policies
from domain.refusal import Refusal
from domain.values import Role, Stage
from tests.domain.walk import CLINICIAN, COPAY, DIRECTOR, MONDAY, Walk, enrolled, opened

DAY = timedelta(days=1)
WHY = {"outcome": "continue", "rationale": "still improving"}
SUPERVISOR = Actor(id="supervisor-1", role=Role.SUPERVISOR)


def end_of_week(walk: Walk, week: int, began: datetime = MONDAY, *, days_before: int = 0) -> datetime:
    return Counted.calendar_days(week * 7 - days_before, since=began).due_at(walk.state.calendar)


def owed_by(walk: Walk) -> datetime:
    """When it must be decided whether the stay goes on."""
    [owed] = walk.state.open_of(CONTINUED_STAY.kind)
    return owed.due_at


def after_days(days: int) -> Walk:
    walk = enrolled()
    walk.later(days=days)
    return walk


def reviewed(days: int) -> Walk:
    """So many days of IOP, reviewed on the last day of each week before, from the sixth on."""
    walk = enrolled()
    for day in range(42, days, 7):
        walk.later(seconds=(MONDAY + day * DAY - walk.now).total_seconds())
        walk.do(CompleteReview, by=CLINICIAN, **WHY)
    walk.later(seconds=(MONDAY + days * DAY - walk.now).total_seconds())
    return walk


def at_iop_since(began: datetime) -> Walk:
    walk = opened(began.astimezone(UTC))
    walk.settle("benefits-1", BenefitsAnswer(benefits=Benefits(verdict=Verdict.CLEAR, cost_share=COPAY)))
    walk.do(DecidePlacement, recommended="IOP", actual="IOP")
    walk.do(AcceptCost, estimate="estimate-1")
    walk.enrol()
    return walk


def away_at_op(walk: Walk, days: int) -> None:
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.later(days=days)
    walk.do(RequestStepUp, to="IOP", reason="worse")
    walk.do(ConfirmArrival)


def directors_pages(walk: Walk) -> list[datetime]:
    return [
        each.at
        for each in walk.saw(ObligationEscalated)
        if each.kind == CONTINUED_STAY.kind and each.how is Channel.PAGE
    ]


def first_opening_after(walk: Walk, moment: datetime) -> datetime:
    return walk.state.calendar.in_opening_hours(moment)


# ---- who decides -------------------------------------------------------------------------------------------


def test_from_the_first_day_the_medical_director_owes_the_decision_on_the_end_of_week_12() -> None:
    walk = enrolled()
    assert owed_by(walk) == end_of_week(walk, 12)
    walk.later(weeks=13)
    assert directors_pages(walk)[0] == first_opening_after(walk, end_of_week(walk, 12))


def test_outpatient_care_has_no_last_week() -> None:
    assert not enrolled("OP").state.open_of(CONTINUED_STAY.kind)


@pytest.mark.parametrize("by", [CLINICIAN, SUPERVISOR], ids=["clinician", "supervisor"])
@pytest.mark.parametrize(("day", "refused"), [(77, False), (78, True), (83, True), (84, True), (100, True)])
def test_a_review_whose_next_would_come_after_week_12_needs_the_medical_director(
    day: int, refused: bool, by: Actor
) -> None:
    walk = reviewed(day) if day < 85 else after_days(day)
    if not refused:
        walk.do(CompleteReview, by=by, **WHY)
        assert walk.state.open_of(REVIEW.kind)[0].due_at == owed_by(walk) == end_of_week(walk, 12)
        return
    assert "medical director" in walk.refused(CompleteReview, "beyond-last-week", by=by, **WHY)
    walk.do(CompleteReview, by=DIRECTOR, **WHY)
    assert walk.saw(ObligationMet)[-1].by == DIRECTOR
    assert owed_by(walk) == walk.state.open_of(REVIEW.kind)[0].due_at > end_of_week(walk, 12)


def test_the_medical_director_decides_every_further_week() -> None:
    walk = reviewed(84)
    for week in (13, 14, 15):
        walk.refused(CompleteReview, "beyond-last-week", **WHY)
        walk.do(CompleteReview, by=DIRECTOR, **WHY)
        assert owed_by(walk) == end_of_week(walk, week)
        walk.later(weeks=1)


def test_a_review_of_the_medical_director_before_week_12_extends_nothing() -> None:
    walk = after_days(42)
    walk.do(CompleteReview, by=DIRECTOR, **WHY)
    assert owed_by(walk) == end_of_week(walk, 12)


def test_a_review_typed_in_for_an_earlier_day_does_not_carry_past_week_12() -> None:
    walk = after_days(90)
    walk.do(CompleteReview, occurred_at=MONDAY + 77 * DAY, **WHY)
    assert owed_by(walk) == end_of_week(walk, 12) and walk.state.open_of(REVIEW.kind)[0].due_at < walk.now
    walk.refused(CompleteReview, "beyond-last-week", **WHY)


@pytest.mark.parametrize("outcome", ["step-down", "discharge"])
def test_nobody_else_is_needed_to_move_down_or_discharge_after_week_12(outcome: str) -> None:
    walk = after_days(90)
    walk.do(CompleteReview, outcome=outcome, rationale="ready", to="OP" if outcome == "step-down" else None)
    assert walk.state.open_of(CONTINUED_STAY.kind), "the client is still at IOP"
    if outcome == "step-down":
        walk.do(ConfirmArrival)
    else:
        walk.do(Discharge, reason="goals-met")
    assert not walk.state.open_of(CONTINUED_STAY.kind)


# ---- ways around it ----------------------------------------------------------------------------------------


def test_a_step_down_started_and_declined_every_71_hours_does_not_get_past_week_12() -> None:
    walk = after_days(70)
    for _ in range(8):
        walk.do(StartStepDown, to="OP", reason="perhaps")
        walk.later(hours=1)
        walk.do(DeclineTransition, reason="not yet", safety_plan_reviewed=False)
        walk.later(hours=70)
    assert walk.now > end_of_week(walk, 12) and owed_by(walk) == end_of_week(walk, 12)
    assert directors_pages(walk)[0] == first_opening_after(walk, end_of_week(walk, 12))


@pytest.mark.parametrize(("day", "hours"), [(70, 72), (83, 14 + 24)])
def test_a_declined_step_down_brings_the_review_by_the_end_of_the_last_week(day: int, hours: int) -> None:
    walk = after_days(day)
    walk.do(StartStepDown, to="OP", reason="perhaps")
    walk.do(DeclineTransition, reason="not yet", safety_plan_reviewed=False)
    [review] = walk.state.open_of(REVIEW.kind)
    assert review.due_at - walk.now == timedelta(hours=hours)


def test_a_step_down_that_is_never_completed_does_not_hide_the_end_of_week_12() -> None:
    walk = after_days(80)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.later(days=6)
    assert directors_pages(walk)
    walk.refused(WaiveObligation, "not-theirs-to-waive", obligation="continued-stay-1", reason="soon")
    walk.do(WaiveObligation, obligation="continued-stay-1", reason="the first OP visit is on Monday", by=DIRECTOR)
    assert owed_by(walk) == end_of_week(walk, 13)


def test_no_one_completes_the_decision_by_hand() -> None:
    walk = after_days(84)
    walk.refused(CompleteObligation, "has-its-own-decision", obligation="continued-stay-1", note="done", by=DIRECTOR)


# ---- interruptions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "joined"), [(0, True), (1, True), (29, True), (30, False), (60, False)])
def test_the_weeks_go_on_after_an_interruption_shorter_than_the_policys_days(days: int, joined: bool) -> None:
    walk = after_days(60)
    away_at_op(walk, days)
    assert walk.state.care.earlier_days == (60 if joined else 0)
    assert owed_by(walk) == end_of_week(walk, 12, walk.now, days_before=60 if joined else 0)
    assert walk.state.week_of_service(walk.now) == (9 if joined else 1)


def test_several_short_interruptions_add_up() -> None:
    walk = enrolled()
    for _ in range(4):
        walk.later(days=20)
        away_at_op(walk, 5)
    assert walk.state.care.earlier_days == 80
    walk.later(days=2)
    walk.refused(CompleteReview, "beyond-last-week", **WHY)


@pytest.mark.parametrize("days", [1, 29, 31, 200])
def test_time_in_another_facilitys_care_is_no_interruption(days: int) -> None:
    walk = after_days(60)
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.do(ConfirmArrival, facility="Harbour Day Hospital")
    walk.later(days=days)
    walk.do(StartStepDown, to="IOP", reason="steady")
    walk.do(ConfirmArrival)
    assert walk.state.care.earlier_days == 60


def test_only_the_days_at_our_own_level_count_where_a_client_comes_back_by_way_of_another_facility() -> None:
    walk = after_days(60)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.later(days=20)
    walk.do(RequestStepUp, to="PHP", reason="worse")
    walk.do(ConfirmArrival, facility="Harbour Day Hospital")
    walk.later(days=20)
    walk.do(StartStepDown, to="IOP", reason="steady")
    walk.do(ConfirmArrival)
    assert walk.state.care.earlier_days == 60


def test_leave_does_not_stop_the_weeks() -> None:
    walk = after_days(10)
    walk.do(StartLeave, until=(MONDAY + 20 * DAY).date(), category="family", reason="family")
    walk.later(days=10)
    walk.do(EndLeave)
    assert owed_by(walk) == end_of_week(walk, 12) and walk.state.week_of_service(walk.now) == 3


def test_a_client_who_comes_back_to_iop_beyond_week_12_is_the_medical_directors_at_once() -> None:
    walk = after_days(85)
    away_at_op(walk, 3)
    assert walk.state.care.earlier_days == 85 and owed_by(walk) < walk.now
    before = len(directors_pages(walk))
    walk.later(minutes=1)
    assert len(directors_pages(walk)) == before + 1
    walk.refused(CompleteReview, "beyond-last-week", **WHY)


@pytest.mark.parametrize(
    ("began", "interrupted"),
    [
        (datetime(2026, 2, 2, 0, 30, tzinfo=ZoneInfo("America/Los_Angeles")), 40),  # over 8 March
        (datetime(2026, 9, 28, 23, 30, tzinfo=ZoneInfo("America/Los_Angeles")), 40),  # over 1 November
        (datetime(2028, 2, 20, 12, tzinfo=ZoneInfo("America/Los_Angeles")), 20),  # over the leap day
    ],
)
def test_weeks_are_counted_in_days_at_the_site_over_clock_changes_and_the_leap_day(
    began: datetime, interrupted: int
) -> None:
    walk = at_iop_since(began)
    walk.now = (began + interrupted * DAY).astimezone(UTC)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.do(RequestStepUp, to="IOP", reason="worse")
    walk.do(ConfirmArrival)
    assert walk.state.care.earlier_days == interrupted
    assert owed_by(walk) == end_of_week(walk, 12, began)


@pytest.mark.parametrize(("day", "week"), [(0, 1), (1, 1), (7, 1), (8, 2), (56, 8), (57, 9), (84, 12), (85, 13)])
def test_the_day_that_completes_a_week_still_belongs_to_it(day: int, week: int) -> None:
    walk = enrolled()
    assert walk.state.week_of_service(MONDAY + day * DAY) == week


# ---- another policy ----------------------------------------------------------------------------------------


def policy(version: str, rule: ReviewRule) -> str:
    base = policy_named("us-generic-1")
    levels = tuple(each.changed(review=rule) if each.id == "IOP" else each for each in base.levels)
    use_policies([base.changed(version=version, digest=version, levels=levels)])
    return version


def test_a_policy_without_a_last_week_ends_what_was_owed_and_one_with_it_owes_it() -> None:
    walk = after_days(10)
    walk.do(ChangePolicy, to=policy("us-endless-1", ReviewRule(every_days=30)), reason="its site has it")
    assert not walk.state.open_of(CONTINUED_STAY.kind) and walk.state.care.last_week is None
    walk.do(ChangePolicy, to="us-generic-1", reason="back")
    assert owed_by(walk) == end_of_week(walk, 12)


def test_what_is_owed_already_keeps_its_due_time_under_another_last_week() -> None:
    walk = after_days(10)
    shorter = ReviewRule(first_week=4, last_week=8, beyond=(Role.SUPERVISOR,))
    walk.do(ChangePolicy, to=policy("us-shorter-1", shorter), reason="its site has it")
    assert owed_by(walk) == end_of_week(walk, 12) and walk.state.care.last_week == 8


# ---- any sequence of decisions -----------------------------------------------------------------------------

SPANS = st.sampled_from([0, 1, 23, 71, 73, 24 * 6, 24 * 20, 24 * 29, 24 * 31])


class PlainClinicians(RuleBasedStateMachine):
    """A client at IOP whose every decision is taken by a clinician or a case manager."""

    @initialize(days=st.integers(0, 90))
    def is_at_iop(self, days: int) -> None:
        self.walk = after_days(days)

    @rule(hours=SPANS)
    def waits(self, hours: int) -> None:
        self.walk.later(hours=hours)

    @rule(outcome=st.sampled_from(["continue", "step-down", "step-up"]), hours=st.none() | SPANS)
    def reviews(self, outcome: str, hours: int | None) -> None:
        to = {"step-down": "OP", "step-up": "PHP"}.get(outcome)
        self.attempt(CompleteReview, outcome=outcome, rationale="said", to=to, occurred_at=self.ago(hours))

    @rule(kind=st.sampled_from([StartStepDown, RequestStepUp]), to=st.sampled_from(["OP", "IOP", "PHP"]))
    def moves(self, kind: type[StartStepDown | RequestStepUp], to: str) -> None:
        self.attempt(kind, to=to, reason="said")

    @rule(hours=st.none() | SPANS)
    def arrives(self, hours: int | None) -> None:
        self.attempt(ConfirmArrival, facility="Harbour Day Hospital", occurred_at=self.ago(hours))

    @rule()
    def declines(self) -> None:
        self.attempt(DeclineTransition, reason="said", safety_plan_reviewed=True)

    @rule(data=st.data(), kind=st.sampled_from([AcknowledgeObligation, CompleteObligation, WaiveObligation]))
    def ends_what_is_owed(self, data: st.DataObject, kind: type[CompleteObligation]) -> None:
        owed = data.draw(st.sampled_from(sorted(self.walk.owes() or {"none-1"})))
        words: dict[type[object], dict[str, str]] = {
            CompleteObligation: {"note": "x"},
            WaiveObligation: {"reason": "x"},
        }
        self.attempt(kind, obligation=owed, **words.get(kind, {}))

    @rule(days=st.integers(1, 14))
    def goes_on_leave(self, days: int) -> None:
        self.attempt(StartLeave, until=(self.walk.now + days * DAY).date(), category="family", reason="said")

    def ago(self, hours: int | None) -> datetime | None:
        return None if hours is None else self.walk.now - timedelta(hours=hours)

    def attempt(self, kind: Callable[..., object], **fields: object) -> None:
        if not isinstance(self.walk.decide(kind, **fields), Refusal):  # type: ignore[arg-type]
            self.walk.do(kind, **fields)  # type: ignore[arg-type]

    @invariant()
    def the_medical_director_owes_the_decision_by_the_end_of_week_12_of_iop(self) -> None:
        walk = self.walk
        if walk.state.level != "IOP":
            return
        since = walk.state.level_since
        assert since is not None
        assert owed_by(walk) <= end_of_week(walk, 12, since, days_before=self.days_at_iop_before())
        assert walk.is_at(Stage.ACTIVE) or walk.is_at(Stage.TRANSITION)

    @invariant()
    def no_review_of_theirs_is_due_after_it_while_it_is_ahead(self) -> None:
        walk = self.walk
        for review in walk.state.open_of(REVIEW.kind):
            if walk.state.level == "IOP" and review.raised_at < owed_by(walk):
                assert review.due_at <= owed_by(walk) or len(walk.state.care.stays) > 1

    def days_at_iop_before(self) -> int:
        """Each day at the site on which a stay at IOP went on, back to 30 days of other care of ours."""
        zone, stays = ZoneInfo(self.walk.state.calendar.zone), self.walk.state.care.stays
        days = away = 0
        for stay in reversed(stays[:-1]):
            assert stay.until is not None
            length = (stay.until.astimezone(zone).date() - stay.since.astimezone(zone).date()).days
            if stay.level == "IOP":
                if away >= 30:
                    return days
                days, away = days + length, 0
            elif stay.level == "OP":
                away += length
        return days


TestPlainClinicians = PlainClinicians.TestCase
TestPlainClinicians.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
