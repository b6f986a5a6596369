"""What follows from sessions: care begins, missed sessions are answered, and nobody is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands import Decision
from domain.pathway.attendance import NoteAttendance, RecordOutreach
from domain.pathway.corrections import CorrectEnrolment
from domain.pathway.crisis import EndCrisis, RecordCrisis
from domain.pathway.death import CorrectDeath, RecordDeath
from domain.pathway.discharge import Discharge
from domain.pathway.enrolment import BookFirstSession, ConfirmEnrolment
from domain.pathway.leave import EndLeave, StartLeave
from domain.pathway.move_decisions import StartStepDown
from domain.pathway.obligation_decisions import CompleteObligation, WaiveObligation
from domain.pathway.obligation_events import ObligationEscalated
from domain.pathway.reviews import CompleteReview
from domain.pathway.withdrawal import RecordWithdrawal, TakeBackWithdrawal
from domain.sessions.attendance import attendance_of
from domain.sessions.facts import Entry
from domain.values import Role, Stage
from tests.domain.strategies import ENTRIES
from tests.domain.test_sessions import entries, session
from tests.domain.walk import DIRECTOR, MONDAY, Walk, agreed, unseen

DAY = timedelta(days=1)


def tell(walk: Walk, made: list[Entry]) -> None:
    """The journey is told of these entries, as the program that follows the record does."""
    walk.do(NoteAttendance, entries=walk.state.attendance.entries + 1, known=attendance_of(made))


def standing(walk: Walk) -> tuple[object, ...]:
    """Where the journey stands, without the numbers of what is owed."""
    owed = sorted((each.kind, each.due_at, each.owner) for each in walk.state.obligations.open.values())
    stays = tuple((each.level, each.since, each.until) for each in walk.state.care.stays)
    return walk.state.stage, stays, owed, walk.state.attendance.known


def at(walk: Walk) -> str:
    return walk.state.stage.value


def owes(walk: Walk, kind: str) -> bool:
    return bool(walk.state.open_of(kind))


def told(walk: Walk, kind: str) -> list[Role]:
    return [each.to for each in walk.saw(ObligationEscalated) if each.obligation.startswith(f"{kind}-")]


def test_care_begins_with_the_first_session_the_client_comes_to() -> None:
    walk = unseen()
    assert at(walk) == "ENROLLED" and walk.state.level is None
    assert not owes(walk, "review") and not owes(walk, "draft-discharge-plan")
    walk.later(days=2)
    tell(walk, entries(session("a", "kept", 1)))
    assert at(walk) == "ACTIVE"
    assert walk.state.level_since == MONDAY + DAY
    assert owes(walk, "review") and owes(walk, "draft-discharge-plan") and not owes(walk, "first-session")


def test_a_client_who_is_enrolled_and_never_comes_is_noticed_within_days() -> None:
    walk = unseen()
    walk.later(days=9)
    assert walk.state.stage is Stage.ENROLLED
    assert told(walk, "first-session")[:2] == [Role.CASE_MANAGER, Role.CLINICIAN]
    walk.later(days=5)
    assert Role.SUPERVISOR in told(walk, "first-session")


def test_a_booked_first_session_is_expected_on_its_day_and_can_be_booked_anew() -> None:
    walk = agreed()
    walk.do(ConfirmEnrolment, track="morning", first_session_at=MONDAY + 2 * DAY)
    [owed] = walk.state.open_of("first-session")
    assert walk.state.calendar.local_date(owed.due_at - timedelta(seconds=1)) == (MONDAY + 2 * DAY).date()
    walk.later(days=3)
    walk.refused(BookFirstSession, "session-in-the-past", first_session_at=MONDAY)
    walk.do(BookFirstSession, first_session_at=MONDAY + 4 * DAY)
    [owed] = walk.state.open_of("first-session")
    assert not owed.is_overdue(walk.now) and walk.state.enrolment.first_session_at == MONDAY + 4 * DAY


def test_a_session_before_the_enrolment_counts_from_the_enrolment() -> None:
    walk = agreed()
    walk.later(days=1)
    tell(walk, entries(session("a", "kept")))
    assert at(walk) == "ENROLLING"
    walk.do(ConfirmEnrolment, track="evening")
    assert at(walk) == "ACTIVE" and walk.state.level_since == walk.now


@pytest.mark.parametrize("away", ["crisis", "withdrawal"])
def test_who_came_while_they_were_thought_to_be_away_is_in_care_once_they_are_back(away: str) -> None:
    walk = unseen()
    if away == "crisis":
        walk.do(RecordCrisis, place="emergency-department", reason="at night")
    else:
        walk.do(RecordWithdrawal, reason="client-withdrew", initiator="client", risk="unknown")
    walk.later(days=2)
    tell(walk, entries(session("a", "kept", 1)))
    assert at(walk) in ("EXTERNAL", "DISENGAGED")
    if away == "crisis":
        walk.do(EndCrisis, safety_rechecked=True, note="home")
    else:
        walk.do(TakeBackWithdrawal, reason="comes after all")
    assert at(walk) == "ACTIVE"


def test_there_are_ways_out_for_a_client_who_is_enrolled_and_not_seen() -> None:
    walk = unseen()
    walk.do(CorrectEnrolment, reason="another client")
    assert at(walk) == "ENROLLING" and not owes(walk, "first-session")
    walk.do(ConfirmEnrolment, track="evening")
    walk.do(RecordWithdrawal, reason="client-declined", initiator="client", risk="low")
    assert at(walk) == "WITHDRAWN" and not walk.state.obligations.open


def test_a_first_session_entered_in_error_takes_back_exactly_what_it_caused() -> None:
    walk = unseen()
    before = standing(walk)
    made = entries(session("a", "kept", 0), session("a", "entered-in-error", 0))
    tell(walk, made[:1])
    assert walk.state.stage is Stage.ACTIVE
    tell(walk, made)
    assert standing(walk) == before


def test_a_first_session_at_another_time_moves_the_start_of_care_and_all_that_counts_from_it() -> None:
    walk, straight = unseen(), unseen()
    for each in (walk, straight):
        each.later(days=4)
    made = entries(session("a", "kept", 3), session("b", "kept", 1))
    tell(walk, made[:1])
    tell(walk, made)
    tell(straight, made)
    assert standing(walk) == standing(straight)
    assert walk.state.level_since == MONDAY + DAY


def test_the_start_of_care_follows_the_first_session_however_often_it_is_corrected() -> None:
    walk, straight = unseen(), unseen()
    for each in (walk, straight):
        each.later(days=5)
    made = entries(*(session(f"s-{day}", "kept", day) for day in (4, 3, 2, 1)), session("s-1", "no-show", 1))
    for number in range(1, len(made) + 1):
        tell(walk, made[:number])
    tell(straight, made)
    assert standing(walk) == standing(straight)
    assert walk.state.level_since == MONDAY + 2 * DAY and not owes(walk, "check-care-start")


def test_after_a_review_a_person_finds_out_when_care_began_until_it_is_as_recorded_again() -> None:
    walk = unseen()
    made = entries(session("a", "kept", 0), session("a", "no-show", 0), session("a", "kept", 0))
    tell(walk, made[:1])
    walk.later_with_the_team(days=40)
    walk.do(CompleteReview, outcome="continue", rationale="progress")
    tell(walk, made[:2])
    assert owes(walk, "check-care-start") and walk.state.level_since == MONDAY
    tell(walk, made)
    assert not owes(walk, "check-care-start")


def test_once_more_has_happened_in_care_a_person_finds_out_when_it_began() -> None:
    walk = unseen()
    tell(walk, entries(session("a", "kept", 0)))
    walk.later(days=3)
    walk.do(StartStepDown, to="OP", reason="gentler is enough")
    tell(walk, entries(session("a", "no-show", 0), session("b", "kept", 2)))
    assert walk.state.stage is Stage.TRANSITION and walk.state.level_since == MONDAY
    assert owes(walk, "check-care-start")


def test_two_missed_in_a_row_are_reached_and_three_are_a_clinicians_to_decide() -> None:
    walk = unseen("OP")
    made = entries(session("a", "kept"), *(session(f"m{number}", "no-show", number) for number in (1, 2, 3)))
    walk.later(days=4)
    tell(walk, made[:2])
    assert not owes(walk, "reach-out")
    tell(walk, made[:3])
    assert owes(walk, "reach-out") and not owes(walk, "resolve-disengagement")
    tell(walk, made)
    assert owes(walk, "resolve-disengagement")
    tell(walk, [*made, *entries(*[session("b", "kept", 3.5)] * 5)[4:]])
    assert not owes(walk, "reach-out") and not owes(walk, "resolve-disengagement")


def test_a_client_whose_risk_is_not_known_to_be_low_has_a_clinician_paged_at_once() -> None:
    walk = unseen()
    tell(walk, entries(session("a", "kept")))
    walk.state = walk.state.changed(screening=walk.state.screening.changed(risk="raised"))
    walk.later(days=4)
    made = entries(session("a", "kept"), *(session(f"m{number}", "no-show", number) for number in (1, 2, 3)))
    tell(walk, made)
    walk.later(minutes=1)
    assert Role.CLINICIAN in told(walk, "resolve-disengagement")


def missed_two() -> Walk:
    walk = unseen()
    tell(walk, entries(session("a", "kept")))
    walk.later(days=3)
    tell(walk, entries(session("a", "kept"), session("b", "no-show", 1), session("c", "no-show", 2)))
    return walk


@pytest.mark.parametrize(
    ("outcome", "reached", "decide"),
    [
        ("coming-back", True, False),
        ("undecided", True, False),
        ("wants-to-stop", True, True),
        ("message-left", False, False),
        ("no-answer", False, False),
        ("wrong-contact", False, False),
    ],
)
def test_an_attempt_counts_only_if_the_client_was_reached(outcome: str, reached: bool, decide: bool) -> None:
    walk = missed_two()
    walk.do(RecordOutreach, outcome=outcome)
    assert owes(walk, "reach-out") is not reached
    assert owes(walk, "resolve-disengagement") is decide
    assert walk.state.attendance.attempts == 1


def test_there_is_nothing_to_reach_out_about_while_the_client_comes() -> None:
    walk = unseen()
    tell(walk, entries(session("a", "kept")))
    walk.refused(RecordOutreach, "nothing-missed", outcome="no-answer")


def test_a_client_on_leave_is_not_chased_and_is_expected_again_afterwards() -> None:
    walk = missed_two()
    walk.do(StartLeave, until=(walk.now + 5 * DAY).date(), category="family", reason="a funeral")
    assert not owes(walk, "reach-out") and not owes(walk, "see-client")
    walk.later(days=2)
    walk.do(EndLeave)
    assert owes(walk, "see-client")


def test_a_client_who_simply_no_longer_comes_is_noticed_though_no_session_was_planned() -> None:
    walk = unseen()
    tell(walk, entries(session("a", "kept", noted=True)))
    walk.later(days=30)
    assert Role.CASE_MANAGER in told(walk, "see-client") and Role.CLINICIAN in told(walk, "see-client")


@pytest.mark.parametrize("ended", ["complete", "waive"])
def test_who_was_seen_to_by_hand_is_waited_for_anew(ended: str) -> None:
    walk = unseen()
    tell(walk, entries(session("a", "kept", noted=True)))
    walk.later(days=12)
    if ended == "complete":
        walk.do(CompleteObligation, obligation="see-client-1", note="called; comes on Monday")
    else:
        walk.do(WaiveObligation, obligation="see-client-1", reason="called; comes on Monday")
    [owed] = walk.state.open_of("see-client")
    assert (owed.id, owed.counted.since) == ("see-client-2", walk.now)
    tell(walk, entries(session("a", "kept", noted=True), session("b", "kept", 11, noted=True)))
    assert len(walk.state.open_of("see-client")) == 1


def test_every_week_in_which_they_come_moves_that_on() -> None:
    walk = unseen()
    made = [session("a", "kept", noted=True)]
    tell(walk, entries(*made))
    for week in range(1, 6):
        walk.later(days=7)
        made.append(session(f"w{week}", "kept", week * 7, noted=True))
        tell(walk, entries(*made))
    assert told(walk, "see-client") == []


def test_a_session_without_its_note_is_open_work_also_after_care() -> None:
    walk = unseen()
    tell(walk, entries(session("a", "kept")))
    assert owes(walk, "write-progress-note")
    walk.do(Discharge, reason="moved")
    assert owes(walk, "write-progress-note")
    tell(walk, entries(session("a", "kept", noted=True)))
    assert not owes(walk, "write-progress-note")


Asked = tuple[type[Decision], dict[str, Any]]
AWAY_AND_BACK: dict[str, tuple[Asked, Asked]] = {
    "crisis": (
        (RecordCrisis, {"place": "emergency-department", "reason": "at night"}),
        (EndCrisis, {"safety_rechecked": True, "note": "home"}),
    ),
    "withdrawal": (
        (RecordWithdrawal, {"reason": "client-withdrew", "initiator": "client", "risk": "unknown"}),
        (TakeBackWithdrawal, {"reason": "comes after all"}),
    ),
    "death": ((RecordDeath, {"source": "a caller"}), (CorrectDeath, {"reason": "another client", "by": DIRECTOR})),
}


@pytest.mark.parametrize("away", AWAY_AND_BACK)
def test_the_first_session_is_not_owed_once_they_came_while_they_were_thought_to_be_away(away: str) -> None:
    (leave, left), (back, returned) = AWAY_AND_BACK[away]
    walk = unseen()
    walk.do(leave, **left)
    walk.later(days=2)
    tell(walk, entries(session("a", "kept", 1, noted=True)))
    walk.do(back, **returned)
    assert at(walk) == "ACTIVE" and walk.state.level_since == MONDAY + DAY
    assert not owes(walk, "first-session") and not walk.state.suspension.waiting


def test_an_enrolment_typed_in_after_the_first_session_begins_care_with_that_session() -> None:
    walk = agreed()
    enrolled_at = walk.now
    walk.later(days=4)
    tell(walk, entries(session("a", "kept", 2)))
    walk.do(ConfirmEnrolment, track="evening", occurred_at=enrolled_at)
    assert at(walk) == "ACTIVE" and walk.state.level_since == MONDAY + 2 * DAY


def test_who_wants_to_stop_is_a_clinicians_to_decide_about_until_they_come_again() -> None:
    walk = missed_two()
    walk.do(RecordOutreach, outcome="wants-to-stop")
    made = [session("a", "kept", noted=True), session("b", "no-show", 1), session("c", "no-show", 2)]
    tell(walk, entries(*made))
    assert owes(walk, "resolve-disengagement"), "that a note is written changes nothing"
    tell(walk, entries(*made, session("d", "kept", 3)))
    assert not owes(walk, "resolve-disengagement")


def test_the_same_sessions_are_answered_once_and_another_one_missed_is_answered_again() -> None:
    walk = missed_two()
    walk.do(RecordOutreach, outcome="coming-back")
    made = [session("a", "kept", noted=True), session("b", "no-show", 1), session("c", "no-show", 2)]
    tell(walk, entries(*made))
    assert not owes(walk, "reach-out")
    tell(walk, entries(*made, session("d", "no-show", 3)))
    assert owes(walk, "reach-out") and owes(walk, "resolve-disengagement")


def test_a_client_who_misses_sessions_before_a_move_is_reached_and_seen_as_before() -> None:
    walk = missed_two()
    walk.do(StartStepDown, to="OP", reason="gentler is enough")
    walk.do(RecordOutreach, outcome="coming-back")
    assert not owes(walk, "reach-out")
    walk.later(days=7)
    tell(walk, entries(session("a", "kept", noted=True), session("d", "kept", 8, noted=True)))
    [owed] = walk.state.open_of("see-client")
    assert owed.counted.since == walk.state.calendar.day_begins((MONDAY + 7 * DAY).date())


def test_what_is_missed_or_made_good_during_a_crisis_is_followed_after_it() -> None:
    first = session("a", "kept", noted=True)
    missed = [session("b", "no-show", 1), session("c", "no-show", 2)]
    came_during, missed_during = missed_two(), unseen()
    tell(missed_during, entries(first))
    missed_during.later(days=3)
    for walk, made in (
        (came_during, [first, *missed, session("d", "kept", 4, noted=True)]),
        (missed_during, [first, *missed]),
    ):
        walk.do(RecordCrisis, place="emergency-department", reason="at night")
        walk.later(days=2)
        tell(walk, entries(*made))
        assert not owes(walk, "reach-out")
        walk.do(EndCrisis, safety_rechecked=True, note="home")
    assert not owes(came_during, "reach-out") and owes(missed_during, "reach-out")


def test_what_is_older_or_known_changes_nothing() -> None:
    walk = unseen()
    later = attendance_of(entries(session("a", "kept")))
    walk.do(NoteAttendance, entries=5, known=later)
    assert walk.do(NoteAttendance, entries=4, known=attendance_of([])) == ()
    assert walk.do(NoteAttendance, entries=6, known=later) == ()


def in_care() -> tuple[Walk, list[Any]]:
    walk = unseen()
    first = session("first", "kept", -0.5)
    tell(walk, entries(first))
    walk.later(days=32)
    return walk, entries(first)


@given(ENTRIES, st.data())
@settings(deadline=None)
def test_any_order_and_repetition_of_the_same_facts_gives_the_same_journey(
    made: list[Entry], data: st.DataObject
) -> None:
    one, first = in_care()
    other, _ = in_care()
    for number in range(len(made)):
        tell(one, [*first, *made[: number + 1]])
    shuffled = data.draw(st.permutations([*made, *made[:2]]))
    for number in range(len(shuffled)):
        tell(other, [*first, *shuffled[: number + 1]])
    assert standing(one) == standing(other)


@given(ENTRIES, st.sampled_from(["kept", "no-show", "late-cancel"]), st.integers(0, 31))
@settings(deadline=None)
def test_a_correction_takes_back_exactly_what_it_caused(made: list[Entry], outcome: str, day: int) -> None:
    walk, first = in_care()
    tell(walk, [*first, *made])
    before = standing(walk)
    wrong, mended = entries(session("wrong", outcome, day), session("wrong", "entered-in-error", day))
    tell(walk, [*first, *made, wrong])
    tell(walk, [*first, *made, wrong, mended])
    assert standing(walk) == before
