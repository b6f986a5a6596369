"""Every due time explains itself: counted again from what is printed, it comes out the same; and what if it began then.

What is counted here uses only the words that the command prints, and Python's own dates and zones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.why_due import about, fields
from domain.due_times import Counted
from domain.obligations import Obligation
from domain.pathway import OBLIGATIONS
from domain.pathway.admission import OpenJourney
from domain.pathway.care import Care
from domain.pathway.enrolment import ConfirmEnrolment
from domain.pathway.leave import StartLeave
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.placement import DecidePlacement
from domain.pathway.reviews import CompleteReview
from domain.policy import Numbers, policy_named
from domain.sites import Calendar, Site, site_named, use_sites
from domain.state import JourneyState
from domain.values import Weekday
from domain.why_due import why_due, why_due_if
from tests.domain.walk import MONDAY, STAGES, Walk, agreed, answered, enrolled, opened, stepping_up

DAY = timedelta(days=1)


def printed(state: JourneyState, owed: Obligation) -> dict[str, str]:
    """What the command prints, as text."""
    return {name: "-" if value is None else str(value) for name, value in fields(why_due(state, owed)).items()}


def counted_again(said: dict[str, str]) -> datetime:
    """The due time from the printed words alone."""
    start = datetime.fromisoformat(said["Start"].split(", ")[-1])
    zone = ZoneInfo(said["Calendar"].split(", ")[-1])
    first, counted = start.astimezone(zone).date(), said["Counted"]
    if counted.startswith("to the end of "):
        return _midnight(date.fromisoformat(counted.rpartition(" ")[2]) + DAY, zone)
    amount, kind = int(counted.split()[0]), counted.split()[1]
    if kind == "elapsed":
        return datetime.fromtimestamp(start.timestamp(), UTC) + timedelta(seconds=3600 * amount)
    if kind == "business-days":
        passed_over = {date.fromisoformat(each) for each in re.findall(r"\d{4}-\d\d-\d\d", said["Days not counted"])}
        day = first
        while amount:
            day += DAY
            amount -= day not in passed_over
        closing = dict(each.split() for each in said["Closes"].split(", "))[f"{day:%A}".lower()]
        return datetime.combine(day, time.fromisoformat(closing), zone)
    before = said["Days at this level before"]
    days = amount * 7 - (0 if before == "-" else int(before)) if kind == "service-weeks" else amount
    return _midnight(first + days * DAY + DAY, zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


ZONES = ["America/Los_Angeles", "America/New_York", "America/Phoenix", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
MOMENTS = st.datetimes(datetime(2025, 12, 1), datetime(2028, 3, 10), timezones=st.just(UTC))  # noqa: DTZ001
DATES = st.dates(date(2025, 12, 1), date(2028, 6, 1))
CALENDARS = st.builds(
    Calendar,
    version=st.integers(1, 9),
    zone=st.sampled_from(ZONES),
    closes_at=st.dictionaries(
        st.sampled_from(Weekday), st.builds(time, st.integers(9, 23), st.integers(0, 59)), min_size=1
    ),
    holidays=st.dictionaries(DATES, st.just("a holiday"), max_size=40),
    closures=st.lists(
        st.builds(
            lambda day, days: {"first_day": day, "last_day": day + days * DAY, "reason": "flood"},
            DATES,
            st.integers(0, 20),
        ),
        max_size=2,
    ).map(tuple),
    known_until=st.just(date(2027, 12, 31)),
)
COUNTED = st.one_of(
    st.builds(Counted.hours, st.integers(1, 3000), MOMENTS),
    st.builds(Counted.calendar_days, st.integers(0, 400), MOMENTS),
    st.builds(Counted.business_days, st.integers(1, 30), MOMENTS),
    st.builds(Counted.service_weeks, st.integers(1, 52), MOMENTS, st.integers(0, 6)),
    st.builds(Counted.named, DATES, MOMENTS),
)


@given(counted=COUNTED, calendar=CALENDARS, kind=st.sampled_from(list(OBLIGATIONS.values())))
def test_counted_again_from_what_is_printed_it_is_the_time_at_which_people_are_told(
    counted: Counted, calendar: Calendar, kind: Any
) -> None:
    site = Site(id="main", title="Main site", policy="us-generic-1", calendars=(calendar,))
    terms = policy_named("us-generic-1").obligations[kind.kind]
    owed = Obligation.raised(kind, terms, 1, raised_at=counted.since, counted=counted, by=calendar)
    before, state = site_named("main"), opened().state
    use_sites([site])
    try:
        state = state.changed(admission=state.admission.changed(calendar=calendar.version))
        said = printed(state, owed)
    finally:
        use_sites([before])
    assert counted_again(said) == owed.due_at
    assert datetime.fromisoformat(said["Due"].split(", ")[-1]) == owed.due_at
    due_steps = [step.at for step in owed.escalation if step.offset == 0 and owed.due_at >= owed.raised_at]
    told_at = owed.due_at if owed.around_the_clock else calendar.in_opening_hours(owed.due_at)
    assert all(at == told_at for at in due_steps)


@pytest.mark.parametrize("stage", STAGES)
def test_every_obligation_names_its_rule_with_a_number_of_the_policy_and_its_event(stage: str) -> None:
    walk = STAGES[stage]()
    for owed in walk.state.obligations.open.values():
        said = printed(walk.state, owed)
        assert counted_again(said) == owed.due_at
        rule = owed.counted.rule
        assert rule is not None and (rule in Numbers.model_fields or rule.startswith("levels.")), owed.id
        assert said["Rule"] == f"{rule} of policy us-generic-1"
        told = about(owed, walk.record)["Source event"]
        assert isinstance(told, str) and re.match(rf"#\d+ {owed.source}: ", told)


def on(day: date) -> datetime:
    """The walk's time of day on that day, at the site."""
    zone = ZoneInfo(site_named("main").calendar.zone)
    return datetime.combine(day, MONDAY.astimezone(zone).time(), zone).astimezone(UTC)


def admitted(at: datetime) -> Walk:
    walk = Walk()
    fields_ = {"journey_id": "journey-1", "client_ref": "client-1", "site": "main", "message": "message-1"}
    walk.do(OpenJourney, **fields_, admitted_at=at)
    return walk


def begun(walk_to: Callable[[], Walk], obligation: str, kind: Any, **decision: Any) -> Callable[[datetime], Walk]:
    """A walk in which the decision that starts the clock of `obligation` was true at a given time, typed in late."""

    def walk_with(at: datetime) -> Walk:
        walk = walk_to()
        walk.now += timedelta(days=400)
        walk.do(kind, occurred_at=at, **decision)
        assert obligation in walk.owes()
        return walk

    return walk_with


def in_care(obligation: str) -> Callable[[datetime], Walk]:
    """A walk in which care began with a session at a given time, of which the journey was told late."""

    def walk_with(at: datetime) -> Walk:
        walk = agreed()
        walk.now += timedelta(days=400)
        walk.do(ConfirmEnrolment, occurred_at=at, track="evening")
        walk.attended(first_kept_at=at)
        assert obligation in walk.owes()
        return walk

    return walk_with


def elsewhere_from(at: datetime) -> Walk:
    return begun(stepping_up, "external-contact-1", ConfirmArrival, facility="Harbour Day Hospital")(at)


CHANGES: dict[str, Callable[[datetime], Walk]] = {
    "enrol-1": admitted,
    "accept-cost-1": begun(answered, "accept-cost-1", DecidePlacement, recommended="IOP", actual="IOP"),
    "first-session-1": begun(agreed, "first-session-1", ConfirmEnrolment, track="evening"),
    "review-1": in_care("review-1"),
    "continued-stay-1": in_care("continued-stay-1"),
    "team-review-1": in_care("team-review-1"),
    "recertify-1": in_care("recertify-1"),
    "draft-discharge-plan-1": in_care("draft-discharge-plan-1"),
    "complete-step-up-1": begun(enrolled, "complete-step-up-1", RequestStepUp, to="PHP", reason="worse"),
    "complete-step-down-1": begun(enrolled, "complete-step-down-1", StartStepDown, to="OP", reason="steady"),
    "external-contact-1": elsewhere_from,
    "complete-discharge-1": begun(
        enrolled, "complete-discharge-1", CompleteReview, outcome="discharge", rationale="goals met"
    ),
}


@pytest.mark.parametrize("obligation", CHANGES)
@pytest.mark.parametrize("days", [1, 9, 40, 230, 347])
def test_if_it_had_started_on_another_day_is_what_happens_when_it_did(obligation: str, days: int) -> None:
    """On Tuesday; over a holiday; a quarter; and over the end of daylight saving and the year's last holidays."""
    days = min(days, 1) if obligation == "enrol-1" else days
    day = (MONDAY + days * DAY).date()
    before, after = CHANGES[obligation](on(MONDAY.date())), CHANGES[obligation](on(day))
    told = why_due_if(before.state, before.state.obligations.open[obligation], day)
    happened = after.state.obligations.open[obligation]
    assert told.due_at == happened.due_at != before.state.obligations.open[obligation].due_at
    assert told.first_day == happened.counts_from


def test_if_the_leave_ended_on_another_day_is_what_happens_when_it_does() -> None:
    def on_leave(until: date) -> Walk:
        walk = enrolled()
        walk.do(StartLeave, until=until, category="family", reason="a funeral")
        return walk

    friday, sunday = date(2026, 3, 20), date(2026, 3, 29)
    before, after = on_leave(friday), on_leave(sunday)
    told = why_due_if(before.state, before.state.obligations.open["return-from-leave-1"], sunday)
    assert told.due_at == after.state.obligations.open["return-from-leave-1"].due_at
    assert told.due_at.astimezone(ZoneInfo("America/Los_Angeles")) == datetime(
        2026, 3, 30, tzinfo=ZoneInfo("America/Los_Angeles")
    )


def test_a_contact_made_on_another_day_moves_the_next_one_as_said() -> None:
    def contacted(days: int) -> Walk:
        walk = elsewhere_from(on(MONDAY.date()))
        walk.do(CompleteObligation, obligation="external-contact-1", note="called", occurred_at=MONDAY + days * DAY)
        return walk

    before, after = contacted(2), contacted(5)
    told = why_due_if(before.state, before.state.obligations.open["external-contact-2"], (MONDAY + 5 * DAY).date())
    assert told.due_at == after.state.obligations.open["external-contact-2"].due_at


def test_days_of_earlier_stays_and_waivers_are_named_as_what_stopped_it() -> None:
    walk = enrolled()
    walk.later(days=37)
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.later(days=20)
    walk.do(RequestStepUp, to="IOP", reason="worse")
    walk.do(ConfirmArrival)
    said = printed(walk.state, walk.state.open_of("review")[0])
    assert said["Days at this level before"] == "37" and "the interruption does not" in said["Pauses"]
    assert isinstance(walk.state.care, Care)
    external = elsewhere_from(on(MONDAY.date()))
    until = (external.now + 30 * DAY).date()
    external.do(WaiveObligation, obligation="external-contact-1", reason="daily calls", until=until)
    owed = external.state.obligations.open["external-contact-1"]
    assert f"owed again on {until}" in printed(external.state, owed)["Pauses"]
    external.later(days=30)
    owed = external.state.obligations.open["external-contact-1"]
    said = printed(external.state, owed)
    assert said["Counted"] == f"to the end of {until}" and f"waived until {until}" in said["Pauses"]
    assert counted_again(said) == owed.due_at
