"""Tracks: a client is enrolled in one that the site has, at their level, and what speaks against it is never silent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.pathway.corrections import CorrectEnrolment
from domain.pathway.crisis import RecordCrisis
from domain.pathway.discharge import Discharge
from domain.pathway.enrolment import BookFirstSession, ConfirmEnrolment, Enrolled
from domain.pathway.leave import StartLeave
from domain.pathway.move_decisions import ConfirmArrival, RequestStepUp, StartStepDown
from domain.pathway.track_change import ChangeTrack, TrackChanged
from domain.plans import Actor
from domain.sites import all_sites, site_named, use_sites
from domain.values import Role, Stage
from tests.domain.walk import ADMISSIONS, CLINICIAN, MONDAY, agreed, enrolled, unseen

CASE_MANAGER = Actor(id="case-manager-1", role=Role.CASE_MANAGER)
TELEHEALTH: dict[str, Any] = {"track": "telehealth", "telehealth": True}
LICENCE: dict[str, Any] = {**TELEHEALTH, "client_state": "TX", "exceptions": ["licence"], "reason": "moved last week"}


def test_an_unknown_track_names_those_that_can_be_chosen() -> None:
    told = agreed().refused(ConfirmEnrolment, "track-unknown", track="Thursday group with Jane")
    assert "morning, evening, telehealth" in told and "weekend" not in told and "individual" not in told
    assert "Jane" not in told, "what was typed may be about a client"


def test_a_track_of_another_level_is_refused() -> None:
    assert "individual" in agreed("OP").refused(ConfirmEnrolment, "track-of-another-level", track="evening")


def test_any_track_will_do_where_the_file_of_the_site_names_none() -> None:
    before = all_sites()
    use_sites([site_named("main").changed(tracks=())])
    try:
        walk = agreed()
        walk.do(ConfirmEnrolment, track="Tuesday group")
    finally:
        use_sites(before)
    assert walk.state.track == "Tuesday group"


def test_by_telehealth_the_state_of_the_client_is_asked_and_never_assumed() -> None:
    walk = agreed()
    assert "Ask them" in walk.refused(ConfirmEnrolment, "client-state-unknown", **TELEHEALTH)
    assert "morning" not in walk.refused(ConfirmEnrolment, "not-licensed-there", **TELEHEALTH, client_state="TX")
    walk.do(ConfirmEnrolment, **TELEHEALTH, client_state="NV")
    [event] = walk.saw(Enrolled)
    assert event.sentence().startswith("Enrolled in IOP, telehealth track, by telehealth, by admissions")


def test_in_person_no_state_is_asked() -> None:
    agreed().do(ConfirmEnrolment, track="evening")


def test_only_a_clinician_enrols_where_nobody_is_licensed() -> None:
    walk = agreed()
    walk.refused(ConfirmEnrolment, "not-licensed-there", **LICENCE, by=ADMISSIONS)
    walk.do(ConfirmEnrolment, **LICENCE, by=CLINICIAN)
    [event] = walk.saw(Enrolled)
    assert event.reason == "moved last week" and "nobody licensed in the client's state" in event.sentence()
    assert "moved" not in event.sentence()


def test_a_condition_without_a_specialist_needs_a_reason() -> None:
    walk = agreed()
    told = walk.refused(ConfirmEnrolment, "no-specialist", track="evening", condition="bipolar")
    assert "morning" in told and "not in bipolar" in told
    fields = {"track": "evening", "condition": "bipolar", "exceptions": ["condition"]}
    walk.refused(ConfirmEnrolment, "reason-missing", **fields)
    walk.do(ConfirmEnrolment, **fields, reason="cannot come in the morning")
    assert "no specialist in the condition" in walk.saw(Enrolled)[0].sentence()


def test_one_exception_is_not_another() -> None:
    wanted = {"track": "evening", "condition": "bipolar", "exceptions": ["hours"], "reason": "works until five"}
    agreed().refused(ConfirmEnrolment, "no-specialist", **wanted)


@pytest.mark.parametrize(
    ("track", "at", "meets"),
    [
        ("morning", MONDAY, True),  # Monday, 10:00 in Los Angeles
        ("evening", MONDAY, False),
        ("evening", MONDAY + timedelta(hours=7, minutes=30), True),
        ("evening", MONDAY + timedelta(hours=10, minutes=30), False),  # 20:30 is its end
        ("morning", MONDAY + timedelta(days=1), False),  # Tuesday
        ("morning", MONDAY + timedelta(days=70), False),  # Memorial Day
    ],
)
def test_a_first_session_is_when_the_track_meets(track: str, at: Any, meets: bool) -> None:
    walk = agreed()
    if meets:
        walk.do(ConfirmEnrolment, track=track, first_session_at=at)
        return
    fields = {"track": track, "first_session_at": at}
    assert "The track meets" in walk.refused(ConfirmEnrolment, "track-does-not-meet-then", **fields)
    walk.do(ConfirmEnrolment, **fields, exceptions=["hours"], reason="an intake talk before the group")


def test_a_first_session_booked_later_is_checked_too() -> None:
    walk = unseen()
    tuesday = MONDAY + timedelta(days=1)
    walk.refused(BookFirstSession, "track-does-not-meet-then", first_session_at=tuesday)
    walk.do(BookFirstSession, first_session_at=tuesday, reason="an intake talk before the group")
    walk.do(BookFirstSession, first_session_at=tuesday + timedelta(hours=8))


def test_a_place_is_taken_until_the_client_is_at_another_level_or_discharged() -> None:
    walk = enrolled()
    assert walk.state.track == "evening"
    walk.do(StartLeave, until=(MONDAY + timedelta(days=5)).date(), category="family", reason="a wedding")
    assert walk.state.track == "evening"
    walk.do(StartStepDown, to="OP", reason="steady")
    assert walk.state.track == "evening", "they are there until they arrive"
    walk.do(ConfirmArrival)
    assert walk.state.track is None
    walk = enrolled()
    walk.do(Discharge, reason="goals-met")
    assert walk.state.track is None


def test_a_client_who_moved_is_given_a_track_there() -> None:
    walk = enrolled()
    walk.do(StartStepDown, to="OP", reason="steady")
    walk.do(ConfirmArrival)
    walk.refused(ChangeTrack, "track-of-another-level", track="evening")
    [event] = walk.do(ChangeTrack, track="individual", by=CASE_MANAGER)
    assert walk.state.track == "individual"
    assert event.sentence() == "Changed to the individual track, OP, by case-manager case-manager-1"
    walk.do(RequestStepUp, to="IOP", reason="worse")
    assert walk.state.track == "individual", "they are there until they arrive"
    walk.do(ConfirmArrival)
    assert walk.state.track is None


def test_a_change_of_track_asks_what_an_enrolment_asks() -> None:
    walk = enrolled()
    walk.refused(ChangeTrack, "track-held", track="evening")
    walk.refused(ChangeTrack, "client-state-unknown", **TELEHEALTH)
    walk.refused(ChangeTrack, "not-licensed-there", **LICENCE, by=CASE_MANAGER)
    walk.refused(ChangeTrack, "reason-missing", **{**LICENCE, "reason": None}, by=CLINICIAN)
    walk.do(ChangeTrack, **LICENCE, by=CLINICIAN)
    [event] = walk.saw(TrackChanged)
    assert (event.before, event.track, event.reason) == ("evening", "telehealth", LICENCE["reason"])
    assert event.sentence().startswith(
        "Changed from the evening track to the telehealth track, IOP, by telehealth, though"
    )


def test_before_the_first_session_another_track_must_meet_when_it_is_booked() -> None:
    walk = unseen()
    tuesday_evening = MONDAY + timedelta(days=1, hours=8)
    walk.do(BookFirstSession, first_session_at=tuesday_evening)
    walk.refused(ChangeTrack, "track-does-not-meet-then", track="morning")
    walk.do(ChangeTrack, track="morning", exceptions=["hours"], reason="starts with an evening once")
    walk.attended(first_kept_at=walk.now)
    assert walk.is_at(Stage.ACTIVE) and walk.state.track == "morning"


def test_a_place_stays_taken_during_a_crisis_and_is_free_after_a_correction() -> None:
    walk = enrolled()
    walk.do(RecordCrisis, place="emergency-department", reason="panic at work")
    assert walk.is_at(Stage.EXTERNAL) and walk.state.track == "evening"
    walk = unseen()
    walk.do(CorrectEnrolment, reason="another client's", by=ADMISSIONS)
    assert walk.state.track is None


def test_a_decision_sent_again_is_answered_whatever_the_file_says_by_then() -> None:
    walk = agreed()
    walk.do(ConfirmEnrolment, id="once", track="evening")
    before = all_sites()
    use_sites([site_named("main").changed(tracks=())])
    try:
        assert walk.do(ConfirmEnrolment, id="once", track="evening") == ()
    finally:
        use_sites(before)


def test_clinicians_may_enrol_and_case_managers_may_not() -> None:
    assert Role.CLINICIAN in ConfirmEnrolment.declared.by and Role.CASE_MANAGER not in ConfirmEnrolment.declared.by


# ---- work, study and family -----------------------------------------------------------------------------------

EVENINGS = ("mon 17:00-21:00", "tue 17:00-21:00", "thu 17:30-20:30")


def test_a_track_that_meets_when_the_client_cannot_come_names_those_that_fit() -> None:
    walk = agreed()
    told = walk.refused(ConfirmEnrolment, "client-cannot-come-then", track="morning", can_come=EVENINGS)
    assert "evening" in told and "telehealth" not in told and "waitlist" in told
    walk.do(ConfirmEnrolment, track="evening", can_come=EVENINGS)
    [event] = walk.saw(Enrolled)
    assert event.can_come == EVENINGS


@pytest.mark.parametrize(
    "can_come",
    [
        ("mon 17:00-21:00", "tue 17:00-21:00"),  # not on Thursday
        ("mon 17:45-21:00", *EVENINGS[1:]),  # later on Monday
        ("mon 17:00-19:00", "mon 19:15-21:00", *EVENINGS[1:]),  # not in between
    ],
)
def test_the_client_must_be_free_for_the_whole_of_each_meeting(can_come: tuple[str, ...]) -> None:
    walk = agreed()
    walk.refused(ConfirmEnrolment, "client-cannot-come-then", track="evening", can_come=can_come)
    fields = {"track": "evening", "can_come": can_come, "exceptions": ["availability"]}
    walk.refused(ConfirmEnrolment, "reason-missing", **fields)
    walk.do(ConfirmEnrolment, **fields, reason="the employer agrees from May on")
    assert "cannot come to all of it" in walk.saw(Enrolled)[0].sentence()


def test_times_that_meet_are_one_time() -> None:
    can_come = ("mon 19:00-21:00", "mon 17:00-19:00", *EVENINGS[1:])
    agreed().do(ConfirmEnrolment, track="evening", can_come=can_come)


def test_for_appointments_one_day_on_which_the_client_is_free_will_do() -> None:
    agreed("OP").do(ConfirmEnrolment, track="individual", can_come=("fri 08:00-09:00",))
    walk = agreed("OP")
    walk.refused(ConfirmEnrolment, "client-cannot-come-then", track="individual", can_come=("sat 08:00-12:00",))
    walk.refused(ConfirmEnrolment, "client-cannot-come-then", track="individual", can_come=("fri 18:00-20:00",))


def test_who_changes_track_is_asked_the_same() -> None:
    walk = enrolled()
    held = walk.state.enrolment.track
    other = next(each for each in ("evening", "morning") if each != held)
    walk.refused(ChangeTrack, "client-cannot-come-then", track=other, can_come=("sun 09:00-10:00",))


@pytest.mark.parametrize("wrong", ["monday 17:00-21:00", "mon 9:00-17:00", "mon 21:00-17:00", "mon 17:00-24:00"])
def test_a_time_that_cannot_be_read_says_how_to_write_one(wrong: str) -> None:
    with pytest.raises(ValidationError, match="such as mon 09:00-17:00"):
        ConfirmEnrolment(id="c", by=ADMISSIONS, track="evening", can_come=(wrong,))
